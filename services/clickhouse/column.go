package clickhouse

import (
	"regexp"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// Column is one whole column of an insert. Data is one of the builders below, filled value by value and
// reused for the next insert after Reset. Its layout must be that of the table's column, or one that
// the server converts to it (text into any type).
type Column struct {
	Name string
	Data ColumnData
}

// ColumnData is a column in the layout of ClickHouse's Native format.
type ColumnData interface {
	proto.ColInput
	Reset()
}

// Builders of columns, beside DictionaryColumn and DictionaryArrayColumn: each has Append, Reset and Rows. Strings are copied when appended.
type (
	StringColumn  = proto.ColStr // also AppendBytes; also for enums, by name
	UInt32Column  = proto.ColUInt32
	UInt64Column  = proto.ColUInt64
	UInt128Column = proto.ColUInt128
	Int8Column    = proto.ColInt8 // also for Enum8, by number
	Int32Column   = proto.ColInt32
	Int64Column   = proto.ColInt64 // also for DateTime64(n): ticks of 10^-n seconds since 1970
	Float64Column = proto.ColFloat64
	BoolColumn    = proto.ColBool

	StringArrayColumn   = proto.ColArr[string]
	Int64ArrayColumn    = proto.ColArr[int64]
	Float64ArrayColumn  = proto.ColArr[float64]
	UInt128ArrayColumn  = proto.ColArr[UInt128]
	NullableInt64Column = proto.ColNullable[int64]
)

// UInt128 is ClickHouse's 128-bit number.
type UInt128 = proto.UInt128

// NullableInt64 is a value of a NullableInt64Column.
type NullableInt64 = proto.Nullable[int64]

// Int64OrNull makes a value that is not NULL; the zero NullableInt64 is not one: use NullInt64.
func Int64OrNull(v int64) NullableInt64 { return proto.NewNullable(v) }

// NullInt64 is NULL.
func NullInt64() NullableInt64 { return proto.Null[int64]() }

// NewStringArray makes a builder for Array(String).
func NewStringArray() *StringArrayColumn { return proto.NewArray[string](new(proto.ColStr)) }

// NewInt64Array makes a builder for Array(Int64).
func NewInt64Array() *Int64ArrayColumn { return proto.NewArray[int64](new(proto.ColInt64)) }

// NewFloat64Array makes a builder for Array(Float64).
func NewFloat64Array() *Float64ArrayColumn {
	return proto.NewArray[float64](new(proto.ColFloat64))
}

// NewUInt128Array makes a builder for Array(UInt128).
func NewUInt128Array() *UInt128ArrayColumn { return proto.NewArray[UInt128](new(proto.ColUInt128)) }

// NewNullableInt64 makes a builder for Nullable(Int64).
func NewNullableInt64() *NullableInt64Column { return proto.NewColNullable[int64](new(proto.ColInt64)) }

// Types whose values have the same bytes in the Native format.
var layouts = []struct {
	pattern *regexp.Regexp
	layout  string
}{
	{regexp.MustCompile(`^Enum8\(.*\)$`), "Int8"},
	{regexp.MustCompile(`^Enum16\(.*\)$`), "Int16"},
	{regexp.MustCompile(`^DateTime64(\(.*\))?$`), "Int64"},
	{regexp.MustCompile(`^DateTime(\(.*\))?$`), "UInt32"},
	{regexp.MustCompile(`^Date32$`), "Int32"},
	{regexp.MustCompile(`^Date$`), "UInt16"},
	{regexp.MustCompile(`^Bool$`), "UInt8"},
}

// layout returns the plainest type with the same bytes as t.
func layout(t string) string {
	for _, outer := range []string{"Array", "Nullable", "LowCardinality"} {
		if inner, ok := strings.CutPrefix(t, outer+"("); ok && strings.HasSuffix(inner, ")") {
			return outer + "(" + layout(strings.TrimSuffix(inner, ")")) + ")"
		}
	}
	for _, l := range layouts {
		if l.pattern.MatchString(t) {
			return l.layout
		}
	}
	return t
}
