// Package oracle computes people and conversations the slow, obvious way, from whole sets and from scratch. The tests
// compare the real thing with it, and so does the audit, on real data.
package oracle

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/identity"
)

// People knows who is who, after the links of one workspace in the order of their log. It keeps the evidence as a list, and
// a person is whatever can be reached along it.
type People struct {
	rules     *identity.Rules
	typ       map[schema.Anchor]string // of the identifiers that are known
	born      map[schema.Anchor]int    // in which order they became known
	evidence  map[schema.Anchor][]*Kept
	shared    map[schema.Anchor]bool
	retracted map[pair]bool
	declined  map[pair]bool
	splits    []*split
	refused   map[pair]string // why, when it was last recorded
	persons   map[schema.Anchor]*Set

	stories

	decided []Decision
	link    *schema.Link
}

// Set is a person, or threads that are one story: a set of anchors. Two anchors are in one set when they have the same
// pointer.
type Set struct{ Members []schema.Anchor }

// Kept is evidence that two identifiers belong together.
type Kept struct {
	A, B   schema.Anchor
	Manual bool // a user's word
	Held   bool // joins nobody: one end is a value that several may share
}

// Decision is what became of two identifiers by a link.
type Decision struct {
	A, B     schema.Anchor
	Decision schema.Decision
	Rule     string
}

// split is two sides that a user has split. They never have a person in common.
type split struct{ leave, stay map[schema.Anchor]bool }

// pair is two anchors, the lesser first.
type pair [2]schema.Anchor

func pairOf(a, b schema.Anchor) pair {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return pair{a, b}
}

// NewPeople makes the people of a workspace without links.
func NewPeople(rules *identity.Rules) *People {
	return &People{
		rules: rules, typ: map[schema.Anchor]string{}, born: map[schema.Anchor]int{}, evidence: map[schema.Anchor][]*Kept{}, shared: map[schema.Anchor]bool{},
		retracted: map[pair]bool{}, declined: map[pair]bool{}, refused: map[pair]string{}, persons: map[schema.Anchor]*Set{},
		stories: newStories(rules),
	}
}

// Apply takes in the next link.
func (p *People) Apply(l *schema.Link) {
	p.link, p.decided = l, nil
	a, b := l.A.Anchor, l.B.Anchor
	switch {
	case l.A.Anchor.IsZero():
		p.refuse("malformed")
	case l.Kind == schema.LinkVerified:
		if p.ends(l) {
			p.put(a, b, false)
		}
	case l.Kind == schema.LinkClaimed:
		p.claimed(a, b)
	case l.Kind == schema.LinkMerge:
		if p.ends(l) {
			p.merge(a, b)
		}
	case l.Kind == schema.LinkAccept:
		p.accept(l)
	case l.Kind == schema.LinkDecline:
		p.declined[pairOf(a, b)] = true
		p.decide(a, b, schema.Declined, p.ruleOfLink())
	case l.Kind == schema.LinkRetract:
		p.retract(a, b)
	case l.Kind == schema.LinkSplit:
		p.split(a, l.Nodes)
	case l.Kind == schema.LinkThread:
		p.writes(&l.A, &l.B)
	case l.Kind == schema.LinkThreads:
		if !p.tie(a, b) {
			p.refuse(p.maxThread())
		}
	case l.Kind == schema.LinkAnonymous:
		setOf(p.threads, a)
		p.used[a] = true
	default:
		p.refuse("malformed")
	}
}

// Decided is what became of the last link, in no order.
func (p *People) Decided() []Decision { return p.decided }

// Evidence yields what is kept, each pair from both of its ends.
func (p *People) Evidence(yield func(schema.Anchor, *Kept) bool) {
	for a, kept := range p.evidence {
		for _, k := range kept {
			if !yield(a, k) {
				return
			}
		}
	}
}

// Shared tells whether several persons were found to use the identifier.
func (p *People) Shared(a schema.Anchor) bool { return p.shared[a] }

