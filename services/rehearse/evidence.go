package rehearse

import (
	"context"
	"strings"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// collect reads the log once more for what identifiers of the examples are called, and for the links between them that are
// decided otherwise.
func (c *Config) collect(ctx context.Context, partition int32, end int64, t *trial, examples []*group) error {
	if len(examples) == 0 {
		return nil
	}
	of := map[schema.Anchor]*member{}
	for _, g := range examples {
		for _, members := range g.before {
			for _, m := range members {
				of[m.anchor] = m
			}
		}
	}
	var l schema.Link
	told := map[pair]bool{}
	return c.Log.ReadRange(ctx, topic.Links.In(c.Generations), partition, -1, end, func(records []*kafka.Record) error {
		for _, r := range records {
			if a, ok := schema.PeekLink(r.Value); ok && of[a] == nil {
				continue // evidence between two of an example, and a name, start from one of them
			}
			if schema.DecodeLink(r.Value, &l) != nil || l.Workspace != c.Workspace {
				continue
			}
			for _, n := range []*schema.Node{&l.A, &l.B} {
				if m := of[n.Anchor]; m != nil && m.node.Value == "" {
					m.node = cloned(*n)
				}
			}
			m, at := of[l.A.Anchor], pairOf(l.A.Anchor, l.B.Anchor)
			if m == nil || of[l.B.Anchor] == nil || told[at] || len(m.group.evidence) == rehearsal.MaxEvidence {
				continue
			}
			was, is := t.before.resolver.Between(at[0], at[1]), t.after.resolver.Between(at[0], at[1])
			if was == is {
				continue
			}
			told[at] = true
			m.group.evidence = append(m.group.evidence, t.evidence(&l, was, is))
		}
		c.Progress(rehearsal.Progress{Step: "collecting evidence", Done: records[len(records)-1].Offset + 1, Total: end})
		return ctx.Err()
	})
}

// evidence says how a link is decided otherwise.
func (t *trial) evidence(l *schema.Link, was, is schema.Decision) rehearsal.Evidence {
	why := t.after.refused[pairOf(l.A.Anchor, l.B.Anchor)]
	if is != "" {
		why = verdict{rule: cloneText(l.Rule)}
	}
	return rehearsal.Evidence{
		A: cloned(l.A), B: cloned(l.B), Kind: l.Kind, Before: orNotJoined(was), After: orNotJoined(is), Rule: why.rule, Detail: why.detail,
		Touchpoint: cloneText(l.Touchpoint), Source: cloneText(l.Source), User: cloneText(l.User), Time: l.Time,
	}
}

func orNotJoined(d schema.Decision) schema.Decision {
	if d == "" {
		return rehearsal.NotJoined
	}
	return d
}

// notIn counts the pairs that a refuses and b does not. What a joined later, or what was undone in both, is none.
func notIn(a, b *side) int {
	n := 0
	for at := range a.refused {
		if a.since > 0 && !a.recent[at] || a.resolver.Between(at[0], at[1]) != "" {
			continue
		}
		if _, too := b.refused[at]; !too || b.resolver.Between(at[0], at[1]) != "" {
			n++
		}
	}
	return n
}

// newlyShared compares the values that were found to be shared.
func newlyShared(t *trial) (newly, noLonger int, some []schema.Node) {
	some = []schema.Node{}
	for at, n := range t.after.shared {
		if _, too := t.before.shared[at]; too {
			continue
		}
		if newly++; len(some) < rehearsal.MaxShared {
			some = append(some, n)
		}
	}
	for at := range t.before.shared {
		if _, too := t.after.shared[at]; !too {
			noLonger++
		}
	}
	sortNodes(some)
	return newly, noLonger, some
}

func cloned(n schema.Node) schema.Node {
	return schema.Node{Anchor: n.Anchor, Type: cloneText(n.Type), Value: cloneText(n.Value)}
}

func cloneText(s string) string { return strings.Clone(s) }
