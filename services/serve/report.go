package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	From string `json:"from"`
	To   string `json:"to"`
}

// dimension is something that a report groups by.
type dimension struct {
	name  string
	sql   string // of the value
	label func(value string, loc *time.Location) (string, error)
	time  bool // a stretch of time
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

// tag has one row per tag, and one with an empty tag for what has none.
var tag = text("tag", "arrayJoin(if(empty(tags), [''], tags))")

// kind is a sort of report: what it may be grouped by and what it counts.
type kind struct {
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
	// restates tells whether it can be asked what the report said when its period was closed.
	restates bool
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
	limit    int
	csv      bool
	language string
	compare  bool // with the period before
	grace    time.Duration
	restated bool // what it said when its period was closed is asked for, too
	closed   bool // it is what was known when its period was closed
	// rows is the table, extended by what the figures are computed with, of the rows in the period that pass the filters.
	rows string
}

const (
	maxDimensions = 6
	maxReportRows = 10_000
)

// readScope reads the parameters that reports and their receipts have: of what they are.
func (s *Server) readScope(c *call, r *http.Request, k *kind) (*reportQuery, error) {
	q := c.query
	out := &reportQuery{kind: k, params: clickhouse.Params{"workspace": c.workspace}}
	loc, err := s.zone(r.Context(), q.text("tz"))
	if err != nil {
		return nil, err
	}
	out.loc = loc
	out.params["tz"] = loc.String()
	now := s.config.Now()
	var given bool
	if out.to, given = q.instant("to", loc); !given {
		out.to = now
	}
	if out.from, given = q.instant("from", loc); !given {
		out.from = out.to.AddDate(0, 0, -30)
	}
	if !out.from.Before(out.to) {
		q.fail("from", "want a time before to")
	}
	out.params["from"], out.params["to"] = moment(ceilMilli(out.from)), moment(ceilMilli(out.to))
	for _, name := range sortedKeys(k.filters) {
		var values []string
		switch name {
		case "direction":
			values = q.listOf(name, directions...)
		case "state":
			values = q.listOf(name, states...)
		default:
			values = q.list(name)
		}
		if len(values) > 0 {
			out.params[name] = values
			out.where = append(out.where, k.filters[name])
		}
	}
	out.language = q.oneOf("lang", "en", "de")
	if k.numbers != nil {
		k.numbers(q, out)
	}
	out.grace = time.Duration(q.number("grace", 24, 0, 8760)) * time.Hour
	out.params["closed"] = moment(ceilMilli(out.closing()))
	return out, nil
}

// readReport reads the parameters that all reports have.
func (s *Server) readReport(c *call, r *http.Request, k *kind) (*reportQuery, error) {
	out, err := s.readScope(c, r, k)
	if err != nil {
		return nil, err
	}
	q := c.query
	out.by = readBy(q, k)
	out.order = q.oneOf("order", append([]string{"by"}, k.shownFigures()...)...)
	names, more := readFigures(q, k), ""
	if out.restated = k.restates && q.flag("restated"); out.restated {
		more = lateTouchpoints
	}
	out.kind = k.only(names, out.order, more)
	out.compare = q.oneOf("compare", "none", "previous") == "previous"
	out.limit = q.number("limit", 1000, 1, maxReportRows)
	out.params["limit"] = out.limit
	switch q.text("format") {
	case "csv":
		out.csv = true
	case "json":
	case "":
		out.csv = strings.Contains(r.Header.Get("Accept"), "text/csv")
	default:
		q.fail("format", "want json or csv")
	}
	return out, q.done()
}

// prepare completes a report that was read.
func (s *Server) prepare(c *call, r *reportQuery, now time.Time) error {
	if r.kind.prepare == nil {
		return nil
	}
	return r.kind.prepare(s, c, r, now)
}

// readFigures reads which figures are wanted; none is all of them.
func readFigures(q *query, k *kind) (names []string) {
	shown := k.shownFigures()
	for _, part := range q.list("figures") {
		for name := range strings.SplitSeq(part, ",") {
			switch {
			case name == "" && part == "":
			case !slices.Contains(shown, name):
				q.fail("figures", "want any of "+strings.Join(shown, ", "))
				return nil
			default:
				names = append(names, name)
			}
		}
	}
	return names
}

// ceilMilli rounds up to the millisecond, so that comparing stored milliseconds with it is comparing with t.
func ceilMilli(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

func readBy(q *query, k *kind) (by []dimension) {
	var allowed []string
	for _, d := range k.dimensions {
		allowed = append(allowed, d.name)
	}
	for _, part := range q.list("by") {
		for name := range strings.SplitSeq(part, ",") {
			if name == "" && part == "" {
				continue
			}
			i := slices.Index(allowed, name)
			if i < 0 {
				q.fail("by", "want any of "+strings.Join(allowed, ", "))
				return nil
			}
			if slices.ContainsFunc(by, func(d dimension) bool { return d.name == name }) {
				q.fail("by", name+" is there twice")
			}
			by = append(by, k.dimensions[i])
		}
	}
	if len(by) > maxDimensions {
		q.fail("by", fmt.Sprintf("at most %d dimensions", maxDimensions))
	}
	return by
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// inside are the conditions of the report on a table whose time is column. The period goes first: it is read before
// everything else, and a row's workspace and time are the same in all its versions, so that FINAL does not mind.
func (r *reportQuery) inside(column string, more ...string) string {
	period := "PREWHERE workspace = {workspace:String} AND " + column + " >= {from:DateTime64(3, 'UTC')} AND " + column + " < {to:DateTime64(3, 'UTC')}"
	where := append(append([]string{}, r.where...), more...)
	if len(where) == 0 {
		return period
	}
	return period + " WHERE " + strings.Join(where, " AND ")
}

// selected are the dimensions as columns d0, d1, ... of a SELECT, each followed by a comma.
func (r *reportQuery) selected() string {
	var b strings.Builder
	for i, d := range r.by {
		fmt.Fprintf(&b, "%s AS d%d, ", d.sql, i)
	}
	return b.String()
}

// shown are the same as text.
func (r *reportQuery) shown() string {
	var b strings.Builder
	for i := range r.by {
		fmt.Fprintf(&b, "toString(d%d), ", i)
	}
	return b.String()
}

func (r *reportQuery) columns() string {
	names := make([]string, len(r.by))
	for i := range r.by {
		names[i] = fmt.Sprintf("d%d", i)
	}
	return strings.Join(names, ", ")
}

// whole tells whether the totals come out of the same pass as the rows. Where a row is counted once for each of its tags, it would be in
// the totals as often, so that they are asked for apart; a report without dimensions is its totals.
func (r *reportQuery) whole() bool {
	return len(r.by) > 0 && !slices.ContainsFunc(r.by, func(d dimension) bool { return d.name == tag.name })
}

// grouped is the GROUP BY clause; none for a report without dimensions, which always has its one row.
func (r *reportQuery) grouped() string {
	switch {
	case len(r.by) == 0:
		return ""
	case r.whole():
		return "GROUP BY GROUPING SETS ((" + r.columns() + "), ())"
	}
	return "GROUP BY " + r.columns()
}

// total is the column that says whether a group is the totals, in the SELECT that groups.
func (r *reportQuery) total() string {
	if r.whole() {
		return "grouping(d0) AS all_rows"
	}
	return "toUInt64(0) AS all_rows"
}

// inner are the figures as columns of the SELECT that groups; those of other sources are nothing there.
func (r *reportQuery) inner(of source) string {
	var out []string
	for i := range r.kind.figures {
		f := &r.kind.figures[i]
		aggregates := f.aggregates()
		for j, column := range f.columns() {
			switch {
			case f.source == of:
				out = append(out, aggregates[j]+" AS "+column)
			case f.sort == summed:
				out = append(out, "toFloat64(0) AS "+column)
			default:
				out = append(out, "toUInt64(0) AS "+column)
			}
		}
	}
	return strings.Join(out, ",\n\t\t")
}

// outer are the same columns in the SELECT around it, each as with gives it.
func (r *reportQuery) outer(with func(column string) string) string {
	var out []string
	for i := range r.kind.figures {
		for _, column := range r.kind.figures[i].columns() {
			out = append(out, with(column))
		}
	}
	return strings.Join(out, ", ")
}

// ordered is the end of the statement. The totals come first, whatever the limit.
func (r *reportQuery) ordered() string {
	extra := 0
	if r.whole() {
		extra = 1
	}
	keys := []string{"is_total DESC"}
	if r.order != "by" {
		keys = append(keys, r.kind.orderOf(r.order)+" DESC")
	}
	if len(r.by) > 0 {
		keys = append(keys, r.columns())
	}
	return `ORDER BY ` + strings.Join(keys, ", ") + ` LIMIT {limit:UInt32} + ` + strconv.Itoa(extra) + reportSettings
}

// reportSettings end the statements of reports.
const reportSettings = `
SETTINGS do_not_merge_across_partitions_select_final = 1, enable_extended_results_for_datetime_functions = 1`

// alone is the same report without dimensions: its totals.
func (r *reportQuery) alone() *reportQuery {
	t := *r
	t.by, t.order = nil, "by"
	return &t
}

type reportRow struct {
	by       []string
	figures  *figures
	previous *figures // of the period before; nil when it has none
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
	return out, g.Wait()
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
			totals = row
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
		now, before, then result
		fresh             Freshness
	)
	g, ctx := errgroup.WithContext(r.Context())
	ask := func(q *reportQuery, into *result) {
		g.Go(func() (err error) {
			*into, err = s.run(ctx, c, q)
			return err
		})
	}
	ask(query, &now)
	if query.compare {
		ask(earlier, &before)
	}
	restated := query.restated && !query.closing().After(asOf)
	if restated {
		ask(query.asClosed(), &then)
	}
	g.Go(func() (err error) {
		fresh, err = s.freshness(ctx, c, asOf)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if query.compare {
		if err := query.match(now.rows, before.rows); err != nil {
			return err
		}
		now.totals.previous = before.totals.figures
	}
	w.Header().Set("Vary", "Accept")
	if query.csv {
		return answerCSV(w, query, now.rows, asOf)
	}
	out := Report{
		From: query.from.In(query.loc).Format(time.RFC3339Nano), To: query.to.In(query.loc).Format(time.RFC3339Nano), TZ: query.loc.String(),
		By: []string{}, Rows: []map[string]any{}, Totals: map[string]any{}, Groups: now.groups,
		AsOf: Time(asOf), Freshness: fresh,
	}
	out.Definitions, out.Versions = query.kind.definitions(query.language)
	if query.compare {
		out.Previous = &Period{earlier.from.In(query.loc).Format(time.RFC3339Nano), earlier.to.In(query.loc).Format(time.RFC3339Nano)}
	}
	for _, d := range query.by {
		out.By = append(out.By, d.name)
	}
	for _, row := range now.rows {
		values := map[string]any{}
		for i, d := range query.by {
			values[d.name] = row.by[i]
		}
		row.json(values, query.compare)
		out.Rows = append(out.Rows, values)
	}
	now.totals.json(out.Totals, query.compare)
	if restated {
		query.restate(&out, &now, &then, r.URL)
	}
	return answer(w, http.StatusOK, out)
}

// json adds the figures of the row to it, and those of the period before if they were asked for.
func (r *reportRow) json(into map[string]any, compare bool) {
	r.figures.row(into)
	if !compare {
		return
	}
	into["previous"] = nil
	if r.previous != nil {
		before := map[string]any{}
		r.previous.row(before)
		into["previous"] = before
	}
}
