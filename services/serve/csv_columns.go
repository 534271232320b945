package serve

import (
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/measure"
	"github.com/throughline/throughline/schemas/registry"
)

// csvHeader names the columns: for programs, or, where a language was asked for, for people.
func (r *reportQuery) csvHeader() (out []string) {
	name := columnName
	if r.labelled {
		name = func(c csvColumn) string { return columnLabel(c, r.language) }
	}
	add := func(prefix string, k *kind) {
		for _, c := range k.csvColumns() {
			c.prefix = prefix
			out = append(out, name(c))
		}
	}
	for _, d := range r.by {
		out = append(out, name(csvColumn{name: d.name}))
	}
	add("", r.kind)
	if r.compare {
		for _, d := range r.by {
			if d.time {
				out = append(out, name(csvColumn{prefix: previousColumn, name: d.name}))
			}
		}
		add(previousColumn, r.kind)
	}
	if comparable := r.kind.comparable(); r.restated {
		add(closedColumn, comparable)
		if r.compare {
			add(previousColumn+closedColumn, comparable)
		}
	}
	return out
}

// csvColumn is a column of CSV.
type csvColumn struct {
	prefix    string // which figures they are
	name      string // of a dimension or a figure
	statistic string // of a figure that has several; "" of one that has not
}

const (
	previousColumn = "previous_"
	closedColumn   = "closed_"
)

// csvColumns are the columns of a report's figures, in the order of figures.csv.
func (k *kind) csvColumns() (out []csvColumn) {
	for i := range k.figures {
		d := &k.figures[i]
		switch {
		case d.hidden:
		case d.sort == statistics:
			for _, s := range slices.Concat([]string{"n", "mean"}, percentileNames, []string{"max"}) {
				out = append(out, csvColumn{name: d.name, statistic: s})
			}
		default:
			out = append(out, csvColumn{name: d.name})
		}
	}
	return out
}

// columnName is what programs call a column.
func columnName(c csvColumn) string {
	switch c.statistic {
	case "":
		return c.prefix + c.name
	case "n":
		return c.prefix + strings.TrimSuffix(c.name, "_ms") + "_n"
	}
	return c.prefix + strings.TrimSuffix(c.name, "_ms") + "_" + c.statistic + "_ms"
}

// columnLabel is what people call a column.
func columnLabel(c csvColumn, language string) string {
	label, known := dimensionLabels[c.name]
	if !known {
		m, _ := measure.Of(c.name)
		label = m.Label
	}
	out := label.In(language)
	switch c.statistic {
	case "":
	case "n":
		out += ", " + statisticLabels["n"].In(language)
	default:
		if s, named := statisticLabels[c.statistic]; named {
			out += ", " + s.In(language)
		} else {
			out += ", " + c.statistic
		}
		out += " (ms)"
	}
	switch c.prefix {
	case previousColumn:
		return registry.Text{EN: "Before: ", DE: "Davor: "}.In(language) + out
	case closedColumn:
		return registry.Text{EN: "When closed: ", DE: "Bei Abschluss: "}.In(language) + out
	case previousColumn + closedColumn:
		return registry.Text{EN: "Before, when closed: ", DE: "Davor, bei Abschluss: "}.In(language) + out
	}
	return out
}

// dimensionLabels are what people call the dimensions of reports.
var dimensionLabels = map[string]registry.Text{
	"channel": {EN: "Channel", DE: "Kanal"}, "direction": {EN: "Direction", DE: "Richtung"}, "kind": {EN: "What happened", DE: "Was geschah"},
	"state": {EN: "State", DE: "Stand"}, "team": {EN: "Team", DE: "Team"}, "agent": {EN: "Agent", DE: "Bearbeiter"}, "topic": {EN: "Topic", DE: "Thema"},
	"source": {EN: "Source", DE: "Quelle"}, "account": {EN: "Account", DE: "Firma"}, "tag": {EN: "Tag", DE: "Schlagwort"},
	"hour": {EN: "Hour", DE: "Stunde"}, "day": {EN: "Day", DE: "Tag"}, "week": {EN: "Week", DE: "Woche"}, "month": {EN: "Month", DE: "Monat"},
}

var statisticLabels = map[string]registry.Text{"n": {EN: "number", DE: "Anzahl"}, "mean": {EN: "mean", DE: "Mittel"}, "max": {EN: "maximum", DE: "Maximum"}}
