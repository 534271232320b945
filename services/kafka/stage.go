package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Partition is the state and the decisions of a stage for one partition of its input. Its methods are called from one
// goroutine. What it does must be a function of the records before and in the batch: after a crash the same records
// come again, perhaps in other batches, and must give the same outputs.
type Partition interface {
	// Process takes the next records, in order, and returns what is to be appended. All outputs are in the log before
	// the next call and before the records are committed, so outputs may be reused by the next call. The records
	// belong to the log again when the next call begins (see StageConfig.Recycle). An error stops the stage: a bad
	// record is an output, such as a dead letter, not an error.
	Process(records []*Record) (outputs []*Record, err error)
}

// Restorer is a Partition whose state is made of a topic before the first Process.
type Restorer interface {
	// RestoreFrom names the topic, "" when there is nothing to restore. The partition with the same number is read: up
	// to the committed offset when it is the stage's input, else up to its end.
	RestoreFrom() string
	// Replay takes the next records of that topic; committed is the input's committed offset (0 when there is none):
	// what was made of input at or above it will be made again. It may keep the records.
	Replay(records []*Record, committed int64) error
}

// StageConfig configures a stage. Start from DefaultStageConfig.
type StageConfig struct {
	Kafka Config
	Group string
	Topic string
	// New makes the state of a partition that was assigned. ctx ends when the partition is to be given up, and what takes long in the
	// Partition's methods must end with it: the group waits for it, and the next owner does it again.
	New func(ctx context.Context, partition int32) (Partition, error)

	Reader   ReaderConfig // Group and Topics are set by the stage
	Producer ProducerConfig

	// CommitEvery is how much work may be done again after a crash; commits cost a request each.
	CommitEvery time.Duration
	// PollEvery is the shortest time from one poll to the next, while less is there than one poll may bring: what
	// comes meanwhile is one batch, which is cheaper, and for a stage that writes what changed once a batch, much less.
	PollEvery time.Duration
	// Recycle uses the memory of the records again after Process: the Partition must copy what it keeps. Outputs may
	// point into the records.
	Recycle bool

	Registerer prometheus.Registerer // nil: no metrics
}

// DefaultStageConfig keeps what a stage needs: it never gives up on a broker that is away, and loses nothing.
func DefaultStageConfig() StageConfig {
	p := DefaultProducerConfig()
	p.BlockWhenFull = true
	p.DeliveryTimeout = 0
	return StageConfig{
		Reader:      DefaultReaderConfig(),
		Producer:    p,
		CommitEvery: 100 * time.Millisecond,
		PollEvery:   20 * time.Millisecond,
	}
}

// Validate reports what is missing or wrong.
func (c StageConfig) Validate() error {
	if err := c.Kafka.Validate(); err != nil {
		return err
	}
	switch {
	case c.New == nil:
		return errors.New("kafka: stage without New")
	case c.Topic == "":
		return errors.New("kafka: stage without a topic")
	case c.CommitEvery < 0 || c.PollEvery < 0:
		return errors.New("kafka: stage intervals must not be negative")
	case !c.Producer.BlockWhenFull || c.Producer.DeliveryTimeout != 0:
		return errors.New("kafka: a stage's producer must wait for the broker, or it would lose outputs")
	}
	if err := c.Producer.Validate(); err != nil {
		return err
	}
	return c.readerConfig().Validate()
}

func (c StageConfig) readerConfig() ReaderConfig {
	r := c.Reader
	r.Group, r.Topics, r.Recycle = c.Group, []string{c.Topic}, c.Recycle
	return r
}

