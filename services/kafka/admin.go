package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicSpec is a topic as it should be.
type TopicSpec struct {
	Name       string
	Partitions int32
	Replicas   int16             // 0: the broker's default
	Configs    map[string]string // such as retention.ms, cleanup.policy
}

// Admin looks after topics and groups, and reads exact ranges of partitions. It is safe for use by several goroutines.
type Admin struct {
	cl  *kgo.Client
	adm *kadm.Client
}

// NewAdmin makes an Admin. It returns before a broker was reached.
func NewAdmin(c Config) (*Admin, error) {
	cl, err := c.newClient()
	if err != nil {
		return nil, err
	}
	return newAdmin(cl), nil
}

func newAdmin(cl *kgo.Client) *Admin { return &Admin{cl: cl, adm: kadm.NewClient(cl)} }

// Close disconnects.
func (a *Admin) Close() { a.cl.Close() }

// Ping reports whether a broker answers.
func (a *Admin) Ping(ctx context.Context) error {
	if err := a.cl.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// EnsureTopics makes the topics that are missing, waits until every broker knows them, and leaves the others as they are.
// A topic that exists with another number of partitions is an error (ErrPartitionCount), reported after the missing ones
// were made.
func (a *Admin) EnsureTopics(ctx context.Context, specs []TopicSpec) error {
	have, err := a.Topics(ctx)
	if err != nil {
		return err
	}
	var errs []error
	var made []string
	for _, s := range specs {
		if n, ok := have[s.Name]; ok {
			if n != s.Partitions {
				errs = append(errs, fmt.Errorf("%w: %s has %d, wanted %d", ErrPartitionCount, s.Name, n, s.Partitions))
			}
			continue
		}
		if err := a.createTopic(ctx, s); err != nil {
			errs = append(errs, err)
			continue
		}
		made = append(made, s.Name)
	}
	if len(made) > 0 {
		errs = append(errs, a.settled(ctx, made))
	}
	return errors.Join(errs...)
}

// settled waits until every broker that answers knows the topics and their leaders: until then clients that ask one that
// is behind are told that there is no such topic.
func (a *Admin) settled(ctx context.Context, topics []string) error {
	for _, b := range a.cl.DiscoveredBrokers() {
		for n := 1; ; n++ {
			req := kmsg.NewPtrMetadataRequest()
			for _, t := range topics {
				rt := kmsg.NewMetadataRequestTopic()
				rt.Topic = kmsg.StringPtr(t)
				req.Topics = append(req.Topics, rt)
			}
			resp, err := b.Request(ctx, req)
			if err != nil || led(resp.(*kmsg.MetadataResponse)) {
				break // one that is away asks the others when it comes back
			}
			if !sleep(ctx, backoff(n)) {
				return fmt.Errorf("kafka: topics not known to every broker: %w", ctx.Err())
			}
		}
	}
	return nil
}

func led(m *kmsg.MetadataResponse) bool {
	for _, t := range m.Topics {
		if t.ErrorCode != 0 {
			return false
		}
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				return false
			}
		}
	}
	return true
}

func (a *Admin) createTopic(ctx context.Context, s TopicSpec) error {
	replicas := s.Replicas
	if replicas == 0 {
		replicas = -1
	}
	configs := make(map[string]*string, len(s.Configs))
	for k, v := range s.Configs {
		configs[k] = &v
	}
	r, err := a.adm.CreateTopic(ctx, s.Partitions, replicas, configs, s.Name)
	if err == nil {
		err = r.Err
	}
	// Another role that starts at the same moment may have been faster.
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("kafka: create topic %s: %w", s.Name, err)
	}
	return nil
}

// Topics is the number of partitions of every topic but the broker's own, asked of the broker and not of a cache.
func (a *Admin) Topics(ctx context.Context) (map[string]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all
	resp, err := req.RequestWith(ctx, a.cl)
	if err != nil {
		return nil, fmt.Errorf("kafka: list topics: %w", err)
	}
	out := make(map[string]int32, len(resp.Topics))
	for _, t := range resp.Topics {
		if t.Topic != nil && t.ErrorCode == 0 && !t.IsInternal {
			out[*t.Topic] = int32(len(t.Partitions))
		}
	}
	return out, nil
}

