package serve

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// answerCSV writes the rows of a report as CSV (RFC 4180) with a header line. There is no line of totals: most figures
// of it are no sums, and who adds up a column would count it twice.
func answerCSV(w http.ResponseWriter, r *reportQuery, rows []reportRow) error {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	comparable := r.kind.comparable()
	add := func(line []string, f *figures, k *kind) []string {
		if f == nil { // there was nothing, or it cannot be told
			return append(line, make([]string, len(k.csvColumns()))...)
		}
		return append(line, f.csv()...)
	}
	err := out.Write(r.csvHeader())
	for _, row := range rows {
		before := row.previous
		if before == nil {
			before = &reportRow{by: make([]string, len(r.by))}
		}
		line := slices.Clone(row.by)
		for i, d := range r.by {
			if !d.time {
				line[i] = noFormula(line[i])
			}
		}
		line = add(line, row.figures, r.kind)
		if r.compare {
			for i, d := range r.by {
				if d.time {
					line = append(line, before.by[i])
				}
			}
			line = add(line, before.figures, r.kind)
		}
		if r.restated {
			line = add(line, row.closed, comparable)
			if r.compare {
				line = add(line, before.closed, comparable)
			}
		}
		if err == nil {
			err = out.Write(line)
		}
	}
	out.Flush()
	if err != nil {
		return fmt.Errorf("serve: csv: %w", err)
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.fileName()+`"`)
	send(w, http.StatusOK, "text/csv; charset=utf-8; header=present", b.Bytes())
	return nil
}

// formulas are what a cell begins with that a spreadsheet takes for a formula, as OWASP lists them under CSV injection.
const formulas = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"

// noFormula is a text as a spreadsheet shows it: what a customer wrote must not be computed on the machine of who opens the file.
func noFormula(text string) string {
	if first := strings.TrimLeft(text, formulas); len(first) < len(text) {
		return "'" + text
	}
	return text
}

// fileName says of which days the report is, the last one included, so that two of them can lie in one folder.
func (r *reportQuery) fileName() string {
	first, last := r.from.In(r.loc), r.to.Add(-time.Millisecond).In(r.loc)
	return r.kind.name + "_" + first.Format(time.DateOnly) + "_" + last.Format(time.DateOnly) + ".csv"
}
