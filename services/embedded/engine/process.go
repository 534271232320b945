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
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// ProcessConfig says how to run the engine in a child process.
type ProcessConfig struct {
	Config
	// Listen is the address of the interface with all rights; keep it on the loopback.
	Listen string
	// ReadOnlyListen is the address of the interface for BI tools; empty means none.
	ReadOnlyListen string
	// StartTime bounds one start of the child, until it answers.
	StartTime time.Duration
	// Executable is run with the argument Command; empty means the running binary.
	Executable string
}

// DefaultProcessConfig listens on a free port of the loopback.
func DefaultProcessConfig() ProcessConfig {
	return ProcessConfig{Config: DefaultConfig(), Listen: "127.0.0.1:0", StartTime: time.Minute}
}

// Validate reports the first field out of its range.
func (c ProcessConfig) Validate() error {
	if c.Listen == "" || c.StartTime <= 0 {
		return errors.New("engine: Listen and StartTime must be set")
	}
	return c.Config.Validate()
}

// order is what the child is told.
type order struct {
	Config   Config
	ReadOnly bool
}

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
	// A child that ran this long did not die of what it met at its start.
	healthyTime = time.Second
	// A child that does not come up this many times in a row is given up.
	maxFailures = 10
)

// Process keeps a child process with the engine running. The parent holds the listeners: while the child is
// down, connections wait in their queues instead of being refused, and the address never changes.
type Process struct {
	config    ProcessConfig
	log       *slog.Logger
	listeners []*os.File
	addresses []net.Addr

	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed

	mu    sync.Mutex
	child *child
}

// Start runs the engine and returns when it answers. It returns ErrNoLibrary or ErrLocked when there is no
// point in trying again. The process ends with ctx or Stop.
func Start(ctx context.Context, c ProcessConfig, log *slog.Logger) (*Process, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Executable == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("engine: start: %w", err)
		}
		c.Executable = exe
	}
	if c.Library == "" {
		var err error
		if c.Library, err = Find(); err != nil {
			return nil, err
		}
	}
	// The child works in its own folder, so that no relative name of a file means anything else.
	for _, path := range []*string{&c.Library, &c.Dir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return nil, fmt.Errorf("engine: start: %w", err)
		}
		*path = absolute
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("engine: start: %w", err)
	}
	p := &Process{config: c, log: log, done: make(chan struct{})}
	for _, address := range []string{c.Listen, c.ReadOnlyListen} {
		if address == "" {
			continue
		}
		if err := p.listen(ctx, address); err != nil {
			p.closeListeners()
			return nil, err
		}
	}
	first, err := p.spawn(ctx)
	if err != nil {
		p.closeListeners()
		return nil, err
	}
	ctx, p.cancel = context.WithCancel(ctx)
	go p.supervise(ctx, first)
	return p, nil
}

// listen takes an address. The child of a predecessor that was killed has it until it notices that, at the end of its
// own start at the latest; so an address in use is asked for as long as a folder in use.
func (p *Process) listen(ctx context.Context, address string) error {
	var l net.Listener
	var err error
	for deadline := time.Now().Add(p.config.LockWait); ; {
		l, err = net.Listen("tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("engine: start: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err != nil {
		return fmt.Errorf("engine: start: %w", err)
	}
	defer func() { _ = l.Close() }()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return fmt.Errorf("engine: start: %w", err)
	}
	p.listeners, p.addresses = append(p.listeners, f), append(p.addresses, l.Addr())
	return nil
}

func (p *Process) closeListeners() {
	for _, f := range p.listeners {
		_ = f.Close()
	}
}

// DSN is the address for services/clickhouse.
func (p *Process) DSN() string { return "http://" + p.addresses[0].String() }

// ReadOnlyAddr is the address for BI tools, nil when there is none.
func (p *Process) ReadOnlyAddr() net.Addr {
	if len(p.addresses) < 2 {
		return nil
	}
	return p.addresses[1]
}

// PID is the process id of the running child, 0 while there is none.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child == nil {
		return 0
	}
	return p.child.cmd.Process.Pid
}

