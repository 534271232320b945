package serve

import (
	"context"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// Restatement says what has become of a report since its period was closed. Figures of a closed period change for two reasons: touchpoints
// that were received late, and persons that were merged or split since. Both are known exactly: a touchpoint carries when it was received, a move when it
// came to the log.
//
// The report of touchpoints is compared with what it said then. Conversations go on after the period that they began in, and are meant to; so
// their report is compared with what it would say now without the late touchpoints.
type Restatement struct {
	Closed   Time   `json:"closed"`   // what was received or moved since then is new
	Late     uint64 `json:"late"`     // touchpoints that were, or conversations with such
	Receipt  string `json:"receipt"`  // which these are
	Compared bool   `json:"compared"` // false: too many are concerned to say what the figures were
}

// Restated is what a figure said, and what it says.
type Restated struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// The figures of what came after the period was closed.
const (
	lateTouchpoints   = "late_touchpoints"
	lateConversations = "late_conversations"
)

// closing is when the report's period is closed: some time after its end, in which what was under way still came.
func (r *reportQuery) closing() time.Time { return r.to.Add(r.grace) }

// knewBy tells whether anything at all was known when the period was closed: history that a workspace begins with restates nothing, since there was
// no report to be restated.
func (s *Server) knewBy(ctx context.Context, c *call, r *reportQuery) (known bool, err error) {
	sql := `SELECT 1 FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND received < {closed:DateTime64(3, 'UTC')} LIMIT 1`
	err = s.store.each(ctx, s.store.report, sql, clickhouse.Params{"workspace": c.workspace, "closed": r.params["closed"]}, func(*clickhouse.Rows) error {
		known = true
		return nil
	})
	return known, err
}

// comparable is the report with the figures that can be compared with those of before. Which conversations touchpoints belonged to then is not kept.
func (k *kind) comparable() *kind {
	out := *k
	out.figures = slices.DeleteFunc(slices.Clone(k.figures), func(f figure) bool { return f.source != factual || f.name == k.late })
	return &out
}

// earlier is the same report to compare with: all rows of it, whichever are shown now.
func (r *reportQuery) earlier() *reportQuery {
	then := *r
	then.kind, then.order, then.limit = r.kind.comparable(), "by", maxReportRows
	then.params = maps.Clone(r.params)
	then.params["limit"] = then.limit
	return &then
}

// touchpointsAsClosed is the same report as it was when its period was closed.
func touchpointsAsClosed(_ context.Context, _ *Server, _ *call, r *reportQuery, _ time.Time) (*reportQuery, error) {
	then := r.earlier()
	then.closed = true
	return then, nil
}

// restate gives every row, and the totals, the figures as they were. Groups that there were and are not any more become rows with nothing in them,
// as long as no row is left out for the limit.
func (out *result) restate(r *reportQuery, then *result, k *kind) {
	was := make(map[string]reportRow, len(then.rows))
	for _, row := range then.rows {
		was[placeOfRow(row.by)] = row
	}
	left := uint64(len(out.rows)) < out.groups
	for i := range out.rows {
		place := placeOfRow(out.rows[i].by)
		before, known := was[place]
		if !known {
			before.figures = newFigures(k) // nothing of it was known
		}
		out.rows[i].closed = before.figures
		delete(was, place)
	}
	out.totals.closed = then.totals.figures
	if left {
		return
	}
	for _, row := range then.rows {
		if _, gone := was[placeOfRow(row.by)]; gone {
			out.rows = append(out.rows, reportRow{by: row.by, figures: newFigures(r.kind), closed: row.figures})
			out.groups++
		}
	}
}

// restate says of every row, and of the totals, which figures are others than they were, and what came late.
func (r *reportQuery) restate(out *Report, now *result, asked *url.URL) {
	link := func(by []string) string {
		q := asked.Query()
		for _, name := range []string{"by", "figures", "order", "limit", "format", "restated", "compare"} {
			q.Del(name)
		}
		q.Set("cell", r.kind.late)
		// The times of the answer: what was not given was read from the clock.
		q.Set("from", out.From)
		q.Set("to", out.To)
		for i, d := range r.by {
			if by != nil {
				q.Add("at", d.name+":"+by[i])
			}
		}
		return asked.Path + "/receipt?" + q.Encode()
	}
	for i, row := range now.rows {
		if row.closed != nil {
			out.Rows[i]["restated"] = row.figures.restated(row.closed)
		}
		if late := row.figures.count(r.kind.late); late > 0 {
			out.Rows[i]["late"] = map[string]any{"count": late, "receipt": link(row.by)}
		}
	}
	if now.totals.closed != nil {
		out.Totals["restated"] = now.totals.figures.restated(now.totals.closed)
	}
	out.Restated = &Restatement{
		Closed: Time(r.closing()), Late: now.totals.figures.count(r.kind.late), Receipt: link(nil), Compared: now.totals.closed != nil,
	}
}

// restated are the figures that are others than they were.
func (f *figures) restated(before *figures) map[string]Restated {
	to, from, out := map[string]any{}, map[string]any{}, map[string]Restated{}
	f.row(to)
	before.row(from)
	for name, v := range from {
		if !reflect.DeepEqual(v, to[name]) {
			out[name] = Restated{v, to[name]}
		}
	}
	return out
}
