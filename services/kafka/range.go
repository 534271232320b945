package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetchBytes is how much of a partition one fetch may bring. Two fetches are in memory at a time.
const fetchBytes = 8 << 20

// emptyFetches in a row below the log's end mean that nothing is left up to the end: everything there was compacted away.
// One may be empty for other reasons, such as a quota.
const emptyFetches = 3

// ReadRange reads the records of a partition with from <= offset < to and calls fn with them in order, some thousands
// at a time. from -1 is the first offset the log has, to -1 its end as of now. Offsets that the log no longer has
// because of compaction or retention are passed over, so that a range can always be read to its end; a range that
// begins before the log or ends after it is read as far as the log goes only for -1, and is ErrOffsetOutOfRange
// otherwise. A broker that is away is waited for until ctx ends. fn may keep the records.
func (a *Admin) ReadRange(ctx context.Context, topic string, partition int32, from, to int64, fn func([]*Record) error) error {
	from, to, err := a.bounds(ctx, topic, partition, from, to)
	if err != nil || from >= to {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type fetched struct {
		records []*Record
		err     error
	}
	// One fetch is under way while fn works on the last.
	ahead := make(chan fetched)
	go func() {
		defer close(ahead)
		r := rangeReader{a: a, topic: topic, partition: partition, leader: -1}
		for at, empty := from, 0; at < to && empty < emptyFetches; {
			records, next, err := r.fetch(ctx, at)
			select {
			case ahead <- fetched{before(records, to), err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			if empty++; next > at || r.end < to {
				empty = 0
			}
			at = next
		}
	}()
	for f := range ahead {
		if f.err != nil {
			return fmt.Errorf("kafka: read %s-%d: %w", topic, partition, f.err)
		}
		if len(f.records) == 0 {
			continue
		}
		if err := fn(f.records); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// unknownTopicTries is how often a topic is looked for, which takes some 5 s, before it is believed not to exist.
const unknownTopicTries = 9

// bounds turns -1 into offsets and refuses a range that the log does not cover.
func (a *Admin) bounds(ctx context.Context, topic string, partition int32, from, to int64) (int64, int64, error) {
	for n := 1; ; n++ {
		all, err := a.LogOffsets(ctx, topic)
		if err != nil {
			// A broker that has just come back may not know its topics yet.
			if errors.Is(err, ErrUnknownTopic) && n > unknownTopicTries {
				return 0, 0, err
			}
			if !sleep(ctx, backoff(n)) {
				return 0, 0, fmt.Errorf("%w: %w", ctx.Err(), err)
			}
			continue
		}
		for _, o := range all {
			if o.Partition != partition {
				continue
			}
			if from == -1 {
				from = o.Start
			}
			if to == -1 {
				to = o.End
			}
			if from < o.Start || to > o.End {
				return 0, 0, fmt.Errorf("%w: %s-%d has [%d,%d), asked for [%d,%d)", ErrOffsetOutOfRange, topic, partition, o.Start, o.End, from, to)
			}
			return from, to, nil
		}
		return 0, 0, fmt.Errorf("%w: %s-%d", ErrUnknownTopic, topic, partition)
	}
}

func before(rs []*Record, to int64) []*Record {
	n := len(rs)
	for n > 0 && rs[n-1].Offset >= to {
		n--
	}
	return rs[:n]
}

// rangeReader fetches from one partition by hand. The client's own consumer cannot be used to read up to an exact
// offset: when the records just below it were compacted away nothing ever tells that the end was reached.
type rangeReader struct {
	a         *Admin
	topic     string
	partition int32

	leader  int32 // -1: not known
	end     int64 // of the log, at the last fetch
	topicID [16]byte
	codec   kgo.Decompressor
}

// fetch returns the records from offset at on and the offset to go on from. It tries again until ctx ends.
func (r *rangeReader) fetch(ctx context.Context, at int64) ([]*Record, int64, error) {
	for n := 1; ; n++ {
		records, next, err := r.fetchOnce(ctx, at)
		switch {
		case err == nil:
			return records, next, nil
		case errors.Is(err, kerr.OffsetOutOfRange):
			return nil, 0, fmt.Errorf("%w: offset %d", ErrOffsetOutOfRange, at)
		case errors.Is(err, errCorrupt):
			return nil, 0, err
		}
		r.leader = -1
		if !sleep(ctx, backoff(n)) {
			return nil, 0, fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

var errCorrupt = errors.New("corrupt record batch")

func (r *rangeReader) fetchOnce(ctx context.Context, at int64) ([]*Record, int64, error) {
	if r.leader < 0 {
		if err := r.findLeader(ctx); err != nil {
			return nil, 0, err
		}
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = 250
	req.MinBytes = 1
	req.MaxBytes = fetchBytes
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = r.topic, r.topicID
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = r.partition, at, fetchBytes
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)

	kresp, err := r.a.cl.Broker(int(r.leader)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, 0, err
	}
	resp := kresp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return nil, 0, errors.New("fetch answered without the partition")
	}
	part := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		return nil, 0, err
	}
	r.end = part.HighWatermark
	return r.decode(part, at)
}

func (r *rangeReader) decode(part *kmsg.FetchResponseTopicPartition, at int64) ([]*Record, int64, error) {
	if r.codec == nil {
		r.codec = kgo.DefaultDecompressor()
	}
	fp, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset:    at,
		Topic:     r.topic,
		Partition: r.partition,
	}, part, r.codec, nil)
	if fp.Err != nil {
		return nil, 0, fmt.Errorf("%w at offset %d: %w", errCorrupt, at, fp.Err)
	}
	if next < at {
		next = at
	}
	if n := len(fp.Records); n > 0 {
		next = max(next, fp.Records[n-1].Offset+1)
	}
	return fp.Records, next, nil
}

func (r *rangeReader) findLeader(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(r.topic)
	req.Topics = append(req.Topics, t)
	resp, err := r.a.cl.RequestCachedMetadata(ctx, req, 250*time.Millisecond)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		if t.Topic == nil || *t.Topic != r.topic {
			continue
		}
		for _, p := range t.Partitions {
			if p.Partition == r.partition && p.ErrorCode == 0 && p.Leader >= 0 {
				r.leader, r.topicID = p.Leader, t.TopicID
				return nil
			}
		}
	}
	return fmt.Errorf("%s-%d has no leader", r.topic, r.partition)
}
