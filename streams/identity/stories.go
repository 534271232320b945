package identity

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// thread is a thread, and at the first of a story also the story: threads that are linked.
type thread struct {
	anchor identity.Anchor
	first  moment // at the story: of its owner's first touchpoint
	story  uint32 // the thread that names its story
	next   uint32 // ring of the story's threads
	edges  uint32 // 1 + the last edge; 0: none; with usedBit
	owner  uint32 // at the story: 1 + the customer who wrote first; 0: nobody known yet
	size   uint32 // at the story: its threads and edges
}

// usedBit marks a thread that anchors touchpoints of nobody known.
const usedBit = 1 << 31

func (t *thread) used() bool       { return t.edges&usedBit != 0 }
func (t *thread) lastEdge() uint32 { return t.edges &^ usedBit }

// moment is when a touchpoint was, and of those at one time which: its time and the first half of its key, in an order of
// their own. It is in four parts for want of room: with eight bytes in one each thread would take four more.
type moment [4]uint32

func momentOf(l *identity.Link) moment {
	time, key := uint64(l.Time)^1<<63, binary.BigEndian.Uint64(l.Key[:])
	return moment{uint32(time >> 32), uint32(time), uint32(key >> 32), uint32(key)}
}

func (m moment) before(o moment) bool { return slices.Compare(m[:], o[:]) < 0 }

// edge says that a customer wrote in a thread.
type edge struct {
	customer       uint32
	thread         uint32 // with movedBit
	nextOfThread   uint32 // 1 + index, as all heads and nexts
	nextOfCustomer uint32
}

// movedBit marks the edge of a participation that was moved. It is then moved again whenever the story is; one without
// follows its customer, who is then the owner's person too.
const movedBit = 1 << 31

func (e *edge) threadOf() uint32 { return e.thread &^ movedBit }
func (e *edge) moved() bool      { return e.thread&movedBit != 0 }

// fewEdges is how many edges of a thread are searched one by one; those of threads with more are also in a set.
const fewEdges = 8

// threadOf returns the thread of a node, made when it is new; false for an identifier.
func (r *Resolver) threadOf(n *identity.Node) (uint32, bool) {
	if n.Type != identity.ThreadType || n.Anchor.IsZero() {
		return 0, false
	}
	if known, ok := r.find(n.Anchor); ok {
		return known.at(), known.isThread()
	}
	i := r.threads.n
	r.threads.push(thread{anchor: n.Anchor, story: i, next: i, size: 1})
	r.remember(n.Anchor, threadRef|ref(i))
	return i, true
}

// storyPerson returns whose a story is: its owner's, or its own, named like its first thread.
func (r *Resolver) storyPerson(root uint32) identity.PersonID {
	t := r.threads.at(root)
	if t.owner == 0 {
		return t.anchor
	}
	return r.personOf(t.owner - 1)
}

// weigh adds to the weight of the person that owns the story.
func (r *Resolver) weigh(root uint32, by int) {
	if owner := r.threads.at(root).owner; owner != 0 {
		c := r.customers.at(r.customers.at(owner - 1).person)
		c.weight = uint32(int(c.weight) + by)
	}
}

// wrote takes in that a customer wrote in a thread.
func (r *Resolver) wrote(l *identity.Link) {
	if !r.full() {
		r.writes(&l.A, &l.B, l)
	}
}

// writes takes in that the one wrote in the other, at the link's time; false if it was refused.
func (r *Resolver) writes(customer, in *identity.Node, l *identity.Link) bool {
	ref, known := r.find(customer.Anchor)
	c, okA := ref.at(), known && r.isOpen(ref)
	if !okA {
		if r.blockedEnd(customer) {
			return false
		}
		c, okA = r.customerOf(customer)
	}
	t, okB := r.threadOf(in)
	if !okA || !okB {
		r.refuse(reasonMalformed, "malformed", "an identifier writes in a thread")
		return false
	}
	root := r.threads.at(t).story
	e, again := r.findEdge(c, t)
	if !again {
		if int(r.threads.at(root).size) >= r.rules.MaxThread {
			r.refuseThread()
			return false
		}
		e = r.addEdge(c, t, root)
	}
	if s, at := r.threads.at(root), momentOf(l); s.owner == 0 || at.before(s.first) {
		r.own(root, c, at)
	} else if !again {
		r.takePart(e, r.personOf(c), r.storyPerson(root))
	}
	return true
}

// own makes the customer the owner of a story.
func (r *Resolver) own(root, customer uint32, first moment) {
	from := r.storyPerson(root)
	size := int(r.threads.at(root).size)
	r.weigh(root, -size)
	s := r.threads.at(root)
	s.owner, s.first = customer+1, first
	r.weigh(root, size)
	if to := r.storyPerson(root); to != from {
		r.reassign(root, from, to)
	}
}

// reassign moves what is in a story from one person to another: its anonymous threads and those who take part.
func (r *Resolver) reassign(root uint32, from, to identity.PersonID) {
	for i := root; ; {
		t := r.threads.at(i)
		if t.used() {
			r.emit(identity.Move{Anchor: t.anchor, Home: t.anchor, From: from, Person: to, Type: identity.ThreadType, Value: r.valueOf(t.anchor)})
		}
		for e := t.lastEdge(); e != 0; e = r.edges.at(e - 1).nextOfThread {
			r.takePart(e-1, from, to)
		}
		if i = t.next; i == root {
			return
		}
	}
}

