// Package rebuild builds what is derived anew from the log, beside what is read, and switches when it is complete.
//
//	make topics and tables of the next generation
//	control record: current = old, building = next    -> the roles run both
//	wait until next has everything
//	control record: current = next                    -> reads switch, the old stages stop
//	drop the old topics, tables and groups
//
// Killed anywhere, the next rebuild goes on with the generation that the control record names.
package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/converse"
	"github.com/throughline/throughline/services/identify"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/lag"
	"github.com/throughline/throughline/services/load"
	"github.com/throughline/throughline/services/topics"
	"github.com/throughline/throughline/services/workspaces"
)

// What is what can be built anew.
type What string

// Each includes those before it.
const (
	Store         What = "store"         // the tables
	Conversations What = "conversations" // and the conversations in them
	Identity      What = "identity"      // and who is who
)

// ErrUnknown is returned for something that cannot be built anew.
var ErrUnknown = errors.New("rebuild: want store, conversations or identity")

// Config configures a rebuild.
type Config struct {
	Admin     *kafka.Admin
	Store     *clickhouse.DB
	Layout    clickhouse.Layout
	Directory *workspaces.Directory
	Patience  time.Duration // how long nothing may move while something is left
	Progress  func(string)  // may be nil
}

// Next is the generations after g in which what is built anew.
func Next(g topic.Generations, what What) (topic.Generations, error) {
	switch what {
	case Identity:
		g.Identity++
		fallthrough
	case Conversations:
		g.Conversation++
		fallthrough
	case Store:
		g.Store++
		return g, nil
	}
	return g, fmt.Errorf("%w, not %q", ErrUnknown, what)
}

// Run rebuilds. A rebuild that was begun and not finished is finished first, whatever it was of, and that is all.
func Run(ctx context.Context, c Config, what What) error {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	old, building := c.Directory.Generations()
	next, err := Next(old, what)
	if err != nil {
		return err
	}
	if building != nil {
		next = *building
		c.Progress("going on with the rebuild that was begun")
	}
	c.Progress("making topics and tables")
	if err := c.make(ctx, next); err != nil {
		return fmt.Errorf("rebuild: make: %w", err)
	}
	if err := c.Directory.SetGenerations(ctx, workspace.Control{Current: old, Building: &next}); err != nil {
		return fmt.Errorf("rebuild: begin: %w", err)
	}
	if _, err := lag.Settle(ctx, lag.Config{Admin: c.Admin, Generations: next, Patience: c.Patience, Progress: c.Progress}); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	c.Progress("switching")
	if err := c.Directory.SetGenerations(ctx, workspace.Control{Current: next}); err != nil {
		return fmt.Errorf("rebuild: switch: %w", err)
	}
	c.Progress("dropping what was read before")
	if err := c.drop(ctx, old, next); err != nil {
		return fmt.Errorf("rebuild: drop: %w", err)
	}
	return nil
}

// make makes the topics, with as many partitions as those of generation 1 have, and the tables.
func (c *Config) make(ctx context.Context, next topic.Generations) error {
	partitions, err := c.Admin.Topics(ctx)
	if err != nil {
		return err
	}
	var specs []kafka.TopicSpec
	for _, t := range topic.Table {
		if _, there := partitions[t.In(next)]; there {
			continue
		}
		specs = append(specs, topics.Spec(t, next, partitions[string(topic.Touchpoints)], 0))
	}
	if err := c.Admin.EnsureTopics(ctx, specs); err != nil {
		return err
	}
	return makeTables(ctx, c.Store, c.Layout, next)
}

// drop deletes what only the old generations have, once nobody works on it any more.
func (c *Config) drop(ctx context.Context, old, next topic.Generations) error {
	groups := map[string]string{
		identify.StitchGroup(old):  identify.StitchGroup(next),
		identify.ResolveGroup(old): identify.ResolveGroup(next),
		converse.Group(old):        converse.Group(next),
		load.Group(old):            load.Group(next),
	}
	for group, successor := range groups {
		if group == successor {
			continue
		}
		if err := c.deleteGroup(ctx, group); err != nil {
			return err
		}
	}
	for _, t := range topic.Table {
		if t.In(old) == t.In(next) {
			continue
		}
		if err := c.Admin.DeleteTopics(ctx, t.In(old)); err != nil {
			return err
		}
	}
	return dropTables(ctx, c.Store, c.Layout, old, next)
}

// deleteGroup waits until the group's members, which follow the control record, have left.
func (c *Config) deleteGroup(ctx context.Context, group string) error {
	until := time.Now().Add(c.Patience)
	for {
		err := c.Admin.DeleteGroup(ctx, group)
		if err == nil || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
