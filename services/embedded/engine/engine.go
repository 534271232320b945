// Package engine runs ClickHouse inside a process of ours: libchdb, the whole engine as a shared library,
// behind an HTTP server that speaks ClickHouse's own HTTP interface. Everything else sees an address and
// cannot tell it from a ClickHouse server.
//
// Start runs the engine in a child process of the same binary and keeps it running: a crash or an
// out-of-memory in the engine costs its callers a retry, not the node. Serve is that child. Open runs the
// engine in the calling process, which is what tests want.
//
// The engine keeps its state in globals of the library: a process can open one folder, once.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

// Config says where the engine keeps its data and what it may use.
type Config struct {
	// Dir is the folder of the data; made when absent. One process at a time may use it.
	Dir string
	// Library is the path of libchdb; empty means what Find finds.
	Library string
	// Memory bounds what the engine allocates, in bytes; a statement that would pass it fails with code 241.
	// At least 256 MiB.
	Memory int64
	// Queries is how many statements may run at the same time, 1 to 256; more wait up to 20 s, then fail with code 202.
	Queries int
	// ResultBytes bounds one result, which is held in memory until it is sent; code 396 when passed.
	ResultBytes int64
	// ReadOnlyQueries is how many statements of BI tools may run at the same time, apart from Queries.
	ReadOnlyQueries int
	// LockWait is how long to wait for a predecessor, which may be dying, to let go of Dir.
	LockWait time.Duration
}

// DefaultConfig returns the settings for a small node; Dir must be set.
func DefaultConfig() Config {
	return Config{Memory: 4 << 30, Queries: 16, ReadOnlyQueries: 4, ResultBytes: 512 << 20, LockWait: 10 * time.Second}
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("engine: Dir is empty")
	case c.Memory < 256<<20:
		return fmt.Errorf("engine: Memory %d is less than 256 MiB", c.Memory)
	case c.Queries < 1 || c.Queries > 256:
		return fmt.Errorf("engine: Queries %d is not in 1..256", c.Queries)
	case c.ReadOnlyQueries < 1 || c.ReadOnlyQueries > 256:
		return fmt.Errorf("engine: ReadOnlyQueries %d is not in 1..256", c.ReadOnlyQueries)
	case c.ResultBytes < 1:
		return fmt.Errorf("engine: ResultBytes %d is less than 1", c.ResultBytes)
	}
	return nil
}

// ErrLocked is returned when another process uses the folder.
var ErrLocked = errors.New("engine: another process uses the folder")

// Engine is the engine of this process.
type Engine struct {
	pool     *pool
	server   *server
	readOnly *readOnlyServer
	lock     *flock.Flock
}

// Open starts the engine in this process. It returns ErrNoLibrary when the engine is not installed and
// ErrLocked when Dir is in use.
func Open(ctx context.Context, c Config) (*Engine, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	path := c.Library
	if path == "" {
		var err error
		if path, err = Find(); err != nil {
			return nil, err
		}
	}
	lib, err := load(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("engine: open: %w", err)
	}
	lock, err := lockDir(ctx, dir, c.LockWait)
	if err != nil {
		return nil, err
	}
	e, err := c.open(lib, dir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	e.lock = lock
	return e, nil
}

func (c Config) open(lib *library, dir string) (*Engine, error) {
	if _, err := forgetLostTokens(dir); err != nil {
		return nil, err
	}
	p, err := openPool(lib, c.args(dir), c.Queries)
	if err != nil {
		return nil, err
	}
	s, err := newServer(p)
	if err != nil {
		return nil, err
	}
	r, err := newReadOnlyServer(s, c.args(dir), c.ReadOnlyQueries, c.Memory/4)
	if err != nil {
		return nil, err
	}
	return &Engine{pool: p, server: s, readOnly: r}, nil
}

// Handler is ClickHouse's HTTP interface with all rights.
func (e *Engine) Handler() http.Handler { return e.server }

// ReadOnlyHandler is the same interface for BI tools: it takes statements that read, under limits of time and
// memory, and nothing that reaches beyond the tables.
func (e *Engine) ReadOnlyHandler() http.Handler { return e.readOnly }

// Close waits for running statements as long as ctx lasts, then stops the engine and lets go of the folder. When
// statements still run, the folder stays locked until the process ends. The process cannot open another engine.
func (e *Engine) Close(ctx context.Context) error {
	if err := e.pool.close(ctx); err != nil {
		return err // and keep the lock: only the end of the process makes the folder free
	}
	return e.lock.Unlock()
}

// lockDir makes the folder and takes its lock. The lock belongs to the open file, so that the kernel frees
// it however the process ends.
func lockDir(ctx context.Context, dir string, wait time.Duration) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("engine: make folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "engine.lock"))
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	locked, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	switch {
	case locked:
		return lock, nil
	case err == nil || errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	return nil, fmt.Errorf("engine: lock %s: %w", dir, err)
}

// args are the engine's command line. Names without a dot that are settings of queries hold for each
// connection; the others configure the server part once.
func (c Config) args(dir string) []string {
	threads := strconv.Itoa(max(2, runtime.NumCPU()))
	number := func(name string, value int64) string { return "--" + name + "=" + strconv.FormatInt(value, 10) }
	return []string{
		"clickhouse",
		"--path=" + dir,
		number("max_server_memory_usage", c.Memory),
		number("max_result_bytes", c.ResultBytes),
		"--max_threads=" + threads,
		// One statement at a time may be anything: refuse what would write an endless stream of small parts.
		"--async_insert=0",
		// An engine on a laptop or a small node: pools of the size of the machine, not of a server with
		// a hundred tables. The background pool must be larger than what MergeTree wants free below.
		"--background_pool_size=" + threads,
		// Whoever inserts or asks is waiting, merges are not: they take what is left of the processor. Put off, they also take more parts
		// at once and write each row less often.
		"--os_threads_nice_value_merge_mutate=4",
		"--background_common_pool_size=2",
		"--background_move_pool_size=1",
		"--background_fetches_pool_size=1",
		"--background_buffer_flush_schedule_pool_size=1",
		"--background_distributed_schedule_pool_size=1",
		"--background_message_broker_schedule_pool_size=1",
		"--background_schedule_pool_size=4",
		"--merge_tree.number_of_free_entries_in_pool_to_lower_max_size_of_merge=2",
		"--merge_tree.number_of_free_entries_in_pool_to_execute_mutation=2",
		"--merge_tree.number_of_free_entries_in_pool_to_execute_optimize_entire_partition=2",
		number("mark_cache_size", c.Memory/16),
		number("index_mark_cache_size", c.Memory/64),
		number("primary_index_cache_size", c.Memory/64),
		number("uncompressed_cache_size", 0),
		number("query_condition_cache_size", 16<<20),
	}
}
