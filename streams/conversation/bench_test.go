package conversation

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// company writes the log of n touchpoints: customers with some seven each, in chats of a session or mails of a ticket,
// answered by agents, now and then a page view.
func company(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	log := make([][]byte, 0, n)
	customers := max(n/7, 1)
	said := make([]int, customers)
	for i := range n {
		c := random.IntN(customers)
		said[c]++
		session := said[c] / 4
		t := touchpoint.Touchpoint{
			ID: fmt.Sprintf("crm-%d", i), Time: start + int64(i)*500, Channel: "chat", Direction: touchpoint.Inbound, Kind: "message",
			Actor: touchpoint.Actor{Type: touchpoint.Customer}, Thread: []string{fmt.Sprintf("session:%d-%d", c, session)},
			Topic: fmt.Sprintf("topic %d", c%30), Source: "crm",
		}
		switch i % 5 {
		case 1, 2:
			t.Direction, t.Actor, t.Team = touchpoint.Outbound, touchpoint.Actor{Type: touchpoint.Agent, ID: fmt.Sprintf("agent-%d", c%200)}, fmt.Sprintf("team-%d", c%12)
		case 3:
			t.Channel, t.Thread = "email", []string{fmt.Sprintf("ticket:INC%d-%d", c, session)}
		case 4:
			if i%2 == 0 {
				t.Kind, t.Channel, t.Thread = "page.viewed", "web", nil
			}
		}
		s := conversation.StubOf("default", touchpoint.KeyOf("default", t.ID), identity.AnchorOf("default", "email", fmt.Sprintf("%d@example.com", c)), &t)
		log = append(log, (&conversation.Message{Stub: &s}).Append(nil))
	}
	return log
}

// sink encodes what comes out, as the shell does.
type sink struct {
	buffer []byte
	rows   int
}

func (s *sink) Message(m *Routed) { s.buffer = m.Message.Append(s.buffer[:0]) }
func (s *sink) Conversation(c *conversation.Conversation) {
	s.rows++
	s.buffer, _ = c.Append(s.buffer[:0])
}
func (s *sink) Member(m *conversation.Member) { s.buffer = m.Append(s.buffer[:0]) }

func play(b *testing.B, h *Homes, log [][]byte, batch int) *sink {
	var d conversation.Decoder
	out := &sink{}
	for i, data := range log {
		m, err := d.Message(data)
		if err != nil {
			b.Fatal(err)
		}
		h.Apply(&m)
		if (i+1)%batch == 0 || i+1 == len(log) {
			h.Flush(out)
		}
	}
	return out
}

// quiet leaves out the encoding.
type quiet struct{ rows int }

func (*quiet) Message(*Routed)                           {}
func (q *quiet) Conversation(*conversation.Conversation) { q.rows++ }
func (*quiet) Member(*conversation.Member)               {}

// BenchmarkPure is what one core does per touchpoint, without decoding and encoding, in batches of 1,000.
func BenchmarkPure(b *testing.B) {
	const n = 1_000_000
	stubs := make([]conversation.Stub, n)
	for i, data := range company(n) {
		m, err := conversation.DecodeMessage(data)
		if err != nil {
			b.Fatal(err)
		}
		stubs[i] = *m.Stub
	}
	begin := cpu(b)
	for b.Loop() {
		h := NewHomes(registry.Default(), 0)
		for i := range stubs {
			h.Apply(&conversation.Message{Stub: &stubs[i]})
			if (i+1)%1000 == 0 {
				h.Flush(&quiet{})
			}
		}
	}
	b.ReportMetric(float64((cpu(b)-begin).Nanoseconds())/float64(b.N)/n, "cpu-ns/stub")
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "stubs/s")
}

// BenchmarkCompany is what one core does per touchpoint, decoding and encoding included, in batches of 1,000, and
// what a touchpoint takes of memory for ever.
func BenchmarkCompany(b *testing.B) {
	const n = 1_000_000
	log := company(n)
	var spent time.Duration
	for b.Loop() {
		var before, after runtime.MemStats
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		begin := cpu(b)
		h := NewHomes(registry.Default(), 0)
		out := play(b, h, log, 1000)
		spent += cpu(b) - begin
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/stub")
		b.ReportMetric(float64(out.rows)/n, "rows/stub")
		runtime.KeepAlive(h)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/stub")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N)/n, "cpu-ns/stub")
}

// cpu is the processor time of this process so far: what other processes take does not count.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOneCustomer is a customer with 100,000 touchpoints, in sessions of some twenty.
func BenchmarkOneCustomer(b *testing.B) {
	const n = 100_000
	log := company(n)
	for i, data := range log {
		m, err := conversation.DecodeMessage(data)
		if err != nil {
			b.Fatal(err)
		}
		m.Stub.Anchor = identity.AnchorOf("default", "email", "kiosk@example.com")
		for t := range m.Stub.Threads {
			m.Stub.Threads[t] = threadOf(fmt.Sprint(i/20), m.Stub.Threads[t].Scheme)
		}
		log[i] = m.Append(nil)
	}
	late := append([][]byte(nil), log...)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range late { // one in a thousand comes up to a thousand places late
		if random.IntN(1000) == 0 {
			j := min(i+random.IntN(1000), n-1)
			late[i], late[j] = late[j], late[i]
		}
	}
	for _, c := range []struct {
		name  string
		log   [][]byte
		batch int
	}{{"in order", log, 1000}, {"one by one", log, 1}, {"some late", late, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			var h *Homes
			begin := cpu(b)
			for b.Loop() {
				h = NewHomes(registry.Default(), 0)
				play(b, h, c.log, c.batch)
			}
			b.ReportMetric(float64((cpu(b)-begin).Nanoseconds())/float64(b.N)/n, "cpu-ns/stub")
			b.ReportMetric(float64(h.Stats().Regrouped), "regroupings")
		})
	}
}
