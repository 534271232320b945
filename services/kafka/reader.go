package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Assignment is a partition that was given to this member, with what the group committed for it.
type Assignment struct {
	TopicPartition
	Committed int64  // the next offset to read; -1 when nothing was ever committed
	Metadata  string // what was committed with it
	Start     int64  // the first offset the log has
	End       int64  // one past the last, at the time of assignment
}

// From is where reading goes on: the committed offset, or the first that the log still has.
func (a Assignment) From() int64 { return max(a.Committed, a.Start) }

// Handler is told which partitions come and go. Its methods are called one at a time, from another goroutine than
// Poll's, and all calls for a partition are in order: Assigned, then one of Revoked and Lost.
type Handler interface {
	// Assigned says where to begin reading (usually a.From()). No record of the partition is returned by Poll before
	// Assigned returned. An error makes the member leave the session and join again.
	Assigned(ctx context.Context, a Assignment) (from int64, err error)
	// Revoked is called before the partitions are given up: this is the time to finish and commit. It is called only
	// while rebalances are allowed. It should return well within the rebalance timeout.
	Revoked(ctx context.Context, ps []TopicPartition)
	// Lost is called when the partitions may already belong to somebody else: nothing can be committed any more.
	Lost(ps []TopicPartition)
}

// Batch is what one Poll brought of one partition: at least one record, in order.
type Batch struct {
	TopicPartition
	Records []*Record
	End     int64 // one past the last offset of the log, as of the fetch
}

// Reader is a member of a consumer group that commits by hand, with metadata.
//
// After a Poll that returned records no rebalance happens until AllowRebalance or the next Poll is called, so that what
// was polled can be handed to the owner of its partition before the partition can go away. A member that blocks
// rebalances for longer than the rebalance timeout is thrown out, and its commits fail with ErrFenced.
type Reader struct {
	cfg ReaderConfig
	cl  *kgo.Client
	h   Handler
	adm *Admin

	// owned is guarded by mu. A commit holds mu for reading while it is under way, so that a partition that is lost
	// and won again can not receive a commit that belongs to the time before: the commit would carry the new
	// generation, and the broker, which does not look at partitions, would take it.
	mu    sync.RWMutex
	owned map[TopicPartition]struct{}

	metadata map[TopicPartition]string // of the offsets fetched last; used by one goroutine

	pollOnce sync.Once
	polled   chan struct{}

	alive context.Context // done when reading on would leave a hole; the cause says which
	fail  context.CancelCauseFunc
}

// NewReader makes a reader, which begins to join the group. The handler is called only after Poll was.
func NewReader(c Config, rc ReaderConfig, h Handler) (*Reader, error) {
	if err := rc.Validate(); err != nil {
		return nil, err
	}
	r := &Reader{
		cfg: rc, h: h,
		owned:    make(map[TopicPartition]struct{}),
		metadata: make(map[TopicPartition]string),
		polled:   make(chan struct{}),
	}
	r.alive, r.fail = context.WithCancelCause(context.Background())
	opts := []kgo.Opt{
		kgo.ConsumerGroup(rc.Group),
		kgo.ConsumeTopics(rc.Topics...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(rc.SessionTimeout),
		kgo.RebalanceTimeout(rc.RebalanceTimeout),
		kgo.HeartbeatInterval(min(rc.SessionTimeout/4, 3*time.Second)),
		// An offset that the log does not have is for assigned to judge, not for the client to jump over in silence.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxBytes(int32(rc.FetchBytes)),
		kgo.FetchMaxPartitionBytes(int32(rc.PartitionBytes)),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) {}),
		kgo.OnOffsetsFetched(func(ctx context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
			return r.fetched(ctx, resp)
		}),
		kgo.AdjustFetchOffsetsFn(r.assigned),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, ps map[string][]int32) { r.revoked(ctx, ps) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { r.lost(ps) }),
	}
	if rc.Recycle {
		opts = append(opts, kgo.WithPools(newRecordPool()))
	}
	cl, err := c.newClient(opts...)
	if err != nil {
		return nil, err
	}
	r.cl, r.adm = cl, newAdmin(cl)
	return r, nil
}

// Poll allows rebalances, waits for records, and returns them. Only one goroutine may poll. The error is that of ctx, or
// one that reading on can not mend: the handler's data would have a hole.
func (r *Reader) Poll(ctx context.Context) ([]Batch, error) {
	r.pollOnce.Do(func() { close(r.polled) })
	r.cl.AllowRebalance()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.alive, func() { cancel(context.Cause(r.alive)) })()
	fs := r.cl.PollRecords(ctx, r.cfg.MaxPollRecords)
	if r.alive.Err() != nil {
		return nil, context.Cause(r.alive)
	}
	var out []Batch
	var err error
	fs.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil && err == nil {
			err = pollError(p.Topic, p.Partition, p.Err)
		}
		if len(p.Records) > 0 {
			out = append(out, Batch{TopicPartition{p.Topic, p.Partition}, p.Records, p.HighWatermark})
		}
	})
	return out, err
}

