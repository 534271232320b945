package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// Command is the hidden subcommand of the binary that runs Serve; Start calls it.
const Command = "clickhouse-engine"

// The child inherits its listeners, so that its addresses outlive it.
const (
	listenerFile         = 3
	readOnlyListenerFile = 4
)

// drainTime is how long the child waits for running statements when its parent asks it to stop, with a line on
// stdin. When stdin just ends, the parent is dead and its statements are of no use to anybody.
const drainTime = 5 * time.Second

const stopLine = "stop\n"

// greeting is the child's one line on stdout.
type greeting struct {
	Address   string `json:"address,omitempty"`
	Error     string `json:"error,omitempty"`
	Locked    bool   `json:"locked,omitempty"`
	NoLibrary bool   `json:"no_library,omitempty"`
}

// Serve is the child process: it reads its order, one line of JSON, from stdin, opens the engine, writes its
// address on stdout and serves until it is told to stop or stdin ends. Only the parent holds the other
// end of stdin, so that the child ends with its parent, whatever ended that. Signals are the parent's business.
func Serve(ctx context.Context, stdin io.Reader, stdout io.Writer, log *slog.Logger) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("engine: serve: read order: %w", err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("engine: serve: read order: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var drain atomic.Int64
	go func() {
		if line, err := in.ReadString('\n'); err == nil && line == stopLine {
			drain.Store(int64(drainTime))
		}
		cancel()
	}()
	served, err := serve(ctx, o, &drain, func(address net.Addr) error {
		return json.NewEncoder(stdout).Encode(greeting{Address: "http://" + address.String()})
	})
	if err != nil && !served {
		g := greeting{Error: err.Error(), Locked: errors.Is(err, ErrLocked), NoLibrary: errors.Is(err, ErrNoLibrary)}
		return errors.Join(err, json.NewEncoder(stdout).Encode(g))
	}
	if err != nil {
		log.Error("embedded ClickHouse ended", "error", err)
	}
	return err
}

// serve opens the engine and serves it until ctx ends; served says whether it came up.
func serve(ctx context.Context, o order, drain *atomic.Int64, greet func(net.Addr) error) (served bool, err error) {
	listener, err := inherited(listenerFile)
	if err != nil {
		return false, err
	}
	servers := []*http.Server{}
	e, err := Open(ctx, o.Config)
	if err != nil {
		return false, err
	}
	failed := make(chan error, 2)
	start := func(l net.Listener, h http.Handler) {
		s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 10 * time.Minute, MaxHeaderBytes: 1 << 20}
		servers = append(servers, s)
		go func() { failed <- s.Serve(l) }()
	}
	start(listener, e.Handler())
	if o.ReadOnly {
		l, err := inherited(readOnlyListenerFile)
		if err != nil {
			return false, err
		}
		start(l, e.ReadOnlyHandler())
	}
	if err := greet(listener.Addr()); err != nil {
		return true, fmt.Errorf("engine: serve: %w", err)
	}
	select {
	case err = <-failed:
		err = fmt.Errorf("engine: serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), time.Duration(drain.Load()))
	defer cancel()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(last))
	}
	return true, errors.Join(err, e.Close(last))
}

func inherited(file uintptr) (net.Listener, error) {
	f := os.NewFile(file, "listener")
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("engine: serve: inherit listener: %w", err)
	}
	return l, f.Close()
}
