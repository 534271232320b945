package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// Freshness says how far an answer is behind what was accepted.
type Freshness struct {
	NewestVisible *Time    `json:"newest_visible"` // when the newest touchpoint that can be read was received; null: none yet
	LagRecords    *int64   `json:"lag_records"`    // records of the log that the store has yet to take in; null: the log does not say
	LagSeconds    *float64 `json:"lag_seconds"`    // 0 without a lag, else the age of the newest visible touchpoint
}

type newestKey struct{ workspace, table string }

// newestVisible is when the workspace's newest visible touchpoint was received; zero when there is none. The
// answer is a second old at most: it takes a pass over one column.
func (s *Server) newestVisible(ctx context.Context, c *call) (time.Time, error) {
	return s.newest.get(ctx, newestKey{c.workspace, c.tables.Touchpoints}, func(ctx context.Context) (newest time.Time, err error) {
		var n uint64
		err = s.store.each(ctx, s.store.lookup, `SELECT max(received), count() FROM `+c.tables.Touchpoints+` WHERE workspace = {workspace:String}`,
			clickhouse.Params{"workspace": c.workspace}, func(r *clickhouse.Rows) error { return r.Scan(&newest, &n) })
		if n == 0 {
			newest = time.Time{}
		}
		return newest, err
	})
}

// freshness is that of the workspace at the time now. A log that is away does not keep reports from being read: they wait for one question,
// which many share, and say that it was not answered.
func (s *Server) freshness(ctx context.Context, c *call, now time.Time) (f Freshness, err error) {
	newest, err := s.newestVisible(ctx, c)
	if err != nil {
		return f, err
	}
	if !newest.IsZero() {
		t := Time(newest)
		f.NewestVisible = &t
	}
	all, err := s.offsets(ctx, c.generations)
	if err != nil {
		return f, nil
	}
	lag := all.lag(loadRole)
	seconds := 0.0
	if lag > 0 && !newest.IsZero() {
		seconds = max(0, now.Sub(newest).Seconds())
	}
	f.LagRecords, f.LagSeconds = &lag, &seconds
	return f, nil
}