// Done is closed when the engine runs no more: after Stop, or when it was given up; see Err.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err tells, after Done, why the engine was given up; nil after Stop.
func (p *Process) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Stop lets running statements end, for some seconds, and stops the child; when ctx ends first, it is killed.
func (p *Process) Stop(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	if p.child != nil {
		_ = p.child.cmd.Process.Kill()
	}
	p.mu.Unlock()
	<-p.done
	return fmt.Errorf("engine: stop: killed: %w", ctx.Err())
}

// supervise replaces the child when it ends, until ctx does.
func (p *Process) supervise(ctx context.Context, c *child) {
	defer close(p.done)
	defer p.closeListeners()
	backoff, failures := firstBackoff, 0
	for {
		started := time.Now()
		if c != nil {
			p.setChild(c)
			err := c.wait(ctx)
			p.setChild(nil)
			if ctx.Err() != nil {
				return
			}
			p.log.Error("embedded ClickHouse ended, starting it again", "error", err)
			failures = 0
			if time.Since(started) > healthyTime {
				backoff = firstBackoff
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
			backoff = min(2*backoff, lastBackoff)
		}
		var err error
		if c, err = p.spawn(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("embedded ClickHouse does not start", "error", err)
			if failures++; failures >= maxFailures {
				p.err = fmt.Errorf("engine: given up after %d attempts: %w", failures, err)
				return
			}
		}
	}
}

func (p *Process) setChild(c *child) {
	p.mu.Lock()
	p.child = c
	p.mu.Unlock()
}

// child is one run of the engine.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	exited chan error
}

// spawn starts a child and waits until it answers.
func (p *Process) spawn(ctx context.Context) (*child, error) {
	cmd := exec.Command(p.config.Executable, Command)
	cmd.Dir = p.config.Dir
	cmd.ExtraFiles = p.listeners
	// A group of its own: Ctrl-C in a terminal must reach the parent only, which drains first.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = &lineLogger{log: p.log}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("engine: start: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("engine: start: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("engine: start: %w", err)
	}
	c := &child{cmd: cmd, stdin: stdin, exited: make(chan error, 1)}
	greeted := make(chan greeting, 1)
	go func() {
		out := bufio.NewReader(stdout)
		g := greeting{Error: "it ended before it answered"}
		if line, err := out.ReadBytes('\n'); err == nil {
			g = greeting{}
			if err := json.Unmarshal(line, &g); err != nil {
				g.Error = "it answered " + string(line)
			}
		}
		greeted <- g
		_, _ = io.Copy(io.Discard, out)
		c.exited <- cmd.Wait()
	}()
	if err := json.NewEncoder(stdin).Encode(order{p.config.Config, len(p.listeners) > 1}); err != nil {
		return nil, errors.Join(fmt.Errorf("engine: start: %w", err), c.kill())
	}
	select {
	case g := <-greeted:
		switch {
		case g.Locked:
			err = fmt.Errorf("%w: %s", ErrLocked, p.config.Dir)
		case g.NoLibrary:
			err = ErrNoLibrary
		case g.Error != "":
			err = fmt.Errorf("engine: start: %s", g.Error)
		default:
			return c, nil
		}
	case <-time.After(p.config.StartTime):
		err = fmt.Errorf("engine: start: no answer within %v", p.config.StartTime)
	case <-ctx.Done():
		err = fmt.Errorf("engine: start: %w", ctx.Err())
	}
	_ = c.kill()
	return nil, err
}

func (c *child) kill() error {
	_ = c.cmd.Process.Kill()
	return <-c.exited
}

// wait returns when the child has ended; when ctx ends, the child is told to.
func (c *child) wait(ctx context.Context) error {
	select {
	case err := <-c.exited:
		return err
	case <-ctx.Done():
	}
	_, _ = io.WriteString(c.stdin, stopLine)
	_ = c.stdin.Close()
	select {
	case err := <-c.exited:
		return err
	case <-time.After(2 * drainTime):
		return c.kill()
	}
}

// lineLogger logs what the child writes on stderr: the engine's last words, when it crashes.
type lineLogger struct {
	log  *slog.Logger
	rest []byte
}

func (l *lineLogger) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := -1
		for i, b := range l.rest {
			if b == '\n' || i == 4095 {
				end = i
				break
			}
		}
		if end < 0 {
			return len(p), nil
		}
		l.log.Warn("embedded ClickHouse says", "line", string(l.rest[:end]))
		l.rest = l.rest[end+1:]
	}
}
