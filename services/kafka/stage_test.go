package kafka_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// runningSum is a stage whose outputs depend on all records before: each output is the sum of the partition so far, with
// the input's offset as its version. Its state is restored from its own input.
type runningSum struct {
	out      string
	sum      uint64
	next     int64
	replayed int
	hook     func(records []*kafka.Record) error
}

func (p *runningSum) RestoreFrom() string { return "in" }

func (p *runningSum) Replay(rs []*kafka.Record, committed int64) error {
	for _, r := range rs {
		if r.Offset >= committed {
			return fmt.Errorf("replayed offset %d, committed %d", r.Offset, committed)
		}
		if err := p.add(r); err != nil {
			return err
		}
	}
	p.replayed += len(rs)
	return nil
}

func (p *runningSum) add(r *kafka.Record) error {
	if r.Offset != p.next {
		return fmt.Errorf("offset %d after %d", r.Offset, p.next-1)
	}
	p.next++
	p.sum += binary.BigEndian.Uint64(r.Value)
	return nil
}

func (p *runningSum) Process(rs []*kafka.Record) ([]*kafka.Record, error) {
	if p.hook != nil {
		if err := p.hook(rs); err != nil {
			return nil, err
		}
	}
	var out []*kafka.Record
	for _, r := range rs {
		if err := p.add(r); err != nil {
			return nil, err
		}
		v := binary.BigEndian.AppendUint64(nil, uint64(r.Offset))
		out = append(out, &kafka.Record{Topic: p.out, Partition: r.Partition, Value: binary.BigEndian.AppendUint64(v, p.sum)})
	}
	return out, nil
}

func sumStage(c *kafkatest.Cluster, hook func([]*kafka.Record) error) kafka.StageConfig {
	s := kafka.DefaultStageConfig()
	s.Kafka = c.Config()
	s.Group, s.Topic = "sums", "in"
	s.Producer.ByPartition = []string{"out"}
	s.Reader.SessionTimeout = 2 * time.Second
	s.Recycle = true
	s.New = func(context.Context, int32) (kafka.Partition, error) { return &runningSum{out: "out", hook: hook}, nil }
	return s
}

