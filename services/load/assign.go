package load

import (
	"context"
	"fmt"
	"sync"

	"github.com/throughline/throughline/services/kafka"
)

// handler is told by the reader which partitions come and go.
type handler struct {
	l     *loader
	ready chan struct{} // closed when the loader has its reader
}

// Assigned begins a lane for a partition of facts, at the plan of its predecessor if there is one.
func (h *handler) Assigned(_ context.Context, a kafka.Assignment) (int64, error) {
	<-h.ready
	l := h.l
	l.mu.Lock()
	_, derived := l.derived[a.Topic]
	l.mu.Unlock()
	from := a.From()
	if derived {
		l.own(a.TopicPartition)
		return from, nil
	}
	p, err := readPlan(a.Metadata)
	if err != nil {
		err = fmt.Errorf("%w: partition %s-%d", err, a.Topic, a.Partition)
		l.fail(err)
		return 0, err
	}
	f := &facts{l: l, pool: l.pools.facts, TopicPartition: a.TopicPartition, position: from, committed: a.Committed, consumed: from}
	if p != nil {
		f.replay = true
		f.position, f.consumed = max(p.Pending[0], a.Start), max(p.Pending[1]+1, from)
		f.committed = -1 // idle must take the plan away
	}
	next := f.consumed // from now on the lane's own
	// No records until the fingerprints are restored: they would only take up room.
	l.reader.Pause(a.TopicPartition)
	l.own(a.TopicPartition)
	n := l.newLane(l.lanes, f, l.pace)
	l.mu.Lock()
	l.facts[a.TopicPartition] = n
	l.mu.Unlock()
	return next, nil
}

// Revoked lands what the partitions have, as far as there is time.
func (h *handler) Revoked(ctx context.Context, ps []kafka.TopicPartition) {
	<-h.ready
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	lanes := map[*lane]struct{}{}
	h.l.mu.Lock()
	for _, p := range ps {
		if n := h.l.derived[p.Topic]; n != nil {
			lanes[n] = struct{}{}
		} else if n := h.l.facts[p]; n != nil {
			lanes[n] = struct{}{}
		}
	}
	h.l.mu.Unlock()
	var landing sync.WaitGroup
	for n := range lanes {
		landing.Go(func() { n.flush(ctx) })
	}
	landing.Wait()
	h.Lost(ps)
}

// Lost ends the lanes of the partitions.
func (h *handler) Lost(ps []kafka.TopicPartition) {
	<-h.ready
	var lanes []*lane
	h.l.mu.Lock()
	for _, p := range ps {
		delete(h.l.owned, p)
		if n := h.l.facts[p]; n != nil {
			lanes = append(lanes, n)
			delete(h.l.facts, p)
		}
	}
	h.l.mu.Unlock()
	for _, n := range lanes {
		n.stop()
	}
	for _, p := range ps {
		h.l.reader.Resume(p) // a pause would outlive the assignment
		h.l.metrics.forget(p)
	}
}

func (l *loader) own(p kafka.TopicPartition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owned[p] = struct{}{}
}
