package kafka_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// nowhere is a log whose broker is away.
func nowhere(t *testing.T) *kafka.Admin {
	t.Helper()
	a, err := kafka.NewAdmin(kafka.Config{Brokers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// Nobody waits for a broker that is away beyond their own time or the follower's, however many wait.
func TestFollowersDoNotPileUp(t *testing.T) {
	f := kafka.NewFollower(nowhere(t), "in", 0, time.Second)
	begin := time.Now()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if i%2 == 1 {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			}
			defer cancel()
			if err := f.Advance(ctx, nil); !errors.Is(err, kafka.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			if waited := time.Since(begin); i%2 == 1 && waited > 800*time.Millisecond {
				t.Errorf("waited %v of 50 ms", waited)
			}
		})
	}
	all.Wait()
	if waited := time.Since(begin); waited > 5*time.Second {
		t.Errorf("all together waited %v, of whom each may a second", waited)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := f.Advance(gone, nil); !errors.Is(err, context.Canceled) || errors.Is(err, kafka.ErrUnavailable) {
		t.Errorf("who left: %v", err)
	}
}

// breaking breaks off after the first record it reads, once.
type breaking struct {
	kafka.Ranges
	broken bool
}

func (b *breaking) ReadRange(ctx context.Context, topic string, partition int32, from, to int64, fn func([]*kafka.Record) error) error {
	if b.broken {
		return b.Ranges.ReadRange(ctx, topic, partition, from, to, fn)
	}
	b.broken = true
	if err := b.Ranges.ReadRange(ctx, topic, partition, 0, 1, fn); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestAFollowerKeepsWhatItRead(t *testing.T) {
	c := kafkatest.Start(t, kafka.TopicSpec{Name: "in", Partitions: 2})
	produceNumbers(t, c, 2, 0, 20) // 10 to a partition
	f := kafka.NewFollower(&breaking{Ranges: c.Admin(t)}, "in", 1, 300*time.Millisecond)
	var got []int64
	take := func(rs []*kafka.Record) {
		for _, r := range rs {
			got = append(got, r.Offset)
		}
	}
	if err := f.Advance(t.Context(), take); !errors.Is(err, kafka.ErrUnavailable) {
		t.Fatal(err)
	}
	if err := f.Advance(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	if len(got) != 10 || got[0] != 0 || got[9] != 9 {
		t.Errorf("given %v", got)
	}
}

// A follower that slept while the log let go of what it had yet to read goes on with what there is.
func TestAFollowerThatFellBehindTheLog(t *testing.T) {
	c := kafkatest.Start(t, kafka.TopicSpec{Name: "in", Partitions: 2})
	f := kafka.NewFollower(c.Admin(t), "in", 1, 5*time.Second)
	n := 0
	take := func(rs []*kafka.Record) { n += len(rs) }
	produceNumbers(t, c, 2, 0, 20)
	if err := f.Advance(t.Context(), take); err != nil || n != 10 {
		t.Fatal(n, err)
	}
	produceNumbers(t, c, 2, 20, 100)
	if err := c.Admin(t).DeleteRecords(t.Context(), "in", 1, 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Advance(t.Context(), take); err != nil || n != 20 {
		t.Errorf("%d records, %v", n, err)
	}
}
