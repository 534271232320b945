package clickhouse_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
)

func TestDictionaryColumnsComeBackAsTheyWere(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db := clickhousetest.Start(t)
	if err := db.Exec(ctx, "CREATE TABLE words (n UInt32, one LowCardinality(String), many Array(LowCardinality(String))) ENGINE = MergeTree ORDER BY n", nil); err != nil {
		t.Fatal(err)
	}
	n, one, many := new(store.UInt32Column), new(store.DictionaryColumn), new(store.DictionaryArrayColumn)
	written := 0
	for _, distinct := range []int{1, 3, 300, 70_000} { // keys of one, two and four bytes
		n.Reset()
		one.Reset()
		many.Reset()
		rows := min(2*distinct+1, 80_000)
		word := make([]byte, 0, 16) // reused, as the memory of records is
		for i := range rows {
			n.Append(uint32(written + i))
			word = fmt.Appendf(word[:0], "w%d", i%distinct)
			one.Append(unsafe.String(&word[0], len(word)))
			many.Append(slices.Repeat([]string{fmt.Sprint("w", i%distinct), ""}, i%3))
		}
		if err := db.Insert(ctx, "words", "", []store.Column{{Name: "n", Data: n}, {Name: "one", Data: one}, {Name: "many", Data: many}}); err != nil {
			t.Fatal(err)
		}
		var wrong uint64
		_, err := db.One(ctx, `SELECT countIf(one != w OR many != arrayFlatten(arrayMap(x -> [w, ''], range(i % 3))))
			FROM (SELECT *, n - {from:UInt32} AS i, concat('w', toString(i % {distinct:UInt32})) AS w FROM words WHERE n >= {from:UInt32})`,
			store.Params{"from": uint32(written), "distinct": uint32(distinct)}, store.Limits{}, &wrong)
		if err != nil || wrong != 0 {
			t.Fatalf("%d distinct: %d wrong rows, %v", distinct, wrong, err)
		}
		written += rows
	}
}
