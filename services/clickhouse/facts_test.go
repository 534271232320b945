package clickhouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
)

// What the tables rely on, checked on the engine that runs them: a new version that behaves otherwise fails here.

func exec(t testing.TB, db *store.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := db.Exec(context.Background(), s, nil); err != nil {
			t.Fatal(s, err)
		}
	}
}

func text(t testing.TB, db *store.DB, query string) string {
	t.Helper()
	var got string
	if found, err := db.One(context.Background(), query, nil, store.Limits{MaxTime: 30 * time.Second}, &got); err != nil || !found {
		t.Fatal(query, found, err)
	}
	return got
}

func TestDictionaryOfNumbers(t *testing.T) {
	db := clickhousetest.Start(t)
	exec(t, db, "CREATE TABLE moves (anchor UInt128, person UInt128, version UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY anchor",
		"INSERT INTO moves SELECT bitShiftLeft(toUInt128(1), 64) + number, number + 1000, 1 FROM numbers(1000)",
		`CREATE DICTIONARY moved (k UInt64, person UInt128) PRIMARY KEY k
		SOURCE(CLICKHOUSE(QUERY 'SELECT toUInt64(anchor) AS k, argMax(person, version) AS person FROM `+db.Database()+`.moves GROUP BY anchor'))
		LAYOUT(HASHED_ARRAY()) LIFETIME(MIN 1 MAX 1)`)
	look := func(anchor string) string {
		return text(t, db, "SELECT toString(dictGetOrDefault('moved', 'person', toUInt64(toUInt128('"+anchor+"')), toUInt128('"+anchor+"')))")
	}
	for anchor, want := range map[string]string{"18446744073709551616": "1000", "18446744073709551623": "1007", "18446744073709561616": "18446744073709561616"} {
		if got := look(anchor); got != want {
			t.Errorf("anchor %s is at %s, want %s", anchor, got, want)
		}
	}
	exec(t, db, "INSERT INTO moves SELECT bitShiftLeft(toUInt128(1), 64) + 7, 5, 2", "SYSTEM RELOAD DICTIONARY moved")
	if got := look("18446744073709551623"); got != "5" {
		t.Errorf("after a reload: %s", got)
	}
	// LIFETIME alone is not enough: the embedded engine, unlike a server, does not load dictionaries again by itself.
	// Whoever writes moves says SYSTEM RELOAD DICTIONARY.
	exec(t, db, "INSERT INTO moves SELECT bitShiftLeft(toUInt128(1), 64) + 7, 6, 3", "SYSTEM RELOAD DICTIONARY moved")
	if got := look("18446744073709551623"); got != "6" {
		t.Errorf("after another reload: %s", got)
	}
	// A key of another width misses in silence: the type must be right.
	if got := text(t, db, "SELECT toString(toTypeName(toUInt64(toUInt128(1))))"); got != "UInt64" {
		t.Error(got)
	}
}

func TestExchangeProjectionFinal(t *testing.T) {
	db := clickhousetest.Start(t)
	exec(t, db, "CREATE TABLE a (k UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k", "CREATE TABLE b AS a",
		"SYSTEM STOP MERGES "+db.Database()+".a", "INSERT INTO a SELECT number % 10, number FROM numbers(100)", "INSERT INTO a SELECT number % 10, number + 100 FROM numbers(100)")
	if got := text(t, db, "SELECT concat(toString(count()), ' ', toString(min(v))) FROM a FINAL"); got != "10 190" {
		t.Error("FINAL:", got)
	}
	exec(t, db, "EXCHANGE TABLES a AND b")
	if got := text(t, db, "SELECT concat(toString((SELECT count() FROM a)), ' ', toString((SELECT count() FROM b FINAL)))"); got != "0 10" {
		t.Error("EXCHANGE:", got)
	}
	exec(t, db, `CREATE TABLE p (k UInt64, v UInt64, s String, PROJECTION by_v (SELECT s, k, v ORDER BY v)) ENGINE = MergeTree ORDER BY k SETTINGS index_granularity = 128`,
		"INSERT INTO p SELECT number, 1000000 - number, 'x' FROM numbers(100000)")
	if got := text(t, db, "SELECT arrayStringConcat(groupArray(explain), ' ') FROM (EXPLAIN projections = 1 SELECT k FROM p WHERE v = 999993)"); !strings.Contains(got, "by_v") {
		t.Error("the projection is not used:", got)
	}
	if got := text(t, db, "SELECT toString(k) FROM p WHERE v = 999993"); got != "7" {
		t.Error("projection:", got)
	}
}

