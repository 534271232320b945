package load

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// benchRecord is about 600 bytes with its envelope, as a support system would send.
func benchRecord(partition int32, n int) *kafka.Record {
	id := fmt.Sprintf("evt-%d-%08d", partition, n)
	t := touchpoint.Touchpoint{ID: id, Time: spring + int64(n)*250, Channel: []string{"email", "chat", "phone", "sms"}[n%4], Direction: touchpoint.Inbound, Kind: "message",
		Actor:       touchpoint.Actor{Type: touchpoint.Customer, ID: "c" + strconv.Itoa(n%200_000), Name: "Anna Example"},
		Identifiers: []touchpoint.Identifier{{Type: "email", Value: fmt.Sprintf("anna.%d@example.com", n%200_000), Verified: true}, {Type: "cookie", Value: fmt.Sprintf("%032x", n%300_000)}},
		Thread:      []string{"session:" + strconv.Itoa(n/7)}, Subject: "Where is my order", Text: strings.Repeat("The parcel has not come yet. ", 5),
		Language: "en", Topic: "delivery", Team: "team " + strconv.Itoa(n%20), Tags: []string{"vip", "late"}, Source: "helpdesk"}
	payload, err := t.AppendJSON(nil)
	if err != nil {
		panic(err)
	}
	e := touchpoint.Envelope{Workspace: "default", ID: id, Anchor: identity.AnchorOf("default", "email", t.Identifiers[0].Value), Time: t.Time, Received: t.Time, Payload: payload}
	copy(e.Content[:], id)
	return &kafka.Record{Topic: string(topic.Touchpoints), Partition: partition, Offset: int64(n), Key: touchpoint.RecordKey("default", id), Value: e.Append(nil)}
}

// BenchmarkFill is the transformation alone: decode, judge, append to the columns.
func BenchmarkFill(b *testing.B) {
	rs := make([]*kafka.Record, 50_000)
	for i := range rs {
		rs[i] = benchRecord(0, i)
	}
	f := &facts{l: &loader{metrics: newMetrics(nil)}, pool: newBlockPool(func() *block { return newFactsBlock(clickhouse.TablesOf(topic.First)) })}
	blk := f.newBlock()
	n := 0
	for b.Loop() {
		blk.reset()
		f.consumed, f.fingerprints, f.known = 0, new(touchpoint.Seen), newKnownTerms()
		if err := f.fill(blk, rs, 0); err != nil {
			b.Fatal(err)
		}
		n += len(rs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
}

// BenchmarkLoad runs the role as a process of its own over LOAD_BENCH_ROWS touchpoints on the embedded broker, and then
// inserts the same rows as blocks that are ready: the floor. Run it with -benchtime 1x.
func BenchmarkLoad(b *testing.B) {
	rows := 400_000
	if s := os.Getenv("LOAD_BENCH_ROWS"); s != "" {
		rows, _ = strconv.Atoi(s)
	}
	for b.Loop() {
		w := newWorld(b, 4)
		for n := 0; n < rows/4; n += 10_000 {
			for p := range int32(4) {
				batch := make([]*kafka.Record, 0, 10_000)
				for i := n; i < min(n+10_000, rows/4); i++ {
					batch = append(batch, benchRecord(p, i))
				}
				w.produce(batch...)
			}
		}
		p := w.startProcess(w.proxy)
		loaded := func() uint64 { return w.count("SELECT count() FROM touchpoints") }
		for loaded() == 0 { // it starts, joins its group and restores
			time.Sleep(10 * time.Millisecond)
		}
		before, started := loaded(), time.Now()
		for loaded() < uint64(rows) {
			time.Sleep(20 * time.Millisecond)
		}
		took := time.Since(started)
		pace := (float64(rows) - float64(before)) / took.Seconds()
		w.lagFree()
		peak := p.peak()
		p.kill()
		used := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
		b.ReportMetric(pace, "rows/s")
		b.ReportMetric(float64(cpu.Microseconds())/float64(rows), "µs-CPU/row")
		b.ReportMetric(peak, "MiB-RSS")
		b.ReportMetric(float64(w.count("SELECT uniqExact(_partition, _offset) FROM touchpoints"))/float64(rows), "rows-in-once")

		w.exec("CREATE TABLE floor AS touchpoints")
		floor := w.floor(rows)
		b.ReportMetric(float64(rows)/floor.Seconds(), "floor-rows/s")
		b.ReportMetric(pace/(float64(rows)/floor.Seconds()), "of-floor")
	}
}

// floor inserts as many rows in blocks that are ready, two at a time.
func (w *world) floor(rows int) time.Duration {
	size := min(50_000, rows/4)
	ready := make(chan *touchpointRows, 2)
	for p := range int32(2) {
		t := newTouchpointRows(clickhouse.TablesOf(topic.First))
		var f fact
		for i := range size {
			r := benchRecord(p, i)
			if err := f.decode(r); err != nil {
				w.Fatal(err)
			}
			t.add(&f, r)
		}
		ready <- t
	}
	started := time.Now()
	var all sync.WaitGroup
	for n := 0; n < rows; n += size {
		t := <-ready
		all.Go(func() {
			defer func() { ready <- t }()
			if err := w.db.Insert(context.Background(), "floor", token("floor", 0, int64(n), int64(n+size)), t.table.columns); err != nil {
				w.Error(err)
			}
		})
	}
	all.Wait()
	return time.Since(started)
}

// peak is the most memory that the process has had, in MiB. (The kernel's own figure for a child that has ended begins with
// what its parent had.)
func (p *process) peak() float64 {
	p.w.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.w.Fatal(err)
	}
	var kib float64
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		p.w.Fatal(err)
	}
	return kib / 1024
}
