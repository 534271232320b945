package load

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/services/kafka"
)

// Any batches, repeated ids, other contents, faults and restarts: the table has the first record of each id in its
// partition, and the dead letters every later one with other content.
func TestTheTableIsWhatTheObviousLoaderMakes(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("15") // each is a run against real engines; give the flag for more
		defer func() { _ = f.Value.Set(f.DefValue) }()
	}
	const partitions = 2
	w := newWorld(t, partitions)
	stop := w.start()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		first := map[string]string{}            // id -> content
		rows, conflicts := 0, map[string]bool{} // by id and content
		steps := rapid.IntRange(1, 8).Draw(t, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"produce", "produce", "produce", "fault", "restart", "both"}).Draw(t, "step") {
			case "produce":
				var batch []*kafka.Record
				for range rapid.IntRange(1, 60).Draw(t, "records") {
					n := rapid.IntRange(0, 80).Draw(t, "id")
					text := rapid.SampledFrom([]string{"one", "one", "one", "two"}).Draw(t, "text")
					id := fmt.Sprintf("r%d-%d", round, n)
					batch = append(batch, record(int32(n%partitions), id, text, spring+int64(n%5)*month))
					if had, ok := first[id]; !ok {
						first[id] = text
						rows++
					} else if had != text {
						conflicts[id] = true
					}
				}
				w.produce(batch...)
			case "fault":
				left := rapid.IntRange(1, 4).Draw(t, "faults")
				kind := rapid.SampledFrom([]fault{refuse, dropBefore, dropAfter}).Draw(t, "fault")
				w.proxy.on(func(token string) fault {
					if token == "" || left == 0 {
						return none
					}
					left--
					return kind
				})
			case "restart":
				stop()
				stop = w.start()
			case "both":
				other := w.start()
				stop()
				stop = other
			}
		}
		w.lagFree()
		prefix := fmt.Sprintf("r%d-", round)
		have := map[string]string{}
		r, err := w.db.Query(context.Background(), "SELECT id, text FROM touchpoints WHERE startsWith(id, '"+prefix+"')", nil, noLimits)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r.Next() {
			var id, text string
			if err := r.Scan(&id, &text); err != nil {
				t.Fatal(err)
			}
			have[id] = text
			n++
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if n != rows || !maps.Equal(have, first) {
			t.Fatalf("%d rows %v\nwant %d %v", n, have, rows, first)
		}
		if got := w.count("SELECT uniqExact(touchpoint) FROM rejected WHERE source = 'conflict' AND startsWith(touchpoint, '" + prefix + "')"); got != uint64(len(conflicts)) {
			t.Fatalf("%d ids in conflict, want %d", got, len(conflicts))
		}
	})
	w.exactly(w.count("SELECT uniqExact(id) FROM touchpoints"))
}
