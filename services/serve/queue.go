package serve

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Queue is who waits for us now, however long ago they began.
type Queue struct {
	Waiting uint64  `json:"waiting"`
	Oldest  *Time   `json:"oldest"` // since when the one waits that has waited longest; null: nobody waits
	P50     float64 `json:"p50_ms"` // of how long they have waited so far
	P90     float64 `json:"p90_ms"`
}

// queued are the columns of a queue over the conversations of those who wait.
const queued = "count() AS waiting, min(waiting_since) AS oldest, quantilesExactInclusive(0.5, 0.9)(greatest(0, {now:Int64} - toUnixTimestamp64Milli(waiting_since))) AS waited"

// queue counts those who wait under the conditions.
func (s *Server) queue(ctx context.Context, from string, where []string, params clickhouse.Params) (*Queue, error) {
	params["now"] = s.config.Now().UnixMilli()
	var q Queue
	sql := `SELECT ` + queued + ` FROM ` + from + ` AND ` + strings.Join(where, " AND ") + reportSettings
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error { return q.scan(r) })
	return &q, err
}

// queueAndPage is the queue with a page of those in it, in one statement: to find who waits takes longer than to count and to sort them.
func (s *Server) queueAndPage(ctx context.Context, c *call, from string, where []string, params clickhouse.Params, by order, limit int, after *cursor) (page Conversations, err error) {
	params["now"] = s.config.Now().UnixMilli()
	behind := "1"
	if after != nil {
		behind = by.after(after, params)
	}
	var q Queue
	var found []candidate
	sql := `SELECT one.1, one.2, one.3, waiting, oldest, waited FROM (
	SELECT groupArraySortedIf(` + strconv.Itoa(limit+1) + `)((` + by.number + `, id, anchor), ` + behind + `) AS found, ` + queued + `
	FROM ` + from + ` AND ` + strings.Join(where, " AND ") + `
) LEFT ARRAY JOIN found AS one` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var one candidate
		var id, anchor wide
		err := q.scan(r, &one.order, &id, &anchor)
		if one.place = (place{asAnchor(&anchor), asAnchor(&id)}); one.id != (identity.Anchor{}) {
			found = append(found, one)
		}
		return err
	})
	if err == nil {
		page, err = s.pageOf(ctx, c, by, found, limit)
	}
	page.Queue = &q
	return page, err
}

// scan reads the columns of a queue, after others.
func (q *Queue) scan(r *clickhouse.Rows, before ...any) error {
	var oldest time.Time
	var waited []float64
	err := r.Scan(append(before, &q.Waiting, &oldest, &waited)...)
	if err == nil && q.Waiting > 0 {
		since := Time(oldest)
		q.Oldest, q.P50, q.P90 = &since, waited[0], waited[1]
	}
	return err
}
