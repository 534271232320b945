// Package oracle computes people and conversations the slow, obvious way, from whole sets and from scratch. The tests
// compare the real thing with it, and so does the audit, on real data.
package oracle

import (
	"encoding/binary"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/identity"
)

// People knows who is who, after the links of one workspace in the order of their log.
type People struct {
	rules   *identity.Rules
	persons map[schema.Anchor]*Set // of identifiers
	stories map[schema.Anchor]*Set // of threads
	typ     map[schema.Anchor]string
	wrote   map[schema.Anchor]map[schema.Anchor]evidence // thread -> identifier -> earliest evidence
	used    map[schema.Anchor]bool
	refused int
}

// Set is a person, or threads that are one story: a set of anchors. Two anchors are in one set when they have the same
// pointer.
type Set struct{ Members []schema.Anchor }

type evidence struct {
	time int64
	key  uint64
}

func (e evidence) before(o evidence) bool {
	return e.time < o.time || e.time == o.time && e.key < o.key
}

// NewPeople makes the people of a workspace without links.
func NewPeople(rules *identity.Rules) *People {
	return &People{
		rules:   rules,
		persons: map[schema.Anchor]*Set{},
		stories: map[schema.Anchor]*Set{},
		typ:     map[schema.Anchor]string{},
		wrote:   map[schema.Anchor]map[schema.Anchor]evidence{},
		used:    map[schema.Anchor]bool{},
	}
}

// Apply takes in the next link. The caller leaves out links whose rule begins with "blocked".
func (p *People) Apply(l *schema.Link) {
	a, b := l.A.Anchor, l.B.Anchor
	switch l.Kind {
	case schema.LinkVerified:
		p.typ[a], p.typ[b] = l.A.Type, l.B.Type
		pa, pb := setOf(p.persons, a), setOf(p.persons, b)
		if pa == pb {
			return
		}
		if p.overLimit(pa, pb) {
			p.refused++
			return
		}
		union(p.persons, pa, pb)
	case schema.LinkThread:
		p.typ[a] = l.A.Type
		setOf(p.persons, a)
		story := setOf(p.stories, b)
		e := evidence{l.Time, binary.BigEndian.Uint64(l.Key[:])}
		old, known := p.wrote[b][a]
		switch {
		case !known && p.size(story) >= p.rules.MaxThread:
			p.refused++
		case !known || e.before(old):
			if p.wrote[b] == nil {
				p.wrote[b] = map[schema.Anchor]evidence{}
			}
			p.wrote[b][a] = e
		}
	case schema.LinkThreads:
		sa, sb := setOf(p.stories, a), setOf(p.stories, b)
		switch {
		case sa == sb:
		case p.size(sa)+p.size(sb) > p.rules.MaxThread:
			p.refused++
		default:
			union(p.stories, sa, sb)
		}
	case schema.LinkAnonymous:
		setOf(p.stories, a)
		p.used[a] = true
	}
}

// Anchors yields every identifier, and every thread that anchors touchpoints, with its person.
func (p *People) Anchors(yield func(schema.Anchor, *Set) bool) {
	for a, set := range p.persons {
		if !yield(a, set) {
			return
		}
	}
	for thread := range p.used {
		if !yield(thread, p.PersonOf(thread)) {
			return
		}
	}
}

// PersonOf is whose the identifier or thread is; a thread in which nobody known wrote is its story's own person. nil for
// an anchor that no link has named: it is a person by itself.
func (p *People) PersonOf(a schema.Anchor) *Set {
	story, ok := p.stories[a]
	if !ok {
		return p.persons[a]
	}
	if owner, known := p.ownerOf(story); known {
		return p.persons[owner]
	}
	return story
}

// ShareOf is whose conversations get what the customer writes in the thread: those of the story's owner.
func (p *People) ShareOf(customer, thread schema.Anchor) *Set {
	if _, wrote := p.wrote[thread][customer]; wrote {
		return p.PersonOf(thread)
	}
	return p.PersonOf(customer)
}

// ownerOf is the first who wrote in the story, by (time, key).
func (p *People) ownerOf(story *Set) (owner schema.Anchor, known bool) {
	var first evidence
	for _, thread := range story.Members {
		for customer, e := range p.wrote[thread] {
			if !known || e.before(first) {
				owner, first, known = customer, e, true
			}
		}
	}
	return owner, known
}

// size of a story is its threads, and who wrote in each.
func (p *People) size(story *Set) int {
	n := len(story.Members)
	for _, thread := range story.Members {
		n += len(p.wrote[thread])
	}
	return n
}

func (p *People) overLimit(a, b *Set) bool {
	if len(a.Members)+len(b.Members) > p.rules.MaxIdentifiers {
		return true
	}
	byType := map[string]int{}
	for _, set := range []*Set{a, b} {
		for _, anchor := range set.Members {
			byType[p.typ[anchor]]++
		}
	}
	for _, t := range p.rules.Types {
		if t.Max > 0 && byType[t.Name] > t.Max {
			return true
		}
	}
	return false
}

func setOf(sets map[schema.Anchor]*Set, a schema.Anchor) *Set {
	if sets[a] == nil {
		sets[a] = &Set{Members: []schema.Anchor{a}}
	}
	return sets[a]
}

func union(sets map[schema.Anchor]*Set, into, from *Set) {
	for _, a := range from.Members {
		sets[a] = into
	}
	into.Members = append(into.Members, from.Members...)
}
