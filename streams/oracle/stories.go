package oracle

import (
	"encoding/binary"
	"fmt"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/identity"
)

// stories knows which threads belong together, and who wrote in them.
type stories struct {
	limit   int
	threads map[schema.Anchor]*Set
	wrote   map[schema.Anchor]map[schema.Anchor]evidence // thread -> identifier -> earliest evidence
	used    map[schema.Anchor]bool
}

type evidence struct {
	time int64
	key  uint64
}

func (e evidence) before(o evidence) bool {
	return e.time < o.time || e.time == o.time && e.key < o.key
}

func newStories(rules *identity.Rules) stories {
	return stories{
		limit: rules.MaxThread, threads: map[schema.Anchor]*Set{}, wrote: map[schema.Anchor]map[schema.Anchor]evidence{},
		used: map[schema.Anchor]bool{},
	}
}

func (s *stories) maxThread() string { return fmt.Sprintf("max_thread: %d", s.limit) }

// writes takes in that a customer wrote in a thread; false when the link was refused.
func (p *People) writes(customer, in *schema.Node) bool {
	if p.blocked(customer) {
		return false
	}
	p.know(customer)
	story := setOf(p.threads, in.Anchor)
	e := evidence{p.link.Time, binary.BigEndian.Uint64(p.link.Key[:])}
	old, known := p.wrote[in.Anchor][customer.Anchor]
	if !known && p.size(story) >= p.limit {
		p.refuse(p.maxThread())
		return false
	}
	if !known || e.before(old) {
		if p.wrote[in.Anchor] == nil {
			p.wrote[in.Anchor] = map[schema.Anchor]evidence{}
		}
		p.wrote[in.Anchor][customer.Anchor] = e
	}
	return true
}

// tie makes one story of two; false if it would be too large.
func (s *stories) tie(a, b schema.Anchor) bool {
	into, from := setOf(s.threads, a), setOf(s.threads, b)
	if into == from {
		return true
	}
	if s.size(into)+s.size(from) > s.limit {
		return false
	}
	for _, thread := range from.Members {
		s.threads[thread] = into
	}
	into.Members = append(into.Members, from.Members...)
	return true
}

// ownerOf is the first who wrote in the story, by (time, key).
func (s *stories) ownerOf(story *Set) (owner schema.Anchor, known bool) {
	var first evidence
	for _, thread := range story.Members {
		for customer, e := range s.wrote[thread] {
			if !known || e.before(first) {
				owner, first, known = customer, e, true
			}
		}
	}
	return owner, known
}

// size of a story is its threads, and who wrote in each.
func (s *stories) size(story *Set) int {
	n := len(story.Members)
	for _, thread := range story.Members {
		n += len(s.wrote[thread])
	}
	return n
}

func setOf(sets map[schema.Anchor]*Set, a schema.Anchor) *Set {
	if sets[a] == nil {
		sets[a] = &Set{Members: []schema.Anchor{a}}
	}
	return sets[a]
}
