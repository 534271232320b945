package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/throughline/throughline/streams/mapping"
)

// rows reads CSV (RFC 4180). Cells of the last record are overwritten by the next.
type rows struct {
	csv   *csv.Reader
	table *mapping.Table
	width int
	guard *guard
	line  int // where the last record began
}

// errEndless is returned when a record does not end.
var errEndless = fmt.Errorf("a record has more than %d bytes: is a quote not closed?", maxRecord)

// guard stops a record that does not end.
type guard struct {
	r    io.Reader
	left int
}

func (g *guard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errEndless
	}
	n, err := g.r.Read(p)
	g.left -= n
	return n, err
}

// newRows reads the header, unless the mapping names the columns, and checks it.
func newRows(src *source, m *mapping.Mapping) (*rows, error) {
	g := &guard{r: src.r, left: maxRecord}
	r := &rows{csv: csv.NewReader(g), guard: g}
	r.csv.Comma = m.Delimiter
	r.csv.ReuseRecord = true
	r.csv.FieldsPerRecord = -1 // judged here, where the reason can say more
	header := m.Columns
	if header == nil {
		var err error
		if header, err = r.csv.Read(); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("it is empty: want a line with the names of the columns")
			}
			return nil, fmt.Errorf("header: %w", err)
		}
	}
	names := mapping.Unique(header)
	if err := m.Check(names); err != nil {
		return nil, err
	}
	r.table, r.width = mapping.NewTable(names), len(names)
	return r, nil
}

func (r *rows) next() (mapping.Record, int, error) {
	r.guard.left = maxRecord
	cells, err := r.csv.Read()
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, 0, io.EOF
	case errors.As(err, &syntax):
		r.line = syntax.StartLine
		return nil, r.line, &mapping.Refused{Reason: fmt.Sprintf("not CSV: line %d, column %d: %v", syntax.Line, syntax.Column, syntax.Err)}
	case err != nil:
		return nil, r.line + 1, err
	}
	r.line, _ = r.csv.FieldPos(0)
	if len(cells) != r.width {
		return nil, r.line, &mapping.Refused{Reason: fmt.Sprintf("the row has %d columns, the header %d", len(cells), r.width)}
	}
	return mapping.Row{Table: r.table, Cells: cells}, r.line, nil
}
