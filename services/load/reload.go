package load

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// reloader makes ClickHouse read the dictionaries of moved anchors again after moves were loaded: their own timers look only
// every few seconds, and a merge should show within one. The whole takes a time that grows with the number of moved anchors,
// so it is read when enough has moved, and what moved lately, a small table, after each block of moves.
type reloader struct {
	l       *loader
	pending chan struct{}
	moves   atomic.Int64 // loaded since the whole was last read
}

const (
	latelyWait  = 100 * time.Millisecond // between two readings of what moved lately
	latelyShare = 4                      // it may take one part in four of the time
	wholeAfter  = 30_000                 // moves: with 85,000 recent rows, what moved lately takes as long as the whole of 700,000
	wholeWait   = time.Minute            // with fewer
	wholeShare  = 10
	// A row of recent moves is kept for this long after the whole was read: it says when its insert began, and another replica may get it late.
	latelyKept = 15 * time.Second
)

func newReloader(l *loader) *reloader { return &reloader{l: l, pending: make(chan struct{}, 1)} }

// moved is called after so many moves were loaded.
func (r *reloader) moved(n int) {
	r.moves.Add(int64(n))
	select {
	case r.pending <- struct{}{}:
	default:
	}
}

// lately reads what moved lately whenever something did.
func (r *reloader) lately(ctx context.Context) {
	for {
		select {
		case <-r.pending:
		case <-ctx.Done():
			return
		}
		took, err := r.reload(ctx, r.l.tables.MovedLately)
		if err != nil {
			r.moved(0)
		} else {
			r.l.metrics.reloadSeconds.WithLabelValues("lately").Set(took.Seconds())
		}
		if !sleep(ctx, max(latelyWait, took*(latelyShare-1))) {
			return
		}
	}
}

// whole reads all that moved at the start, since a predecessor may have loaded moves and died before it could say so, then when
// enough has moved; and drops what moved before that from what moved lately.
func (r *reloader) whole(ctx context.Context) {
	last := time.Time{}
	for {
		moves := r.moves.Load()
		if last.IsZero() || moves >= wholeAfter || moves > 0 && time.Since(last) >= wholeWait {
			began, err := r.now(ctx)
			var took time.Duration
			if err == nil {
				took, err = r.reload(ctx, r.l.tables.Moved)
			}
			if err == nil {
				r.l.metrics.reloadSeconds.WithLabelValues("whole").Set(took.Seconds())
				r.moves.Add(-moves)
				last = time.Now()
				err = r.forget(ctx, began.Add(-latelyKept))
			}
			if err != nil {
				r.l.unavailable(r.l.tables.Moved, err)
			}
			if !sleep(ctx, took*(wholeShare-1)) {
				return
			}
		}
		if !sleep(ctx, latelyWait) {
			return
		}
	}
}

func (r *reloader) reload(ctx context.Context, dictionary string) (time.Duration, error) {
	started := time.Now()
	err := r.exec(ctx, "SYSTEM RELOAD DICTIONARY"+r.onCluster()+" "+clickhouse.QuoteName(dictionary))
	if err != nil {
		r.l.unavailable(dictionary, err)
	} else {
		r.l.available(dictionary)
	}
	return time.Since(started), err
}

// now is the store's clock, by which rows say when they were loaded.
func (r *reloader) now(ctx context.Context) (time.Time, error) {
	var now int64
	_, err := r.l.cfg.Store.One(ctx, "SELECT toInt64(toUnixTimestamp(now()))", nil, clickhouse.Limits{}, &now)
	return time.Unix(now, 0), err
}

// forget drops the partitions of recent moves, of a few seconds each, that were over at a time.
func (r *reloader) forget(ctx context.Context, before time.Time) error {
	recent := clickhouse.QuoteName(r.l.tables.Recent)
	var over []string
	sql := "SELECT DISTINCT _partition_id FROM " + recent + " WHERE loaded < toStartOfInterval(fromUnixTimestamp({before:Int64}), INTERVAL 10 SECOND)"
	err := r.l.queryOnce(ctx, sql, clickhouse.Params{"before": before.Unix()}, func(rows *clickhouse.Rows) error {
		for rows.Next() {
			var partition string
			if err := rows.Scan(&partition); err != nil {
				return err
			}
			over = append(over, partition)
		}
		return rows.Err()
	})
	for _, partition := range over {
		if err == nil {
			err = r.exec(ctx, "ALTER TABLE "+recent+r.onCluster()+" DROP PARTITION ID '"+partition+"'")
		}
	}
	if err != nil {
		return fmt.Errorf("load: forget recent moves: %w", err)
	}
	return nil
}

func (r *reloader) onCluster() string {
	if c := r.l.cfg.Layout.Cluster; c != "" {
		return " ON CLUSTER " + clickhouse.QuoteName(c)
	}
	return ""
}

func (r *reloader) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, r.l.cfg.InsertTimeout)
	defer cancel()
	return r.l.cfg.Store.Exec(ctx, statement, nil)
}
