// Package kafkatest gives tests a broker: the embedded one, or real Apache Kafka.
package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/kafka"
)

// Cluster is a broker, or several, for one test.
type Cluster struct {
	Brokers []string
}

// Config reaches the cluster.
func (c *Cluster) Config() kafka.Config { return kafka.Config{Brokers: c.Brokers} }

// Start runs the embedded broker, in memory, for one test. Sessions may be as short as 100 ms.
func Start(tb testing.TB, topics ...kafka.TopicSpec) *Cluster {
	tb.Helper()
	cfg := broker.DefaultConfig()
	cfg.MinSession = 100 * time.Millisecond
	b, err := broker.Start(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	c := &Cluster{Brokers: []string{b.Addr()}}
	c.CreateTopics(tb, topics...)
	return c
}

// CreateTopics makes topics; Partitions 0 means 1.
func (c *Cluster) CreateTopics(tb testing.TB, topics ...kafka.TopicSpec) {
	tb.Helper()
	if len(topics) == 0 {
		return
	}
	for i := range topics {
		topics[i].Partitions = max(topics[i].Partitions, 1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.Admin(tb).EnsureTopics(ctx, topics); err != nil {
		tb.Fatal(err)
	}
}

// Admin makes an Admin that is closed with the test.
func (c *Cluster) Admin(tb testing.TB) *kafka.Admin {
	tb.Helper()
	a, err := kafka.NewAdmin(c.Config())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

// Producer makes a producer that is closed with the test. It waits for ever for a broker that is away.
func (c *Cluster) Producer(tb testing.TB, byPartition ...string) *kafka.Producer {
	tb.Helper()
	pc := kafka.DefaultStageConfig().Producer
	pc.ByPartition = byPartition
	p, err := kafka.NewProducer(c.Config(), pc)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
	})
	return p
}

// Records reads all records of a topic as of now, partition by partition.
func (c *Cluster) Records(tb testing.TB, topic string) []*kafka.Record {
	tb.Helper()
	a := c.Admin(tb)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log, err := a.LogOffsets(ctx, topic)
	if err != nil {
		tb.Fatal(err)
	}
	var out []*kafka.Record
	for _, o := range log {
		err := a.ReadRange(ctx, topic, o.Partition, o.Start, o.End, func(rs []*kafka.Record) error {
			out = append(out, rs...)
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return out
}
