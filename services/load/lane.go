package load

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// lane is one queue of records that become blocks in order: a partition of facts, or a derived topic. While a block is
// on its way to ClickHouse the next one is built.
type lane struct {
	l       *loader
	work    work
	inbox   *inbox
	pace    pace
	flushes chan chan struct{}
	opened  atomic.Bool // records are taken

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// pace is how soon a block goes.
type pace struct {
	age   time.Duration // how long its first record waits for others
	slots chan struct{} // one is held for each block on its way
}

// work is what the two sorts of lanes do differently.
type work interface {
	newBlock() *block
	recycle(*block)
	// open is called before the first record.
	open(ctx context.Context, n *lane) error
	// fill turns records into rows.
	fill(b *block, records []*kafka.Record, end int64) error
	// land makes all effects of a sealed block, and sees to its commit.
	land(ctx context.Context, b *block) error
	// idle is called when all that came has landed.
	idle(ctx context.Context) error
}

// errAgain is returned by land when what was built since must be built again, from open on.
var errAgain = errors.New("load: build again")

func (l *loader) newLane(ctx context.Context, w work, p pace) *lane {
	n := &lane{l: l, work: w, inbox: newInbox(), pace: p, flushes: make(chan chan struct{}), done: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(ctx)
	go n.run()
	return n
}

func (n *lane) run() {
	defer close(n.done)
	defer n.drop()
	for {
		err := n.session()
		switch {
		case n.ctx.Err() != nil:
			return
		case errors.Is(err, errAgain):
			continue
		case err != nil:
			n.l.fail(err)
			return
		}
	}
}

// stop ends the lane, without finishing anything, and waits for it.
func (n *lane) stop() {
	n.cancel()
	<-n.done
}

// flush asks for everything that came so far to land, and waits for it until ctx ends.
func (n *lane) flush(ctx context.Context) {
	if !n.opened.Load() {
		return
	}
	landed := make(chan struct{})
	select {
	case n.flushes <- landed:
	case <-n.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-landed:
	case <-n.done:
	case <-ctx.Done():
	}
}

// session works until ctx ends or something fails.
func (n *lane) session() error {
	if err := n.work.open(n.ctx, n); err != nil {
		return err
	}
	n.opened.Store(true)
	defer n.opened.Store(false)
	lands, abandon := context.WithCancel(n.ctx)
	defer abandon()
	s := session{lane: n, lands: lands, building: n.work.newBlock(), landed: make(chan error, 1), timer: time.NewTimer(time.Hour)}
	defer s.timer.Stop()
	err := s.loop()
	if s.landing != nil {
		abandon() // an error is not to wait for a block that may take for ever
		<-s.landed
		n.recycle(s.landing)
	}
	n.recycle(s.building)
	return err
}

// session is the state of a lane between open and an error.
type session struct {
	*lane
	building *block
	landing  *block          // nil: none
	lands    context.Context // of what is landing
	landed   chan error
	due      bool // the block is old enough
	timer    *time.Timer
	waiting  []chan struct{} // flushes
}

func (s *session) loop() error {
	for {
		var wake <-chan struct{}
		if !s.full() {
			wake = s.inbox.wake
		}
		var slots chan<- struct{}
		if s.landing == nil && s.building.records > 0 && (s.due || s.full() || len(s.waiting) > 0) {
			slots = s.pace.slots
		}
		select {
		case <-wake:
			if err := s.receive(); err != nil {
				return err
			}
		case <-s.timer.C:
			wait := s.pace.age*catchUp - time.Since(s.building.began)
			if s.due = s.building.behind < int64(s.l.cfg.BlockRows) || wait <= 0; !s.due {
				s.timer.Reset(min(wait, s.pace.age))
			}
		case slots <- struct{}{}:
			s.seal()
		case err := <-s.landed:
			b := s.landing
			s.landing = nil
			s.recycle(b)
			if err != nil {
				return err
			}
			if s.building.records == 0 {
				if err := s.work.idle(s.ctx); err != nil {
					return err
				}
			}
		case f := <-s.flushes:
			s.waiting = append(s.waiting, f)
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		if s.landing == nil && s.building.records == 0 && s.inbox.empty() {
			for _, f := range s.waiting {
				close(f)
			}
			s.waiting = nil
		}
	}
}

func (s *session) full() bool {
	return s.building.records >= s.l.cfg.BlockRows || s.building.bytes >= s.l.cfg.BlockBytes
}

// receive fills the block from the inbox. A batch is never cut: a block is over its size by one batch at most.
func (s *session) receive() error {
	for !s.full() {
		batch, ok := s.inbox.take()
		if !ok {
			return nil
		}
		if s.building.records == 0 {
			s.building.began = time.Now()
			s.due = false
			s.timer.Reset(s.pace.age)
		}
		had, counted := s.building.bytes, bytesOf(batch.Records)
		err := s.work.fill(s.building, batch.Records, batch.End)
		for _, r := range batch.Records {
			r.Recycle()
		}
		// The batch's share of the budget goes to the block, but for what the block passed over.
		s.l.release(counted - (s.building.bytes - had))
		if err != nil {
			return err
		}
	}
	s.inbox.signal()
	return nil
}

// seal ends the block. It holds a slot until it has landed.
func (s *session) seal() {
	s.landing, s.building, s.due = s.building, s.work.newBlock(), false
	go func(b *block) {
		err := s.work.land(s.lands, b)
		<-s.pace.slots
		s.landed <- err
	}(s.landing)
}

// drop gives back what the inbox holds of the budget.
func (n *lane) drop() {
	for {
		batch, ok := n.inbox.take()
		if !ok {
			return
		}
		n.l.release(bytesOf(batch.Records))
	}
}

// recycle gives back a block, and its share of the budget.
func (n *lane) recycle(b *block) {
	n.l.release(b.bytes)
	n.work.recycle(b)
}
