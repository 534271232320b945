package mapping

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/throughline/throughline/schemas/strictjson"
)

// Record is one foreign record.
type Record interface {
	// Column returns a value: a string, bool, json.Number, map[string]any or []any; nil when there is none.
	Column(name string) any
	// Names are the columns in a fixed order that does not depend on how the record was written.
	Names() []string
}

// Table gives rows the names of their columns.
type Table struct {
	index map[string]int
	names []string // sorted
}

// NewTable takes the unique names of the columns in file order.
func NewTable(columns []string) *Table {
	t := &Table{index: make(map[string]int, len(columns)), names: slices.Sorted(slices.Values(columns))}
	for i, c := range columns {
		t.index[c] = i
	}
	return t
}

// Row is a Record of strings.
type Row struct {
	Table *Table
	Cells []string // as many as the table has columns
}

// Column is the cell, nil when the table has no such column.
func (r Row) Column(name string) any {
	if i, ok := r.Table.index[name]; ok {
		return r.Cells[i]
	}
	return nil
}

// Names are the table's columns, sorted.
func (r Row) Names() []string { return r.Table.names }

// Object is a Record made of a JSON object. Numbers keep their digits.
type Object struct {
	values map[string]any
	names  []string
}

// ErrNotObject is returned when a record is not one JSON object.
var ErrNotObject = errors.New("want one JSON object")

// ParseObject reads a JSON object.
func ParseObject(data []byte) (*Object, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	o := &Object{}
	if err := dec.Decode(&o.values); err != nil {
		c := strictjson.NewCursor(data) // which says it in the words of all doors
		if c.Skip(); c.Err() != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotObject, c.Err())
		}
		return nil, ErrNotObject
	}
	if o.values == nil {
		return nil, ErrNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrNotObject
	}
	for name := range o.values {
		o.names = append(o.names, name)
	}
	slices.Sort(o.names)
	return o, nil
}

// Column looks the name up as it is, then as a path such as "customer.emails.0".
func (o *Object) Column(name string) any {
	if v, ok := o.values[name]; ok {
		return v
	}
	return lookUp(o.values, name)
}

// Names are the keys of the object, sorted.
func (o *Object) Names() []string { return o.names }

// hash covers every column of the record, missing or not. Lengths are hashed with the parts.
func hash(rec Record) (sum [16]byte, err error) {
	h := sha256.New()
	var size [8]byte
	write := func(b []byte) {
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, name := range rec.Names() {
		write([]byte(name))
		if s, ok := rec.Column(name).(string); ok {
			write([]byte(s))
			continue
		}
		b, err := json.Marshal(rec.Column(name)) // keys of objects sorted
		if err != nil {
			return sum, err
		}
		h.Write([]byte{'j'}) // the text "1" is not the number 1
		write(b)
	}
	copy(sum[:], h.Sum(nil))
	return sum, nil
}
