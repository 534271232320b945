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
	compared := len(header)
	if r.restated {
		header = append(header, r.kind.comparable().header("closed_")...)
	}
	err := out.Write(header)
	for _, row := range rows {
		line := append(row.by, row.figures.csv()...)
		if r.compare && row.previous != nil {
			line = append(line, row.previous.csv()...)
		}
		if row.closed != nil {
			for len(line) < compared { // nothing to compare with
				line = append(line, "")
			}
			line = append(line, row.closed.csv()...)
		}
		for len(line) < len(header) {
			line = append(line, "")
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
	w.Header().Set("Content-Disposition", `attachment; filename="report.csv"`)
	send(w, http.StatusOK, "text/csv; charset=utf-8; header=present", b.Bytes())
	return nil
}
