// Package program runs the real binary as processes, for the tests that start, kill and command it as operators do.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Main runs the tests of a package, and removes the binary that they built.
func Main(m *testing.M) int {
	defer func() {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
	}()
	return m.Run()
}

// built is the binary of this test process.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Path is the real program, built once for all tests of the package.
func Path(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "throughline-program-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "throughline")
		build := exec.Command("go", "build", "-o", built.path, "github.com/throughline/throughline/services/cmd/throughline")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.path
}

// Process is one running program; the end of its output is kept for the case that the test fails.
type Process struct {
	name string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{}
}

// Start starts the program. It is killed when the test ends.
func Start(tb testing.TB, name string, args ...string) *Process {
	tb.Helper()
	p := &Process{name: name, cmd: exec.Command(Path(tb), args...), out: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() {
			tb.Logf("--- end of the output of %s\n%s", name, p.out)
		}
	})
	return p
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is the end of what the process wrote, both streams as one.
func (p *Process) Output() string { return p.out.String() }

// Kill is kill -9, and waits until the process is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// Ended tells whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait returns the exit code once the process has ended by itself.
func (p *Process) Wait(tb testing.TB, patience time.Duration) int {
	tb.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		tb.Fatalf("%s did not end in %s\n%s", p.name, patience, p.out)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stop is SIGTERM; the process must drain and leave with 0.
func (p *Process) Stop(tb testing.TB) {
	tb.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if code := p.Wait(tb, time.Minute); code != 0 {
		tb.Fatalf("%s left with %d\n%s", p.name, code, p.out)
	}
}

// Ready waits until url answers 200; the process must stay alive meanwhile.
func (p *Process) Ready(tb testing.TB, url string) {
	tb.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		if answers(url) {
			return
		}
		select {
		case <-p.done:
			tb.Fatalf("%s ended before it was ready\n%s", p.name, p.out)
		case <-time.After(20 * time.Millisecond):
		}
	}
	tb.Fatalf("%s is not ready after two minutes\n%s", p.name, p.out)
}

func answers(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// given are the addresses that FreeAddress gave: tests that run side by side must not be given one twice.
var given sync.Map

// FreeAddress is a loopback address that nobody listened on a moment ago. Its port lies below those that the system gives
// to outgoing connections (RFC 6335 calls 49152 and up dynamic, Linux begins at 32768): a server that is killed finds it
// free when it comes back.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	const lowest, highest = 20_000, 32_767
	for {
		address := fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(highest-lowest+1))
		if _, twice := given.LoadOrStore(address, true); twice {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
}

// Result is what a command wrote and how it ended.
type Result struct {
	Stdout, Stderr string
	Code           int
}

func (r Result) String() string { return fmt.Sprintf("exit %d\n%s%s", r.Code, r.Stderr, r.Stdout) }

// Command runs the program to its end.
func Command(tb testing.TB, args ...string) Result {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), Path(tb), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			tb.Fatal(err)
		}
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// tail keeps the last 64 KiB written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - 64<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
