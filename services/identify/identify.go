// Package identify is the role that finds out who is who. It is two stages:
//
//	touchpoints --> stitch --> identity.links --> resolve --> identity.moves      for the store
//	   ^               |                             |------> identity.edges      for the store
//	   |               |                             |
//	   +- seen <-------+--> touchpoints.by-person <--+        stubs, and where they belong
//
// Stitch drops duplicates and conflicts, sends a stub of each touchpoint to the home of its anchor, and the links it
// makes to the one owner of its workspace, who resolves them. Both only carry: what they decide is in package
// streams/identity. New rules of a workspace are links too; by them the owner decides everything before again.
package identify

import (
	"context"

	"golang.org/x/sync/errgroup"

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
	admin, err := kafka.NewAdmin(c.Kafka)
	if err != nil {
		return err
	}
	defer admin.Close()
	producer, err := kafka.NewProducer(c.Kafka, kafka.DefaultStageConfig().Producer) // of what is too much for one batch
	if err != nil {
		return err
	}
	defer producer.Abandon() // whatever is still in it belongs to rules whose replacement begins anew
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return kafka.RunStage(ctx, c.stage(StitchGroup(c.Generations), topic.Touchpoints, func(_ context.Context, p int32) (kafka.Partition, error) {
			return newStitch(&c, m, p), nil
		}))
	})
	g.Go(func() error {
		return kafka.RunStage(ctx, c.stage(ResolveGroup(c.Generations), topic.Links, func(ctx context.Context, p int32) (kafka.Partition, error) {
			return newResolve(ctx, &c, m, p, admin, producer.Produce), nil
		}))
	})
	return g.Wait()
}

func (c *Config) stage(group string, input topic.Name, partition func(context.Context, int32) (kafka.Partition, error)) kafka.StageConfig {
	s := kafka.DefaultStageConfig()
	s.Kafka, s.Group, s.Topic, s.New = c.Kafka, group, input.In(c.Generations), partition
	s.Kafka.Logger = c.Logger
	s.CommitEvery = c.CommitEvery
	s.Reader.SessionTimeout = c.SessionTimeout
	s.Reader.RebalanceTimeout = max(s.Reader.RebalanceTimeout, c.SessionTimeout)
	s.Reader.MaxPollRecords = c.BatchRecords
	s.Producer.ByPartition = []string{topic.Seen.In(c.Generations)}
	s.Recycle = true
	s.Registerer = c.Registerer
	return s
}