func pollError(topic string, partition int32, err error) error {
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return ErrClosed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, kerr.OffsetOutOfRange), isDataLoss(err):
		return fmt.Errorf("%w: reading %s-%d: %w", ErrOffsetOutOfRange, topic, partition, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("%w: %s-%d: %w", ErrUnknownTopic, topic, partition, err)
	}
	var session *kgo.ErrGroupSession
	if errors.As(err, &session) {
		return nil // the client joins again by itself
	}
	return fmt.Errorf("kafka: read %s-%d: %w", topic, partition, err)
}

// isDataLoss tells that the log was cut below what was read: the client would go on from there in silence.
func isDataLoss(err error) bool {
	var loss *kgo.ErrDataLoss
	return errors.As(err, &loss)
}

// AllowRebalance says that what the last Poll returned has been handed over.
func (r *Reader) AllowRebalance() { r.cl.AllowRebalance() }

// Pause stops fetching a partition, Resume goes on. What was fetched before is thrown away and fetched again.
func (r *Reader) Pause(p TopicPartition) {
	r.cl.PauseFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
}

// Resume undoes Pause.
func (r *Reader) Resume(p TopicPartition) {
	r.cl.ResumeFetchPartitions(map[string][]int32{p.Topic: {p.Partition}})
}

// Admin shares the reader's connections; it is closed with the reader.
func (r *Reader) Admin() *Admin { return r.adm }

// Close leaves the group: Revoked is called for what is owned.
func (r *Reader) Close() {
	r.cl.CloseAllowingRebalance()
	r.fail(ErrClosed)
}

// fetched keeps the metadata until assigned is called, next, by the same goroutine.
func (r *Reader) fetched(ctx context.Context, resp *kmsg.OffsetFetchResponse) error {
	select {
	case <-r.polled:
	case <-ctx.Done():
		return ctx.Err()
	}
	clear(r.metadata)
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if p.Metadata == nil || *p.Metadata == "" {
					continue
				}
				if t.Topic == "" {
					// Reading without the metadata would forget a plan. The next session asks again.
					return errors.New("kafka: committed offsets of a topic without a name")
				}
				r.metadata[TopicPartition{t.Topic, p.Partition}] = *p.Metadata
			}
		}
	}
	return nil
}

// assigned is called with the committed offsets (negative where there are none) and answers where to begin.
func (r *Reader) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	log, err := r.adm.LogOffsets(ctx, slices.Collect(maps.Keys(offsets))...)
	if err != nil {
		return nil, err
	}
	for _, o := range log {
		committed, ok := offsets[o.Topic][o.Partition]
		if !ok {
			continue
		}
		a := Assignment{TopicPartition: o.TopicPartition, Committed: -1, Metadata: r.metadata[o.TopicPartition], Start: o.Start, End: o.End}
		if at := committed.EpochOffset().Offset; at >= 0 {
			a.Committed = at
		}
		if a.Committed > a.End {
			// The log lost records that the group has already used. Going on would leave a hole in silence.
			err := fmt.Errorf("%w: group %s committed %d of %s-%d, the log ends at %d", ErrOffsetOutOfRange, r.cfg.Group, a.Committed, a.Topic, a.Partition, a.End)
			r.fail(err)
			return nil, err
		}
		from, err := r.assign(ctx, a)
		if err != nil {
			return nil, err
		}
		offsets[o.Topic][o.Partition] = kgo.NewOffset().At(from)
	}
	return offsets, nil
}

// assign tells the handler. When a session ends between the assignment and the first fetch, the client asks again for a partition that it never said
// was taken away: somebody else may have had it meanwhile, and what was planned by then counts no more.
func (r *Reader) assign(ctx context.Context, a Assignment) (int64, error) {
	r.mu.RLock()
	_, had := r.owned[a.TopicPartition]
	r.mu.RUnlock()
	if had {
		r.lost(map[string][]int32{a.Topic: {a.Partition}})
	}
	from, err := r.h.Assigned(ctx, a)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owned[a.TopicPartition] = struct{}{}
	return from, nil
}

func (r *Reader) revoked(ctx context.Context, ps map[string][]int32) {
	// Only then may a commit be refused: the handler's last ones are still within the generation.
	list := r.ownedOf(ps)
	if len(list) > 0 {
		r.h.Revoked(ctx, list)
	}
	r.disown(list)
}

func (r *Reader) lost(ps map[string][]int32) {
	list := r.ownedOf(ps)
	r.disown(list)
	if len(list) > 0 {
		r.h.Lost(list)
	}
}

func (r *Reader) disown(ps []TopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range ps {
		delete(r.owned, p)
	}
}

// ownedOf leaves out what the handler was never told of: a session can end before the offsets were fetched.
func (r *Reader) ownedOf(ps map[string][]int32) []TopicPartition {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []TopicPartition
	for t, nums := range ps {
		for _, p := range nums {
			if _, ok := r.owned[TopicPartition{t, p}]; ok {
				out = append(out, TopicPartition{t, p})
			}
		}
	}
	return out
}
