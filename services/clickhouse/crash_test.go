package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
	"github.com/throughline/throughline/services/embedded/engine"
)

// startProcess runs an engine of its own, which the test may kill.
func startProcess(t *testing.T, dir string) (*engine.Process, *store.DB) {
	t.Helper()
	clickhousetest.NeedEngine(t)
	c := engine.DefaultProcessConfig()
	c.Dir = dir
	p, err := engine.Start(context.Background(), c, slog.New(slog.DiscardHandler))
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
	db, err := store.Open(context.Background(), store.DefaultConfig(p.DSN()))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.CreateDatabase(context.Background(), store.Layout{}); err != nil {
		t.Fatal(err)
	}
	return p, db
}

// The engine is killed with -9 again and again while four writers insert; whoever gets no answer repeats with the
// same token. In the end every row is there exactly once, though each block covers several months (so that a kill
// can fall between its parts).
func TestKillsDuringInsertsLoseAndDoubleNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	p, db := startProcess(t, t.TempDir())
	if err := db.Exec(ctx, rowsTable, nil); err != nil {
		t.Fatal(err)
	}
	const writers, rows, kills = 4, 200, 4
	stop := make(chan struct{})
	var group sync.WaitGroup
	blocks := make([]int, writers)
	for w := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				// The writers' rows fall on the same months.
				from := (blocks[w]*writers + w) * rows
				token := fmt.Sprintf("t/%d/%d-%d", w, from, from+rows-1)
				for {
					try, cancel := context.WithTimeout(ctx, 20*time.Second)
					err := db.Insert(try, "rows", token, spread(from, rows))
					cancel()
					if err == nil {
						break
					}
					if !errors.Is(err, store.ErrUnavailable) {
						t.Error(err)
						return
					}
				}
				blocks[w]++
			}
		}()
	}
	for kill := range kills {
		pid := p.PID()
		// Kill somewhere inside the inserts: after a number of blocks that differs each time.
		var n uint64
		for target := uint64((kill + 1) * 3 * rows); n < target; {
			if _, err := db.One(ctx, "SELECT count() FROM rows", nil, store.Limits{}, &n); err != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for p.PID() == pid || p.PID() == 0 {
			time.Sleep(5 * time.Millisecond)
			if ctx.Err() != nil {
				t.Fatal("the engine does not come back")
			}
		}
	}
	close(stop)
	group.Wait()
	want := 0
	for _, n := range blocks {
		want += n * rows
	}
	var n, distinct uint64
	if _, err := db.One(ctx, "SELECT count(), uniqExact(key) FROM rows", nil, store.Limits{}, &n, &distinct); err != nil {
		t.Fatal(err)
	}
	if int(n) != want || n != distinct {
		t.Fatalf("%d rows with %d keys, %d were acknowledged", n, distinct, want)
	}
}

// spread makes rows like someRows, but over six months however many there are.
func spread(from, n int) []store.Column {
	columns := someRows(from, n)
	at := columns[1].Data.(*store.Int64Column)
	for i := range *at {
		(*at)[i] = int64(i%6) * 31 * 86_400_000
	}
	return columns
}

// A token is remembered over a restart, and over kill -9.
func TestTokensSurviveTheEngine(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, db := startProcess(t, t.TempDir())
	if err := db.Exec(ctx, rowsTable, nil); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for {
			err := db.Insert(ctx, "rows", "once", spread(0, 600))
			if err == nil {
				break
			}
			if !errors.Is(err, store.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		var n uint64
		if _, err := db.One(ctx, "SELECT count() FROM rows", nil, store.Limits{}, &n); err != nil || n != 600 {
			t.Fatalf("round %d: %d rows, %v", round, n, err)
		}
		pid := p.PID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for p.PID() == pid || p.PID() == 0 {
			time.Sleep(5 * time.Millisecond)
			if ctx.Err() != nil {
				t.Fatal("the engine does not come back")
			}
		}
	}
}
