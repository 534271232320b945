package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/kafka"
)

// A stage's producer waits for its broker for ever. Whoever ends a role does not.
func TestAbandonDoesNotWaitForTheBroker(t *testing.T) {
	b, err := broker.Start(t.Context(), broker.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := kafka.Config{Brokers: []string{b.Addr()}}
	admin, err := kafka.NewAdmin(c)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "out", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	p, err := kafka.NewProducer(c, kafka.DefaultStageConfig().Producer)
	if err != nil {
		t.Fatal(err)
	}
	record := func() []*kafka.Record { return []*kafka.Record{{Topic: "out", Value: []byte("x")}} }
	if err := p.Produce(t.Context(), record()); err != nil {
		t.Fatal(err)
	}
	b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := p.Produce(ctx, record()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without a broker: %v", err)
	}
	ended := make(chan struct{})
	go func() { p.Abandon(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
}
