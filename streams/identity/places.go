package identity

import (
	"iter"

	"github.com/throughline/throughline/schemas/identity"
)

// Place says where an anchor belongs.
type Place struct {
	Anchor identity.Anchor
	Home   identity.Anchor // Anchor itself, or of a participation the participant
	Thread identity.Anchor // of a participation, else zero
	Person identity.PersonID
	Type   string // of the anchor's node; empty where no rule names it
}

// All yields the place of everything that has moved or could: identifiers, threads that anchor touchpoints, and
// participations that were moved, which go with their threads from then on. Who applied all moves knows the same. The
// resolver must not change meanwhile.
func (r *Resolver) All() iter.Seq[Place] {
	return func(yield func(Place) bool) {
		for i := range r.customers.n {
			c := r.customers.at(i)
			if !yield(Place{Anchor: c.anchor, Home: c.anchor, Person: r.personOf(i), Type: r.typeName(c.typ)}) {
				return
			}
		}
		for i := range r.threads.n {
			t := r.threads.at(i)
			if t.used() && !yield(Place{Anchor: t.anchor, Home: t.anchor, Person: r.storyPerson(t.story), Type: identity.ThreadType}) {
				return
			}
		}
		for i := range r.edges.n {
			e := r.edges.at(i)
			if !e.moved() {
				continue
			}
			home, in := r.customers.at(e.customer).anchor, r.threads.at(e.threadOf())
			if !yield(Place{
				Anchor: identity.ParticipationOf(home, in.anchor), Home: home, Thread: in.anchor,
				Person: r.storyPerson(in.story), Type: ParticipationType,
			}) {
				return
			}
		}
	}
}

// Inherit makes the resolver, which has seen the same links under other rules, follow the one before it: a participation
// that was moved goes with its thread from then on, also where it would never have moved by the rules of this one.
// Otherwise nobody would move it when its customer moves.
func (r *Resolver) Inherit(before *Resolver) {
	moved := map[identity.Anchor]bool{}
	for i := range before.threads.n {
		t := before.threads.at(i)
		clear(moved)
		for e := t.lastEdge(); e != 0; e = before.edges.at(e - 1).nextOfThread {
			if edge := before.edges.at(e - 1); edge.moved() {
				moved[before.customers.at(edge.customer).anchor] = true
			}
		}
		if len(moved) == 0 {
			continue
		}
		thread, _ := r.threadOf(&identity.Node{Anchor: t.anchor, Type: identity.ThreadType})
		for e := r.threads.at(thread).lastEdge(); e != 0; e = r.edges.at(e - 1).nextOfThread {
			edge := r.edges.at(e - 1)
			if home := r.customers.at(edge.customer).anchor; moved[home] {
				edge.thread |= movedBit
				delete(moved, home)
			}
		}
		// What is left had a place in the story before and has none by a smaller max_thread: it keeps it.
		for e := t.lastEdge(); e != 0 && len(moved) > 0; e = before.edges.at(e - 1).nextOfThread {
			c := before.customers.at(before.edges.at(e - 1).customer)
			if !moved[c.anchor] {
				continue
			}
			delete(moved, c.anchor)
			_, known := r.find(c.anchor)
			customer, _ := r.customerOf(&identity.Node{Anchor: c.anchor, Type: before.typeName(c.typ)})
			if !known { // though all links are: so its value is blocked now
				r.customers.at(customer).flags |= flagBlocked
			}
			r.edges.at(r.addEdge(customer, thread, r.threads.at(thread).story)).thread |= movedBit
		}
	}
}

// Between says what holds two identifiers together directly: Joined or Held evidence, or nothing, "".
func (r *Resolver) Between(a, b identity.Anchor) identity.Decision {
	na, okA := r.find(a)
	nb, okB := r.find(b)
	if !okA || !okB || na.isThread() || nb.isThread() || !r.findPair(na.at(), nb.at()) {
		return ""
	}
	if r.pairs.at(r.thePair(na.at(), nb.at())).held() {
		return identity.Held
	}
	return identity.Joined
}

// Tie is evidence that is kept: two identifiers, Joined by it or the one Held by the other. Values of nodes are not kept.
type Tie struct {
	A, B     identity.Node
	Decision identity.Decision
}

// Ties yields all evidence that is in force, each pair once. The resolver must not change meanwhile.
func (r *Resolver) Ties() iter.Seq[Tie] {
	return func(yield func(Tie) bool) {
		for i := range r.pairs.n {
			p := r.pairs.at(i)
			if p.undone() {
				continue
			}
			a, b := p.ends()
			t := Tie{A: r.unnamed(a), B: r.unnamed(b), Decision: identity.Joined}
			if p.held() {
				t.Decision = identity.Held
			}
			if !yield(t) {
				return
			}
		}
	}
}

// Shared yields the identifiers that were found to be used by several persons.
func (r *Resolver) Shared() iter.Seq[identity.Node] {
	return func(yield func(identity.Node) bool) {
		for i := range r.customers.n {
			if r.customers.at(i).flags&flagShared != 0 && !yield(r.unnamed(i)) {
				return
			}
		}
	}
}

// IsShared tells whether the identifier is one of Shared.
func (r *Resolver) IsShared(a identity.Anchor) bool {
	n, ok := r.find(a)
	return ok && !n.isThread() && r.customers.at(n.at()).flags&flagShared != 0
}

func (r *Resolver) unnamed(c uint32) identity.Node {
	at := r.customers.at(c)
	return identity.Node{Anchor: at.anchor, Type: r.typeName(at.typ)}
}
