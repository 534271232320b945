package serve

import (
	"math/big"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Values as the store takes and gives them: what is in a statement's parameters, and what a row is scanned into.

// wide is a UInt128 of the store, as the driver scans it.
type wide = big.Int

func asAnchor(w *wide) (a identity.Anchor) {
	w.FillBytes(a[:])
	return a
}

// anchorsOf converts an Array(UInt128).
func anchorsOf(numbers []*big.Int) []identity.Anchor {
	out := make([]identity.Anchor, len(numbers))
	for i, n := range numbers {
		out[i] = asAnchor(n)
	}
	return out
}

// number is an anchor as the decimal text of a UInt128 parameter.
func number(a identity.Anchor) string { return new(big.Int).SetBytes(a[:]).String() }

// numbers is a list of anchors as the text of an Array(UInt128) parameter.
func numbers(anchors []identity.Anchor) string {
	b := make([]byte, 0, 2+40*len(anchors))
	b = append(b, '[')
	for i, a := range anchors {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, number(a)...)
	}
	return string(append(b, ']'))
}

// anyOf adds the condition that the column is one of the values, when there are any.
func anyOf(where []string, params clickhouse.Params, column string, values []string) []string {
	if len(values) == 0 {
		return where
	}
	params[column] = values
	return append(where, column+" IN {"+column+":Array(String)}")
}

// moment is a time as the text of a DateTime64(3, 'UTC') parameter.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