// DeleteTopics deletes topics; one that does not exist is no error.
func (a *Admin) DeleteTopics(ctx context.Context, topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	rs, err := a.adm.DeleteTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("kafka: delete topics: %w", err)
	}
	for _, r := range rs {
		if r.Err != nil && !errors.Is(r.Err, kerr.UnknownTopicOrPartition) {
			return fmt.Errorf("kafka: delete topic %s: %w", r.Topic, r.Err)
		}
	}
	return nil
}

// DeleteGroup forgets a group's offsets. It is an error while the group has members; a group that does not exist is none.
func (a *Admin) DeleteGroup(ctx context.Context, group string) error {
	r, err := a.adm.DeleteGroup(ctx, group)
	if err == nil {
		err = r.Err
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("kafka: delete group %s: %w", group, err)
	}
	return nil
}

// GroupMembers is how many members the group has; none when it does not exist.
func (a *Admin) GroupMembers(ctx context.Context, group string) (int, error) {
	described, err := a.adm.DescribeGroups(ctx, group)
	if err == nil {
		err = described[group].Err
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, fmt.Errorf("kafka: describe group %s: %w", group, err)
	}
	return len(described[group].Members), nil
}

// DeleteRecords lets go of the records of a partition below an offset, which must be below its end: the embedded broker
// counts from 0 again in a partition that it finds empty when it starts.
func (a *Admin) DeleteRecords(ctx context.Context, topic string, partition int32, below int64) error {
	os := kadm.Offsets{}
	os.Add(kadm.Offset{Topic: topic, Partition: partition, At: below, LeaderEpoch: -1})
	rs, err := a.adm.DeleteRecords(ctx, os)
	if err == nil {
		err = rs.Error()
	}
	if err != nil {
		return fmt.Errorf("kafka: delete records of %s-%d: %w", topic, partition, err)
	}
	return nil
}

// Offsets are the offsets of one partition: what the log has, and what a group committed.
type Offsets struct {
	TopicPartition
	Start     int64  // the first the log still has
	End       int64  // one past the last
	Committed int64  // the next the group reads; -1 when it has committed nothing
	Metadata  string // what was committed with it
}

// Lag is how many records the group has yet to read.
func (o Offsets) Lag() int64 { return o.End - max(o.Committed, o.Start) }

// GroupOffsets are the offsets of the group in all partitions of the topics, by topic and partition.
func (a *Admin) GroupOffsets(ctx context.Context, group string, topics ...string) ([]Offsets, error) {
	out, err := a.LogOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	// The log's end is asked for first, so a commit made in between may be beyond it: the lag looks smaller than it is by what was
	// written in between, and is never negative.
	cs, err := a.adm.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("kafka: offsets of group %s: %w", group, err)
	}
	for i := range out {
		o := &out[i]
		if c, ok := cs.Lookup(o.Topic, o.Partition); ok {
			if c.Err != nil {
				return nil, fmt.Errorf("kafka: offsets of group %s: %w", group, c.Err)
			}
			o.Committed, o.Metadata = c.At, c.Metadata
			o.End = max(o.End, c.At)
		}
	}
	return out, nil
}

// LogOffsets are the first and the end offsets of all partitions of the topics, by topic and partition. Committed is -1.
func (a *Admin) LogOffsets(ctx context.Context, topics ...string) ([]Offsets, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	starts, err := a.adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("kafka: start offsets: %w", err)
	}
	ends, err := a.adm.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("kafka: end offsets: %w", err)
	}
	var out []Offsets
	for topic, ps := range ends {
		for p, e := range ps {
			s, _ := starts.Lookup(topic, p)
			if err := errors.Join(e.Err, s.Err); err != nil {
				if errors.Is(err, kerr.UnknownTopicOrPartition) {
					return nil, fmt.Errorf("%w: %s", ErrUnknownTopic, topic)
				}
				return nil, fmt.Errorf("kafka: offsets of %s-%d: %w", topic, p, err)
			}
			out = append(out, Offsets{TopicPartition: TopicPartition{topic, p}, Start: s.Offset, End: e.Offset, Committed: -1})
		}
	}
	slices.SortFunc(out, func(x, y Offsets) int {
		if c := strings.Compare(x.Topic, y.Topic); c != 0 {
			return c
		}
		return int(x.Partition) - int(y.Partition)
	})
	return out, nil
}
