package kafka_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// both are the tests that run on the embedded broker and on real Kafka: what the loader's exactly-once stands on.
var both = []struct {
	name       string
	partitions int32 // of topic "in"
	test       func(t *testing.T, c *kafkatest.Cluster)
}{
	{"commit carries metadata and the next member gets it", 2, commitCarriesMetadata},
	{"commit of what is not owned is fenced", 1, commitOfWhatIsNotOwned},
	{"zombie cannot commit", 1, zombieCannotCommit},
	{"a range is read exactly", 2, rangeIsReadExactly},
}

func TestOnEmbeddedBroker(t *testing.T) {
	for _, x := range both {
		t.Run(x.name, func(t *testing.T) {
			x.test(t, kafkatest.Start(t, kafka.TopicSpec{Name: "in", Partitions: x.partitions}))
		})
	}
}

func TestOnRealKafka(t *testing.T) {
	c := &kafkatest.Real(t, 1).Cluster
	for _, x := range both {
		t.Run(x.name, func(t *testing.T) {
			c.CreateTopics(t, kafka.TopicSpec{Name: "in", Partitions: x.partitions})
			a := c.Admin(t)
			t.Cleanup(func() {
				ctx, stop := contextOf(30 * time.Second)
				defer stop()
				// The group has members until the session of the last one is over.
				until(t, func() bool { return a.DeleteGroup(ctx, "loader") == nil && a.DeleteTopics(ctx, "in") == nil })
			})
			x.test(t, c)
		})
	}
}

// recorder is a handler that keeps what it was told.
type recorder struct {
	mu       sync.Mutex
	assigned map[kafka.TopicPartition]kafka.Assignment
	events   []string
	onRevoke func()
}

func (r *recorder) Assigned(_ context.Context, a kafka.Assignment) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.assigned == nil {
		r.assigned = map[kafka.TopicPartition]kafka.Assignment{}
	}
	r.assigned[a.TopicPartition] = a
	r.events = append(r.events, "assigned")
	return a.From(), nil
}

func (r *recorder) Revoked(_ context.Context, ps []kafka.TopicPartition) {
	if r.onRevoke != nil {
		r.onRevoke()
	}
	r.drop("revoked", ps)
}

func (r *recorder) Lost(ps []kafka.TopicPartition) { r.drop("lost", ps) }

func (r *recorder) drop(event string, ps []kafka.TopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range ps {
		delete(r.assigned, p)
	}
	r.events = append(r.events, event)
}

func (r *recorder) get(p kafka.TopicPartition) (kafka.Assignment, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.assigned[p]
	return a, ok
}

func newReader(t *testing.T, c *kafkatest.Cluster, h kafka.Handler) *kafka.Reader {
	t.Helper()
	rc := kafka.DefaultReaderConfig()
	rc.Group, rc.Topics = "loader", []string{"in"}
	rc.SessionTimeout, rc.RebalanceTimeout = time.Second, 5*time.Second
	r, err := kafka.NewReader(c.Config(), rc, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// pollSome polls until n records came and returns them by partition.
func pollSome(t *testing.T, r *kafka.Reader, n int) map[int32][]*kafka.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := map[int32][]*kafka.Record{}
	for n > 0 {
		bs, err := r.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bs {
			out[b.Partition] = append(out[b.Partition], b.Records...)
			n -= len(b.Records)
		}
	}
	return out
}

func commitCarriesMetadata(t *testing.T, c *kafkatest.Cluster) {
	produceNumbers(t, c, 2, 0, 200)
	r := newReader(t, c, &recorder{})
	pollSome(t, r, 200)
	p0, p1 := kafka.TopicPartition{Topic: "in", Partition: 0}, kafka.TopicPartition{Topic: "in", Partition: 1}
	plan := strings.Repeat("m", 4096)
	// Both partitions in one request.
	if err := r.Commit(t.Context(), kafka.Commit{TopicPartition: p0, Offset: 40, Metadata: plan}, kafka.Commit{TopicPartition: p1, Offset: 7, Metadata: "p1"}); err != nil {
		t.Fatal(err)
	}
	err := r.Commit(t.Context(), kafka.Commit{TopicPartition: p0, Offset: 41, Metadata: plan + "m"})
	if !errors.Is(err, kafka.ErrMetadataTooLarge) {
		t.Fatalf("4,097 bytes: %v", err)
	}
	r.Close()

	h := &recorder{}
	r = newReader(t, c, h)
	got := pollSome(t, r, 60+93)
	a, _ := h.get(p0)
	b, _ := h.get(p1)
	if a.Committed != 40 || a.Metadata != plan || a.End != 100 || b.Committed != 7 || b.Metadata != "p1" {
		t.Fatalf("assigned %d %q.. and %d %q", a.Committed, a.Metadata[:3], b.Committed, b.Metadata)
	}
	if got[0][0].Offset != 40 || got[1][0].Offset != 7 {
		t.Fatalf("reading went on at %d and %d", got[0][0].Offset, got[1][0].Offset)
	}
	os, err := c.Admin(t).GroupOffsets(t.Context(), "loader", "in")
	if err != nil || os[0].Committed != 40 || os[0].Metadata != plan || os[0].Lag() != 60 {
		t.Fatalf("admin sees %+v, %v", os, err)
	}
}

func commitOfWhatIsNotOwned(t *testing.T, c *kafkatest.Cluster) {
	produceNumbers(t, c, 1, 0, 10)
	h := &recorder{}
	r := newReader(t, c, h)
	pollSome(t, r, 10)
	p := kafka.TopicPartition{Topic: "in", Partition: 0}
	if err := r.Commit(t.Context(), kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: "in", Partition: 9}, Offset: 1}); !errors.Is(err, kafka.ErrFenced) {
		t.Fatalf("another partition: %v", err)
	}
	// In Revoked the partition is still ours.
	var inRevoked error
	h.onRevoke = func() { inRevoked = r.Commit(context.Background(), kafka.Commit{TopicPartition: p, Offset: 5}) }
	r.Close()
	if inRevoked != nil {
		t.Fatalf("commit in Revoked: %v", inRevoked)
	}
	if err := r.Commit(t.Context(), kafka.Commit{TopicPartition: p, Offset: 6}); !errors.Is(err, kafka.ErrFenced) {
		t.Fatalf("after Close: %v", err)
	}
}
