package clickhouse_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/throughline/throughline/schemas/clickhouse"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
)

func TestMigrateTwiceIsOnce(t *testing.T) {
	ctx := context.Background()
	db := clickhousetest.Start(t)
	for range 2 {
		if err := db.Migrate(ctx, clickhouse.Migrations, store.Layout{}); err != nil {
			t.Fatal(err)
		}
	}
	var n uint64
	if _, err := db.One(ctx, "SELECT count() FROM migrations", nil, store.Limits{}, &n); err != nil || n < 2 {
		t.Fatalf("%d applied, %v", n, err)
	}
	changed := fstest.MapFS{"0001_tables.sql": {Data: []byte("SELECT 1")}}
	if err := db.Migrate(ctx, changed, store.Layout{}); !errors.Is(err, store.ErrMigrationChanged) {
		t.Fatalf("a changed file: %v", err)
	}
}

const rowsTable = `CREATE TABLE rows (
	key UInt128, time DateTime64(3, 'UTC'), name String, kind LowCardinality(String), side Enum8('in' = 1, 'out' = 2),
	tags Array(LowCardinality(String)), flags Array(Bool), wait Nullable(Int64), more Array(UInt128), ok Bool)
	ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY key SETTINGS non_replicated_deduplication_window = 100`

func someRows(from, n int) []store.Column {
	key, at, name := new(store.UInt128Column), new(store.Int64Column), new(store.StringColumn)
	kind, side := new(store.DictionaryColumn), new(store.Int8Column)
	tags, flags, wait, more, ok := new(store.DictionaryArrayColumn), proto.NewArray[bool](new(proto.ColBool)), store.NewNullableInt64(), store.NewUInt128Array(), new(store.BoolColumn)
	for i := from; i < from+n; i++ {
		key.Append(store.UInt128{High: 7, Low: uint64(i)})
		at.Append(int64(i) * 86_400_000)
		name.Append(fmt.Sprint("name ", i))
		kind.Append(fmt.Sprint("kind ", i%3))
		side.Append(int8(1 + i%2))
		tags.Append([]string{"a", fmt.Sprint(i % 5)})
		flags.Append([]bool{true, false})
		if i%2 == 0 {
			wait.Append(store.NullInt64())
		} else {
			wait.Append(store.Int64OrNull(int64(i)))
		}
		more.Append([]store.UInt128{{Low: 1}})
		ok.Append(i%2 == 0)
	}
	return []store.Column{{"key", key}, {"time", at}, {"name", name}, {"kind", kind}, {"side", side}, {"tags", tags}, {"flags", flags}, {"wait", wait}, {"more", more}, {"ok", ok}}
}

func TestInsertTwiceWithOneTokenIsOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db := clickhousetest.Start(t)
	if err := db.Exec(ctx, rowsTable, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 { // 100 days: several partitions, one token
		if err := db.Insert(ctx, "rows", "t/0/0-99", someRows(0, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Insert(ctx, "rows", "t/0/100-199", someRows(100, 100)); err != nil {
		t.Fatal(err)
	}
	var n, distinct uint64
	var name, kind, side string
	var tags []string
	var wait *int64
	var at time.Time
	if _, err := db.One(ctx, "SELECT count(), uniqExact(key) FROM rows", nil, store.Limits{}, &n, &distinct); err != nil || n != 200 || distinct != 200 {
		t.Fatalf("%d rows, %d keys, %v", n, distinct, err)
	}
	found, err := db.One(ctx, "SELECT name, kind, side, tags, wait, time FROM rows WHERE key = {key:UInt128}",
		store.Params{"key": "129127208515966861319"}, store.Limits{MaxTime: time.Second, MaxMemory: 1 << 30, MaxRows: 10}, &name, &kind, &side, &tags, &wait, &at)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if name != "name 7" || kind != "kind 1" || side != "out" || len(tags) != 2 || *wait != 7 || at.UnixMilli() != 7*86_400_000 {
		t.Fatal(name, kind, side, tags, *wait, at)
	}
}

func TestErrorsHaveTheirKind(t *testing.T) {
	ctx := context.Background()
	db := clickhousetest.Start(t)
	for _, c := range []struct {
		sql    string
		limits store.Limits
		want   error
	}{
		{"SELECT sleepEachRow(1) FROM numbers(9) SETTINGS max_block_size = 1", store.Limits{MaxTime: time.Second}, store.ErrTooSlow},
		{"SELECT groupArray(number) FROM numbers(100000000)", store.Limits{MaxMemory: 10 << 20}, store.ErrTooLarge},
		{"SELECT * FROM numbers(100)", store.Limits{MaxRows: 10}, store.ErrTooLarge},
		{"SELECT nothing FROM nowhere", store.Limits{}, store.ErrRefused},
	} {
		rows, err := db.Query(ctx, c.sql, nil, c.limits)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.sql, err, c.want)
		}
	}
	if _, err := store.Open(ctx, store.DefaultConfig("http://127.0.0.1:1")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}
