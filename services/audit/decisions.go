package audit

import (
	"context"
	"math/big"
	"slices"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/oracle"
)

// decisions are what must be stored of the decisions about the links of a workspace.
type decisions map[decision]cause

// decision is one as the store keeps it, from one of its ends.
type decision struct {
	version     uint64
	node, other schema.Anchor
	decision    schema.Decision
}

// cause is what has to be stored with a decision; the zero cause is any.
type cause struct {
	kind       schema.LinkKind
	rule       string
	touchpoint string
	user       string
}

// parted stands for Refused or Undone of what earlier rules had joined.
const parted schema.Decision = "parted"

// judge decides the links by the rules of their time: rules that were put in force decide everything before anew, and what
// they decide otherwise has their version.
func (w *world) judge(rules *identity.Rules) {
	w.decided, w.people = decisions{}, oracle.NewPeople(rules)
	for i := range w.links {
		l := &w.links[i]
		if l.Kind != schema.LinkRules {
			w.people.Apply(&l.Link)
			for _, d := range w.people.Decided() {
				w.decided.add(l.version, d.A, d.B, d.Decision, cause{l.Kind, d.Rule, l.Touchpoint, l.User})
			}
			continue
		}
		ruled := decision{version: l.version, decision: schema.Ruled}
		next, err := identity.ParseRules([]byte(l.Rules))
		if err != nil {
			ruled.decision = schema.Refused
		} else {
			people := oracle.NewPeople(next)
			for j := range w.links[:i] {
				if before := &w.links[j].Link; before.Kind != schema.LinkRules {
					people.Apply(before)
				}
			}
			w.decided.compare(w.people, people, l.version)
			w.people = people
		}
		w.decided[ruled] = cause{l.Kind, "rules", l.Touchpoint, l.User}
	}
}

// add notes a decision from both of its ends. Of several that are alike in a version any is stored.
func (d decisions) add(version uint64, a, b schema.Anchor, what schema.Decision, why cause) {
	for _, key := range []decision{{version, a, b, what}, {version, b, a, what}} {
		if key.node.IsZero() && !key.other.IsZero() {
			continue // a decision about one node
		}
		if known, twice := d[key]; twice && known != why {
			d[key] = cause{}
			continue
		}
		d[key] = why
	}
}

// compare notes what two rules decide otherwise about the same links.
func (d decisions) compare(before, after *oracle.People, version uint64) {
	was, is := ties(before), ties(after)
	for at := range was {
		if is[at] == "" {
			d.add(version, at[0], at[1], parted, cause{})
		}
	}
	for at, tie := range is {
		if was[at] != tie {
			d.add(version, at[0], at[1], tie, cause{})
		}
	}
	for at := range everyone(before, after) {
		switch {
		case after.Shared(at) && !before.Shared(at):
			d.add(version, at, schema.Anchor{}, schema.Shared, cause{})
		case before.Shared(at) && !after.Shared(at):
			d.add(version, at, schema.Anchor{}, parted, cause{})
		}
	}
}

// ties are the evidence that is kept.
func ties(p *oracle.People) map[[2]schema.Anchor]schema.Decision {
	out := map[[2]schema.Anchor]schema.Decision{}
	for _, k := range p.Evidence {
		at := [2]schema.Anchor{k.A, k.B}
		if slices.Compare(k.A[:], k.B[:]) > 0 {
			at = [2]schema.Anchor{k.B, k.A}
		}
		out[at] = schema.Joined
		if k.Held {
			out[at] = schema.Held
		}
	}
	return out
}

func everyone(all ...*oracle.People) map[schema.Anchor]bool {
	out := map[schema.Anchor]bool{}
	for _, p := range all {
		for at := range p.Anchors {
			out[at] = true
		}
	}
	return out
}

// decisions compares what is stored of the versions that count with what must have been decided.
func (a *audit) decisions(ctx context.Context) error {
	rows, err := a.Store.Query(ctx, "SELECT workspace, node, other, version, decision, kind, rule, touchpoint, user FROM "+a.tables.Edges+" FINAL", nil, noLimits)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := a.storedDecision(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for name, w := range a.log {
		for d, why := range w.decided {
			a.report.differ("workspace %s: that %s and %s were %s at version %d by %q is not stored", name, d.node, d.other, d.decision, d.version, why.rule)
		}
	}
	return nil
}

// lastVersion is the highest that a link of the workspace can have which counts.
func (a *audit) lastVersion(workspace string) uint64 {
	at := kafka.TopicPartition{Topic: topic.Links.In(a.Generations)}
	partitions := int32(0)
	for p := range a.ends {
		if p.Topic == at.Topic {
			partitions++
		}
	}
	at.Partition = kafka.PartitionOf([]byte(workspace), partitions)
	return uint64(a.ends[at])
}

func (a *audit) storedDecision(rows *clickhouse.Rows) error {
	var (
		name, what, kind string
		node, other      big.Int
		got              cause
		d                decision
	)
	if err := rows.Scan(&name, &node, &other, &d.version, &what, &kind, &got.rule, &got.touchpoint, &got.user); err != nil {
		return err
	}
	if d.version > a.lastVersion(name) {
		return nil // it came in meanwhile
	}
	d.node, d.other, d.decision, got.kind = asAnchor(&node), asAnchor(&other), schema.Decision(what), schema.LinkKind(kind)
	w := a.worldOf(name)
	want, ok := w.decided[d]
	if !ok && (d.decision == schema.Refused || d.decision == schema.Undone) {
		either := d
		either.decision = parted
		if want, ok = w.decided[either]; ok {
			d = either
		}
	}
	switch {
	case !ok:
		a.report.differ("workspace %s: it is stored that %s and %s were %s at version %d by %q, and should not be", name, d.node, d.other, d.decision, d.version, got.rule)
		return nil
	case want != cause{} && want != got:
		a.report.differ("workspace %s: that %s and %s were %s at version %d is stored as %+v, the log says %+v", name, d.node, d.other, d.decision, d.version, got, want)
	}
	a.report.Decisions++
	delete(w.decided, d)
	return nil
}
