package simulate

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

func newTestCompany(t interface{ Fatal(...any) }, customers int) *company {
	c, err := newCompany(1, customers)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// all takes everything up to the moment, in portions.
func (f *feed) all(t time.Time, most int) (out []touch) {
	for {
		some, all := f.until(t, most)
		out = append(out, some...)
		if all {
			return out
		}
	}
}

// TestAMonthOfTheCompany: every touchpoint is one that the door accepts, in order of time, each id once, and the
// company looks like one.
func TestAMonthOfTheCompany(t *testing.T) {
	c := newTestCompany(t, 600)
	from := noon.AddDate(0, 0, -30)
	f := newFeed(c, from, from, noon, 0)
	o := &touchpoint.Options{Now: noon.UnixMilli(), Registry: registry.Default(), Normalise: identity.DefaultRules().Normalise}
	ids, people, channels, languages, kinds := map[string]bool{}, map[string]bool{}, map[string]int{}, map[string]int{}, map[string]int{}
	known := map[string]bool{}
	for _, k := range o.Registry.Kinds {
		known[k.Name] = true
	}
	night, agentsAtNight, last := 0, 0, int64(0)
	all := f.all(noon, 500)
	for _, x := range all {
		tp, _, ferr := touchpoint.Decode(x.line, o)
		if ferr != nil {
			t.Fatalf("%s: %v", x.line, ferr)
		}
		if tp.Time != x.time || tp.Time < last || ids[tp.ID] || bytes.Contains(x.line, []byte(`{name}`)) {
			t.Fatalf("%s after %d", x.line, last)
		}
		last, ids[tp.ID] = tp.Time, true
		channels[tp.Channel]++
		languages[tp.Language]++
		kinds[tp.Kind]++
		if tp.Actor.Type == "customer" {
			people[tp.Actor.ID] = true
		}
		if h := time.UnixMilli(tp.Time).In(c.zone).Hour(); h >= 1 && h < 6 {
			night++
			if tp.Actor.Type == "agent" {
				agentsAtNight++
			}
		}
		if _, ok := known[tp.Kind]; !ok {
			t.Errorf("kind %s is not in the registry", tp.Kind)
		}
	}
	if n := len(all); n < 10_000 || n > 27_000 || len(channels) < 12 || len(people) < 590 || languages["de"] < languages["en"] || night > n/20 || agentsAtNight > 0 {
		t.Errorf("%d touchpoints of %d people, channels %v, languages %v, %d at night, %d by agents, kinds %v", n, len(people), channels, languages, night, agentsAtNight, kinds)
	}
}

// TestNoTwoCustomersShareAnIdentifier, and each is one that the rules know and leave as it is found by.
func TestNoTwoCustomersShareAnIdentifier(t *testing.T) {
	c, rules, seen := newTestCompany(t, 1000), identity.DefaultRules(), map[string]int{}
	for i := range c.customers {
		for typ, value := range c.customers[i].ids {
			id, err := rules.Normalise(touchpoint.Identifier{Type: typ, Value: value})
			if err != nil {
				t.Fatalf("%s %s: %v", typ, value, err)
			}
			if before, ok := seen[typ+":"+id.Value]; ok && before != i {
				t.Fatalf("customers %d and %d share %s %s", before, i, typ, id.Value)
			}
			seen[typ+":"+id.Value] = i
		}
	}
}

// TestFeedGoesOnAnywhere: broken off at any moments, and with portions of any size, the same touchpoints come.
func TestFeedGoesOnAnywhere(t *testing.T) {
	c := newTestCompany(t, 15)
	rapid.Check(t, func(r *rapid.T) {
		first := noon.AddDate(0, 0, -4)
		end := noon.Add(time.Duration(rapid.IntRange(0, 200).Draw(r, "seconds of live traffic")) * time.Second)
		rate := rapid.Float64Range(0, 3).Draw(r, "rate")
		want := newFeed(c, first, first, noon, rate).all(end, 1000)
		var got []touch
		after := first
		for range rapid.IntRange(0, 4).Draw(r, "breaks") {
			at := after.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(after))).Draw(r, "at"))).Truncate(time.Millisecond)
			got = append(got, newFeed(c, first, after, noon, rate).all(at, rapid.IntRange(1, 700).Draw(r, "most"))...)
			after = at
		}
		got = append(got, newFeed(c, first, after, noon, rate).all(end, 1000)...)
		if len(got) != len(want) {
			r.Fatalf("%d touchpoints, want %d", len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i].line, want[i].line) {
				r.Fatalf("touchpoint %d: %s, want %s", i, got[i].line, want[i].line)
			}
		}
	})
}

func TestLiveRate(t *testing.T) {
	f := newFeed(newTestCompany(t, 100), noon, noon, noon, 20)
	n := len(f.all(noon.Add(10*time.Minute), 1000))
	if want := 20.0 * 600; float64(n) < want*0.6 || float64(n) > want*1.1 { // the last stories are not over
		t.Errorf("%d touchpoints in ten minutes, want about %.0f", n, want)
	}
}
