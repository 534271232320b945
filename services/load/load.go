// Package load is the role that brings the log into ClickHouse: every touchpoint once, and what is derived from them in
// its highest version.
//
//	           +-> lane of touchpoints/0 -- plan, insert under a token, verify after a doubt --+
//	Kafka ->   +-> lane of touchpoints/1 ...                                                   +--> ClickHouse
//	(one       +-> lane of conversations -- insert rows with versions, commit -----------------+
//	 reader)   +-> ...
//
// A lane builds the next block while one is on its way. Blocks of all lanes share a bounded number of slots, but for those of moves, which have
// one of their own, and a budget of bytes: when ClickHouse is slow or away nothing more is read from Kafka, and when it is back everything goes
// on by itself.
//
// # What is not obvious
//
//   - A block of facts is planned in the offset commit: offset a with the metadata "pending [a,b]". Only the owner of the
//     partition can commit, so only it can plan; whoever comes next inserts [a,b] again under the same token.
//   - The transformation has no clock: a block that is made again is the same block.
//   - An insert whose answer is lost is repeated under its token and then counted; see verify.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// flushTimeout is how long a partition that is asked for may take to land what it has. What does not land in time is
// planned, or will be read again.
const flushTimeout = 5 * time.Second

// Run loads until ctx ends; then it lands what it has read, commits, and returns nil. ClickHouse and Kafka may be away
// at any time. It returns an error only for what waiting does not mend.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	l := &loader{
		cfg:      cfg,
		tables:   clickhouse.TablesOf(cfg.Generations),
		rejected: topic.Rejected.In(cfg.Generations),
		metrics:  newMetrics(cfg.Registerer),
		commits:  newCommitter(),
		pace:     pace{cfg.BlockAge, make(chan struct{}, cfg.Inserts)},
		freed:    make(chan struct{}, 1),
		failed:   make(chan struct{}),
		owned:    map[kafka.TopicPartition]struct{}{},
		derived:  map[string]*lane{},
		facts:    map[kafka.TopicPartition]*lane{},
	}
	defer l.metrics.unregister()
	return l.run(ctx)
}

type loader struct {
	cfg      Config
	tables   clickhouse.Tables
	rejected string // the topic of dead letters
	metrics  *metrics
	reader   *kafka.Reader
	ranges   *kafka.Admin // for reading again: over the reader's connections a read would queue behind its long polls
	producer *kafka.Producer
	commits  *committer
	pace     pace // of all lanes but that of moves
	pools    struct{ facts *blockPool }

	buffered atomic.Int64 // bytes in inboxes and blocks
	freed    chan struct{}

	failOnce sync.Once
	failed   chan struct{}
	failure  error

	lanes   context.Context // of all lanes: outlives the context of Run, so that they can finish
	mu      sync.Mutex
	owned   map[kafka.TopicPartition]struct{}
	derived map[string]*lane // by topic
	facts   map[kafka.TopicPartition]*lane

	away sync.Map // table -> true while ClickHouse does not answer about it
}

