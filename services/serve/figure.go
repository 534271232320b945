package serve

import (
	"slices"
	"strconv"
	"time"

	"github.com/throughline/throughline/schemas/measure"
)

// figure is a column of a report: which rows it is made of, and how it is computed of them. What it means stands in the table of
// measures, under its name.
type figure struct {
	name   string
	sort   how
	of     string // condition of the rows it is made of; "" is all of them
	value  string // SQL of a row's number: what is summed, or what statistics are of; of different: what is to be different
	part   string // of a ratio: names of figures
	minus  string // taken off the part; "" is nothing
	whole  string
	scale  float64 // of a ratio; 0 is 1
	each   bool    // the value is an array, and statistics are of each of its elements
	hidden bool    // only others are computed of it
	source source
}

// how is how a figure is computed.
type how int

const (
	counted    how = iota // how many rows
	distinct              // how many different values
	summed                // the sum of the values
	statistics            // number, mean and percentiles of the values that are not NULL
	ratio                 // of other figures
)

// source is the table that a figure is computed of, where a report has several.
type source int

const (
	factual    source = iota // the first
	membership               // which conversation a touchpoint belongs to
)

// condition is of, for use in a clause.
func (f *figure) condition() string {
	if f.of == "" {
		return "1"
	}
	return f.of
}

// columns are the names of its columns in the inner SELECT.
func (f *figure) columns() []string {
	switch f.sort {
	case ratio:
		return nil
	case statistics:
		return []string{f.name + "_n", f.name + "_mean", f.name + "_percentiles", f.name + "_max"}
	}
	return []string{f.name + "_v"}
}

// aggregates are the expressions of those columns.
func (f *figure) aggregates() []string {
	switch f.sort {
	case counted:
		return []string{"countIf(" + f.condition() + ")"}
	case distinct:
		return []string{"uniqExactIf(" + f.value + ", " + f.condition() + ")"}
	case summed:
		return []string{"toFloat64(sumIf(" + f.value + ", " + f.condition() + "))"}
	case statistics:
		n, of, value := "countIf("+f.measured()+")", "If", "assumeNotNull("+f.value+"), "+f.measured()
		if f.each {
			n, of, value = "sumIf(length("+f.value+"), "+f.condition()+")", "ArrayIf", f.value+", "+f.condition()
		}
		// quantilesExactInclusive interpolates linearly between the two nearest of all values.
		return []string{n, "avg" + of + "(" + value + ")", "quantilesExactInclusive" + of + "(0.5, 0.75, 0.9, 0.95, 0.99)(" + value + ")",
			"toFloat64(max" + of + "(" + value + "))"}
	}
	return nil
}

// measured is the condition of rows that statistics are of, one value each.
func (f *figure) measured() string { return "(" + f.condition() + " AND isNotNull(" + f.value + "))" }

// percentileNames are the percentiles of every statistic.
var percentileNames = []string{"p50", "p75", "p90", "p95", "p99"}

// stats is one statistic of durations in milliseconds.
type stats struct {
	n           uint64
	mean        float64
	percentiles []float64
	max         float64
}

func (s *stats) value() map[string]any {
	out := map[string]any{"n": s.n, "mean": nil, "max": nil}
	for _, name := range percentileNames {
		out[name] = nil
	}
	if s.n > 0 {
		out["mean"], out["max"] = s.mean, s.max
		for i, name := range percentileNames {
			out[name] = s.percentiles[i]
		}
	}
	return out
}