// RunStage runs a stage until ctx ends (nil: everything processed is committed) or something happens that trying again
// does not mend. A broker that is away does not end it.
func RunStage(ctx context.Context, c StageConfig) error {
	s, err := NewStage(c)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// Stage is the loop poll -> process -> produce -> flush -> commit over one input topic, several partitions side by side.
type Stage struct {
	cfg      StageConfig
	log      *slog.Logger
	metrics  stageMetrics
	reader   *Reader
	producer *Producer

	failed context.Context // done when the stage must end; the cause says why
	fail   context.CancelCauseFunc

	mu       sync.Mutex
	sessions map[int32]*session
}

// NewStage makes a stage. Run must be called once.
func NewStage(c StageConfig) (*Stage, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Stage{
		cfg:      c,
		log:      c.Kafka.logger().With("group", c.Group, "topic", c.Topic),
		metrics:  newStageMetrics(c.Registerer, c.Group),
		sessions: make(map[int32]*session),
	}
	s.failed, s.fail = context.WithCancelCause(context.Background())
	return s, nil
}

// Run runs the stage; see RunStage.
func (s *Stage) Run(ctx context.Context) (err error) {
	defer s.metrics.unregister()
	if s.producer, err = NewProducer(s.cfg.Kafka, s.cfg.Producer); err != nil {
		return err
	}
	defer s.producer.Abandon() // whatever is still in it belongs to a batch that was abandoned
	if s.reader, err = NewReader(s.cfg.Kafka, s.cfg.readerConfig(), readerHandler{s}); err != nil {
		return err
	}
	err = s.poll(ctx)
	s.reader.Close() // revokes every partition: what is under way is finished and committed
	if s.failed.Err() != nil {
		return context.Cause(s.failed)
	}
	return err
}

func (s *Stage) poll(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.failed, cancel)()
	for n := 1; ctx.Err() == nil; {
		batches, err := s.reader.Poll(ctx)
		polled, count := time.Now(), 0
		for _, b := range batches {
			count += len(b.Records)
			if w := s.session(b.Partition); w != nil {
				w.push(b)
			}
		}
		s.reader.AllowRebalance()
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, ErrOffsetOutOfRange), errors.Is(err, ErrClosed):
			return fmt.Errorf("kafka: stage %s: %w", s.cfg.Group, err)
		case err != nil:
			s.metrics.retries.Inc()
			s.log.Warn("kafka stage: reading failed, trying again", "err", err)
			sleep(ctx, backoff(n))
			n++
			continue
		}
		n = 1
		// Nothing more is read until everybody has begun with what was read: this is what bounds the memory.
		for _, b := range batches {
			if w := s.session(b.Partition); w != nil {
				w.taken(ctx)
			}
		}
		if count < s.cfg.Reader.MaxPollRecords {
			sleep(ctx, time.Until(polled.Add(s.cfg.PollEvery)))
		}
	}
	return nil
}

func (s *Stage) session(partition int32) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[partition]
}

// readerHandler gives each assigned partition a session.
type readerHandler struct{ s *Stage }

func (h readerHandler) Assigned(_ context.Context, a Assignment) (int64, error) {
	s := h.s
	if a.Committed >= 0 && a.Committed < a.Start {
		s.log.Warn("kafka stage: records were deleted before they were read", "partition", a.Partition, "from", a.Committed, "to", a.Start)
	}
	// Nothing is fetched until the state is there: a partition that restores must not keep the others waiting.
	s.reader.Pause(a.TopicPartition)
	w := newSession(s, a)
	s.mu.Lock()
	s.sessions[a.Partition] = w
	s.mu.Unlock()
	go w.run()
	return a.From(), nil
}

func (h readerHandler) Revoked(ctx context.Context, ps []TopicPartition) {
	h.end(ps, func(w *session, deadline context.Context) { w.finish(deadline) })
}

func (h readerHandler) Lost(ps []TopicPartition) {
	h.end(ps, func(w *session, _ context.Context) { w.abandon() })
}

func (h readerHandler) end(ps []TopicPartition, end func(*session, context.Context)) {
	s := h.s
	deadline, cancel := context.WithTimeout(context.Background(), s.cfg.Reader.RebalanceTimeout/2)
	defer cancel()
	var wg sync.WaitGroup
	for _, p := range ps {
		if w := s.session(p.Partition); w != nil {
			wg.Go(func() { end(w, deadline) })
		}
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ps {
		delete(s.sessions, p.Partition)
	}
}
