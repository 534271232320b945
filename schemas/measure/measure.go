// Package measure is the one table that says what every figure of the product means: its unit, its meaning in the product's
// languages, the version of that meaning, and what must have been told for the figure to be right. A figure that is not in the
// table is in no report.
package measure

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/throughline/throughline/schemas/registry"
)

// Unit says what a figure counts in.
type Unit string

// The units.
const (
	Count        Unit = "count"        // whole things
	Share        Unit = "share"        // 0 to 1; null when there is nothing to take a share of
	Milliseconds Unit = "milliseconds" // of a duration: number, mean and percentiles
	Number       Unit = "number"       // a mean; null when there is nothing to take it of
	Points       Unit = "points"       // -100 to 100
	Euro         Unit = "euro"         // by the costs that the registry of channels has
)

// Measure is one row of the table.
type Measure struct {
	Name    string        `yaml:"name" json:"name"`
	Label   registry.Text `yaml:"label" json:"label"` // over a column
	Unit    Unit          `yaml:"unit" json:"unit"`
	Meaning registry.Text `yaml:"meaning" json:"meaning"`
	// Version grows when the meaning changes, so that two figures are comparable if it is the same.
	Version int `yaml:"version" json:"version"`
	// Needs are the kinds of touchpoints without which the figure says nothing.
	Needs []string `yaml:"needs" json:"needs"`
	// Reports name where the figure stands.
	Reports []string `yaml:"reports" json:"reports"`
}

//go:embed measures.yaml
var tableYAML []byte

// Table is the table in its order.
var Table = parseTable()

func parseTable() []Measure {
	table, err := Parse(tableYAML)
	if err != nil {
		panic(err) // the file is compiled in and tested
	}
	return table
}

var name = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Parse reads a table of measures from YAML; the error names the row and the field.
func Parse(data []byte) ([]Measure, error) {
	var table []Measure
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&table); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	seen := map[string]bool{}
	for i := range table {
		m := &table[i]
		wrong := ""
		switch {
		case !name.MatchString(m.Name) || seen[m.Name]:
			wrong = "name"
		case m.Label.EN == "" || m.Label.DE == "":
			wrong = "label"
		case !slices.Contains([]Unit{Count, Share, Milliseconds, Number, Points, Euro}, m.Unit):
			wrong = "unit"
		case m.Meaning.EN == "" || m.Meaning.DE == "":
			wrong = "meaning"
		case m.Version < 1:
			wrong = "version"
		case len(m.Reports) == 0:
			wrong = "reports"
		}
		if wrong != "" {
			return nil, fmt.Errorf("measure: [%d].%s: %q is not complete or there twice", i, wrong, m.Name)
		}
		seen[m.Name] = true
		if m.Needs == nil {
			m.Needs = []string{}
		}
	}
	return table, nil
}

// Of returns the row of a measure.
func Of(name string) (Measure, bool) {
	for _, m := range Table {
		if m.Name == name {
			return m, true
		}
	}
	return Measure{}, false
}
