package rehearse

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/identity"
)

// BenchmarkRehearsal is how many touchpoints' links are rehearsed a second: both passes over the log, all but the store.
func BenchmarkRehearsal(b *testing.B) {
	const touchpoints = 1_000_000
	w := &world{tb: b, cluster: kafkatest.Start(b)}
	w.cluster.CreateTopics(b, linksTopic)
	w.producer = w.cluster.Producer(b)
	stitcher := identity.NewStitcher(identity.DefaultRules())
	rules := identity.DefaultRules()
	total := 0
	for i := range touchpoints {
		who := i * 7919 % (touchpoints/20 + 1)
		t := touchpoint.Touchpoint{
			ID: fmt.Sprint(i), Time: int64(i) * 100, Channel: "shop", Source: "livechat",
			Identifiers: []touchpoint.Identifier{
				{Type: "customer_id", Value: fmt.Sprint("C-", who), Verified: true},
				{Type: "email", Value: fmt.Sprint("customer", who, "@example.com"), Verified: true},
			},
			Thread: []string{fmt.Sprint("session:", who, "-", i/100_000)}, // of two touchpoints each
		}
		if i%7 == 0 {
			t.Identifiers = append(t.Identifiers, touchpoint.Identifier{Type: "email", Value: fmt.Sprint("work", who, "@example.com"), Verified: i%14 == 0})
		}
		key := touchpoint.KeyOf("ours", t.ID)
		e := touchpoint.Envelope{Workspace: "ours", ID: t.ID, Time: t.Time, Anchor: rules.AnchorOf("ours", key, &t).Anchor}
		made, err := stitcher.Links(&e, key, &t, nil)
		if err != nil {
			b.Fatal(err)
		}
		for j := range made {
			w.add(&made[j])
		}
		if total += len(made); len(w.links) > 20_000 {
			w.produce()
		}
	}
	w.produce()
	c := Config{
		Log: w.cluster.Admin(b), Generations: topic.First, Workspace: "ours", InForce: rules, New: parsed(b, rulesWith(1)), Now: now,
		Progress: func(rehearsal.Progress) {},
	}
	before := cpu(b)
	for b.Loop() {
		partition, end, err := c.whereLinksAre(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		t, err := c.decide(b.Context(), partition, end)
		if err != nil {
			b.Fatal(err)
		}
		changes := compare(t.before.resolver, t.after.resolver)
		if err := c.collect(b.Context(), partition, end, t, changes.telling()); err != nil {
			b.Fatal(err)
		}
		if len(changes.groups) < touchpoints/200 {
			b.Fatalf("%d groups", len(changes.groups))
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/touchpoints, "cpu-ns/touchpoint")
	b.ReportMetric(float64(b.N)*touchpoints/b.Elapsed().Seconds(), "touchpoints/s")
	b.ReportMetric(float64(total)/touchpoints, "links/touchpoint")
}

// cpu is what the process has used, which says more than the clock on a machine that is shared.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
