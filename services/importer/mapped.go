package importer

import (
	"github.com/throughline/throughline/streams/mapping"
)

// table reads the records of a file that a mapping is for.
type table interface {
	next() (mapping.Record, int, error)
}

// mapped are the records of a table as touchpoints.
type mapped struct {
	table table
	run   *mapping.Run // of all files: it remembers
}

// throughMapping opens files of CSV or NDJSON.
func throughMapping(m *mapping.Mapping, run *mapping.Run) func(*source) (records, error) {
	return func(src *source) (records, error) {
		if m.Format == mapping.NDJSON {
			return mapped{&lines{src: src}, run}, nil
		}
		t, err := newRows(src, m)
		return mapped{t, run}, err
	}
}

func (m mapped) next(dst []byte) ([]byte, int, error) {
	rec, line, err := m.table.next()
	if err == nil {
		dst, err = m.run.Append(dst, rec)
	}
	return dst, line, err
}
