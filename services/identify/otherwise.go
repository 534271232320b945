package identify

import (
	"bytes"
	"fmt"
	"strings"

	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// What new rules decide otherwise is recorded like what links decide: of a pair the latest decision is in force, and it must
// be that of the rules in force.

// pair is two identifiers in an order that does not depend on which came first.
type pair [2]words.Anchor

func pairOf(a, b words.Anchor) pair {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return pair{a, b}
}

// reasons are why the new rules do not join what came together.
type reasons map[pair]reason

type reason struct {
	decision     words.Decision
	rule, detail string
}

// mostReasons bounds the memory; beyond, it is only said that the rules are others.
const mostReasons = 200_000

// note keeps copies: the texts of an edge go with its record.
func (r reasons) note(e *words.Edge) {
	if e.Decision != words.Refused && e.Decision != words.Undone && e.Decision != words.Shared {
		return
	}
	at := pairOf(e.A.Anchor, e.B.Anchor)
	if _, known := r[at]; known || len(r) < mostReasons {
		r[at] = reason{e.Decision, strings.Clone(e.Rule), strings.Clone(e.Detail)}
	}
}

func (r reasons) of(a, b words.Anchor) reason {
	if why, ok := r[pairOf(a, b)]; ok {
		return why
	}
	return reason{words.Undone, rulesRule, "it does not join by the new rules"}
}

// rulesRule is the rule of what is decided because the rules are others.
const rulesRule = "rules"

// decideOtherwise records which pairs are kept by the one and not by the other, and which values are shared, at the version of
// the new rules. What they join is told with the evidence that joined it, which the log has.
func (p *resolve) decideOtherwise(before, after *identity.Resolver, why reasons, ruled words.Edge) error {
	ties, values := map[pair]identity.Tie{}, map[words.Anchor]words.Node{}
	for t := range before.Ties() {
		if after.Between(t.A.Anchor, t.B.Anchor) == "" {
			t.Decision = ""
			ties[pairOf(t.A.Anchor, t.B.Anchor)] = t
		}
	}
	for t := range after.Ties() {
		if before.Between(t.A.Anchor, t.B.Anchor) != t.Decision {
			ties[pairOf(t.A.Anchor, t.B.Anchor)] = t
		}
	}
	for n := range before.Shared() {
		if !after.IsShared(n.Anchor) {
			values[n.Anchor] = n
		}
	}
	for n := range after.Shared() {
		if !before.IsShared(n.Anchor) {
			values[n.Anchor] = n
		}
	}
	if len(ties)+len(values) == 0 {
		return nil
	}
	var link words.Link
	err := p.history.ReadRange(p.ctx, p.links, p.partition, -1, int64(ruled.Version)-1, func(records []*kafka.Record) error {
		for _, r := range records {
			if words.DecodeLink(r.Value, &link) != nil || link.Workspace != ruled.Workspace {
				continue
			}
			for _, n := range []words.Node{link.A, link.B} {
				if _, ok := values[n.Anchor]; ok {
					delete(values, n.Anchor)
					p.decideValue(n, after.IsShared(n.Anchor), why, ruled)
				}
			}
			if err := p.some(); err != nil {
				return err
			}
			at := pairOf(link.A.Anchor, link.B.Anchor)
			t, ok := ties[at]
			if !ok {
				continue
			}
			delete(ties, at)
			t.A, t.B = link.A, link.B
			p.decideTie(t, why, ruled, &link)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("identify: decide otherwise: %w", err)
	}
	// What is left no link has put together: a split tied them.
	for _, t := range ties {
		p.decideTie(t, why, ruled, nil)
		if err := p.some(); err != nil {
			return err
		}
	}
	return nil
}

// decideTie says what became of a pair; by is the link that put it together, if one did.
func (p *resolve) decideTie(t identity.Tie, why reasons, ruled words.Edge, by *words.Link) {
	e := ruled
	e.A, e.B, e.Decision = t.A, t.B, t.Decision
	switch {
	case t.Decision == "":
		r := why.of(t.A.Anchor, t.B.Anchor)
		e.Decision, e.Rule, e.Detail = r.decision, r.rule, r.detail
	case by != nil:
		e.Kind, e.Rule, e.Evidence = by.Kind, by.Rule, by.Evidence()
	}
	p.outcome.Edges = append(p.outcome.Edges, e)
}

// decideValue says that a value is shared, or is no more.
func (p *resolve) decideValue(n words.Node, shared bool, why reasons, ruled words.Edge) {
	e := ruled
	e.A, e.Decision = n, words.Undone
	if shared {
		r := why.of(n.Anchor, words.Anchor{})
		e.Decision, e.Rule, e.Detail = words.Shared, r.rule, r.detail
	}
	p.outcome.Edges = append(p.outcome.Edges, e)
}