// Anchors yields every identifier, and every thread that anchors touchpoints, with its person.
func (p *People) Anchors(yield func(schema.Anchor, *Set) bool) {
	for a := range p.typ {
		if !yield(a, p.personOf(a)) {
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
	if story, ok := p.threads[a]; ok {
		if owner, known := p.ownerOf(story); known {
			return p.personOf(owner)
		}
		return story
	}
	if _, known := p.typ[a]; !known {
		return nil
	}
	return p.personOf(a)
}

// ShareOf is whose conversations get what the customer writes in the thread: those of the story's owner.
func (p *People) ShareOf(customer, thread schema.Anchor) *Set {
	if _, wrote := p.wrote[thread][customer]; wrote {
		return p.PersonOf(thread)
	}
	return p.PersonOf(customer)
}

// personOf is everything that can be reached from the identifier along evidence that joins. It is remembered until the
// evidence changes.
func (p *People) personOf(a schema.Anchor) *Set {
	if p.persons[a] == nil {
		person := &Set{Members: p.reach(a, func(schema.Anchor) bool { return true })}
		for _, member := range person.Members {
			p.persons[member] = person
		}
	}
	return p.persons[a]
}

// reach is what can be reached from an identifier over those that are within, nearest first.
func (p *People) reach(from schema.Anchor, within func(schema.Anchor) bool) []schema.Anchor {
	reached, seen := []schema.Anchor{from}, map[schema.Anchor]bool{from: true}
	for i := 0; i < len(reached); i++ {
		for _, k := range p.evidence[reached[i]] {
			if other := k.other(reached[i]); !k.Held && !seen[other] && within(other) {
				seen[other] = true
				reached = append(reached, other)
			}
		}
	}
	return reached
}

func (k *Kept) other(a schema.Anchor) schema.Anchor {
	if k.A == a {
		return k.B
	}
	return k.A
}

// changed forgets the person of the identifier.
func (p *People) changed(a schema.Anchor) {
	if person := p.persons[a]; person != nil {
		for _, member := range person.Members {
			delete(p.persons, member)
		}
	}
}

func (p *People) find(a, b schema.Anchor) *Kept {
	for _, k := range p.evidence[a] {
		if k.other(a) == b {
			return k
		}
	}
	return nil
}

func (p *People) keep(k *Kept) {
	p.changed(k.A)
	p.changed(k.B)
	p.evidence[k.A] = append(p.evidence[k.A], k)
	p.evidence[k.B] = append(p.evidence[k.B], k)
}

func (p *People) forget(k *Kept) {
	p.changed(k.A)
	p.changed(k.B)
	for _, end := range []schema.Anchor{k.A, k.B} {
		p.evidence[end] = slices.DeleteFunc(p.evidence[end], func(other *Kept) bool { return other == k })
	}
}

func (p *People) undo(k *Kept, rule string) {
	p.forget(k)
	p.decide(k.A, k.B, schema.Undone, rule)
}

func (p *People) decide(a, b schema.Anchor, decision schema.Decision, rule string) {
	p.decided = append(p.decided, Decision{a, b, decision, rule})
}

// refuse records it once for the same two and the same reason in a row; what users say is answered each time.
func (p *People) refuse(rule string) {
	p.refuseOnce(pairOf(p.link.A.Anchor, p.link.B.Anchor), rule)
}

func (p *People) refuseOnce(of pair, rule string) {
	if p.refused[of] == rule && !p.link.Kind.Manual() {
		return
	}
	p.refused[of] = rule
	p.decide(p.link.A.Anchor, p.link.B.Anchor, schema.Refused, rule)
}

func (p *People) joined(a, b schema.Anchor) {
	delete(p.refused, pairOf(a, b))
	p.decide(a, b, schema.Joined, p.ruleOfLink())
}

func (p *People) ruleOfLink() string {
	if p.link.Rule == "" {
		return string(p.link.Kind)
	}
	return p.link.Rule
}

// ends makes the two identifiers known; false when the link was refused.
func (p *People) ends(l *schema.Link) bool {
	for _, n := range []*schema.Node{&l.A, &l.B} {
		if n.Type == schema.ThreadType || n.Anchor.IsZero() {
			p.refuse("malformed")
			return false
		}
	}
	if p.blocked(&l.A) || p.blocked(&l.B) {
		return false
	}
	if strings.HasPrefix(l.A.Type, "claimed:") || strings.HasPrefix(l.B.Type, "claimed:") {
		p.refuse("claimed")
		return false
	}
	p.know(&l.A)
	p.know(&l.B)
	return true
}

func (p *People) know(n *schema.Node) {
	if _, known := p.typ[n.Anchor]; !known {
		p.typ[n.Anchor], p.born[n.Anchor] = n.Type, len(p.born)
	}
}

// blocked refuses a value that means nobody in particular.
func (p *People) blocked(n *schema.Node) bool {
	if n.Type == schema.ThreadType {
		return false
	}
	pattern := p.rules.BlockedBy(n.Type, n.Value)
	if pattern == "" {
		return false
	}
	p.refuseOnce(pair{n.Anchor}, "blocked: "+pattern)
	return true
}

func (p *People) rank(a schema.Anchor) int {
	if i := slices.IndexFunc(p.rules.Types, func(t identity.Type) bool { return t.Name == p.typ[a] }); i >= 0 {
		return i
	}
	return len(p.rules.Types)
}

func (p *People) label(a schema.Anchor) string {
	if rank := p.rank(a); rank < len(p.rules.Types) {
		return p.typ[a]
	}
	return "unlisted"
}

func (p *People) share(a schema.Anchor) int {
	if rank := p.rank(a); rank < len(p.rules.Types) {
		return max(1, p.rules.Types[rank].Share)
	}
	return 1
}

func (p *People) maxIdentifiers() string {
	return fmt.Sprintf("max_identifiers: %d", p.rules.MaxIdentifiers)
}
