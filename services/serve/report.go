package serve

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/services/clickhouse"
)

// Report is the answer of every report.
type Report struct {
	From        string            `json:"from"` // included
	To          string            `json:"to"`   // not included
	TZ          string            `json:"tz"`
	By          []string          `json:"by"`
	Rows        []map[string]any  `json:"rows"`
	Totals      map[string]any    `json:"totals"`
	Groups      uint64            `json:"groups"` // how many rows there are, whatever the limit
	AsOf        Time              `json:"as_of"`
	Freshness   Freshness         `json:"freshness"`
	Definitions map[string]string `json:"definitions"`
	Versions    map[string]int    `json:"versions"` // of the definitions
	Previous    *Period           `json:"previous,omitempty"`
	Restated    *Restatement      `json:"restated,omitempty"`
}

// Period is the stretch of time that a report is compared with.
type Period struct {
	From     string       `json:"from"`
	To       string       `json:"to"`
	Restated *Restatement `json:"restated,omitempty"`
}

// dimension is something that a report groups by.
type dimension struct {
	name  string
	sql   string // of the value
	label func(value string, loc *time.Location) (string, error)
	time  bool // a stretch of time
}

// shown is a label as the answer has it: null for a stretch of time that the period does not have.
func (d *dimension) shown(label string) any {
	if d.time && label == "" {
		return nil
	}
	return label
}

// bucket makes a dimension of a stretch of time in the zone of the request. Hours are instants, longer stretches
// dates: a day of a zone has 23 to 25 hours, and only the date says which day.
func bucket(name, sql string) dimension {
	label := dateLabel
	if name == "hour" {
		label = hourLabel
	}
	return dimension{name, sql, label, true}
}

func text(name, sql string) dimension {
	return dimension{name, sql, func(v string, _ *time.Location) (string, error) { return v, nil }, false}
}

// buckets are the stretches of time of the column.
func buckets(column string) []dimension {
	local := "toTimeZone(" + column + ", {tz:String})"
	return []dimension{
		bucket("hour", "toInt64(toUnixTimestamp(toStartOfHour("+local+")))"),
		bucket("day", "toDate32("+local+")"),
		bucket("week", "toMonday(toDate32("+local+"))"),
		bucket("month", "toStartOfMonth(toDate32("+local+"))"),
	}
}

// tag has one row per tag, and one with an empty tag for what has none: see perTag.
var tag = text("tag", "one_tag")

// kind is a sort of report: what it may be grouped by and what it counts.
type kind struct {
	name       string
	dimensions []dimension
	figures    []figure
	// filters names the parameters that keep rows, with the condition of each; {name:Array(String)} are its values.
	filters map[string]string
	// sql is the statement that gives, per group, the values of the dimensions as text, then its figures, then whether
	// it is the totals, then the number of rows that there are without the limit.
	sql func(c *call, r *reportQuery) string
	// prepare adds what the figures are computed with; nil where that is nothing.
	prepare func(s *Server, c *call, r *reportQuery, now time.Time) error
	// always are figures without which the statement does not work.
	always []string
	// receipt is the list that a cell of a figure is made of.
	receipt func(c *call, r *reportQuery, f *figure) *receiptList
	// numbers reads parameters that the report has beside the others; nil where there are none.
	numbers func(q *query, r *reportQuery)
	// late is the figure of what came after the period was closed, and asClosed the same report without it; nil when that cannot be told.
	late     string
	asClosed func(ctx context.Context, s *Server, c *call, r *reportQuery, now time.Time) (*reportQuery, error)
}

// reportQuery is a report that was asked for.
type reportQuery struct {
	kind     *kind
	from, to time.Time
	loc      *time.Location
	by       []dimension
	where    []string
	params   clickhouse.Params
	order    string
	limit    int // rows that are read
	most     int // rows in the answer: those that are compared with others are all read
	csv      bool
	language string
	labelled bool // people read the columns, in that language
	compare  bool // with the period before
	grace    time.Duration
	restated bool // what it said when its period was closed is asked for, too
	closed   bool // it is what was known when its period was closed
	// rows is the table, extended by what the figures are computed with, of the rows in the period that pass the filters.
	rows string
	// retold are conversations that are read otherwise than they are stored; nil when none are.
	retold *retold
}

type reportRow struct {
	by       []string
	figures  *figures
	previous *reportRow // of the period before; nil when it has none
	closed   *figures   // when the period was closed; nil when that was not asked for or cannot be told
}

// result is what a report says.
type result struct {
	rows   []reportRow
	totals reportRow
	groups uint64 // how many rows there are, whatever the limit
}

