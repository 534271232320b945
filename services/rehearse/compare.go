package rehearse

import (
	"cmp"
	"slices"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/streams/identity"
)

// changes are the persons that are not the same by both rules: groups of those that have anchors in common.
type changes struct {
	groups  []*group
	members map[schema.Anchor]*member
}

// group is the smallest number of persons before that are, all together, the same anchors as some persons after.
type group struct {
	before, after map[schema.PersonID][]*member
	touchpoints   uint64 // of anchors whose person changes
	recent        uint64 // of all, since Config.Since
	evidence      []rehearsal.Evidence
}

// member is an anchor of a group.
type member struct {
	anchor        schema.Anchor
	before, after schema.PersonID
	thread        bool
	node          schema.Node // once the evidence is collected
	group         *group
}

func (m *member) moves() bool { return m.before != m.after }

// compare finds the groups. Persons that are only called otherwise make none.
func compare(before, after *identity.Resolver) *changes {
	// Wherever two anchors are one person by the one and not by the other rules, at least one of them changes its id.
	hitBefore, hitAfter := map[schema.PersonID]bool{}, map[schema.PersonID]bool{}
	for m := range everybody(before, after) {
		if m.moves() {
			hitBefore[m.before], hitAfter[m.after] = true, true
		}
	}
	c := &changes{members: map[schema.Anchor]*member{}}
	of := sets{}
	for m := range everybody(before, after) {
		if hitBefore[m.before] || hitAfter[m.after] {
			c.members[m.anchor] = &m
			of.union(vertex{id: m.before}, vertex{id: m.after, after: true})
		}
	}
	groups := map[vertex]*group{}
	for _, m := range c.members {
		root := of.find(vertex{id: m.before})
		g := groups[root]
		if g == nil {
			g = &group{before: map[schema.PersonID][]*member{}, after: map[schema.PersonID][]*member{}}
			groups[root] = g
		}
		m.group = g
		g.before[m.before] = append(g.before[m.before], m)
		g.after[m.after] = append(g.after[m.after], m)
	}
	for _, g := range groups {
		if len(g.before) > 1 || len(g.after) > 1 {
			c.groups = append(c.groups, g)
		}
	}
	c.keep(func(*group) bool { return true })
	return c
}

// everybody yields the anchors that anchor touchpoints, with whose they are by either.
func everybody(before, after *identity.Resolver) func(yield func(member) bool) {
	return func(yield func(member) bool) {
		for at := range before.All() {
			if !at.Thread.IsZero() {
				continue // what somebody wrote in a thread of others changes no report of people
			}
			is, _ := after.Person(at.Anchor)
			if !yield(member{anchor: at.Anchor, before: at.Person, after: is, thread: at.Type == schema.ThreadType}) {
				return
			}
		}
		for at := range after.All() {
			if !at.Thread.IsZero() {
				continue
			}
			if was, known := before.Person(at.Anchor); !known {
				if !yield(member{anchor: at.Anchor, before: was, after: at.Person, thread: at.Type == schema.ThreadType}) {
					return
				}
			}
		}
	}
}

// keep drops the groups for which f is false, and all anchors that are in none.
func (c *changes) keep(f func(*group) bool) {
	c.groups = slices.DeleteFunc(c.groups, func(g *group) bool { return !f(g) })
	kept := make(map[*group]bool, len(c.groups))
	for _, g := range c.groups {
		kept[g] = true
	}
	for at, m := range c.members {
		if !kept[m.group] {
			delete(c.members, at)
		}
	}
}

// difference counts. Threads of nobody known are no persons.
func (c *changes) difference() *rehearsal.Difference {
	d := &rehearsal.Difference{Shared: []schema.Node{}, Examples: []rehearsal.Example{}, Report: []rehearsal.Cell{}}
	several := func(members []*member, of func(*member) schema.PersonID) bool {
		var first *member
		for _, m := range members {
			switch {
			case m.thread:
			case first == nil:
				first = m
			case of(m) != of(first):
				return true
			}
		}
		return false
	}
	for _, g := range c.groups {
		joined := map[schema.PersonID]bool{}
		for _, members := range g.after {
			if !several(members, func(m *member) schema.PersonID { return m.before }) {
				continue
			}
			for _, m := range members {
				if !m.thread {
					joined[m.before] = true
				}
			}
		}
		d.Joined += len(joined)
		for _, members := range g.before {
			if several(members, func(m *member) schema.PersonID { return m.after }) {
				d.Parted++
			}
			for _, m := range members {
				if m.moves() && !m.thread {
					d.Moved++
				}
			}
		}
	}
	return d
}

// telling are the groups to show: those with the most touchpoints that change hands, then those with the most persons.
func (c *changes) telling() []*group {
	persons := func(g *group) int { return len(g.before) + len(g.after) }
	slices.SortFunc(c.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.touchpoints, a.touchpoints), cmp.Compare(persons(b), persons(a)), compareAnchors(a.first(), b.first()))
	})
	return c.groups[:min(len(c.groups), rehearsal.MaxExamples)]
}

// first is the lowest anchor of the group: what orders groups that are alike.
func (g *group) first() (first schema.Anchor) {
	for id := range g.before {
		if first.IsZero() || compareAnchors(id, first) < 0 {
			first = id
		}
	}
	return first
}

func compareAnchors(a, b schema.Anchor) int { return slices.Compare(a[:], b[:]) }

func (g *group) example() rehearsal.Example {
	return rehearsal.Example{
		Touchpoints: g.touchpoints, Before: persons(g.before), After: persons(g.after),
		Evidence: append([]rehearsal.Evidence{}, g.evidence...),
	}
}

// persons are the largest of them. Threads that nobody known wrote in are named where there is nothing else.
func persons(of map[schema.PersonID][]*member) []rehearsal.Person {
	out := make([]rehearsal.Person, 0, len(of))
	for id, members := range of {
		if identifiers := slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m.thread }); len(identifiers) > 0 {
			members = identifiers
		}
		p := rehearsal.Person{ID: id, Size: len(members), Identifiers: []schema.Node{}}
		slices.SortFunc(members, func(a, b *member) int {
			return cmp.Or(cmp.Compare(a.node.Type, b.node.Type), cmp.Compare(a.node.Value, b.node.Value), compareAnchors(a.anchor, b.anchor))
		})
		for _, m := range members {
			if m.node.Value != "" && len(p.Identifiers) < rehearsal.MaxIdentifiers {
				p.Identifiers = append(p.Identifiers, m.node)
			}
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b rehearsal.Person) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), compareAnchors(a.ID, b.ID))
	})
	return out[:min(len(out), rehearsal.MaxPersons)]
}

// vertex is a person before or after.
type vertex struct {
	id    schema.PersonID
	after bool
}

// sets are disjoint sets of persons.
type sets map[vertex]vertex

func (s sets) find(n vertex) vertex {
	up, ok := s[n]
	if !ok || up == n {
		return n
	}
	top := s.find(up)
	s[n] = top
	return top
}

func (s sets) union(a, b vertex) {
	if a, b = s.find(a), s.find(b); a != b {
		s[a] = b
	}
}
