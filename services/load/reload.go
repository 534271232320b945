package load

import (
	"context"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// reloader makes ClickHouse read the dictionary of moved anchors again after moves were loaded: its own timer looks only
// every few seconds, and a merge should show within one. A reload takes time that grows with the number
// of moved anchors, so it may take reloadShare of the time at most.
type reloader struct {
	l       *loader
	pending chan struct{}
}

const (
	reloadWait  = 100 * time.Millisecond
	reloadShare = 3 // one part in three
)

func newReloader(l *loader) *reloader { return &reloader{l, make(chan struct{}, 1)} }

// poke asks for a reload.
func (r *reloader) poke() {
	select {
	case r.pending <- struct{}{}:
	default:
	}
}

func (r *reloader) run(ctx context.Context) {
	statement := "SYSTEM RELOAD DICTIONARY " + clickhouse.QuoteName(r.l.tables.Moved)
	if c := r.l.cfg.Layout.Cluster; c != "" {
		statement = "SYSTEM RELOAD DICTIONARY ON CLUSTER " + clickhouse.QuoteName(c) + " " + clickhouse.QuoteName(r.l.tables.Moved)
	}
	for {
		select {
		case <-r.pending:
		case <-ctx.Done():
			return
		}
		started := time.Now()
		attempt, cancel := context.WithTimeout(ctx, r.l.cfg.InsertTimeout)
		err := r.l.cfg.Store.Exec(attempt, statement, nil)
		cancel()
		took := time.Since(started)
		if err != nil {
			r.l.unavailable(r.l.tables.Moved, err)
			r.poke()
		} else {
			r.l.available(r.l.tables.Moved)
			r.l.metrics.reloadSeconds.Set(took.Seconds())
		}
		if !sleep(ctx, max(reloadWait, took*(reloadShare-1))) {
			return
		}
	}
}
