package simulate

import (
	"bytes"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
)

func benchConfig(n uint64) GeneratorConfig {
	return GeneratorConfig{Seed: 7, Customers: max(n/20, 1), Touchpoints: n, From: 1_700_000_000_000, To: 1_702_592_000_000}
}

// TestGeneratedTouchpointsAreGood: each is one that the door accepts, its id is its own, and times only grow.
func TestGeneratedTouchpointsAreGood(t *testing.T) {
	const n = 25_000
	g, err := NewGenerator(benchConfig(n))
	if err != nil {
		t.Fatal(err)
	}
	o := &touchpoint.Options{Now: 1_702_592_000_000, Registry: registry.Default(), Normalise: identity.DefaultRules().Normalise}
	ids, channels, customers := map[string]bool{}, map[string]int{}, map[string]bool{}
	bytesInAll, last := 0, int64(0)
	for range n {
		line := g.Next(nil)
		tp, _, ferr := touchpoint.Decode(line, o)
		if ferr != nil {
			t.Fatalf("%s: %v", line, ferr)
		}
		if ids[tp.ID] || tp.Time < last {
			t.Fatalf("id %s, time %d after %d", tp.ID, tp.Time, last)
		}
		ids[tp.ID] = true
		channels[tp.Channel]++
		last = tp.Time
		bytesInAll += len(line)
		for _, id := range tp.Identifiers {
			if id.Type == "customer_id" {
				customers[id.Value] = true
			}
		}
	}
	if len(channels) < 7 || len(customers) < 1000 || bytesInAll/n < 400 || bytesInAll/n > 550 {
		t.Errorf("channels %v, %d customers, %d bytes each", channels, len(customers), bytesInAll/n)
	}
}

func TestGeneratorRepeatsItself(t *testing.T) {
	a, _ := NewGenerator(benchConfig(1000))
	b, _ := NewGenerator(benchConfig(1000))
	for i := range uint64(1000) {
		if !bytes.Equal(a.Next(nil), b.At(nil, i)) {
			t.Fatalf("touchpoint %d differs", i)
		}
	}
}

func BenchmarkGenerator(b *testing.B) {
	g, err := NewGenerator(benchConfig(10_000_000))
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = g.Next(buf[:0])
		b.SetBytes(int64(len(buf)))
	}
}
