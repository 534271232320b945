package conversation

import (
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
)

// DefaultWindow is how long after its latest touchpoint a conversation is continued by one without a thread.
const DefaultWindow = 72 * time.Hour

// Bounds of one adopt message.
const (
	maxAdoptStubs = 500
	maxAdoptBytes = 256 << 10
)

// Homes is the state of one partition of touchpoints.by-person. It is not safe for concurrent use.
//
// A stub arrives at the home of its anchor. As long as the anchor has not moved, the home's own person, whose id is the
// anchor, has it. Once the anchor belongs to somebody else, the home keeps its stubs and gives them on: those it had with
// the move, later ones as they come, each time as an adopt message to the new person; with a drop message it takes
// them from the one who had them before. A participation moves in the same way the part of the anchor's stubs that carry
// a thread: of several that apply to a stub the latest decides, and any of them before the anchor's own move.
//
// A home numbers the moves it takes (hops). What it sends depends on its log alone, record by record, so that a home
// that is restored, or two at once, send the same messages in the same order, perhaps some of them again. A person keeps
// the highest hop it has heard of per (anchor, thread), with whether it was given or taken: that, and not the order of
// the messages, decides what is in its set.
type Homes struct {
	tables
	window int64

	anchors interner[identity.Anchor] // those of nodes
	nodes   []node

	dirty  []*person
	outbox []Routed

	folds    map[foldKey]*fold
	longFold uint32
	stats    Stats

	// Scratch.
	was     []int32
	nexts   []int64 // of the stubs that named a conversation before, its next contact
	topics  map[uint32]uint32
	groups  groups
	lead    []uint32
	claim   []claim
	spare   []*touched
	live    []uint32
	working []*fold
	idle    []*fold
	row     conversation.Conversation
	member  conversation.Member
}

// node is an anchor or a person, or both.
type node struct {
	person *person
	moved  *moved
}

// moved is the home of an anchor that has moved, as a whole or in part.
type moved struct {
	hop   uint32
	own   *assignment // nil: only parts have moved
	parts []assignment
	stubs []stub // given away, in their order
}

// assignment says whom an anchor, or the part of it that carries a thread, belongs to.
type assignment struct {
	thread  uint32 // 0: the anchor
	hop     uint32
	version uint64
	person  identity.PersonID
}

// Routed is a message to a home, whose key is the person's (or anchor's) id.
type Routed struct {
	Key     identity.Anchor
	Message conversation.Message
}

// Stats counts what is in memory, and what was ignored.
type Stats struct {
	Persons    int
	Stubs      int // of persons
	Kept       int // of anchors that moved, so that they can move again
	Repeated   uint64
	Regrouped  uint64 // how often a person's conversations were computed anew, and not only continued
	Overlooked uint64 // moves and drops that said nothing new
}

// NewHomes returns an empty partition. A window of 0 means DefaultWindow.
func NewHomes(r *registry.Registry, window time.Duration) *Homes {
	if window == 0 {
		window = DefaultWindow
	}
	return &Homes{
		tables: newTables(r), window: window.Milliseconds(), anchors: newInterner[identity.Anchor](), nodes: make([]node, 1),
		folds: map[foldKey]*fold{}, longFold: longFold, topics: map[uint32]uint32{},
		row: conversation.Conversation{Channels: []string{}}, // an empty list on the log, never null
	}
}

// Stats returns the counts as of now.
func (h *Homes) Stats() Stats { return h.stats }

// Apply takes in the next record of the partition. It keeps nothing of m.
func (h *Homes) Apply(m *conversation.Message) {
	switch {
	case m.Stub != nil:
		h.applyStub(m.Stub)
	case m.Moved != nil:
		h.applyMoved(m.Moved)
	case m.Adopt != nil:
		h.applyAdopt(m.Adopt)
	case m.Drop != nil:
		h.applyDrop(m.Drop)
	}
}

func (h *Homes) node(a identity.Anchor) uint32 {
	n, fresh := h.anchors.number(a)
	if fresh {
		h.nodes = append(grow(h.nodes), node{})
	}
	return n
}

func (h *Homes) person(id identity.PersonID, workspace string) *person {
	n := h.node(id)
	if h.nodes[n].person == nil {
		h.nodes[n].person = &person{id: n, workspace: h.name(workspace)}
		h.stats.Persons++
	}
	return h.nodes[n].person
}

func (h *Homes) applyStub(v *conversation.Stub) {
	n := h.node(v.Anchor)
	s := h.compact(v, n)
	home := h.nodes[n].moved
	to := home.assigned(h, &s)
	if to == nil {
		if h.add(h.person(v.Anchor, v.Workspace), &s) {
			h.stats.Stubs++
		} else {
			h.stats.Repeated++
		}
		return
	}
	if !home.keep(&s) {
		h.stats.Repeated++
		return
	}
	h.stats.Kept++
	h.give(v.Workspace, v.Anchor, to, []stub{s})
}

// assigned is the assignment that decides about a stub of the home, nil if it is the home's own person's.
func (m *moved) assigned(h *Homes, s *stub) *assignment {
	if m == nil {
		return nil
	}
	to := m.own
	var latest uint32
	for i := range m.parts {
		if a := &m.parts[i]; a.hop > latest && h.carries(s, a.thread) {
			to, latest = a, a.hop
		}
	}
	return to
}

// keep puts a stub among those that were given away, and reports whether it was new.
func (m *moved) keep(s *stub) bool {
	at, found := slices.BinarySearchFunc(m.stubs, s, func(a stub, s *stub) int { return a.place().compare(s.place()) })
	if found {
		return false
	}
	m.stubs = slices.Insert(grow(m.stubs), at, *s)
	m.stubs[at].conv = none
	return true
}

