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

	splits bool             // a record may be several touchpoints; each then counts as a record
	rest   []mapping.Record // of the record last read
	line   int              // where that begins
}

// throughMapping opens files of CSV or NDJSON.
func throughMapping(m *mapping.Mapping, run *mapping.Run) func(*source) (records, error) {
	return func(src *source) (records, error) {
		if m.Format == mapping.NDJSON {
			return &mapped{table: &lines{src: src}, run: run, splits: m.Splits()}, nil
		}
		t, err := newRows(src, m)
		return &mapped{table: t, run: run, splits: m.Splits()}, err
	}
}

func (m *mapped) next(dst []byte) ([]byte, int, error) {
	if !m.splits {
		rec, line, err := m.table.next()
		if err == nil {
			dst, err = m.run.Append(dst, rec)
		}
		return dst, line, err
	}
	if len(m.rest) == 0 {
		rec, line, err := m.table.next()
		if err != nil {
			return dst, line, err
		}
		m.line = line
		if m.rest, err = m.run.Split(rec); err != nil || len(m.rest) == 0 {
			return dst, line, err
		}
	}
	rec := m.rest[0]
	m.rest = m.rest[1:]
	dst, err := m.run.Append(dst, rec)
	return dst, m.line, err
}
