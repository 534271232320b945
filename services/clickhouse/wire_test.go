package clickhouse_test

import (
	"context"
	"strings"
	"testing"
	"time"

	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
)

// Every compression that the driver knows goes through the embedded engine in both directions.
func TestCompression(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db := clickhousetest.Start(t)
	exec(t, db, "CREATE TABLE c (n UInt64) ENGINE = MergeTree ORDER BY n")
	for i, method := range []string{"none", "lz4", "zstd", "gzip", "deflate", "br"} {
		c := store.DefaultConfig(clickhousetest.DSN(t) + "?compress=" + method)
		c.Database = db.Database()
		other, err := store.Open(ctx, c)
		if err != nil {
			t.Fatal(method, err)
		}
		n := new(store.UInt64Column)
		for k := range 1000 {
			n.Append(uint64(i*1000 + k))
		}
		if err := other.Insert(ctx, "c", method, []store.Column{{Name: "n", Data: n}}); err != nil {
			t.Error(method, err)
		}
		rows, err := other.Query(ctx, "SELECT number, repeat('x', 100) FROM numbers(100000)", nil, store.Limits{MaxTime: 20 * time.Second})
		if err != nil {
			t.Fatal(method, err)
		}
		sum := uint64(0)
		for rows.Next() {
			var number uint64
			var x string
			if err := rows.Scan(&number, &x); err != nil || len(x) != 100 {
				t.Fatal(method, err)
			}
			sum += number
		}
		if rows.Err() != nil || rows.Close() != nil || sum != 4999950000 {
			t.Error(method, rows.Err(), sum)
		}
		if err := other.Exec(ctx, "SELECT nothing", nil); err == nil || !strings.Contains(err.Error(), "nothing") {
			t.Error(method, "an error's text is lost:", err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := text(t, db, "SELECT concat(toString(count()), ' ', toString(uniqExact(n))) FROM c"); got != "6000 6000" {
		t.Error(got)
	}
}

func TestParametersAreData(t *testing.T) {
	db := clickhousetest.Start(t)
	at := time.Date(2026, 3, 29, 2, 30, 0, 123e6, time.UTC)
	for _, value := range []string{"", "it's", `back\slash`, "tab\tnewline\nreturn\rnul\x00", "{a:String}", "日本 🎉", "\\N", "'; DROP TABLE x; --"} {
		var got string
		var list []string
		var when time.Time
		found, err := db.One(context.Background(), "SELECT {a:String}, {b:Array(String)}, {c:DateTime64(3, 'UTC')}",
			store.Params{"a": value, "b": []string{value, "x"}, "c": at}, store.Limits{}, &got, &list, &when)
		if err != nil || !found || got != value || len(list) != 2 || list[0] != value || !when.Equal(at) {
			t.Errorf("%q: %q %q %v %v", value, got, list, when, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for dsn, ok := range map[string]bool{"http://127.0.0.1:8123": true, "https://u:p@host:8443/db?secure=true": true, "http://a:8123,b:8123": true,
		"clickhouse://127.0.0.1:9000": false, "": false, "127.0.0.1": false, "http://[": false} {
		if err := store.DefaultConfig(dsn).Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", dsn, err)
		} else if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: the password is in the error", dsn)
		}
	}
}
