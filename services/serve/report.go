package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
	// sql is the statement that gives, per group, the values of the dimensions as text, then its figures, then the
	// number of groups.
	sql func(c *call, r *reportQuery) string
	// prepare adds what the figures are computed with; nil where that is nothing.
	prepare func(s *Server, c *call, r *reportQuery, now time.Time) error
	// always are figures without which the statement does not work.
	always []string
	// receipt is the list that a cell of a figure is made of.
	receipt func(c *call, r *reportQuery, f *figure) *receiptList
	// numbers reads parameters that the report has beside the others; nil where there are none.
	numbers func(q *query, r *reportQuery)
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
	// rows is the table, extended by what the figures are computed with, of the rows that a condition leaves.
	rows func(where string) string
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
	out.kind = k.only(readFigures(q, k), out.order)
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

// inside is the condition of the report on a table whose time is column.
func (r *reportQuery) inside(column string, more ...string) string {
	where := []string{"workspace = {workspace:String}", column + " >= {from:DateTime64(3, 'UTC')}", column + " < {to:DateTime64(3, 'UTC')}"}
	where = append(where, r.where...)
	return strings.Join(append(where, more...), " AND ")
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

// grouped is the GROUP BY clause; none for a report without dimensions, which always has its one row.
func (r *reportQuery) grouped() string {
	if len(r.by) == 0 {
		return ""
	}
	return "GROUP BY " + r.columns()
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

// ordered is the end of the statement.
func (r *reportQuery) ordered() string {
	var keys []string
	if r.order != "by" {
		keys = append(keys, r.kind.orderOf(r.order)+" DESC")
	}
	if len(r.by) > 0 {
		keys = append(keys, r.columns())
	}
	order := ""
	if len(keys) > 0 {
		order = "ORDER BY " + strings.Join(keys, ", ")
	}
	return order + ` LIMIT {limit:UInt32}` + reportSettings
}

// reportSettings end the statements of reports.
const reportSettings = `
SETTINGS do_not_merge_across_partitions_select_final = 1, enable_extended_results_for_datetime_functions = 1`

// totals is the same report without dimensions.
func (r *reportQuery) totals() *reportQuery {
	t := *r
	t.by, t.order = nil, "by"
	return &t
}

type reportRow struct {
	by       []string
	figures  *figures
	previous *figures // of the period before; nil when it has none
}

// run reads the rows of the report and how many groups there are.
func (s *Server) run(ctx context.Context, c *call, r *reportQuery) (rows []reportRow, groups uint64, err error) {
	err = s.store.each(ctx, s.store.report, r.kind.sql(c, r), r.params, func(in *clickhouse.Rows) error {
		row := reportRow{by: make([]string, len(r.by)), figures: newFigures(r.kind)}
		var targets []any
		for i := range row.by {
			targets = append(targets, &row.by[i])
		}
		targets = append(append(targets, row.figures.targets()...), &groups)
		if err := in.Scan(targets...); err != nil {
			return err
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
	return rows, groups, err
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
		rows, totals, before, totalBefore []reportRow
		groups                            uint64
		fresh                             Freshness
	)
	g, ctx := errgroup.WithContext(r.Context())
	ask := func(q *reportQuery, into *[]reportRow, groups *uint64) {
		g.Go(func() (err error) {
			*into, *groups, err = s.run(ctx, c, q)
			return err
		})
	}
	ask(query, &rows, &groups)
	if len(query.by) > 0 {
		ask(query.totals(), &totals, new(uint64))
	}
	if query.compare {
		ask(earlier, &before, new(uint64))
		if len(query.by) > 0 {
			ask(earlier.totals(), &totalBefore, new(uint64))
		}
	}
	g.Go(func() (err error) {
		fresh, err = s.freshness(ctx, c, asOf)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if query.compare {
		if err := query.match(rows, before); err != nil {
			return err
		}
		if len(query.by) > 0 {
			totals[0].previous = totalBefore[0].figures
		}
	}
	if len(query.by) == 0 {
		totals = rows
	}
	w.Header().Set("Vary", "Accept")
	if query.csv {
		return answerCSV(w, query, rows, asOf)
	}
	out := Report{
		From: query.from.In(query.loc).Format(time.RFC3339Nano), To: query.to.In(query.loc).Format(time.RFC3339Nano), TZ: query.loc.String(),
		By: []string{}, Rows: []map[string]any{}, Totals: map[string]any{}, Groups: groups,
		AsOf: Time(asOf), Freshness: fresh,
	}
	out.Definitions, out.Versions = query.kind.definitions(query.language)
	if query.compare {
		out.Previous = &Period{earlier.from.In(query.loc).Format(time.RFC3339Nano), earlier.to.In(query.loc).Format(time.RFC3339Nano)}
	}
	for _, d := range query.by {
		out.By = append(out.By, d.name)
	}
	for _, row := range rows {
		values := map[string]any{}
		for i, d := range query.by {
			values[d.name] = row.by[i]
		}
		row.json(values, query.compare)
		out.Rows = append(out.Rows, values)
	}
	for _, row := range totals {
		row.json(out.Totals, query.compare)
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
