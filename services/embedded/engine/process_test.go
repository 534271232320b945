package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const parentCommand = "engine-test-parent"

// actAsParent starts an engine, tells its address and waits to be killed.
func actAsParent(dir string) {
	c := DefaultProcessConfig()
	c.Dir = dir
	p, err := Start(context.Background(), c, slog.Default())
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(p.DSN())
	<-p.Done()
	os.Exit(1)
}

func startProcess(t *testing.T, dir string, change func(*ProcessConfig)) *Process {
	t.Helper()
	needLibrary(t)
	c := DefaultProcessConfig()
	c.Dir = dir
	if change != nil {
		change(&c)
	}
	p, err := Start(context.Background(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

func needLibrary(t *testing.T) {
	t.Helper()
	if _, err := Find(); err != nil {
		if os.Getenv("THROUGHLINE_REQUIRE_ENGINE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// ask runs a statement and returns the answer's status and text.
func ask(t *testing.T, dsn, query string) (int, string) {
	t.Helper()
	r, err := http.Post(dsn, "text/plain", strings.NewReader(query))
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, strings.TrimSuffix(string(body), "\n")
}

func mustAsk(t *testing.T, dsn, query string) string {
	t.Helper()
	status, text := ask(t, dsn, query)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", query, status, text)
	}
	return text
}

// eventually repeats a check until it holds.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if check() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

func TestKilledEngineComesBackOnItsAddressWithItsData(t *testing.T) {
	p := startProcess(t, t.TempDir(), nil)
	mustAsk(t, p.DSN(), "CREATE DATABASE d ENGINE = Atomic")
	mustAsk(t, p.DSN(), "CREATE TABLE d.a (n UInt64) ENGINE = MergeTree ORDER BY n")
	for i := range 3 {
		mustAsk(t, p.DSN(), fmt.Sprintf("INSERT INTO d.a SELECT number + %d FROM numbers(1000)", i*1000))
		old := p.PID()
		if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the engine does not come back", func() bool {
			status, _ := ask(t, p.DSN(), "SELECT 1")
			return status == http.StatusOK && p.PID() != old
		})
		if got, want := mustAsk(t, p.DSN(), "SELECT count(), uniqExact(n) FROM d.a"), fmt.Sprintf("%d\t%d", (i+1)*1000, (i+1)*1000); got != want {
			t.Fatalf("after kill %d: %s rows, want %s", i, got, want)
		}
	}
}

func TestEngineEndsWithItsParent(t *testing.T) {
	needLibrary(t)
	dir := t.TempDir()
	parent := exec.Command(os.Args[0], parentCommand, dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dsn := strings.TrimSpace(line)
	mustAsk(t, dsn, "CREATE DATABASE d ENGINE = Atomic")

	// While it lives, the folder is taken.
	c := DefaultProcessConfig()
	c.Dir, c.LockWait = dir, 50*time.Millisecond
	if _, err := Start(context.Background(), c, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrLocked) {
		t.Fatalf("a second engine on the folder: %v", err)
	}
	// A statement that would run on must not keep the orphan alive.
	go func() {
		_, _ = http.Post(dsn, "text/plain", strings.NewReader("SELECT sleepEachRow(1) FROM numbers(600) SETTINGS max_block_size = 1"))
	}()
	eventually(t, "the long query does not start", func() bool {
		return mustAsk(t, dsn, "SELECT count() FROM system.processes WHERE query LIKE '%sleepEach%' AND query NOT LIKE '%processes%'") == "1"
	})
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	// The successor waits for the orphan to let go of the folder and of the address.
	p := startProcess(t, dir, func(c *ProcessConfig) { c.Listen = strings.TrimPrefix(dsn, "http://") })
	if got := mustAsk(t, p.DSN(), "SELECT count() FROM system.databases WHERE name = 'd'"); got != "1" {
		t.Fatal("the database is gone")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	c := DefaultProcessConfig()
	if _, err := Start(context.Background(), c, slog.Default()); err == nil {
		t.Error("no folder: started")
	}
	c.Dir, c.Library = t.TempDir(), "/nonexistent/libchdb.so"
	if _, err := Start(context.Background(), c, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "nonexistent") {
		t.Errorf("no library: %v", err)
	}
	t.Setenv(LibraryVariable, "/nonexistent/libchdb.so")
	c.Library = ""
	if _, err := Start(context.Background(), c, slog.Default()); err == nil || !strings.Contains(err.Error(), LibraryVariable) {
		t.Errorf("variable names nothing: %v", err)
	}
}

func get(t *testing.T, dsn string, values url.Values, header http.Header) (*http.Response, string) {
	t.Helper()
	if values != nil {
		dsn += "/?" + values.Encode()
	}
	req, err := http.NewRequest(http.MethodGet, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}
