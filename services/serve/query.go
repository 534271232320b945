package serve

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
)

// maxValue bounds one parameter's value in bytes, maxValues how often a repeatable one may be given. Together they
// keep a request's parameters below what an HTTP server in front of the store takes.
const (
	maxValue  = 1024
	maxValues = 50
)

// fieldError says which parameter is wrong and what would be right.
type fieldError struct {
	field  string
	detail string
}

func (e *fieldError) Error() string { return e.field + ": " + e.detail }

// query reads the parameters of one request. The first mistake is kept and the rest of the reading goes on with
// defaults, so that a handler reads like its documentation and asks once, with done.
type query struct {
	values url.Values
	known  []string
	err    *fieldError
	asOf   *time.Time // what the answer is to be as of; nil: now
}

func newQuery(raw string) *query {
	values, err := url.ParseQuery(raw)
	q := &query{values: values}
	if err != nil {
		q.fail("query", "is not a well-formed query string")
	}
	for name, all := range values {
		if !plain(name) {
			q.fail("query", "holds a parameter name that is not UTF-8 text")
			continue
		}
		for _, v := range all {
			if !plain(v) {
				q.fail(name, "want UTF-8 text without NUL")
			}
			if len(v) > maxValue {
				q.fail(name, fmt.Sprintf("at most %d bytes", maxValue))
			}
		}
	}
	return q
}

func plain(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func (q *query) fail(field, detail string) {
	if q.err == nil {
		q.err = &fieldError{field, detail}
	}
}

// done returns the first mistake; a parameter that nobody asked for is one, because a misspelt filter that is
// silently ignored gives a wrong report that looks right.
func (q *query) done() error {
	if q.err != nil {
		return q.err
	}
	for _, name := range sorted(q.values) {
		if !slices.Contains(q.known, name) {
			return &fieldError{name, "no such parameter here; there are " + strings.Join(q.known, ", ")}
		}
	}
	return nil
}

func sorted(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// text reads a parameter that may be given once; empty when absent.
func (q *query) text(name string) string {
	q.known = append(q.known, name)
	all := q.values[name]
	if len(all) > 1 {
		q.fail(name, "may be given once")
	}
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// list reads a parameter that may be repeated.
func (q *query) list(name string) []string {
	q.known = append(q.known, name)
	all := q.values[name]
	if len(all) > maxValues {
		q.fail(name, fmt.Sprintf("may be given at most %d times", maxValues))
		return nil
	}
	return all
}

// words reads a parameter that may be repeated, of something that is never empty.
func (q *query) words(name string) []string {
	all := q.list(name)
	if slices.Contains(all, "") {
		q.fail(name, "an empty value is none: leave the parameter out")
	}
	return all
}

// listOf reads a parameter whose values are among allowed: repeated, or with commas between them, which no such value has.
func (q *query) listOf(name string, allowed ...string) (values []string) {
	for _, v := range q.list(name) {
		for one := range strings.SplitSeq(v, ",") {
			if !slices.Contains(allowed, one) {
				q.fail(name, "want any of "+strings.Join(allowed, ", ")+q.instead(one))
			}
			values = append(values, one)
		}
	}
	if len(values) > maxValues {
		q.fail(name, fmt.Sprintf("may have at most %d values", maxValues))
		return nil
	}
	return values
}

// instead quotes a value that is none.
func (q *query) instead(v string) string {
	if v == "" {
		return "; an empty value is none: leave the parameter out"
	}
	return fmt.Sprintf("; %q is none", v)
}

// channels reads a filter by channels of the registry.
func (q *query) channels(r *registry.Registry) []string {
	names := make([]string, len(r.Channels))
	for i, c := range r.Channels {
		names[i] = c.Name
	}
	return q.listOf("channel", names...)
}

// oneOf reads a parameter whose value is among allowed; absent, it is the first of them.
func (q *query) oneOf(name string, allowed ...string) string {
	v := q.text(name)
	if v == "" && len(q.values[name]) == 0 {
		return allowed[0]
	}
	if !slices.Contains(allowed, v) {
		q.fail(name, "want one of "+strings.Join(allowed, ", "))
		return allowed[0]
	}
	return v
}

// flag reads true or false; absent, it is false.
func (q *query) flag(name string) bool { return q.oneOf(name, "false", "true") == "true" }

// number reads a decimal number from low to high; absent, it is fallback.
func (q *query) number(name string, fallback, low, high int) int {
	v := q.text(name)
	if v == "" && len(q.values[name]) == 0 {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		q.fail(name, fmt.Sprintf("want a number from %d to %d", low, high))
		return fallback
	}
	return n
}

// instant reads an RFC 3339 time, or a date that starts in loc.
func (q *query) instant(name string, loc *time.Location) (t time.Time, given bool) {
	v := q.text(name)
	if v == "" && len(q.values[name]) == 0 {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		d, dateErr := time.Parse(time.DateOnly, v)
		if dateErr != nil {
			q.fail(name, "want a time such as 2026-01-31T09:00:00Z or a date such as 2026-01-31 (a + in a query string is written %2B)")
			return time.Time{}, false
		}
		t = startOfDay(d.Year(), d.Month(), d.Day(), loc)
	}
	if t.Year() < 1970 || t.Year() > 2200 {
		q.fail(name, "want a year from 1970 to 2200")
		return time.Time{}, false
	}
	return t, true
}

// pathID reads an id out of the path.
func pathID(field, value string) (identity.Anchor, error) {
	id, err := identity.ParseAnchor(value)
	if err != nil {
		return id, &fieldError{field, "want 32 hexadecimal digits"}
	}
	return id, nil
}
