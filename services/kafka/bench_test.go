package kafka_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// touchpointJSON is some 500 bytes as a support system writes them, no two alike.
func touchpointJSON(i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	words := []string{"the", "order", "has", "not", "arrived", "yet", "please", "help", "invoice", "refund", "delivery", "login", "password", "thanks"}
	text := ""
	for range 28 {
		text += words[r.IntN(len(words))] + " "
	}
	return fmt.Appendf(nil, `{"id":"evt-%08x-%012d","time":"2026-03-%02dT%02d:%02d:%02d.%03dZ","channel":"email","direction":"inbound","kind":"message","actor":{"type":"customer","id":"c%d"},"identifiers":[{"type":"email","value":"user%d@example.com","verified":true}],"thread":["ticket:INC%07d"],"text":"%s","team":"support-%d"}`,
		r.Uint32(), i, 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000), r.IntN(1e6), r.IntN(1e6), r.IntN(1e7), text, r.IntN(20))
}

func touchpointRecords(n int, topic string) []*kafka.Record {
	rs := make([]*kafka.Record, n)
	for i := range rs {
		rs[i] = &kafka.Record{Topic: topic, Key: fmt.Appendf(nil, "default/evt-%d", i), Value: touchpointJSON(i)}
	}
	return rs
}

// diskCluster is the embedded broker on a folder, as it is run.
func diskCluster(b *testing.B, topics ...kafka.TopicSpec) *kafkatest.Cluster {
	cfg := broker.DefaultConfig()
	cfg.Dir = b.TempDir()
	br, err := broker.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { br.Close() })
	c := &kafkatest.Cluster{Brokers: []string{br.Addr()}}
	c.CreateTopics(b, topics...)
	return c
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report prints the rate and the processor time, of client and broker together, per record.
func report(b *testing.B, records int, begin time.Time, used time.Duration) {
	b.ReportMetric(float64(records)/time.Since(begin).Seconds(), "records/s")
	b.ReportMetric(float64((cpu()-used).Nanoseconds())/float64(records), "cpu-ns/record")
}

func BenchmarkProduce(b *testing.B) {
	for _, codec := range []kafka.Compression{kafka.CompressionNone, kafka.CompressionLZ4, kafka.CompressionSnappy, kafka.CompressionZstd} {
		b.Run(string(codec), func(b *testing.B) {
			c := diskCluster(b, kafka.TopicSpec{Name: "t", Partitions: 4})
			pc := kafka.DefaultProducerConfig()
			pc.Compression, pc.BlockWhenFull = codec, true
			p, err := kafka.NewProducer(c.Config(), pc)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close(b.Context())
			rs := touchpointRecords(20_000, "t")
			runtime.GC()
			n, begin, used := 0, time.Now(), cpu()
			for b.Loop() {
				if err := p.Produce(b.Context(), rs); err != nil {
					b.Fatal(err)
				}
				n += len(rs)
			}
			report(b, n, begin, used)
		})
	}
}

// passThrough copies its input: what a stage costs that decides nothing.
type passThrough struct {
	seen  *atomic.Int64
	out   []*kafka.Record
	topic string
}

func (p *passThrough) Process(rs []*kafka.Record) ([]*kafka.Record, error) {
	p.seen.Add(int64(len(rs)))
	if p.topic == "" {
		return nil, nil
	}
	for len(p.out) < len(rs) {
		p.out = append(p.out, new(kafka.Record))
	}
	for i, r := range rs {
		*p.out[i] = kafka.Record{Topic: p.topic, Key: r.Key, Value: r.Value}
	}
	return p.out[:len(rs)], nil
}

func benchmarkStage(b *testing.B, out string) {
	const records = 1_000_000
	c := diskCluster(b, kafka.TopicSpec{Name: "in", Partitions: 4}, kafka.TopicSpec{Name: "out", Partitions: 4})
	p := c.Producer(b)
	for range records / 20_000 {
		if err := p.Produce(b.Context(), touchpointRecords(20_000, "in")); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	for b.Loop() {
		var seen atomic.Int64
		s := kafka.DefaultStageConfig()
		s.Kafka, s.Topic, s.Recycle = c.Config(), "in", true
		s.Group = fmt.Sprint("g", rand.Uint64())
		s.New = func(context.Context, int32) (kafka.Partition, error) {
			return &passThrough{seen: &seen, topic: out}, nil
		}
		begin, used := time.Now(), cpu()
		st, err := kafka.NewStage(s)
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := contextOf(time.Minute)
		done := make(chan error, 1)
		go func() { done <- st.Run(ctx) }()
		for seen.Load() < records {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		report(b, records, begin, used)
	}
}

func BenchmarkStageConsumeOnly(b *testing.B) { benchmarkStage(b, "") }

func BenchmarkStagePassThrough(b *testing.B) { benchmarkStage(b, "out") }
