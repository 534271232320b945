package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/services/client"
)

// maxLine is the longest line that is read. RFC 5321 has 1,000, and programs that write HTML do not know.
const maxLine = 256 << 10

// Server takes mail.
type Server struct {
	config  Config
	log     *slog.Logger
	metrics *metrics
	doors   map[string]*client.Client // by workspace
	large   chan struct{}
	smtp    net.Listener // nil without
	lmtp    net.Listener
}

// NewServer listens: from now on clients can connect, and are answered once Run runs.
func NewServer(c Config) (_ *Server, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: c, log: c.Logger, doors: map[string]*client.Client{}, large: make(chan struct{}, c.LargeMails)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for name, door := range c.Doors {
		if door.HTTP == nil {
			t := http.DefaultTransport.(*http.Transport).Clone()
			t.MaxIdleConnsPerHost, t.MaxIdleConns = 2*c.MaxConnections, 0
			door.HTTP = &http.Client{Transport: t}
		}
		if s.doors[name], err = client.New(door); err != nil {
			return nil, err
		}
	}
	if s.smtp, err = listen(c.SMTP); err != nil {
		return nil, err
	}
	if s.lmtp, err = listen(c.LMTP); err != nil {
		if s.smtp != nil {
			_ = s.smtp.Close()
		}
		return nil, err
	}
	s.metrics = newMetrics(c.Registerer)
	return s, nil
}

func listen(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	network := "tcp"
	if filepath.IsAbs(address) || strings.HasPrefix(address, "./") {
		network = "unix"
		if err := removeDead(address); err != nil {
			return nil, fmt.Errorf("mail: listen: %w", err)
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("mail: listen: %w", err)
	}
	return l, nil
}

// removeDead removes a socket that a killed server has left and nobody answers at; it would be in the way for ever.
func removeDead(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return nil // listening says what is wrong, if anything is
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return nil
	}
	return os.Remove(path)
}

// SMTPAddr is where SMTP is spoken; empty when it is not.
func (s *Server) SMTPAddr() string { return addressOf(s.smtp) }

// LMTPAddr is where LMTP is spoken; empty when it is not.
func (s *Server) LMTPAddr() string { return addressOf(s.lmtp) }

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Run takes mail until ctx ends. Then mails under way are finished, and who connects is told to come back.
func (s *Server) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	for _, l := range []net.Listener{s.smtp, s.lmtp} {
		if l != nil {
			group.Go(func() error { return s.serve(running, l, l == s.lmtp) })
		}
	}
	return group.Wait()
}

func (s *Server) serve(ctx context.Context, l net.Listener, lmtp bool) error {
	c := s.config
	// What is under way when ctx ends is still delivered.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	p := smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		s.metrics.connections.Inc()
		return &session{server: s, work: work, closing: ctx, conn: conn}, nil
	}))
	p.LMTP, p.Domain, p.TLSConfig, p.EnableSMTPUTF8 = lmtp, c.Name, c.TLS, true
	p.MaxRecipients, p.MaxMessageBytes, p.MaxLineLength = c.MaxRecipients, int64(c.Rules.Limits.Size), maxLine
	p.ReadTimeout, p.WriteTimeout = c.Idle, c.Idle
	p.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	served := make(chan error, 1)
	go func() { served <- p.Serve(netutil.LimitListener(l, c.MaxConnections)) }()
	select {
	case err := <-served:
		return fmt.Errorf("mail: serve: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(work, c.Drain)
	defer cancel()
	s.drain(drain)
	if err := p.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("mail: close: %w", err)
	}
	_ = l.Close() // what had not begun to serve it did not close it either
	<-served
	return nil
}

// drain waits until no mail is under way. Connections that only rest are not waited for: mail servers keep them open.
func (s *Server) drain(ctx context.Context) {
	for s.metrics.underWay() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}
