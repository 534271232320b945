package serve

import (
	"regexp"
	"slices"
	"strings"
)

// word finds the names in an expression.
var word = regexp.MustCompile(`[a-z_][a-z_0-9]*`)

// names are the names in what a report counts by, filters by and computes.
func (r *reportQuery) names() map[string]bool {
	out := map[string]bool{}
	for i := range r.kind.figures {
		mention(out, r.kind.figures[i].of, r.kind.figures[i].value)
	}
	for _, d := range r.by {
		mention(out, d.sql)
	}
	mention(out, r.where...)
	return out
}

func mention(names map[string]bool, expressions ...string) {
	for _, e := range expressions {
		for _, name := range word.FindAllString(e, -1) {
			names[name] = true
		}
	}
}

// needed are those of the columns, each an expression AS its name, that are named or that another needed one names; a column names only those before it.
// What nobody reads costs nothing in the store, but to work through its text takes as long as to count a day's rows.
func needed(names map[string]bool, columns []string) (out []string) {
	for _, column := range slices.Backward(columns) {
		at := strings.LastIndex(column, " AS ")
		if names[column[at+len(" AS "):]] {
			mention(names, column[:at])
			out = append(out, column)
		}
	}
	slices.Reverse(out)
	return out
}
