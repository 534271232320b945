package serve

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"time"
)

// answerCSV writes the rows of a report as CSV (RFC 4180) with a header line; when it was made stands in a header of the answer.
func answerCSV(w http.ResponseWriter, r *reportQuery, rows []reportRow, asOf time.Time) error {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	var header []string
	for _, d := range r.by {
		header = append(header, d.name)
	}
	header = append(header, r.kind.header("")...)
	if r.compare {
		header = append(header, r.kind.header("previous_")...)
	}
	comparable := r.kind.comparable()
	if r.restated {
		header = append(header, comparable.header("closed_")...)
		if r.compare {
			header = append(header, comparable.header("previous_closed_")...)
		}
	}
	add := func(line []string, f *figures, k *kind) []string {
		if f == nil { // there was nothing, or it cannot be told
			return append(line, make([]string, len(k.header("")))...)
		}
		return append(line, f.csv()...)
	}
	err := out.Write(header)
	for _, row := range rows {
		before := row.previous
		if before == nil {
			before = &reportRow{}
		}
		line := add(row.by, row.figures, r.kind)
		if r.compare {
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
	w.Header().Set("Throughline-As-Of", asOf.UTC().Format(time.RFC3339Nano))
	w.Header().Set("Content-Disposition", `attachment; filename="`+r.fileName()+`"`)
	send(w, http.StatusOK, "text/csv; charset=utf-8; header=present", b.Bytes())
	return nil
}

// fileName says of which days the report is, the last one included, so that two of them can lie in one folder.
func (r *reportQuery) fileName() string {
	first, last := r.from.In(r.loc), r.to.Add(-time.Millisecond).In(r.loc)
	return r.kind.name + "_" + first.Format(time.DateOnly) + "_" + last.Format(time.DateOnly) + ".csv"
}