func (s *stats) cells() []string {
	out := make([]string, 3+len(percentileNames))
	out[0] = strconv.FormatUint(s.n, 10)
	if s.n > 0 {
		out[1] = decimal(s.mean)
		for i := range percentileNames {
			out[2+i] = decimal(s.percentiles[i])
		}
		out[2+len(percentileNames)] = decimal(s.max)
	}
	return out
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// cellValue is what was read of a figure.
type cellValue struct {
	n     uint64
	sum   float64
	stats stats
}

// figures are those of one row of a report.
type figures struct {
	kind  *kind
	cells []cellValue
}

func newFigures(k *kind) *figures { return &figures{k, make([]cellValue, len(k.figures))} }

// targets are where the columns go, in their order.
func (f *figures) targets() (to []any) {
	for i := range f.cells {
		c := &f.cells[i]
		switch f.kind.figures[i].sort {
		case counted, distinct:
			to = append(to, &c.n)
		case summed:
			to = append(to, &c.sum)
		case statistics:
			to = append(to, &c.stats.n, &c.stats.mean, &c.stats.percentiles, &c.stats.max)
		}
	}
	return to
}

// number is the figure's number; ok is false when there is none.
func (f *figures) number(name string) (v float64, ok bool) {
	for i := range f.kind.figures {
		if d := &f.kind.figures[i]; d.name == name {
			switch d.sort {
			case counted, distinct:
				return float64(f.cells[i].n), true
			case summed:
				return f.cells[i].sum, true
			case statistics:
				return float64(f.cells[i].stats.n), true
			}
			return f.ratio(d)
		}
	}
	panic("serve: no figure " + name) // the tables are tested
}

// count is a figure that is counted.
func (f *figures) count(name string) uint64 {
	for i := range f.kind.figures {
		if f.kind.figures[i].name == name {
			return f.cells[i].n
		}
	}
	panic("serve: no figure " + name)
}

func (f *figures) ratio(d *figure) (v float64, ok bool) {
	whole, _ := f.number(d.whole)
	if whole == 0 {
		return 0, false
	}
	part, _ := f.number(d.part)
	if d.minus != "" {
		less, _ := f.number(d.minus)
		part -= less
	}
	v = part / whole
	if d.scale != 0 {
		v *= d.scale
	}
	return v, true
}

// row adds the figures to a row of JSON.
func (f *figures) row(into map[string]any) {
	for i := range f.kind.figures {
		d := &f.kind.figures[i]
		if d.hidden {
			continue
		}
		switch d.sort {
		case counted, distinct:
			into[d.name] = f.cells[i].n
		case summed:
			into[d.name] = f.cells[i].sum
		case statistics:
			into[d.name] = f.cells[i].stats.value()
		case ratio:
			into[d.name] = nil
			if v, ok := f.ratio(d); ok {
				into[d.name] = v
			}
		}
	}
}

// csv are the figures as a row of CSV, in the order of csvColumns.
func (f *figures) csv() (out []string) {
	for i := range f.kind.figures {
		d := &f.kind.figures[i]
		if d.hidden {
			continue
		}
		switch d.sort {
		case counted, distinct:
			out = append(out, strconv.FormatUint(f.cells[i].n, 10))
		case summed:
			out = append(out, decimal(f.cells[i].sum))
		case statistics:
			out = append(out, f.cells[i].stats.cells()...)
		case ratio:
			text := ""
			if v, ok := f.ratio(d); ok {
				text = decimal(v)
			}
			out = append(out, text)
		}
	}
	return out
}

// figure finds one by its name, also a hidden one, of which others are computed; nil when there is none.
func (k *kind) figure(name string) *figure {
	for i := range k.figures {
		if f := &k.figures[i]; f.name == name {
			return f
		}
	}
	return nil
}

// only is the report with some figures alone, and what these are computed of: a report costs what its figures cost. No names are all.
// Those of more are there and not shown.
func (k *kind) only(names []string, order string, more ...string) *kind {
	if len(names) == 0 {
		return k
	}
	needed := append([]string{}, k.always...)
	for _, name := range slices.Concat([]string{order}, names, more) {
		if f := k.figure(name); f != nil {
			needed = append(needed, name, f.part, f.minus, f.whole)
		}
	}
	out := *k
	out.figures = nil
	for _, f := range k.figures {
		if slices.Contains(needed, f.name) {
			f.hidden = f.hidden || !slices.Contains(names, f.name)
			out.figures = append(out.figures, f)
		}
	}
	return &out
}

// uses tells whether a figure is computed of the source.
func (k *kind) uses(of source) bool {
	return slices.ContainsFunc(k.figures, func(f figure) bool { return f.source == of })
}

// shownFigures are the names of those that are in the answer.
func (k *kind) shownFigures() (names []string) {
	for i := range k.figures {
		if !k.figures[i].hidden {
			names = append(names, k.figures[i].name)
		}
	}
	return names
}

// orderOf is the expression over the inner SELECT's columns that sorts by a figure; what has no value comes last. Of statistics it is
// the median.
func (k *kind) orderOf(name string) string {
	f := k.figure(name)
	switch f.sort {
	case statistics:
		return "if(" + f.name + "_n = 0, -1, " + f.name + "_percentiles[1])"
	case ratio:
		part := f.part + "_v"
		if f.minus != "" {
			part = "(toFloat64(" + part + ") - " + f.minus + "_v)"
		}
		return "if(" + f.whole + "_v = 0, -inf, " + part + " / " + f.whole + "_v)"
	}
	return f.name + "_v"
}

// definitions say what the figures of a report mean, and which version of that meaning it is.
func (k *kind) definitions(language string) (meaning map[string]string, version map[string]int) {
	meaning, version = map[string]string{}, map[string]int{}
	for _, name := range k.shownFigures() {
		m, _ := measure.Of(name)
		meaning[name], version[name] = m.Meaning.In(language), m.Version
	}
	return meaning, version
}

func hourLabel(value string, loc *time.Location) (string, error) {
	s, err := strconv.ParseInt(value, 10, 64)
	return time.Unix(s, 0).In(loc).Format(time.RFC3339), err
}

func dateLabel(value string, loc *time.Location) (string, error) {
	d, err := time.Parse(time.DateOnly, value)
	return startOfDay(d.Year(), d.Month(), d.Day(), loc).Format(time.RFC3339), err
}
