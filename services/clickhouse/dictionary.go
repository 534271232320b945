package clickhouse

import (
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// DictionaryColumn builds LowCardinality(String) for hot paths: each value is looked up once, when it is appended, and
// copied only when the block sees it first. So the appended strings may alias memory that is reused. The zero value is ready.
type DictionaryColumn struct {
	keys   []uint32
	values []string
	index  map[string]uint32
}

// Append adds a value.
func (c *DictionaryColumn) Append(v string) {
	if n := len(c.keys); n > 0 && v == c.values[c.keys[n-1]] { // neighbours are often equal
		c.keys = append(c.keys, c.keys[n-1])
		return
	}
	key, ok := c.index[v]
	if !ok {
		if c.index == nil {
			c.index = make(map[string]uint32)
		}
		v = strings.Clone(v)
		key = uint32(len(c.values))
		c.values = append(c.values, v)
		c.index[v] = key
	}
	c.keys = append(c.keys, key)
}

// Rows is the number of values.
func (c *DictionaryColumn) Rows() int { return len(c.keys) }

// Reset empties the column and keeps its memory.
func (c *DictionaryColumn) Reset() {
	c.keys = c.keys[:0]
	clear(c.values)
	c.values = c.values[:0]
	clear(c.index)
}

// Type is LowCardinality(String).
func (c *DictionaryColumn) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}

const (
	dictionaryVersion = 1            // keys refer to the dictionary of their own block
	dictionaryFlags   = 1<<9 | 1<<10 // the block brings all of its dictionary
)

// EncodeState writes what stands before the column's data.
func (c *DictionaryColumn) EncodeState(b *proto.Buffer) { b.PutInt64(dictionaryVersion) }

// EncodeColumn writes the dictionary and the keys, in as few bytes a key as the dictionary allows.
func (c *DictionaryColumn) EncodeColumn(b *proto.Buffer) {
	if len(c.keys) == 0 {
		return
	}
	width, n := proto.KeyUInt8, len(c.values)
	switch {
	case n > 1<<16:
		width = proto.KeyUInt32
	case n > 1<<8:
		width = proto.KeyUInt16
	}
	b.PutInt64(dictionaryFlags | int64(width))
	b.PutInt64(int64(n))
	for _, v := range c.values {
		b.PutString(v)
	}
	b.PutInt64(int64(len(c.keys)))
	for _, k := range c.keys {
		switch width {
		case proto.KeyUInt8:
			b.PutUInt8(uint8(k))
		case proto.KeyUInt16:
			b.PutUInt16(uint16(k))
		default:
			b.PutUInt32(k)
		}
	}
}

// WriteColumn is EncodeColumn for a streaming writer.
func (c *DictionaryColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

// DictionaryArrayColumn builds Array(LowCardinality(String)) as DictionaryColumn does its elements. The zero value is ready.
type DictionaryArrayColumn struct {
	offsets proto.ColUInt64
	data    DictionaryColumn
}

// Append adds an array.
func (c *DictionaryArrayColumn) Append(vs []string) {
	for _, v := range vs {
		c.data.Append(v)
	}
	c.offsets.Append(uint64(c.data.Rows()))
}

// Rows is the number of arrays.
func (c *DictionaryArrayColumn) Rows() int { return c.offsets.Rows() }

// Reset empties the column and keeps its memory.
func (c *DictionaryArrayColumn) Reset() {
	c.offsets.Reset()
	c.data.Reset()
}

// Type is Array(LowCardinality(String)).
func (c *DictionaryArrayColumn) Type() proto.ColumnType {
	return proto.ColumnTypeArray.Sub(c.data.Type())
}

// EncodeState writes what stands before the column's data.
func (c *DictionaryArrayColumn) EncodeState(b *proto.Buffer) { c.data.EncodeState(b) }

// EncodeColumn writes the offsets and the elements.
func (c *DictionaryArrayColumn) EncodeColumn(b *proto.Buffer) {
	c.offsets.EncodeColumn(b)
	c.data.EncodeColumn(b)
}

// WriteColumn is EncodeColumn for a streaming writer.
func (c *DictionaryArrayColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }
