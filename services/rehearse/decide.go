package rehearse

import (
	"context"
	"slices"
	"sync"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// trial is the log as either rules decide it.
type trial struct {
	before, after side
	links         int64
}

// side is the log as one of them decides it.
type side struct {
	resolver *identity.Resolver
	refused  map[pair]verdict // or undone; some of them were joined later
	shared   map[schema.Anchor]schema.Node
	recent   map[pair]bool // those of refused whose evidence is not older than Config.Since
	since    int64
	outcome  identity.Outcome
}

// verdict is why two identifiers are not joined.
type verdict struct{ rule, detail string }

// maxVerdicts bounds the memory of texts: of what is refused beyond, only the number is known.
const maxVerdicts = 200_000

func newSide(workspace string, rules *identity.Rules, since int64) side {
	return side{
		resolver: identity.NewResolver(workspace, rules), since: since,
		refused: map[pair]verdict{}, shared: map[schema.Anchor]schema.Node{}, recent: map[pair]bool{},
	}
}

// decide gives all links up to end to two resolvers, side by side. Rules that were put in force meanwhile, or that the caller
// did not know of, are found on the way; then it begins anew with these.
func (c *Config) decide(ctx context.Context, partition int32, end int64) (*trial, error) {
	inForce := c.InForce
	for {
		t := &trial{before: newSide(c.Workspace, inForce, c.Since), after: newSide(c.Workspace, c.New, c.Since)}
		last, err := c.pass(ctx, partition, end, t)
		if err != nil {
			return nil, err
		}
		if last == nil || last.YAML() == inForce.YAML() {
			return t, nil
		}
		inForce = last
	}
}

// pass returns the last rules that it met.
func (c *Config) pass(ctx context.Context, partition int32, end int64, t *trial) (last *identity.Rules, err error) {
	var batch links
	err = c.Log.ReadRange(ctx, topic.Links.In(c.Generations), partition, -1, end, func(records []*kafka.Record) error {
		for some := range slices.Chunk(records, linksAtOnce) {
			batch.read(some, c.Workspace)
			for i := range batch.links {
				if l := &batch.links[i]; l.Kind == schema.LinkRules {
					if rules, err := identity.ParseRules([]byte(l.Rules)); err == nil {
						last = rules
					}
				}
			}
			var both sync.WaitGroup
			both.Go(func() { t.before.apply(&batch) })
			t.after.apply(&batch)
			both.Wait()
			t.links += int64(len(batch.links))
		}
		c.Progress(rehearsal.Progress{Step: "deciding", Done: records[len(records)-1].Offset + 1, Total: end})
		return ctx.Err()
	})
	return last, err
}

// linksAtOnce are decoded and then decided by both: few enough to stay in the processor's cache.
const linksAtOnce = 1000

// links are those of a workspace, out of a piece of the log.
type links struct {
	links   []schema.Link
	records []*kafka.Record
}

func (b *links) read(records []*kafka.Record, workspace string) {
	b.links, b.records = b.links[:0], b.records[:0]
	b.links = slices.Grow(b.links, len(records))
	for _, r := range records {
		l := &b.links[:len(b.links)+1][len(b.links)]
		if schema.DecodeLink(r.Value, l) == nil && l.Workspace == workspace {
			b.links, b.records = b.links[:len(b.links)+1], append(b.records, r)
		}
	}
}

// apply gives the links to the resolver and notes what it refuses, takes back and finds shared.
func (s *side) apply(batch *links) {
	for i := range batch.links {
		l, r := &batch.links[i], batch.records[i]
		if l.Kind == schema.LinkRules {
			continue
		}
		s.outcome.Moves, s.outcome.Edges = s.outcome.Moves[:0], s.outcome.Edges[:0]
		s.resolver.Apply(r.Offset, r.Timestamp.UnixMilli(), l, &s.outcome)
		for j := range s.outcome.Edges {
			s.note(&s.outcome.Edges[j])
		}
	}
}

// note keeps copies: the texts of an edge go with its record.
func (s *side) note(e *schema.Edge) {
	switch e.Decision {
	case schema.Shared:
		s.shared[e.A.Anchor] = cloned(e.A)
	case schema.Refused, schema.Undone:
		at := pairOf(e.A.Anchor, e.B.Anchor)
		v := verdict{}
		if _, known := s.refused[at]; known || len(s.refused) < maxVerdicts {
			v = verdict{cloneText(e.Rule), cloneText(e.Detail)}
		}
		s.refused[at] = v
		if e.Evidence.Time >= s.since {
			s.recent[at] = true
		}
	}
}
