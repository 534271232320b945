package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// FollowPatience is how long an Advance waits for a broker that is away: as long as a producer that answers clients does.
const FollowPatience = 5 * time.Second

// Ranges reads a partition; *Admin does.
type Ranges interface {
	ReadRange(ctx context.Context, topic string, partition int32, from, to int64, fn func([]*Record) error) error
}

// Follower reads a partition on and on for many callers, each of whom wants to know all that is there by now. It is safe for concurrent
// use.
type Follower struct {
	log       Ranges
	topic     string
	partition int32
	patience  time.Duration

	reading chan struct{} // holds one: a lock that can be given up waiting for
	next    int64         // offset to read from; -1 is the first that the log has
}

// NewFollower begins at the first record that the log has.
func NewFollower(log Ranges, topic string, partition int32, patience time.Duration) *Follower {
	return &Follower{log: log, topic: topic, partition: partition, patience: patience, reading: make(chan struct{}, 1), next: -1}
}

// Advance calls fn with what came since the last call, up to the end of the log as it is now; fn is never called twice at a time. Of a
// read that breaks off, what fn was given counts. A broker that is away is ErrUnavailable when patience or ctx's own time is over, for those, too,
// who wait for another's reading.
func (f *Follower) Advance(ctx context.Context, fn func([]*Record)) error {
	patient, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	select {
	case f.reading <- struct{}{}:
	case <-patient.Done():
		return f.ended(ctx, patient.Err())
	}
	defer func() { <-f.reading }()
	err := f.read(patient, fn)
	if errors.Is(err, ErrOffsetOutOfRange) {
		f.next = -1 // who has not read for long finds the log's beginning let go of
		err = f.read(patient, fn)
	}
	if err != nil && patient.Err() != nil {
		return f.ended(ctx, err)
	}
	return err
}

func (f *Follower) read(ctx context.Context, fn func([]*Record)) error {
	return f.log.ReadRange(ctx, f.topic, f.partition, f.next, -1, func(records []*Record) error {
		fn(records)
		f.next = records[len(records)-1].Offset + 1
		return nil
	})
}

// ended says why a wait was given up: the caller's going is its own affair, time that is over is the broker's.
func (f *Follower) ended(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("kafka: follow %s-%d: %w", f.topic, f.partition, ctx.Err())
	}
	return fmt.Errorf("kafka: follow %s-%d: %w: %w", f.topic, f.partition, ErrUnavailable, err)
}
