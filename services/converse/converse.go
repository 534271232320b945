// Package converse is the role that finds out which touchpoints belong together. It is one stage:
//
//	touchpoints.by-person --> converse --> conversations, conversations.members    for the store
//	          ^                  |
//	          +------------------+  adopt and drop, between homes
//
// Its state is a function of its input, which is kept for ever: a partition that comes to another instance is read again up to
// the committed offset. What it decides is in package streams/conversation; here it is only carried.
package converse

import (
	"context"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// Run runs the role until ctx ends, which is no error: everything that was processed is then committed. Several
// instances share the partitions.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	m := newMetrics(c.Registerer)
	defer m.unregister()
	s := kafka.DefaultStageConfig()
	s.Kafka, s.Group, s.Topic = c.Kafka, Group(c.Generations), topic.ByPerson.In(c.Generations)
	s.New = func(_ context.Context, p int32) (kafka.Partition, error) { return newPartition(&c, m, p), nil }
	s.Kafka.Logger = c.Logger
	s.CommitEvery = c.CommitEvery
	s.Reader.SessionTimeout = c.SessionTimeout
	s.Reader.RebalanceTimeout = max(s.Reader.RebalanceTimeout, c.SessionTimeout)
	s.Reader.MaxPollRecords = c.BatchRecords
	s.PollEvery = c.BatchEvery
	s.Recycle = true
	s.Registerer = c.Registerer
	return kafka.RunStage(ctx, s)
}
