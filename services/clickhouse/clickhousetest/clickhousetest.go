// Package clickhousetest gives tests a database on the real engine, without a server, a child process or a
// TestMain: the engine runs inside the test process, started by the first test that asks for it, and each
// test has a database of its own.
package clickhousetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/embedded/engine"
)

// RequireVariable makes a missing engine a failure instead of a skipped test.
const RequireVariable = "THROUGHLINE_REQUIRE_ENGINE"

// shared keeps the engine for as long as the process runs: collected as garbage, it would let go of the lock that
// keeps removeStale of other test processes away.
var shared struct {
	once   sync.Once
	engine *engine.Engine
	dsn    string
	err    error
}

var databases atomic.Int64

// NeedEngine skips the test when the engine's library is not installed, or fails it when
// THROUGHLINE_REQUIRE_ENGINE is set.
func NeedEngine(tb testing.TB) {
	tb.Helper()
	_, err := engine.Find()
	switch {
	case errors.Is(err, engine.ErrNoLibrary) && os.Getenv(RequireVariable) == "":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
}

// DSN returns the address of the engine of this test process; see NeedEngine.
func DSN(tb testing.TB) string {
	tb.Helper()
	NeedEngine(tb)
	shared.once.Do(func() { shared.dsn, shared.err = start() })
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.dsn
}

// Start returns a new, empty database, dropped when the test ends.
func Start(tb testing.TB) *clickhouse.DB {
	tb.Helper()
	c := clickhouse.DefaultConfig(DSN(tb))
	c.Database = fmt.Sprintf("test_%d", databases.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := clickhouse.Open(ctx, c)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.CreateDatabase(ctx, clickhouse.Layout{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := db.Exec(ctx, "DROP DATABASE IF EXISTS "+clickhouse.QuoteName(c.Database)+" SYNC", nil); err != nil {
			tb.Error(err)
		}
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

const prefix = "throughline-clickhousetest-"

// start runs the engine for the rest of the process.
func start() (string, error) {
	removeStale()
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", fmt.Errorf("clickhousetest: %w", err)
	}
	c := engine.DefaultConfig()
	c.Dir, c.Memory = dir, 2<<30
	e, err := engine.Open(context.Background(), c)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("clickhousetest: %w", err)
	}
	shared.engine = e
	go func() {
		_ = (&http.Server{Handler: shared.engine.Handler(), ReadHeaderTimeout: time.Minute}).Serve(listener)
	}()
	return "http://" + listener.Addr().String(), nil
}

// removeStale removes the folders of test processes that have ended: a process cannot remove its own, since
// nothing runs after its last test. The lock says who still lives.
func removeStale() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < 10*time.Second || !strings.HasPrefix(filepath.Base(dir), prefix) {
			continue // perhaps one that is being made
		}
		lock := flock.New(filepath.Join(dir, "engine.lock"))
		if free, err := lock.TryLock(); err != nil || !free {
			continue
		}
		_ = os.RemoveAll(dir)
		_ = lock.Unlock()
	}
}
