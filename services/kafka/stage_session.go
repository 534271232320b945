package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// session is the time for which one partition is ours: its state, what waits to be processed, what is to be committed.
type session struct {
	s *Stage
	a Assignment

	ctx    context.Context // done: drop everything
	cancel context.CancelFunc
	wanted context.Context // done: finish what is under way, unless it takes long, then commit
	stop   context.CancelFunc
	done   chan struct{} // closed: the goroutine is gone
	wake   chan struct{} // something was pushed
	took   chan struct{} // the queue is empty again

	dirty  chan struct{} // there is something to commit
	worked chan struct{} // closed: nothing more will be

	mu        sync.Mutex
	queue     []*Record
	next, end int64 // all outputs of what is before next are in the log

	committed int64 // belongs to whoever commits
}

func newSession(s *Stage, a Assignment) *session {
	w := &session{
		s: s, a: a,
		done: make(chan struct{}), wake: make(chan struct{}, 1), took: make(chan struct{}, 1),
		dirty: make(chan struct{}, 1), worked: make(chan struct{}),
		next: a.From(), end: a.End,
		committed: a.From(),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.wanted, w.stop = context.WithCancel(w.ctx)
	return w
}

// push queues what was polled. It never blocks; taken bounds the queue.
func (w *session) push(b Batch) {
	w.mu.Lock()
	w.queue = append(w.queue, b.Records...)
	w.end = b.End
	w.mu.Unlock()
	signal(w.wake)
}

// taken waits until the queue is empty or the session is over.
func (w *session) taken(ctx context.Context) {
	for {
		w.mu.Lock()
		n := len(w.queue)
		w.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-w.took:
		case <-w.done:
			return
		case <-w.wanted.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *session) take() []*Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), w.s.cfg.Reader.MaxPollRecords)
	rs := w.queue[:n:n]
	w.queue = w.queue[n:]
	if len(w.queue) == 0 {
		w.queue = nil
		signal(w.took)
	}
	return rs
}

// finish ends the session in order: the batch under way is finished and committed, unless that takes too long.
func (w *session) finish(deadline context.Context) {
	w.stop()
	select {
	case <-w.done:
	case <-deadline.Done():
		w.cancel()
		<-w.done
	}
}

// abandon ends the session: the partition may be somebody else's by now.
func (w *session) abandon() {
	w.cancel()
	<-w.done
}

// position is the next offset to process, and the end of the log as of the last fetch.
func (w *session) position() (next, end int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next, max(w.end, w.next)
}

func (w *session) run() {
	defer close(w.done)
	defer w.cancel()
	defer w.s.metrics.forget(w.a.Partition)
	// The next session of this partition must not find it paused.
	defer w.s.reader.Resume(w.a.TopicPartition)
	if err := w.work(); err != nil && !errors.Is(err, context.Canceled) {
		next, _ := w.position()
		w.s.fail(fmt.Errorf("kafka: stage %s: %s-%d from offset %d: %w", w.s.cfg.Group, w.a.Topic, w.a.Partition, next, err))
	}
}

func (w *session) work() error {
	p, err := w.s.cfg.New(w.wanted, w.a.Partition)
	if err != nil {
		return err
	}
	if err := w.restore(p); err != nil {
		return err
	}
	// Commits are made beside the work: while the group's coordinator is away the records still flow.
	var commits sync.WaitGroup
	commits.Go(w.commits)
	if err = w.loop(p); err != nil {
		w.cancel() // as in a crash: what was not committed by now is done again
	}
	close(w.worked)
	commits.Wait()
	return err
}

// loop processes until the session is to end, which is no error.
func (w *session) loop(p Partition) error {
	for {
		if w.wanted.Err() == nil {
			if records := w.take(); len(records) > 0 {
				if err := w.process(p, records); err != nil {
					return err
				}
				continue
			}
		}
		select {
		case <-w.wanted.Done():
			return w.ctx.Err()
		case <-w.wake:
		}
	}
}

// restore makes the state, then lets the partition be fetched.
func (w *session) restore(p Partition) error {
	if r, ok := p.(Restorer); ok {
		if topic := r.RestoreFrom(); topic != "" {
			if err := w.replay(r, topic); err != nil {
				return fmt.Errorf("restore from %s: %w", topic, err)
			}
		}
	}
	w.s.reader.Resume(w.a.TopicPartition)
	return nil
}

func (w *session) replay(r Restorer, topic string) error {
	to := int64(-1)
	committed := max(w.a.Committed, 0)
	if topic == w.a.Topic {
		to = w.a.From()
	}
	err := w.s.reader.Admin().ReadRange(w.wanted, topic, w.a.Partition, -1, to, func(rs []*Record) error {
		w.s.metrics.restored.Add(float64(len(rs)))
		return r.Replay(rs, committed)
	})
	if err != nil && w.wanted.Err() != nil { // nothing is lost by giving up
		w.cancel()
		return w.ctx.Err()
	}
	return err
}

func (w *session) process(p Partition, records []*Record) error {
	m := &w.s.metrics
	begin := time.Now()
	out, err := p.Process(records)
	if err != nil {
		return err
	}
	m.process.Observe(time.Since(begin).Seconds())
	if err := w.produce(out); err != nil {
		return err
	}
	m.in.Add(float64(len(records)))
	w.processed(records[len(records)-1].Offset + 1)
	if w.s.cfg.Recycle {
		for _, r := range records {
			r.Recycle()
		}
	}
	return nil
}

func (w *session) processed(next int64) {
	w.mu.Lock()
	w.next = next
	w.mu.Unlock()
	_, end := w.position()
	w.s.metrics.behind(w.a.Partition, end-next)
	signal(w.dirty)
}

func (w *session) produce(out []*Record) error {
	if err := Insist(w.ctx, w.s.producer.Produce, out, func(err error) {
		w.s.metrics.retries.Inc()
		w.s.log.Warn("kafka stage: appending outputs failed, trying again", "partition", w.a.Partition, "err", err)
	}); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	w.s.metrics.out.Add(float64(len(out)))
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
