package serve

import (
	"context"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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
func (r *reportQuery) earlier(groups int) *reportQuery {
	then := *r
	then.kind, then.order, then.limit = r.kind.comparable(), "by", groups
	then.params = maps.Clone(r.params)
	then.params["limit"] = then.limit
	return &then
}

// touchpointsAsClosed is the same report as it was when its period was closed.
func touchpointsAsClosed(_ context.Context, s *Server, _ *call, r *reportQuery, _ time.Time) (*reportQuery, error) {
	then := r.earlier(s.readableGroups())
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

// statement is a report as it is read now and, where that is asked for and can be told, as it was when its period was closed.
type statement struct {
	result
	query    *reportQuery
	restated bool // the period is closed, and something was known then
}

// state reads a report, and what it said when its period was closed.
func (s *Server) state(ctx context.Context, c *call, r *reportQuery, now time.Time) (statement, error) {
	out := statement{query: r}
	var closed *reportQuery
	var then result
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out.result, err = s.run(ctx, c, r)
		return err
	})
	g.Go(func() (err error) {
		if !r.restated || r.closing().After(now) {
			return nil
		}
		if out.restated, err = s.knewBy(ctx, c, r); err != nil || !out.restated {
			return err
		}
		if closed, err = r.kind.asClosed(ctx, s, c, r, now); err == nil && closed != nil {
			then, err = s.run(ctx, c, closed)
		}
		return err
	})
	err := g.Wait()
	if err == nil && closed != nil {
		out.restate(r, &then, closed.kind)
	}
	return out, err
}

// restatement says what has become of the report as a whole; nil where that was not asked for or nothing could be restated.
func (st *statement) restatement(asked *url.URL) *Restatement {
	if !st.restated {
		return nil
	}
	return &Restatement{
		Closed: Time(st.query.closing()), Late: st.totals.figures.count(st.query.kind.late), Receipt: st.lateReceipt(nil, asked), Compared: st.totals.closed != nil,
	}
}

// writeRestated says of a row which figures are others than they were, and what came late.
func (st *statement) writeRestated(into map[string]any, row *reportRow, asked *url.URL) {
	if !st.restated {
		return
	}
	if row.closed != nil {
		into["restated"] = row.figures.restated(row.closed)
	}
	if late := row.figures.count(st.query.kind.late); late > 0 && row != &st.totals {
		into["late"] = map[string]any{"count": late, "receipt": st.lateReceipt(row.by, asked)}
	}
}

// lateReceipt is the path that lists what came late to a row, or to the whole.
func (st *statement) lateReceipt(by []string, asked *url.URL) string {
	q := asked.Query()
	for _, name := range []string{"by", "figures", "order", "limit", "format", "restated", "compare"} {
		q.Del(name)
	}
	q.Set("cell", st.query.kind.late)
	// The times of the answer: what was not given was read from the clock.
	period := st.query.period()
	q.Set("from", period.From)
	q.Set("to", period.To)
	for i, value := range by {
		q.Add("at", st.query.by[i].name+":"+value)
	}
	return asked.Path + "/receipt?" + q.Encode()
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
