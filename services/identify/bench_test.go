package identify

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// benchInput is n touchpoints of some 500 bytes, each customer with a number, an address and a session a day.
func benchInput(tb testing.TB, n int) []*kafka.Record {
	tb.Helper()
	out := make([]*kafka.Record, n)
	for i := range out {
		who := i * 7919 % (n/20 + 1)
		out[i] = envelope(tb, "default", touchpoint.Touchpoint{
			ID: fmt.Sprint("01940000-0000-7000-8000-", 100_000_000_000+i), Time: int64(i) * 100,
			Channel: "chat", Direction: touchpoint.Inbound, Kind: "message",
			Actor: touchpoint.Actor{Type: touchpoint.Customer, Name: "Anna Berg"},
			Identifiers: []touchpoint.Identifier{
				{Type: "customer_id", Value: fmt.Sprint("C-", who), Verified: true},
				{Type: "email", Value: fmt.Sprint("customer", who, "@example.com"), Verified: true},
			},
			Thread: []string{fmt.Sprint("session:", who, "-", i/10_000)}, Language: "en", Source: "livechat",
			Text: "Hello, I ordered two weeks ago and the parcel has still not arrived. Could you have a look where it is, please? The number is in the subject.",
		}, 0)
	}
	return numbered(out)
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

// BenchmarkStitch is what a touchpoint costs the first half, but for the broker.
func BenchmarkStitch(b *testing.B) {
	c := DefaultConfig()
	const batch = 5000
	input := benchInput(b, 50*batch)
	b.ReportAllocs()
	before := cpu(b)
	n, links := 0, 0
	var p *stitch
	for b.Loop() {
		if n%len(input) == 0 {
			p = newStitch(&c, newMetrics(nil), 0)
		}
		at := n % len(input)
		out, err := p.Process(input[at : at+batch])
		if err != nil {
			b.Fatal(err)
		}
		links += len(ofTopic(out, topic.Links))
		n += batch
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/touchpoint")
	b.ReportMetric(float64(links)/float64(n), "links/touchpoint")
}

// BenchmarkResolve is what a link costs the other half, but for the broker: mostly reading its JSON.
func BenchmarkResolve(b *testing.B) {
	c := DefaultConfig()
	s := newStitch(&c, newMetrics(nil), 0)
	out, err := s.Process(benchInput(b, 100_000))
	if err != nil {
		b.Fatal(err)
	}
	links := numbered(ofTopic(out, topic.Links))
	b.ReportAllocs()
	before := cpu(b)
	n := 0
	for b.Loop() {
		p := newResolve(b.Context(), &c, newMetrics(nil), 0, nil, nil)
		for at := 0; at < len(links); at += 5000 {
			if _, err := p.Process(links[at:min(at+5000, len(links))]); err != nil {
				b.Fatal(err)
			}
		}
		n += len(links)
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(n), "cpu-ns/link")
}