func TestManyMonthsInOneBlock(t *testing.T) {
	ctx := context.Background()
	db := clickhousetest.Start(t)
	exec(t, db, rowsTable)
	columns := someRows(0, 3000) // eight years: 99 partitions, within the default of 100 a block
	for range 2 {
		if err := db.Insert(ctx, "rows", "months", columns); err != nil {
			t.Fatal(err)
		}
	}
	if got := text(t, db, "SELECT toString(count()) FROM rows"); got != "3000" {
		t.Errorf("%s rows", got)
	}
	if err := db.Insert(ctx, "rows", "more months", someRows(0, 15000)); err != nil {
		t.Errorf("forty years: %v", err)
	}
}

// wideRow is about what a touchpoint is: thirty columns, a dozen of them text.
func wideTable(engine string) string {
	s := "CREATE TABLE wide (key UInt128, anchor UInt128, time DateTime64(3, 'UTC'), received DateTime64(3, 'UTC'), direction Enum8('a' = 1, 'b' = 2), n Int64"
	for i := range 10 {
		s += fmt.Sprintf(", low%d LowCardinality(String)", i)
	}
	for i := range 10 {
		s += fmt.Sprintf(", s%d String", i)
	}
	return s + ", types Array(LowCardinality(String)), vals Array(String), tags Array(LowCardinality(String)), flags Array(Bool)) ENGINE = " + engine
}

func wideRows(n int) []store.Column {
	random := rand.New(rand.NewPCG(1, 2))
	key, anchor, at, received, direction, num := new(store.UInt128Column), new(store.UInt128Column), new(store.Int64Column), new(store.Int64Column), new(store.Int8Column), new(store.Int64Column)
	columns := []store.Column{{Name: "key", Data: key}, {Name: "anchor", Data: anchor}, {Name: "time", Data: at}, {Name: "received", Data: received}, {Name: "direction", Data: direction}, {Name: "n", Data: num}}
	for range n {
		key.Append(store.UInt128{High: random.Uint64(), Low: random.Uint64()})
		anchor.Append(store.UInt128{High: random.Uint64(), Low: random.Uint64N(2000)})
		at.Append(1_700_000_000_000 + int64(random.Uint64N(86_400_000*30)))
		received.Append(1_700_000_000_000)
		direction.Append(1)
		num.Append(random.Int64())
	}
	for i := range 10 {
		low, s := new(store.DictionaryColumn), new(store.StringColumn)
		for range n {
			low.Append(fmt.Sprint("value ", random.Uint64N(20)))
			s.Append(fmt.Sprint("some text ", random.Uint64()))
		}
		columns = append(columns, store.Column{Name: fmt.Sprint("low", i), Data: low}, store.Column{Name: fmt.Sprint("s", i), Data: s})
	}
	types, vals, tags, flags := new(store.DictionaryArrayColumn), store.NewStringArray(), new(store.DictionaryArrayColumn), proto.NewArray[bool](new(proto.ColBool))
	for range n {
		types.Append([]string{"email", "phone"})
		vals.Append([]string{"anna@example.com", "+49301234567"})
		tags.Append([]string{"a"})
		flags.Append([]bool{true, false})
	}
	return append(columns, store.Column{Name: "types", Data: types}, store.Column{Name: "vals", Data: vals}, store.Column{Name: "tags", Data: tags}, store.Column{Name: "flags", Data: flags})
}

func BenchmarkInsert(b *testing.B) {
	for _, engine := range []string{"Null", "MergeTree ORDER BY (anchor, time, key)"} {
		for _, rows := range []int{2_000, 20_000, 200_000} {
			b.Run(fmt.Sprint(engine[:4], "/", rows), func(b *testing.B) {
				db := clickhousetest.Start(b)
				exec(b, db, wideTable(engine))
				columns := wideRows(rows)
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					i++
					if err := db.Insert(context.Background(), "wide", fmt.Sprint(i), columns); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*float64(rows)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}
