package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// binary is the real program, built once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "throughline-crash-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "throughline")
	build := exec.Command("go", "build", "-o", path, "github.com/throughline/throughline/services/cmd/throughline")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// process is one running program; its output is kept for the case that the test fails.
type process struct {
	name string
	args []string
	cmd  *exec.Cmd
	out  *tail
	done chan struct{}
}

func start(tb testing.TB, name string, args ...string) *process {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	return run(tb, name, path, args...)
}

func run(tb testing.TB, name, path string, args ...string) *process {
	tb.Helper()
	p := &process{name: name, args: args, out: &tail{}, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	tb.Cleanup(func() {
		p.kill()
		if tb.Failed() {
			tb.Logf("--- end of the output of %s\n%s", name, p.out)
		}
	})
	return p
}

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// stop is SIGTERM; it returns the exit error.
func (p *process) stop(tb testing.TB) {
	tb.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		tb.Fatalf("%s did not drain in a minute\n%s", p.name, p.out)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		tb.Fatalf("%s left with %d\n%s", p.name, code, p.out)
	}
}

// ready waits until url answers 200; the process must stay alive meanwhile.
func (p *process) ready(tb testing.TB, url string) {
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

// freeAddress is a loopback address that nobody listened on a moment ago.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// command runs the program to its end and returns its output and exit code.
func command(tb testing.TB, args ...string) (string, int) {
	tb.Helper()
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	}
	tb.Fatal(err)
	return "", 0
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