func (l *loader) run(ctx context.Context) error {
	lanes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.lanes = lanes
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()

	pc := kafka.DefaultProducerConfig()
	pc.BlockWhenFull, pc.DeliveryTimeout = true, 0
	producer, err := kafka.NewProducer(l.cfg.Kafka, pc)
	if err != nil {
		return err
	}
	l.producer = producer
	defer closeProducer(producer)

	if l.ranges, err = kafka.NewAdmin(l.cfg.Kafka); err != nil {
		return err
	}
	defer l.ranges.Close()
	reload := newReloader(l)
	l.pools.facts = newBlockPool(func() *block { return newFactsBlock(l.tables) })
	var topics []string
	for _, name := range l.cfg.Topics {
		topics = append(topics, name.In(l.cfg.Generations))
		if name == topic.Touchpoints {
			continue
		}
		w := &derived{l: l, pool: newBlockPool(func() *block { return newDerivedBlock(derivedRows[name](l.tables)) })}
		p := l.pace
		if name == topic.Moves {
			p = pace{l.cfg.BlockAge / urgency, make(chan struct{}, 1)}
			w.done = reload.moved
			reload.moved(0) // a predecessor may have loaded moves and died before it could say so
			background.Go(func() { reload.lately(lanes) })
			background.Go(func() { reload.whole(lanes) })
		}
		l.derived[name.In(l.cfg.Generations)] = l.newLane(lanes, w, p)
	}
	defer l.stopLanes()

	rc := kafka.DefaultReaderConfig()
	rc.Group, rc.Topics, rc.Recycle = Group(l.cfg.Generations), topics, true
	rc.SessionTimeout = l.cfg.SessionTimeout
	// What is fetched ahead is held decompressed, in buffers of up to four times its size.
	rc.FetchBytes = max(l.cfg.BufferedBytes/8, 1<<20)
	rc.PartitionBytes = max(rc.FetchBytes/4, 1<<20)
	h := &handler{l: l, ready: make(chan struct{})}
	if l.reader, err = kafka.NewReader(l.cfg.Kafka, rc, h); err != nil {
		return err
	}
	l.commits.make = l.reader.Commit
	background.Go(func() { l.commits.run(lanes) })
	close(h.ready)
	err = l.read(ctx)
	l.reader.Close() // Revoked: everything lands and is committed
	return err
}

// read hands records to their lanes until ctx ends.
func (l *loader) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.failed:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		batches, err := l.reader.Poll(ctx)
		for _, b := range batches {
			l.dispatch(b)
		}
		l.reader.AllowRebalance()
		select {
		case <-l.failed:
			return l.failure
		default:
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		l.wait(ctx)
	}
}

// dispatch gives a batch to its lane. One that came for a partition that has gone is dropped.
func (l *loader) dispatch(b kafka.Batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.derived[b.Topic]
	if n == nil {
		n = l.facts[b.TopicPartition]
	}
	if _, ok := l.owned[b.TopicPartition]; !ok || n == nil {
		return
	}
	l.buffered.Add(int64(bytesOf(b.Records)))
	n.inbox.put(b)
}

// wait blocks while the budget is used up.
func (l *loader) wait(ctx context.Context) {
	for l.buffered.Load() >= int64(l.cfg.BufferedBytes) {
		select {
		case <-l.freed:
		case <-ctx.Done():
			return
		}
	}
}

// release gives bytes back to the budget.
func (l *loader) release(n int) {
	if n == 0 {
		return
	}
	l.buffered.Add(int64(-n))
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

// fail ends Run with an error that waiting does not mend.
func (l *loader) fail(err error) {
	l.failOnce.Do(func() { l.failure = err; close(l.failed) })
}

func (l *loader) stopLanes() {
	l.mu.Lock()
	var all []*lane
	for _, n := range l.derived {
		all = append(all, n)
	}
	for _, n := range l.facts {
		all = append(all, n)
	}
	l.mu.Unlock()
	for _, n := range all {
		n.stop()
	}
}

// produce sends dead letters; the block they come from is committed only after the log has them.
func (l *loader) produce(ctx context.Context, letters []*kafka.Record) error {
	for {
		err := l.producer.Produce(ctx, letters)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, kafka.ErrTooLarge) || errors.Is(err, kafka.ErrClosed) {
			return fmt.Errorf("load: dead letters: %w", err)
		}
		l.cfg.Logger.Warn("dead letters could not be sent; trying again", "err", err)
		if !sleep(ctx, l.cfg.RetryWait) {
			return ctx.Err()
		}
	}
}

// unavailable and available log when ClickHouse stops and begins to answer, and not every try in between.
func (l *loader) unavailable(table string, err error) {
	if _, known := l.away.LoadOrStore(table, true); !known {
		l.cfg.Logger.Error("ClickHouse does not answer; trying until it does", "table", table, "err", err)
	}
}

func (l *loader) available(table string) {
	if _, known := l.away.LoadAndDelete(table); known {
		l.cfg.Logger.Info("ClickHouse is back", "table", table)
	}
}

func (l *loader) owns(p kafka.TopicPartition) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.owned[p]
	return ok
}

func closeProducer(p *kafka.Producer) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	_ = p.Close(ctx) // whoever needed a letter on the log has waited for it
}
