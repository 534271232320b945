package load

import (
	"testing"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

func FuzzReadPlan(f *testing.F) {
	for _, s := range []string{"", `{"v":1,"pending":[0,10]}`, `{"v":1,"pending":[10,0]}`, `{"v":2}`, `{`, "null", `{"v":1,"pending":[-1,3]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, metadata string) {
		p, err := readPlan(metadata)
		if err != nil || p == nil {
			return
		}
		again, err := readPlan(p.metadata())
		if err != nil || *again != *p {
			t.Fatalf("%+v came back as %+v, %v", p, again, err)
		}
	})
}

// Whatever is on a topic, a record makes whole rows in the tables of its block, the first of which has one, or none in any.
func FuzzRows(f *testing.F) {
	f.Add(benchRecord(0, 1).Value)
	f.Add([]byte(`{"workspace":"w","id":"1","version":1,"bytes":"eA=="}`))
	f.Add([]byte(`{"workspace":"w","anchor":"00000000000000010000000000000001","person":"00000000000000010000000000000002","version":1}`))
	f.Add([]byte{1, 2, 3})
	all := map[topic.Name]rows{}
	for name, rowsOf := range derivedRows {
		all[name] = rowsOf(clickhouse.TablesOf(topic.First))
	}
	facts, terms, known := newTouchpointRows(clickhouse.TablesOf(topic.First)), newTermRows(clickhouse.TablesOf(topic.First)), newKnownTerms()
	f.Fuzz(func(t *testing.T, value []byte) {
		r := &kafka.Record{Value: value}
		for name, derived := range all {
			derived.reset()
			err := derived.add(r)
			for i, tab := range derived.tables() {
				if n := tab.rows(); i == 0 && (n > 0) != (err == nil) || n > 0 && err != nil {
					t.Fatalf("%s: %d rows of %s, %v", name, n, tab.name, err)
				}
				for _, c := range tab.columns {
					if got := c.Data.Rows(); got != tab.rows() {
						t.Fatalf("%s: column %s.%s has %d rows, want %d", name, tab.name, c.Name, got, tab.rows())
					}
				}
			}
		}
		facts.reset()
		terms.reset()
		var one fact
		want := 0
		if one.decode(r) == nil {
			facts.add(&one, r)
			terms.add(&one, known)
			want = 1
		}
		for _, c := range facts.table.columns {
			if got := c.Data.Rows(); got != want {
				t.Fatalf("facts: column %s has %d rows, want %d", c.Name, got, want)
			}
		}
		for _, c := range terms.table.columns {
			if got := c.Data.Rows(); got != terms.table.rows() {
				t.Fatalf("terms: column %s has %d rows, want %d", c.Name, got, terms.table.rows())
			}
		}
	})
}
