package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// MaxMetadata is the most bytes of metadata that a commit may carry: the brokers' default limit.
const MaxMetadata = 4096

// Commit is the offset to go on from, with what should be known then.
type Commit struct {
	TopicPartition
	Offset   int64
	Metadata string // at most MaxMetadata bytes
}

// Commit commits all of cs in one request, inside the group's generation, and waits for the answer. It waits while the
// group rebalances, and tries again, until ctx ends, what the broker asks to try again.
//
// ErrFenced means that a partition is no longer this member's, ErrMetadataTooLarge that its metadata is over the limit.
// Any other error leaves open whether the commits were made; to try again is safe.
func (r *Reader) Commit(ctx context.Context, cs ...Commit) error {
	if len(cs) == 0 {
		return nil
	}
	for n := 1; ; n++ {
		err := r.commitOnce(ctx, cs)
		if !errors.Is(err, kerr.RebalanceInProgress) || !sleep(ctx, backoff(n)) {
			return err
		}
	}
}

func (r *Reader) commitOnce(ctx context.Context, cs []Commit) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	offsets := make(map[string]map[int32]kgo.EpochOffset, 1)
	metadata := make(map[TopicPartition]string, len(cs))
	for _, c := range cs {
		if _, ok := r.owned[c.TopicPartition]; !ok {
			return fmt.Errorf("%w: %s-%d", ErrFenced, c.Topic, c.Partition)
		}
		// The embedded broker takes any length; a plan that passes there must pass everywhere.
		if len(c.Metadata) > MaxMetadata {
			return fmt.Errorf("%w: %d bytes for %s-%d", ErrMetadataTooLarge, len(c.Metadata), c.Topic, c.Partition)
		}
		if offsets[c.Topic] == nil {
			offsets[c.Topic] = make(map[int32]kgo.EpochOffset, len(cs))
		}
		offsets[c.Topic][c.Partition] = kgo.EpochOffset{Epoch: -1, Offset: c.Offset}
		metadata[c.TopicPartition] = c.Metadata
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		for i := range req.Topics {
			t := &req.Topics[i]
			for j := range t.Partitions {
				p := &t.Partitions[j]
				p.Metadata = kmsg.StringPtr(metadata[TopicPartition{t.Topic, p.Partition}])
			}
		}
		return nil
	})
	var err error
	r.cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
		if err = e; err == nil {
			err = commitError(resp)
		}
	})
	if err != nil && !errors.Is(err, ErrFenced) && !errors.Is(err, ErrMetadataTooLarge) {
		return fmt.Errorf("kafka: commit: %w", err)
	}
	return err
}

func commitError(resp *kmsg.OffsetCommitResponse) error {
	var worst error
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			switch err := kerr.ErrorForCode(p.ErrorCode); {
			case err == nil:
			case errors.Is(err, kerr.OffsetMetadataTooLarge):
				return fmt.Errorf("%w: %s-%d", ErrMetadataTooLarge, t.Topic, p.Partition)
			case errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.UnknownMemberID),
				errors.Is(err, kerr.FencedInstanceID), errors.Is(err, kerr.StaleMemberEpoch), errors.Is(err, kerr.FencedMemberEpoch):
				return fmt.Errorf("%w: %s-%d: %w", ErrFenced, t.Topic, p.Partition, err)
			default:
				worst = fmt.Errorf("%s-%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return worst
}