// run reads the report.
func (s *Server) run(ctx context.Context, c *call, r *reportQuery) (out result, err error) {
	out.totals.figures = newFigures(r.kind) // of nothing
	g, ctx := errgroup.WithContext(ctx)
	if len(r.by) > 0 && !r.whole() {
		g.Go(func() error {
			alone, err := s.run(ctx, c, r.alone())
			out.totals = alone.totals
			return err
		})
	}
	g.Go(func() (err error) {
		var totals reportRow
		out.rows, totals, out.groups, err = s.runRows(ctx, c, r)
		if r.whole() && totals.figures != nil {
			out.totals, out.groups = totals, out.groups-1
		}
		if len(r.by) == 0 && len(out.rows) > 0 {
			out.totals = out.rows[0]
		}
		return err
	})
	err = g.Wait()
	return out, err
}

// runRows reads the groups of a report, and how many there are.
func (s *Server) runRows(ctx context.Context, c *call, r *reportQuery) (rows []reportRow, totals reportRow, groups uint64, err error) {
	err = s.store.each(ctx, s.store.report, r.kind.sql(c, r), r.params, func(in *clickhouse.Rows) error {
		row := reportRow{by: make([]string, len(r.by)), figures: newFigures(r.kind)}
		var isTotal uint64
		var targets []any
		for i := range row.by {
			targets = append(targets, &row.by[i])
		}
		targets = append(append(targets, row.figures.targets()...), &isTotal, &groups)
		if err := in.Scan(targets...); err != nil {
			return err
		}
		if isTotal == 1 {
			totals = reportRow{figures: row.figures} // at no place
			return nil
		}
		for i, d := range r.by {
			label, err := d.label(row.by[i], r.loc)
			if err != nil {
				return fmt.Errorf("serve: report: %s: %w", d.name, err)
			}
			row.by[i] = label
		}
		rows = append(rows, row)
		return nil
	})
	return rows, totals, groups, err
}

// report answers with the report of the kind.
func (s *Server) report(w http.ResponseWriter, r *http.Request, c *call, k *kind) error {
	asOf := s.config.Now()
	query, err := s.readReport(c, r, k)
	if err != nil {
		return err
	}
	if err := s.prepare(c, query, asOf); err != nil {
		return err
	}
	var earlier *reportQuery
	if query.compare {
		earlier = query.previous()
		if err := s.prepare(c, earlier, asOf); err != nil {
			return err
		}
	}
	var (
		now, before statement
		fresh       Freshness
	)
	g, ctx := errgroup.WithContext(r.Context())
	g.Go(func() (err error) {
		now, err = s.state(ctx, c, query, asOf)
		return err
	})
	if query.compare {
		g.Go(func() (err error) {
			before, err = s.state(ctx, c, earlier, asOf)
			return err
		})
	}
	g.Go(func() (err error) {
		fresh, err = s.freshness(ctx, c, asOf)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if query.compare {
		if err := now.match(&before); err != nil {
			return err
		}
	}
	w.Header().Set("Vary", "Accept")
	w.Header().Set("Throughline-As-Of", asOf.UTC().Format(time.RFC3339Nano))
	w.Header().Set("Throughline-Groups", strconv.FormatUint(now.groups, 10))
	w.Header().Set("Throughline-Truncated", strconv.FormatBool(uint64(len(now.rows)) < now.groups))
	if query.csv {
		return answerCSV(w, query, now.rows)
	}
	period := query.period()
	out := Report{
		From: period.From, To: period.To, TZ: query.loc.String(),
		By: []string{}, Rows: []map[string]any{}, Totals: map[string]any{}, Groups: now.groups,
		AsOf: Time(asOf), Freshness: fresh,
	}
	out.Definitions, out.Versions = query.kind.definitions(query.language)
	if query.compare {
		out.Previous = new(earlier.period())
		out.Previous.Restated = before.restatement(r.URL)
	}
	for _, d := range query.by {
		out.By = append(out.By, d.name)
	}
	for _, row := range now.rows {
		values := map[string]any{}
		for i, d := range query.by {
			values[d.name] = d.shown(row.by[i])
		}
		now.write(values, &row, r.URL)
		if query.compare {
			values["previous"] = before.before(&row, r.URL)
		}
		out.Rows = append(out.Rows, values)
	}
	now.write(out.Totals, &now.totals, r.URL)
	if query.compare {
		out.Totals["previous"] = before.before(&now.totals, r.URL)
	}
	out.Restated = now.restatement(r.URL)
	return answer(w, http.StatusOK, out)
}

// period is the stretch of time that the report is of, in its zone.
func (r *reportQuery) period() Period {
	return Period{From: r.from.In(r.loc).Format(time.RFC3339Nano), To: r.to.In(r.loc).Format(time.RFC3339Nano)}
}

// write adds the figures of a row to it, and what has become of them.
func (st *statement) write(into map[string]any, row *reportRow, asked *url.URL) {
	row.figures.row(into)
	st.writeRestated(into, row, asked)
}

// before are the figures that a row of another period is compared with, nil when there are none.
func (st *statement) before(row *reportRow, asked *url.URL) any {
	if row.previous == nil {
		return nil
	}
	out := map[string]any{}
	for i, value := range row.previous.by {
		if d := st.query.by[i]; d.time { // another than the row's
			out[d.name] = d.shown(value)
		}
	}
	st.write(out, row.previous, asked)
	return out
}