// takePart moves a customer's share of a story to the story's person, unless the customer is that person and always was.
func (r *Resolver) takePart(i uint32, from, to identity.PersonID) {
	e := r.edges.at(i)
	if !e.moved() && r.personOf(e.customer) == to {
		return
	}
	home, in := r.customers.at(e.customer).anchor, r.threads.at(e.threadOf()).anchor
	share := identity.ParticipationOf(home, in)
	if !e.moved() {
		r.shares = append(r.shares, share)
	}
	e.thread |= movedBit
	r.emit(identity.Move{
		Anchor: share, Home: home, Thread: in,
		From: from, Person: to, Type: ParticipationType, Value: r.valueOf(in),
	})
}

// ParticipationType is the Type of moves of participations; their Value is the thread's.
const ParticipationType = "participation"

// tied makes one story of the stories of two threads.
func (r *Resolver) tied(l *identity.Link) {
	if r.full() {
		return
	}
	a, okA := r.threadOf(&l.A)
	b, okB := r.threadOf(&l.B)
	if !okA || !okB {
		r.refuse(reasonMalformed, "malformed", "a threads link joins two threads")
		return
	}
	older, younger := r.threads.at(a).story, r.threads.at(b).story
	if older == younger {
		return
	}
	older, younger = min(older, younger), max(older, younger)
	sizeOlder, sizeYounger := r.threads.at(older).size, r.threads.at(younger).size
	if int(sizeOlder+sizeYounger) > r.rules.MaxThread {
		r.refuseThread()
		return
	}
	winner, loser := survivor(older, younger, sizeOlder, sizeYounger)
	r.tie(winner, loser)
}

// tie joins the loser's story to the winner's. Either side may change its person; each is moved while it is still apart.
func (r *Resolver) tie(winner, loser uint32) {
	w, l := r.threads.at(winner), r.threads.at(loser)
	fromW, fromL := r.storyPerson(winner), r.storyPerson(loser)
	to := fromW
	r.weigh(winner, -int(w.size))
	r.weigh(loser, -int(l.size))
	if l.owner != 0 && (w.owner == 0 || l.first.before(w.first)) {
		w.owner, w.first = l.owner, l.first
		to = fromL
	}
	if fromW != to {
		r.reassign(winner, fromW, to)
	}
	if fromL != to {
		r.reassign(loser, fromL, to)
	}
	for i := loser; ; {
		t := r.threads.at(i)
		t.story = winner
		if i = t.next; i == loser {
			break
		}
	}
	w.next, l.next = l.next, w.next
	w.size += l.size
	r.weigh(winner, int(w.size))
}

// anonymous takes in that a thread anchors touchpoints of nobody known.
func (r *Resolver) anonymous(l *identity.Link) {
	if r.full() {
		return
	}
	i, ok := r.threadOf(&l.A)
	if !ok {
		r.refuse(reasonMalformed, "malformed", "only a thread anchors touchpoints of nobody known")
		return
	}
	t := r.threads.at(i)
	if t.used() {
		return
	}
	t.edges |= usedBit
	if to := r.storyPerson(t.story); to != t.anchor {
		r.emit(identity.Move{Anchor: t.anchor, Home: t.anchor, From: t.anchor, Person: to, Type: identity.ThreadType, Value: l.A.Value})
	}
}

func (r *Resolver) refuseThread() {
	r.refuse(reasonThread, fmt.Sprintf("max_thread: %d", r.rules.MaxThread),
		fmt.Sprintf("one story would have more than %d threads and customers", r.rules.MaxThread))
}

func edgeKey(customer, thread uint32) uint64 { return uint64(customer)<<32 | uint64(thread) }

// findEdge returns the edge of a customer in a thread.
func (r *Resolver) findEdge(customer, thread uint32) (uint32, bool) {
	n := 0
	for e := r.threads.at(thread).lastEdge(); e != 0; e = r.edges.at(e - 1).nextOfThread {
		if r.edges.at(e-1).customer == customer {
			return e - 1, true
		}
		if n++; n == fewEdges {
			_, ok := r.crowded[edgeKey(customer, thread)]
			return 0, ok // nobody needs the place of an edge that is known
		}
	}
	return 0, false
}

// addEdge adds an edge that findEdge did not find.
func (r *Resolver) addEdge(customer, thread, root uint32) uint32 {
	e := r.edges.n
	t, c := r.threads.at(thread), r.customers.at(customer)
	r.edges.push(edge{customer: customer, thread: thread, nextOfThread: t.lastEdge(), nextOfCustomer: c.edges})
	t.edges, c.edges = e+1|t.edges&usedBit, e+1
	r.threads.at(root).size++
	r.weigh(root, 1)
	r.customers.at(c.person).weight++

	// With its ninth edge the thread's first ones leave the reach of the search; all of them go into the set.
	n := 0
	for i := t.lastEdge(); i != 0 && n <= fewEdges+1; i = r.edges.at(i - 1).nextOfThread {
		n++
	}
	switch {
	case n == fewEdges+1:
		for i := t.lastEdge(); i != 0; i = r.edges.at(i - 1).nextOfThread {
			r.crowded[edgeKey(r.edges.at(i-1).customer, thread)] = struct{}{}
		}
	case n > fewEdges+1:
		r.crowded[edgeKey(customer, thread)] = struct{}{}
	}
	return e
}
