package identity

import (
	"fmt"
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// A user's word stands above evidence. Each act is answered with at least one decision at its version, also when it changes
// nothing, since somebody waits for it.

// merge makes one person of two, whatever the rules say of types and sharing, evidence to the contrary and splits; but nobody
// becomes larger than a person can be.
func (r *Resolver) merge(l *identity.Link) {
	if r.full() {
		return
	}
	a, b, ok := r.ends(l)
	if !ok {
		return
	}
	if a == b {
		r.refuse(reasonMalformed, "malformed", "it is one identifier")
		return
	}
	personA, personB := r.customers.at(a).person, r.customers.at(b).person
	if personA != personB && r.refuseSize(personA, personB) {
		return
	}
	r.allow()
	if r.findPair(a, b) {
		i := r.thePair(a, b)
		if !r.pairs.at(i).held() {
			r.confirm(a, b)
			return
		}
		r.forget([]uint32{i})
	}
	if personA == personB {
		r.repeat(a, b, true)
		return
	}
	r.lift(personA, personB)
	r.brokenType(personA, personB) // counts both
	r.join(personA, personB)
	r.keep(a, b, true)
}

// allow takes back what users have said against the pair.
func (r *Resolver) allow() {
	delete(r.retracted, r.linkPair())
	delete(r.declined, r.linkPair())
}

// confirm marks evidence that is kept as a user's word. What is only held stays so.
func (r *Resolver) confirm(a, b uint32) {
	p := r.pairs.at(r.thePair(a, b))
	if p.held() {
		value, _ := r.valueToShare(a, b)
		r.decide(r.nodeOf(a), r.nodeOf(b), identity.Held, r.shareRule(r.customers.at(value).typ), "")
		return
	}
	p.a |= manualBit
	r.joined(a, b)
}

// accept takes a suggestion for evidence, as if it had been verified at first, and keeps it from giving way. Who is said to have
// written in a thread wrote there.
func (r *Resolver) accept(l *identity.Link) {
	if r.full() {
		return
	}
	thread, customer := &l.A, &l.B
	if customer.Type == identity.ThreadType {
		thread, customer = customer, thread
	}
	if thread.Type == identity.ThreadType {
		r.allow()
		if r.writes(customer, thread, l) {
			r.isKept()
			r.decide(l.A, l.B, identity.Joined, r.ruleOfLink(), "")
		}
		return
	}
	a, b, ok := r.ends(l)
	if !ok {
		return
	}
	r.allow()
	r.put(a, b, true)
}

// decline remembers that a suggestion is not so.
func (r *Resolver) decline(l *identity.Link) {
	if l.B.Anchor.IsZero() {
		r.refuse(reasonMalformed, "malformed", "a suggestion has two ends")
		return
	}
	r.declined[r.linkPair()] = struct{}{}
	r.decide(l.A, l.B, identity.Declined, r.ruleOfLink(), "")
}

// retract forgets the evidence for a pair, and whatever comes for it later.
func (r *Resolver) retract(l *identity.Link) {
	if l.B.Anchor.IsZero() || l.A.Type == identity.ThreadType || l.B.Type == identity.ThreadType {
		r.refuse(reasonMalformed, "malformed", "what is retracted is about two identifiers, and no threads")
		return
	}
	r.retracted[r.linkPair()] = struct{}{}
	a, okA := r.knownCustomer(l.A.Anchor)
	b, okB := r.knownCustomer(l.B.Anchor)
	if !okA || !okB || !r.findPair(a, b) {
		r.refuse(reasonRetracted, "retracted", "nothing was kept for the two; what comes will be refused")
		return
	}
	i := r.thePair(a, b)
	held := r.pairs.at(i).held()
	r.undo([]uint32{i}, "retracted", "")
	if !held {
		r.part(r.customers.at(a).person)
	}
}

// split lets the identifiers leave the person together, and keeps the two sides apart from then on.
func (r *Resolver) split(l *identity.Link) {
	a, ok := r.knownCustomer(l.A.Anchor)
	if !ok {
		r.refuse(reasonMalformed, "malformed", "nobody is known by the identifier")
		return
	}
	r.named = make(map[identity.Anchor]string, len(l.Nodes))
	person, leaves := r.customers.at(a).person, map[uint32]struct{}{}
	for i := range l.Nodes {
		n := &l.Nodes[i]
		if c, ok := r.knownCustomer(n.Anchor); ok && r.customers.at(c).person == person {
			leaves[c] = struct{}{}
			r.named[n.Anchor] = n.Value
		}
	}
	size := int(r.customers.at(person).size)
	if len(leaves) == 0 || len(leaves) == size {
		r.refuse(reasonMalformed, "malformed", fmt.Sprintf("%d of the person's %d identifiers would leave, want some and not all", len(leaves), size))
		return
	}
	r.raise(person, leaves)
	r.cut(person, leaves)
	r.tieTogether(person, leaves)
	r.part(person)
}

// cut undoes and retracts the evidence between those who leave and the rest.
func (r *Resolver) cut(person uint32, leaves map[uint32]struct{}) {
	var crossing []uint32
	for c := range r.members(person) {
		if _, ok := leaves[c]; !ok {
			continue
		}
		for i, p := range r.pairsOf(c) {
			other := p.other(c)
			if _, too := leaves[other]; too || p.held() {
				continue
			}
			crossing = append(crossing, i)
			r.retracted[pairOf(r.customers.at(c).anchor, r.customers.at(other).anchor)] = struct{}{}
		}
	}
	r.undo(crossing, "split", "")
}

// tieTogether lets those who leave do so as one person, whatever held them together before.
func (r *Resolver) tieTogether(person uint32, leaves map[uint32]struct{}) {
	var oldest []uint32 // of each part
	r.parents = emptied(r.parents)
	for c := range r.members(person) {
		if _, ok := leaves[c]; !ok {
			continue
		}
		if _, seen := r.parents[c]; !seen {
			oldest = append(oldest, slices.Min(r.reach(c)))
		}
	}
	slices.Sort(oldest)
	for _, c := range oldest[1:] {
		first := oldest[0]
		delete(r.retracted, pairOf(r.customers.at(first).anchor, r.customers.at(c).anchor))
		if r.findPair(first, c) { // held, or they would hang together
			r.forget([]uint32{r.thePair(first, c)})
		}
		r.addPair(first, c, true, false, 0)
		if crowd := r.crowds[person]; crowd != nil {
			crowd.pairs++
		}
		r.decide(r.nodeOf(first), r.nodeOf(c), identity.Joined, "split", "those who leave are one person")
	}
}
