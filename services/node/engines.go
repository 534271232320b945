package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/embedded/engine"
)

// ErrInUse is returned when another process has the data folder.
var ErrInUse = errors.New("another throughline uses this folder")

// EnginesConfig says where the embedded engines keep their data, and who else may talk to them.
type EnginesConfig struct {
	Dir              string
	KafkaListen      string // empty: a free loopback port
	ClickHouseListen string // empty: none for others; with all rights when Exposed, else read only
	// Exposed opens ClickHouseListen with all rights: for the roles in other processes.
	Exposed bool
	Logger  *slog.Logger
}

// Engines are the embedded broker and database of a data folder.
type Engines struct {
	lock   *flock.Flock
	broker *broker.Broker
	store  *engine.Process
}

// lockWait is how long a predecessor that was told to stop, or killed, may take to let go of the folder.
const lockWait = 3 * time.Second

// StartEngines starts both engines on the folder. ErrInUse says that somebody else has it.
func StartEngines(ctx context.Context, c EnginesConfig) (_ *Engines, err error) {
	if c.Dir == "" {
		return nil, errors.New("engines: the data folder is not named")
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("engines: %w", err)
	}
	e := &Engines{lock: flock.New(filepath.Join(c.Dir, "lock"))}
	defer func() {
		if err != nil {
			_ = e.Close(ctx)
		}
	}()
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if ok, err := e.lock.TryLockContext(wait, 50*time.Millisecond); !ok {
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("engines: lock %s: %w", c.Dir, err)
		}
		return nil, fmt.Errorf("engines: %s: %w", c.Dir, ErrInUse)
	}
	kafka := broker.DefaultConfig()
	kafka.Dir, kafka.Logger = filepath.Join(c.Dir, "kafka"), c.Logger
	if c.KafkaListen != "" {
		kafka.Listen = c.KafkaListen
	}
	if e.broker, err = broker.Start(ctx, kafka); err != nil {
		return nil, fmt.Errorf("engines: %w", err)
	}
	store := engine.DefaultProcessConfig()
	store.Dir = filepath.Join(c.Dir, "clickhouse")
	switch {
	case c.Exposed && c.ClickHouseListen != "":
		store.Listen = c.ClickHouseListen
	default:
		store.ReadOnlyListen = c.ClickHouseListen
	}
	// The engine must outlive ctx: the loader still writes while the node drains.
	if e.store, err = engine.Start(context.WithoutCancel(ctx), store, c.Logger); err != nil {
		return nil, fmt.Errorf("engines: %w", err)
	}
	return e, nil
}

// Brokers are the addresses of the embedded broker.
func (e *Engines) Brokers() []string { return []string{e.broker.Addr()} }

// DSN is where the embedded ClickHouse answers, with all rights.
func (e *Engines) DSN() string { return e.store.DSN() }

// Done is closed when the embedded ClickHouse was given up.
func (e *Engines) Done() <-chan struct{} { return e.store.Done() }

// Err says why, after Done.
func (e *Engines) Err() error { return e.store.Err() }

// Close stops what was started, the folder's lock last.
func (e *Engines) Close(ctx context.Context) error {
	var errs []error
	if e.store != nil {
		errs = append(errs, e.store.Stop(ctx))
	}
	if e.broker != nil {
		errs = append(errs, e.broker.Close())
	}
	errs = append(errs, e.lock.Unlock())
	return errors.Join(errs...)
}
