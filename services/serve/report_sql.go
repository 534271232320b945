package serve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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

// perTag has the rows of a table once for each of their tags, if the report is by tag. (With arrayJoin among the columns, the store would read the table
// where a projection of it takes half the time.)
func (r *reportQuery) perTag() string {
	if !r.byTag() {
		return ""
	}
	return " ARRAY JOIN if(empty(tags), [''], tags) AS " + tag.sql
}

func (r *reportQuery) byTag() bool {
	return slices.ContainsFunc(r.by, func(d dimension) bool { return d.name == tag.name })
}

// whole tells whether the totals come out of the same pass as the rows. Where a row is counted once for each of its tags, it would be in
// the totals as often, so that they are asked for apart; a report without dimensions is its totals.
func (r *reportQuery) whole() bool {
	return len(r.by) > 0 && !r.byTag()
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
