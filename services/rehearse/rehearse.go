// Package rehearse runs new identity rules on the whole log of links, beside those in force, and says what they would change:
// who would become one person, who would part, what would be refused, and how this month's figures would change. Nothing is
// changed by it.
//
//	identity.links --+--> resolver by the rules in force --+--> persons that differ --> the store: what they did
//	                 +--> resolver by the new rules -------+            |
//	                                                                    v
//	identity.links, once more -----------------------------> evidence of the most telling examples
package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// Log reads the log of links; *kafka.Admin does.
type Log interface {
	kafka.Ranges
	LogOffsets(ctx context.Context, topics ...string) ([]kafka.Offsets, error)
}

// Config says what to rehearse.
type Config struct {
	Log         Log
	Store       *clickhouse.DB
	Generations topic.Generations

	Workspace string
	InForce   *identity.Rules // as far as the caller knows: the log has the last word
	New       *identity.Rules
	Since     int64 // ms since 1970; not 0: only persons count who had a touchpoint since
	Now       time.Time

	Progress func(rehearsal.Progress) // may be nil
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Log == nil || c.Store == nil || c.Workspace == "" || c.InForce == nil || c.New == nil || c.Now.IsZero() {
		return errors.New("rehearse: Log, Store, Workspace, InForce, New and Now must be set")
	}
	return nil
}

// Run rehearses the rules.
func Run(ctx context.Context, c Config) (*rehearsal.Difference, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Progress == nil {
		c.Progress = func(rehearsal.Progress) {}
	}
	d, err := c.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("rehearse: %w", err)
	}
	return d, nil
}

func (c *Config) run(ctx context.Context) (*rehearsal.Difference, error) {
	partition, end, err := c.whereLinksAre(ctx)
	if err != nil {
		return nil, err
	}
	t, err := c.decide(ctx, partition, end)
	if err != nil {
		return nil, err
	}
	changes := compare(t.before.resolver, t.after.resolver)
	month := startOfMonth(c.Now)
	use, err := c.ask(ctx, changes, month)
	if err != nil {
		return nil, err
	}
	if c.Since > 0 {
		changes.keep(func(g *group) bool { return g.recent > 0 })
	}
	d := changes.difference()
	d.Links, d.PersonsBefore, d.PersonsAfter = t.links, t.before.resolver.Persons(), t.after.resolver.Persons()
	d.Month = month.Format("2006-01")
	d.Refused, d.NoLongerRefused = notIn(&t.after, &t.before), notIn(&t.before, &t.after)
	d.SharedCount, d.NoLongerShared, d.Shared = newlyShared(t)
	d.Report = use.report(changes)
	examples := changes.telling()
	if err := c.collect(ctx, partition, end, t, examples); err != nil {
		return nil, err
	}
	for _, g := range examples {
		d.Examples = append(d.Examples, g.example())
	}
	return d, nil
}

// whereLinksAre is the partition that has all links of the workspace, and how far it goes.
func (c *Config) whereLinksAre(ctx context.Context) (partition int32, end int64, err error) {
	offsets, err := c.Log.LogOffsets(ctx, topic.Links.In(c.Generations))
	if err != nil {
		return 0, 0, err
	}
	partition = kafka.PartitionOf([]byte(c.Workspace), int32(len(offsets)))
	for _, o := range offsets {
		if o.Partition == partition {
			return partition, o.End, nil
		}
	}
	return 0, 0, fmt.Errorf("%s has no partition %d", topic.Links.In(c.Generations), partition)
}

func startOfMonth(now time.Time) time.Time {
	year, month, _ := now.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

// pair is two identifiers in an order that does not depend on which came first.
type pair [2]schema.Anchor

func pairOf(a, b schema.Anchor) pair {
	if compareAnchors(a, b) > 0 {
		a, b = b, a
	}
	return pair{a, b}
}
