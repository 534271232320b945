// Package lag waits until what is on the log has gone through all stages into the store.
package lag

import (
	"context"
	"fmt"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/converse"
	"github.com/throughline/throughline/services/identify"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/load"
)

// Config says what to wait for.
type Config struct {
	Admin       *kafka.Admin
	Generations topic.Generations
	Patience    time.Duration // how long nothing may move while something is left
	Progress    func(string)  // told what is left; may be nil
}

// Ends are the offsets one past the last records that count.
type Ends map[kafka.TopicPartition]int64

// stage is a group and what it reads.
type stage struct {
	group  string
	topics []topic.Name
}

// Settle notes how far the touchpoints go, and waits until everything that follows from them is stored: stage after
// stage, each up to where its input went when the stage before had done its part. It returns how far touchpoints and links
// went. Touchpoints that come in meanwhile are not waited for.
func Settle(ctx context.Context, c Config) (Ends, error) {
	g := c.Generations
	converses := stage{converse.Group(g), []topic.Name{topic.ByPerson}}
	stages := []stage{
		{identify.StitchGroup(g), []topic.Name{topic.Touchpoints}},
		{identify.ResolveGroup(g), []topic.Name{topic.Links}},
		converses, // gives stubs to other homes,
		converses, // which may give them on,
		converses, // and then they are there
		{load.Group(g), []topic.Name{topic.Touchpoints, topic.Rejected, topic.Moves, topic.Edges, topic.Conversations, topic.Members}},
	}
	noted := Ends{}
	for _, s := range stages {
		var names []string
		for _, n := range s.topics {
			names = append(names, n.In(g))
		}
		offsets, err := c.Admin.LogOffsets(ctx, names...)
		if err != nil {
			return nil, fmt.Errorf("lag: %w", err)
		}
		ends := Ends{}
		for _, o := range offsets {
			ends[o.TopicPartition] = o.End
			if _, known := noted[o.TopicPartition]; !known {
				noted[o.TopicPartition] = o.End
			}
		}
		if err := c.reach(ctx, s.group, names, ends); err != nil {
			return nil, fmt.Errorf("lag: %w", err)
		}
	}
	return noted, nil
}

// reach waits until the group has committed ends.
func (c *Config) reach(ctx context.Context, group string, topics []string, ends Ends) error {
	least, since := int64(-1), time.Now()
	for {
		offsets, err := c.Admin.GroupOffsets(ctx, group, topics...)
		if err != nil {
			return err
		}
		left := int64(0)
		for _, o := range offsets {
			left += max(0, ends[o.TopicPartition]-max(o.Committed, o.Start))
		}
		if left == 0 {
			return nil
		}
		if least < 0 || left < least {
			least, since = left, time.Now()
		}
		if time.Since(since) > c.Patience {
			return fmt.Errorf("group %s has %d records left of %v and did nothing for %s: does its role run?", group, left, topics, c.Patience)
		}
		if c.Progress != nil {
			c.Progress(fmt.Sprintf("%s: %d records left", group, left))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
