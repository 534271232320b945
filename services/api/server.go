package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config configures a Server. Start from DefaultConfig.
type Config struct {
	Listen string // host:port; port 0 takes a free one

	// MaxConnections bounds connections. When that many are open, one that is idle makes room for a new one.
	MaxConnections int
	// HeaderTimeout is how long a client may take to send a request's header; it also bounds a new connection that
	// sends nothing.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection may rest between two requests.
	IdleTimeout time.Duration
	// WriteTimeout is how long an answer may take, from the request's header on.
	WriteTimeout time.Duration
	// DrainTimeout is how long requests under way may go on after the server was told to stop.
	DrainTimeout   time.Duration
	MaxHeaderBytes int

	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil discards
}

// DefaultConfig takes 16,384 connections on a free port of the loopback interface.
func DefaultConfig() Config {
	return Config{
		Listen:         "127.0.0.1:0",
		MaxConnections: 16_384,
		HeaderTimeout:  10 * time.Second,
		IdleTimeout:    2 * time.Minute,
		WriteTimeout:   2 * time.Minute,
		DrainTimeout:   15 * time.Second,
		MaxHeaderBytes: 64 << 10,
	}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("api: listen %q is not host:port: %w", c.Listen, err)
	}
	switch {
	case c.MaxConnections <= 0:
		return errors.New("api: max connections must be positive")
	case c.HeaderTimeout <= 0 || c.IdleTimeout <= 0 || c.WriteTimeout <= 0 || c.DrainTimeout <= 0:
		return errors.New("api: timeouts must be positive, or a client could hold a connection for ever")
	case c.MaxHeaderBytes < 4<<10:
		return errors.New("api: max header bytes must be at least 4 KiB")
	}
	return nil
}

// Server is an HTTP server that slow, half-open and idle clients cannot exhaust.
type Server struct {
	config   Config
	listener net.Listener
	http     *http.Server
}

// NewServer listens: from now on clients can connect, and are answered once Run runs.
func NewServer(c Config, h http.Handler) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("api: listen: %w", err)
	}
	m := newMetrics(c.Registerer)
	conns := newConnections(c.MaxConnections, m.connections)
	return &Server{
		config:   c,
		listener: &boundedListener{Listener: l, conns: conns},
		http: &http.Server{
			Handler:           m.measured(h),
			ReadHeaderTimeout: c.HeaderTimeout,
			IdleTimeout:       c.IdleTimeout,
			WriteTimeout:      c.WriteTimeout,
			MaxHeaderBytes:    c.MaxHeaderBytes,
			ConnState:         conns.state,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run answers until ctx ends, then drains: requests under way are finished, new connections refused.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("api: serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.DrainTimeout)
	defer cancel()
	if err := s.http.Shutdown(drain); err != nil {
		s.http.Close()
		return fmt.Errorf("api: drain: %w", err)
	}
	<-served
	return nil
}
