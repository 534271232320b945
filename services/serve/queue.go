package serve

import (
	"context"
	"strings"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// Queue is who waits for us now, however long ago they began.
type Queue struct {
	Waiting uint64  `json:"waiting"`
	Oldest  *Time   `json:"oldest"` // since when the one waits that has waited longest; null: nobody waits
	P50     float64 `json:"p50_ms"` // of how long they have waited so far
	P90     float64 `json:"p90_ms"`
}

// queue counts those who wait under the conditions.
func (s *Server) queue(ctx context.Context, from string, where []string, params clickhouse.Params) (*Queue, error) {
	params["now"] = s.config.Now().UnixMilli()
	var q Queue
	var oldest time.Time
	var waited []float64
	sql := `SELECT count(), min(waiting_since), quantilesExactInclusive(0.5, 0.9)(greatest(0, {now:Int64} - toUnixTimestamp64Milli(waiting_since)))
FROM ` + from + ` AND ` + strings.Join(where, " AND ") + reportSettings
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error { return r.Scan(&q.Waiting, &oldest, &waited) })
	if err == nil && q.Waiting > 0 {
		since := Time(oldest)
		q.Oldest, q.P50, q.P90 = &since, waited[0], waited[1]
	}
	return &q, err
}
