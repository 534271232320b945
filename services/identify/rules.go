package identify

import (
	"fmt"
	"strings"
	"time"

	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// New rules of a workspace are a record of the log like any other, and what they change has its offset as version. All
// links before are decided again by them, and what comes of it differently is moved. So the state is that of rules that
// were always in force, but for participations that were moved by earlier rules: see identity.Resolver.Inherit.

// era is a time in which a workspace has the same rules.
type era struct {
	from  int64 // offset of the record that brought the rules
	rules *identity.Rules
}

// outcomesAtOnce bounds what is in memory of the moves and decisions that new rules bring about: a workspace may have
// millions.
const outcomesAtOnce = 10_000

// learnOfRules notes rules that were in force in the past, while the state is restored.
func (p *resolve) learnOfRules(r *kafka.Record) {
	rules, err := identity.ParseRules([]byte(p.link.Rules))
	if err != nil || p.areInForce(rules) {
		return // they were refused, or changed nothing
	}
	workspace := strings.Clone(p.link.Workspace)
	p.inForce[workspace] = rules
	p.eras[workspace] = append(p.eras[workspace], era{r.Offset, rules})
}

// areInForce tells that the workspace of the link at hand has these rules already: what they decide is decided.
func (p *resolve) areInForce(rules *identity.Rules) bool {
	now := p.inForce[p.link.Workspace]
	if now == nil {
		now = p.rules
	}
	return now.YAML() == rules.YAML()
}

// catchUp decides the links of workspaces with eras that begin before the offset to, again and again, until the last of
// their eras is done. It reads the log as often as the workspace with the most eras has had its rules replaced.
func (p *resolve) catchUp(to int64) error {
	for len(p.eras) > 0 {
		round := map[string]*again{}
		for workspace, eras := range p.eras {
			a := p.again(workspace, eras[0], to)
			if len(eras) > 1 {
				a.until = eras[1].from
			}
			round[workspace] = a
		}
		if err := p.decideAgain(round); err != nil {
			return err
		}
		for workspace, a := range round {
			p.resolvers[workspace] = a.resolver
			if p.eras[workspace] = p.eras[workspace][1:]; len(p.eras[workspace]) == 0 {
				delete(p.eras, workspace)
			}
		}
	}
	return nil
}

// again is a workspace whose links are decided again.
type again struct {
	resolver *identity.Resolver
	before   *identity.Resolver     // as of the era's beginning; nil without links
	from     int64                  // offset of the rules
	until    int64                  // the first offset that is not decided
	decided  func(edge *words.Edge) // told what is decided; nil while a state is restored
}

func (p *resolve) again(workspace string, e era, until int64) *again {
	return &again{resolver: identity.NewResolver(workspace, e.rules), before: p.resolvers[workspace], from: e.from, until: until}
}

// decideAgain gives each of the workspaces all of its links up to where it ends.
func (p *resolve) decideAgain(round map[string]*again) error {
	end := int64(0)
	for _, a := range round {
		end = max(end, a.until)
	}
	began := time.Now()
	p.log.Info("identify: deciding all links again by other rules", "partition", p.partition, "workspaces", len(round), "links", end)
	var (
		link    words.Link
		outcome identity.Outcome
		done    int64
	)
	inherit := func(a *again) {
		if a.before != nil {
			a.resolver.Inherit(a.before)
			a.before = nil
		}
	}
	err := p.history.ReadRange(p.ctx, p.links, p.partition, -1, end, func(records []*kafka.Record) error {
		for _, r := range records {
			if words.DecodeLink(r.Value, &link) != nil {
				continue // a dead letter
			}
			a, ok := round[link.Workspace]
			if !ok || r.Offset >= a.until || link.Kind == words.LinkRules && r.Offset != a.from {
				continue
			}
			if r.Offset >= a.from {
				inherit(a)
			}
			if link.Kind == words.LinkRules {
				continue
			}
			outcome.Moves, outcome.Edges = outcome.Moves[:0], outcome.Edges[:0]
			a.resolver.Apply(r.Offset, r.Timestamp.UnixMilli(), &link, &outcome)
			for i := range outcome.Edges {
				if a.decided != nil {
					a.decided(&outcome.Edges[i])
				}
			}
		}
		if at := records[len(records)-1].Offset; at/progressEvery > done/progressEvery {
			p.log.Info("identify: deciding all links again", "partition", p.partition, "done", at, "of", end)
			done = at
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("identify: decide again: %w", err)
	}
	for _, a := range round {
		inherit(a)
	}
	p.log.Info("identify: decided all links again", "partition", p.partition, "took", time.Since(began))
	return nil
}

// progressEvery is after how many links the log hears how far it is.
const progressEvery = 1_000_000

// replaceRules puts new rules of a workspace in force, and moves what is decided otherwise by them. The record that says
// that it is so comes last: who has seen it sees everything.
func (p *resolve) replaceRules(r *kafka.Record) error {
	edge := words.Edge{
		Workspace: p.link.Workspace, Kind: words.LinkRules, Decision: words.Ruled, Rule: rulesRule,
		Version: uint64(r.Offset) + 1, At: r.Timestamp.UnixMilli(), Evidence: p.link.Evidence(),
	}
	rules, err := identity.ParseRules([]byte(p.link.Rules))
	if err != nil {
		edge.Decision, edge.Detail = words.Refused, err.Error()
		p.outcome.Edges = append(p.outcome.Edges, edge)
		return nil
	}
	if p.areInForce(rules) {
		edge.Detail = "these rules were in force already"
		p.outcome.Edges = append(p.outcome.Edges, edge)
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	workspace := strings.Clone(p.link.Workspace)
	before := p.resolvers[workspace]
	if before == nil {
		before = identity.NewResolver(workspace, p.rules)
	}
	a, why := p.again(workspace, era{r.Offset, rules}, r.Offset), reasons{}
	a.decided = why.note
	if err := p.decideAgain(map[string]*again{workspace: a}); err != nil {
		return err
	}
	p.resolvers[workspace], p.inForce[workspace] = a.resolver, rules
	// Decisions come first: whoever sees where an identifier belongs can then also see why.
	if err := p.decideOtherwise(before, a.resolver, why, edge); err != nil {
		return err
	}
	moves := 0
	for m := range differences(before, a.resolver) {
		m.Workspace, m.Version, m.At, m.Evidence = workspace, edge.Version, edge.At, edge.Evidence
		p.outcome.Moves = append(p.outcome.Moves, m)
		moves++
		if err := p.some(); err != nil {
			return err
		}
	}
	edge.Detail = fmt.Sprintf("%d identifiers, threads and participations belong to somebody else by the new rules", moves)
	p.outcome.Edges = append(p.outcome.Edges, edge)
	return nil
}

// some appends what there is to tell when it is much.
func (p *resolve) some() error {
	if len(p.outcome.Moves)+len(p.outcome.Edges) < outcomesAtOnce {
		return nil
	}
	if err := p.tell(); err != nil {
		return err
	}
	return p.flush()
}

// flush appends what is to be told before more of it is made.
func (p *resolve) flush() error {
	err := kafka.Insist(p.ctx, p.produce, p.out.List(), func(err error) {
		p.log.Warn("identify: appending what new rules change failed, trying again", "partition", p.partition, "error", err)
	})
	if err != nil {
		return fmt.Errorf("identify: append: %w", err)
	}
	p.out.Reset()
	return nil
}