func produceNumbers(t *testing.T, c *kafkatest.Cluster, partitions int32, from, to int) {
	t.Helper()
	p := c.Producer(t, "in")
	var rs []*kafka.Record
	for i := from; i < to; i++ {
		rs = append(rs, &kafka.Record{Topic: "in", Partition: int32(i) % partitions, Value: binary.BigEndian.AppendUint64(nil, uint64(i))})
	}
	if err := p.Produce(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
}

// checkSums compares the set of outputs with sums computed from the input: each there at least once, none that differs.
func checkSums(t *testing.T, c *kafkatest.Cluster) (outputs, inputs int) {
	t.Helper()
	type key struct {
		partition int32
		offset    uint64
	}
	want := map[key]uint64{}
	sums := map[int32]uint64{}
	for _, r := range c.Records(t, "in") {
		sums[r.Partition] += binary.BigEndian.Uint64(r.Value)
		want[key{r.Partition, uint64(r.Offset)}] = sums[r.Partition]
	}
	got := map[key]uint64{}
	out := c.Records(t, "out")
	for _, r := range out {
		k := key{r.Partition, binary.BigEndian.Uint64(r.Value)}
		sum := binary.BigEndian.Uint64(r.Value[8:])
		if want[k] != sum {
			t.Fatalf("output %v says %d, want %d", k, sum, want[k])
		}
		got[k] = sum
	}
	if len(got) != len(want) {
		t.Fatalf("%d different outputs, want %d", len(got), len(want))
	}
	return len(out), len(want)
}

func waitCommitted(t *testing.T, c *kafkatest.Cluster, group, topic string) {
	t.Helper()
	a := c.Admin(t)
	until(t, func() bool {
		os, err := a.GroupOffsets(t.Context(), group, topic)
		if err != nil {
			return false
		}
		for _, o := range os {
			if o.Committed < o.End {
				return false
			}
		}
		return len(os) > 0
	})
}

func contextOf(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("condition not met within a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// running is a stage that runs.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func start(t *testing.T, c kafka.StageConfig) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = kafka.RunStage(ctx, c)
	}()
	t.Cleanup(func() { r.now() })
	return r
}

// now ends the stage in order and returns its error.
func (r *running) now() error {
	r.cancel()
	return r.wait()
}

func (r *running) wait() error {
	<-r.done
	return r.err
}

func sumTopics() []kafka.TopicSpec {
	return []kafka.TopicSpec{{Name: "in", Partitions: 4}, {Name: "out", Partitions: 4}}
}

func TestStageProcessesEverythingOnceWhenNothingFails(t *testing.T) {
	c := kafkatest.Start(t, sumTopics()...)
	produceNumbers(t, c, 4, 0, 5000)
	stop := start(t, sumStage(c, nil))
	waitCommitted(t, c, "sums", "in")
	produceNumbers(t, c, 4, 5000, 6000)
	waitCommitted(t, c, "sums", "in")
	if err := stop.now(); err != nil {
		t.Fatal(err)
	}
	if out, in := checkSums(t, c); out != in {
		t.Fatalf("%d outputs for %d inputs", out, in)
	}
}

func TestStageRestoresItsStateAndGoesOn(t *testing.T) {
	c := kafkatest.Start(t, sumTopics()...)
	for i := range 3 {
		produceNumbers(t, c, 4, i*1000, (i+1)*1000)
		stop := start(t, sumStage(c, nil))
		waitCommitted(t, c, "sums", "in")
		if err := stop.now(); err != nil {
			t.Fatal(err)
		}
	}
	if out, in := checkSums(t, c); out != in {
		t.Fatalf("%d outputs for %d inputs", out, in)
	}
}

func TestStageThatFailsBetweenFlushAndCommitWritesTheSameAgain(t *testing.T) {
	c := kafkatest.Start(t, sumTopics()...)
	boom := errors.New("boom")
	var out, in int
	for i := range 5 {
		produceNumbers(t, c, 4, i*1000, (i+1)*1000)
		var batches atomic.Int32
		cfg := sumStage(c, func([]*kafka.Record) error {
			if batches.Add(1) > 20 {
				return boom
			}
			return nil
		})
		cfg.Reader.MaxPollRecords = 10
		cfg.CommitEvery = time.Hour // what was flushed before the failure is not committed
		if err := start(t, cfg).wait(); !errors.Is(err, boom) {
			t.Fatalf("want the error of Process, got %v", err)
		}
	}
	stop := start(t, sumStage(c, nil))
	waitCommitted(t, c, "sums", "in")
	stop.now()
	if out, in = checkSums(t, c); out <= in {
		t.Fatalf("%d outputs for %d inputs: nothing was done again", out, in)
	}
}

func TestStageMembersShareTheWorkAndLoseNothingWhenTheyComeAndGo(t *testing.T) {
	c := kafkatest.Start(t, sumTopics()...)
	stopA := start(t, sumStage(c, nil))
	var stopB *running
	for i := range 20 {
		produceNumbers(t, c, 4, i*500, (i+1)*500)
		switch i % 5 {
		case 1:
			stopB = start(t, sumStage(c, nil))
		case 4:
			if err := stopB.now(); err != nil {
				t.Fatal(err)
			}
		}
	}
	waitCommitted(t, c, "sums", "in")
	if err := stopA.now(); err != nil {
		t.Fatal(err)
	}
	out, in := checkSums(t, c)
	t.Logf("%d outputs for %d inputs", out, in)
}

// slow is a partition whose first batch takes until it is told to end.
type slow struct {
	runningSum
	ctx   context.Context
	begun chan struct{}
}

func (p *slow) Process(rs []*kafka.Record) ([]*kafka.Record, error) {
	close(p.begun)
	<-p.ctx.Done()
	return nil, fmt.Errorf("slow: %w", p.ctx.Err())
}

// Who takes long when a partition is to go to another member gives it up at once: the group would wait, and then go on without asking.
func TestWhatTakesLongEndsWithTheSession(t *testing.T) {
	c := kafkatest.Start(t, sumTopics()...)
	produceNumbers(t, c, 4, 0, 400)
	begun, others := make(chan struct{}), atomic.Int32{}
	cfg := sumStage(c, nil)
	cfg.New = func(ctx context.Context, partition int32) (kafka.Partition, error) {
		if others.Add(1) == 1 {
			return &slow{runningSum: runningSum{out: "out"}, ctx: ctx, begun: begun}, nil
		}
		return &runningSum{out: "out"}, nil
	}
	first := start(t, cfg)
	<-begun
	began := time.Now()
	if err := first.now(); err != nil {
		t.Errorf("the stage ended with %v", err)
	}
	if took := time.Since(began); took > cfg.Reader.RebalanceTimeout/4 {
		t.Errorf("it took %v to give the partition up", took)
	}
	start(t, sumStage(c, nil))
	waitCommitted(t, c, "sums", "in")
	checkSums(t, c)
}