func (h *Homes) applyMoved(v *conversation.Moved) {
	n := h.node(v.Home)
	home := h.nodes[n].moved
	if home == nil {
		home = &moved{}
		h.nodes[n].moved = home
	}
	thread := h.threadNumber(v.Thread)
	before := home.find(thread)
	if before != nil && v.Version <= before.version {
		h.stats.Overlooked++
		return
	}
	home.hop++
	to := assignment{thread: thread, hop: home.hop, version: v.Version, person: v.Person}

	// Who has the stubs that move now, each of them by the assignment that decided until now.
	var had []identity.PersonID
	leaves := func(a *assignment) {
		if a != nil && a.person != to.person && !slices.Contains(had, a.person) {
			had = append(had, a.person)
		}
	}
	var moving []stub
	for i := range home.stubs {
		s := &home.stubs[i]
		if a := home.assigned(h, s); a == home.own && thread == 0 || thread != 0 && h.carries(s, thread) {
			leaves(a)
			moving = append(moving, *s)
		}
	}
	leaves(before)
	if p := h.nodes[n].person; p != nil {
		direct := h.remove(p, nil, func(s *stub) bool {
			return s.anchor == n && h.governing(p, s) == nil && (thread == 0 || h.carries(s, thread))
		})
		h.stats.Stubs -= len(direct)
		for i := range direct {
			if home.keep(&direct[i]) {
				h.stats.Kept++
			}
		}
		moving = append(moving, direct...)
		if thread == 0 && before == nil {
			h.firstMove(p, n, &to)
		}
	}

	if before != nil {
		*before = to
	} else if thread == 0 {
		home.own = &to
	} else {
		home.parts = append(home.parts, to)
	}
	h.give(v.Workspace, v.Home, &to, moving)
	for _, person := range had {
		h.send(person, conversation.Message{Drop: &conversation.Drop{
			Workspace: v.Workspace, Person: person, Anchor: v.Home, Thread: v.Thread, Hop: to.hop,
		}})
	}
}

// firstMove tells the home's own person that the anchor it is named after has moved. Later moves reach it as messages,
// behind those that are still on their way; now nothing can be, since nobody has given it the anchor yet.
func (h *Homes) firstMove(p *person, anchor uint32, to *assignment) {
	if len(p.stubs) == 0 && len(p.registers) == 0 {
		// Nothing will come to it but what homes give it, under higher hops: its count of changes may begin anew.
		h.nodes[anchor].person = nil
		h.stats.Persons--
		return
	}
	h.hear(p, anchor, 0, to.hop, to.person == h.anchors.values[p.id])
}

func (m *moved) find(thread uint32) *assignment {
	if thread == 0 {
		return m.own
	}
	for i := range m.parts {
		if m.parts[i].thread == thread {
			return &m.parts[i]
		}
	}
	return nil
}

// threadNumber is the number of a thread known by its anchor only; 0 for none.
func (h *Homes) threadNumber(a identity.Anchor) uint32 {
	if a.IsZero() {
		return 0
	}
	return h.thread(conversation.Thread{Anchor: a})
}

// give sends stubs of an anchor to the person they belong to now: at least one message, so that the person knows.
func (h *Homes) give(workspace string, anchor identity.Anchor, to *assignment, stubs []stub) {
	for first := true; first || len(stubs) > 0; first = false {
		m := &conversation.Adopt{Workspace: workspace, Person: to.person, Anchor: anchor, Hop: to.hop}
		if to.thread != 0 {
			m.Thread = h.threads.values[to.thread]
		}
		size := 0
		for len(stubs) > 0 && len(m.Stubs) < maxAdoptStubs {
			var s conversation.Stub
			h.expand(&stubs[0], workspace, anchor, &s)
			if size += s.Size(); size > maxAdoptBytes && len(m.Stubs) > 0 {
				break
			}
			m.Stubs = append(m.Stubs, s)
			stubs = stubs[1:]
		}
		h.send(to.person, conversation.Message{Adopt: m})
	}
}

func (h *Homes) send(key identity.Anchor, m conversation.Message) {
	h.outbox = append(h.outbox, Routed{Key: key, Message: m})
}

func (h *Homes) applyAdopt(v *conversation.Adopt) {
	p := h.person(v.Person, v.Workspace)
	n, thread := h.node(v.Anchor), h.threadNumber(v.Thread)
	if at, found := p.register(n, thread); found && v.Hop < p.registers[at].hop {
		// Said again by an owner that was replaced. The stubs have been here; what was said since stands.
		h.stats.Overlooked++
		return
	}
	h.hear(p, n, thread, v.Hop, true)
	stubs := make([]stub, 0, len(v.Stubs))
	for i := range v.Stubs {
		s := h.compact(&v.Stubs[i], n)
		if r := h.governing(p, &s); r != nil && r.present {
			stubs = append(stubs, s)
		}
	}
	added := h.addAll(p, stubs)
	h.stats.Stubs += added
	h.stats.Repeated += uint64(len(v.Stubs) - added)
}

func (h *Homes) applyDrop(v *conversation.Drop) {
	p, anchor := h.person(v.Person, v.Workspace), h.node(v.Anchor)
	hops := h.hops(p)
	if !h.hear(p, anchor, h.threadNumber(v.Thread), v.Hop, false) {
		h.stats.Overlooked++
		return
	}
	out := h.remove(p, hops, func(s *stub) bool {
		if s.anchor != anchor {
			return false
		}
		r := h.governing(p, s)
		return r != nil && !r.present
	})
	h.stats.Stubs -= len(out)
}
