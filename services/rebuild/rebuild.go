// Package rebuild builds what is derived anew from the log, beside what is read, and switches when it is complete.
//
//	make topics and tables of the next generation
//	control record: current = old, building = next    -> the roles run both
//	wait until next has everything
//	control record: old halted                        -> the old stages stand still for some seconds,
//	wait until next has what they had                    so that no figure drops
//	lead the names that people ask to next's tables
//	control record: current = next, dropping = old    -> reads switch
//	drop the old topics, tables and groups
//	control record: dropping nothing
//
// Killed anywhere, the next rebuild begins with what the control record names: it drops what is left of the old generation, and goes on
// with the one that was being built.
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

// Run rebuilds. A rebuild that was begun and not switched to is finished first, whatever it was of, and that is all; what one left behind
// that was switched to is dropped first.
func Run(ctx context.Context, c Config, what What) error {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	old, building := c.Directory.Generations()
	if left := c.Directory.Dropping(); left != nil {
		if err := c.drop(ctx, *left, old); err != nil {
			return err
		}
	}
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
	if err := c.drawLevel(ctx, old, next); err != nil {
		return fmt.Errorf("rebuild: draw level: %w", err)
	}
	c.Progress("switching")
	if err := turnViews(ctx, c.Store, c.Layout, next); err != nil {
		return fmt.Errorf("rebuild: switch: %w", err)
	}
	if err := c.Directory.SetGenerations(ctx, workspace.Control{Current: next, Dropping: &old}); err != nil {
		return fmt.Errorf("rebuild: switch: %w", err)
	}
	return c.drop(ctx, old, next)
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

// readersKnow is more than readers take to hear of a switch; one that still asks the old tables after that asks again.
const readersKnow = 2 * time.Second

// halt is how long the old stages stand still at most.
const halt = 20 * time.Second

// drawLevel halts the old stages and waits until the next generation has everything that they had. Without, a report just
// after the switch could show a little less than one just before: both generations follow the log, each in its own time.
func (c *Config) drawLevel(ctx context.Context, old, next topic.Generations) error {
	c.Progress("drawing level")
	until := time.Now().Add(halt)
	control := workspace.Control{Current: old, Building: &next, HaltUntil: until.UnixMilli()}
	if err := c.Directory.SetGenerations(ctx, control); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, until.Add(-time.Second))
	defer cancel()
	for group, successor := range groupsOf(old, next) {
		if group == successor {
			continue
		}
		for {
			members, err := c.Admin.GroupMembers(ctx, group)
			if err != nil {
				return err
			}
			if members == 0 {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("group %s still has %d members after %s; run the rebuild again: %w", group, members, halt, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	_, err := lag.Settle(ctx, lag.Config{Admin: c.Admin, Generations: next, Patience: c.Patience, Progress: c.Progress})
	return err
}

// groupsOf maps the groups of the old generations to those of the next.
func groupsOf(old, next topic.Generations) map[string]string {
	return map[string]string{
		identify.StitchGroup(old):  identify.StitchGroup(next),
		identify.ResolveGroup(old): identify.ResolveGroup(next),
		converse.Group(old):        converse.Group(next),
		load.Group(old):            load.Group(next),
	}
}

// drop deletes what only the old generations have, once nobody reads or works on it any more, and puts down that it is done.
func (c *Config) drop(ctx context.Context, old, current topic.Generations) error {
	c.Progress("dropping what was read before")
	select {
	case <-time.After(readersKnow):
	case <-ctx.Done():
		return fmt.Errorf("rebuild: drop: %w", ctx.Err())
	}
	for group, successor := range groupsOf(old, current) {
		if group == successor {
			continue
		}
		if err := c.deleteGroup(ctx, group); err != nil {
			return fmt.Errorf("rebuild: drop: %w", err)
		}
	}
	for _, t := range topic.Table {
		if t.In(old) == t.In(current) {
			continue
		}
		if err := c.Admin.DeleteTopics(ctx, t.In(old)); err != nil {
			return fmt.Errorf("rebuild: drop: %w", err)
		}
	}
	if err := dropTables(ctx, c.Store, c.Layout, old, current); err != nil {
		return fmt.Errorf("rebuild: drop: %w", err)
	}
	if err := c.Directory.SetGenerations(ctx, workspace.Control{Current: current}); err != nil {
		return fmt.Errorf("rebuild: dropped: %w", err)
	}
	return nil
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
