package load

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// stuck is work whose first block never lands, and whose second batch cannot become rows.
type stuck struct {
	landing chan struct{}
	fills   int
	err     error
}

func (s *stuck) newBlock() *block                  { return &block{} }
func (s *stuck) recycle(*block)                    {}
func (s *stuck) open(context.Context, *lane) error { return nil }
func (s *stuck) idle(context.Context) error        { return nil }
func (s *stuck) land(ctx context.Context, _ *block) error {
	close(s.landing)
	<-ctx.Done()
	return ctx.Err()
}
func (s *stuck) fill(b *block, records []*kafka.Record, _ int64) error {
	if s.fills++; s.fills > 1 {
		return s.err
	}
	for _, r := range records {
		b.count(r)
	}
	return nil
}

// An error that waiting does not mend ends the role also while a block is on its way, which is not waited for.
func TestAnErrorBesideALandingBlockEndsTheRole(t *testing.T) {
	cfg := DefaultConfig()
	l := &loader{cfg: cfg, failed: make(chan struct{}), freed: make(chan struct{}, 1)}
	w := &stuck{landing: make(chan struct{}), err: errors.New("cannot become rows")}
	n := l.newLane(t.Context(), w, pace{time.Millisecond, make(chan struct{}, 1)})
	defer n.stop()
	batch := kafka.Batch{Records: []*kafka.Record{{Value: []byte("x")}}}
	n.inbox.put(batch)
	<-w.landing
	n.inbox.put(batch)
	select {
	case <-l.failed:
	case <-time.After(10 * time.Second):
		t.Fatal("the lane stands still, and nobody knows")
	}
	if !errors.Is(l.failure, w.err) {
		t.Errorf("the role ends with %v", l.failure)
	}
}
