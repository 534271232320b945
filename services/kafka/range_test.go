package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func rangeIsReadExactly(t *testing.T, c *kafkatest.Cluster) {
	produceNumbers(t, c, 2, 0, 2000) // 1,000 to a partition
	a := c.Admin(t)
	read := func(from, to int64) (string, error) {
		first, last, n := int64(-1), int64(-1), 0
		err := a.ReadRange(t.Context(), "in", 1, from, to, func(rs []*kafka.Record) error {
			for _, r := range rs {
				if first < 0 {
					first = r.Offset
				} else if r.Offset != last+1 {
					return fmt.Errorf("offset %d after %d", r.Offset, last)
				}
				last = r.Offset
				n++
			}
			return nil
		})
		return fmt.Sprint(n, " records ", first, "..", last), err
	}
	for _, x := range []struct {
		from, to int64
		want     string
	}{
		{-1, -1, "1000 records 0..999"},
		{0, 1000, "1000 records 0..999"},
		{17, 18, "1 records 17..17"},
		{500, -1, "500 records 500..999"},
		{5, 5, "0 records -1..-1"},
	} {
		if got, err := read(x.from, x.to); err != nil || got != x.want {
			t.Errorf("[%d,%d): %s, %v; want %s", x.from, x.to, got, err, x.want)
		}
	}
	if _, err := read(0, 1001); !errors.Is(err, kafka.ErrOffsetOutOfRange) {
		t.Errorf("past the end: %v", err)
	}
	if err := a.DeleteRecords(t.Context(), "in", 1, 300); err != nil {
		t.Fatal(err)
	}
	if got, err := read(-1, 310); err != nil || got != "10 records 300..309" {
		t.Errorf("after deleting: %s, %v", got, err)
	}
	if _, err := read(299, 310); !errors.Is(err, kafka.ErrOffsetOutOfRange) {
		t.Errorf("before the start: %v", err)
	}
}

func TestProducerTellsTheTruthWhenTheBrokerIsAway(t *testing.T) {
	pc := kafka.DefaultProducerConfig()
	pc.DeliveryTimeout, pc.BufferedRecords = time.Second, 10
	p, err := kafka.NewProducer(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, pc)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
	}()
	var rs []*kafka.Record
	for range 10 {
		rs = append(rs, &kafka.Record{Topic: "t", Value: []byte("x")})
	}
	waited := make(chan error, 1)
	go func() { waited <- p.Produce(t.Context(), rs) }()
	until(t, func() bool { return p.Buffered() == 10 })
	if err := p.Produce(t.Context(), []*kafka.Record{{Topic: "t"}}); !errors.Is(err, kafka.ErrBusy) {
		t.Errorf("with a full buffer: %v", err)
	}
	if err := <-waited; !errors.Is(err, kafka.ErrUnavailable) {
		t.Errorf("without a broker: %v", err)
	}
}

func TestEnsureTopicsAddsWhatIsMissingAndRefusesAnotherPartitionCount(t *testing.T) {
	c := kafkatest.Start(t, kafka.TopicSpec{Name: "a", Partitions: 2})
	a := c.Admin(t)
	err := a.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "a", Partitions: 3}, {Name: "b", Partitions: 5}})
	if !errors.Is(err, kafka.ErrPartitionCount) {
		t.Errorf("want ErrPartitionCount, got %v", err)
	}
	have, err := a.Topics(t.Context())
	if err != nil || have["a"] != 2 || have["b"] != 5 {
		t.Errorf("topics %v, %v", have, err)
	}
	if err := a.DeleteTopics(t.Context(), "b", "never"); err != nil {
		t.Error(err)
	}
	if _, err := a.LogOffsets(t.Context(), "b"); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("deleted topic: %v", err)
	}
}

func TestPartitionOfIsThatOfKafkasClients(t *testing.T) {
	// From org.apache.kafka.common.utils.Utils of kafka-clients 4.1.1: toPositive(murmur2(key)) % 12.
	for key, want := range map[string]int32{"": 9, "21": 0, "foobar": 6, "default/evt-1": 9, "a-little-bit-long-string": 8} {
		if got := kafka.PartitionOf([]byte(key), 12); got != want {
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
}
