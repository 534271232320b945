package load

import (
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
)

// table is the rows that a block has for one table.
type table struct {
	name    string
	columns []store.Column
}

func (t table) rows() int { return t.columns[0].Data.Rows() }

func resetAll(columns []store.Column) {
	for _, c := range columns {
		c.Data.Reset()
	}
}

// maxTime is the end of the year 2299: what DateTime64 holds.
const maxTime = 10_413_791_999_999

func uint128(a identity.Anchor) store.UInt128 { return store.UInt128{High: a.High(), Low: a.Low()} }

func rating(r *touchpoint.Rating) (scale string, value float64) {
	if r == nil {
		return "", 0
	}
	return r.Scale, r.Value
}
