package serve

import (
	"net/url"
	"reflect"
	"slices"
	"time"
)

// Restatement says what a report said when its period was closed. Figures of a closed period change for two reasons: touchpoints that were received
// late, and persons that were merged or split since. Both are known exactly: a touchpoint carries when it was received, a move when it
// came to the log.
type Restatement struct {
	Closed  Time   `json:"closed"`  // what was received or moved since then is new
	Late    uint64 `json:"late"`    // touchpoints that were
	Receipt string `json:"receipt"` // which these are
}

// Restated is what a figure said, and what it says.
type Restated struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// lateTouchpoints is the figure of touchpoints that came after the period was closed.
const lateTouchpoints = "late_touchpoints"

// closing is when the report's period is closed: some time after its end, in which what was under way still came.
func (r *reportQuery) closing() time.Time { return r.to.Add(r.grace) }

// asClosed is the same report as it was when its period was closed. Which conversations touchpoints belonged to then is not kept: those figures
// are left out.
func (r *reportQuery) asClosed() *reportQuery {
	then, kind := *r, *r.kind
	kind.figures = slices.DeleteFunc(slices.Clone(kind.figures), func(f figure) bool { return f.source != factual || f.name == lateTouchpoints })
	then.kind, then.closed, then.order = &kind, true, "by"
	then.limit = maxReportRows
	return &then
}

// restate says of every row, and of the totals, which figures are others than they were, and which touchpoints came late.
func (r *reportQuery) restate(out *Report, now, then *result, asked *url.URL) {
	was := make(map[string]*figures, len(then.rows))
	for _, row := range then.rows {
		was[placeOfRow(row.by)] = row.figures
	}
	link := func(by []string) string {
		q := asked.Query()
		for _, name := range []string{"by", "figures", "order", "limit", "format", "restated", "compare"} {
			q.Del(name)
		}
		q.Set("cell", lateTouchpoints)
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
		before := was[placeOfRow(row.by)]
		if before == nil {
			before = newFigures(r.asClosed().kind) // nothing of it was known
		}
		out.Rows[i]["restated"] = row.figures.restated(before)
		if late := row.figures.count(lateTouchpoints); late > 0 {
			out.Rows[i]["late"] = map[string]any{"touchpoints": late, "receipt": link(row.by)}
		}
	}
	out.Totals["restated"] = now.totals.figures.restated(then.totals.figures)
	out.Restated = &Restatement{Closed: Time(r.closing()), Late: now.totals.figures.count(lateTouchpoints), Receipt: link(nil)}
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
