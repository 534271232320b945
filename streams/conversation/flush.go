package conversation

import (
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Output takes what a flush gives out. What it is called with is valid during the call only.
type Output interface {
	// Message is a record for touchpoints.by-person, in the order in which it must be sent.
	Message(*Routed)
	// Conversation is a row that is new, has changed, or is no conversation any more.
	Conversation(*conversation.Conversation)
	// Member says which conversation a touchpoint belongs to now.
	Member(*conversation.Member)
}

// Flush gives out all that has changed since the last Flush, each row once, as of now.
func (h *Homes) Flush(out Output) {
	for i := range h.outbox {
		out.Message(&h.outbox[i])
	}
	for _, p := range h.dirty {
		h.flushNames(p, p.touched, out)
		h.flushMembers(p, p.touched, out)
	}
	h.Discard()
}

// Discard forgets what has changed since the last Flush: for a state that is restored, whose changes an earlier owner has
// written down.
func (h *Homes) Discard() {
	clear(h.outbox)
	h.outbox = h.outbox[:0]
	for _, p := range h.dirty {
		t := p.touched
		p.touched = nil
		t.names, t.members, t.gone = t.names[:0], t.members[:0], t.gone[:0]
		if len(h.spare) < maxSpare && cap(t.names) < 64 && cap(t.members) < 64 {
			h.spare = append(h.spare, t)
		}
	}
	clear(h.dirty)
	h.dirty = h.dirty[:0]
}

// maxSpare bounds the notes kept for reuse.
const maxSpare = 1 << 14

// flushNames gives out a row for every conversation that was touched, and for every name that was lost.
func (h *Homes) flushNames(p *person, t *touched, out Output) {
	slices.SortStableFunc(t.names, func(a, b name) int { return a.place.compare(b.place) })
	live := h.live[:0]
	for i := 0; i < len(t.names); {
		n := &t.names[i]
		var lost *name
		for ; i < len(t.names) && t.names[i].key == n.key; i++ {
			if t.names[i].lost {
				lost = &t.names[i]
			}
		}
		at, found := p.find(n.place)
		if found && p.names(at) {
			live = append(live, p.stubs[at].conv)
			continue
		}
		if lost == nil {
			continue
		}
		hop := lost.hop
		if found {
			hop = h.hopOf(p, &p.stubs[at])
		}
		h.row = conversation.Conversation{
			Workspace: h.names.values[p.workspace], ID: n.key, Version: conversation.VersionOf(hop, p.changes), Person: h.anchors.values[p.id],
			Anchor: h.anchors.values[n.anchor], State: conversation.Gone, First: n.time, Last: n.time, Channels: h.row.Channels[:0],
		}
		if lost.successor != (touchpoint.Key{}) {
			h.row.State, h.row.SupersededBy = conversation.Superseded, lost.successor
		}
		out.Conversation(&h.row)
	}
	h.live = live
	h.flushLive(p, live, out)
}

// names tells whether the stub at the place names its conversation.
func (p *person) names(at int) bool {
	c := p.stubs[at].conv
	return c != none && int(p.convs[c].first) == at
}

// flushMembers gives out where every touched stub belongs.
func (h *Homes) flushMembers(p *person, t *touched, out Output) {
	slices.SortFunc(t.members, func(a, b place) int { return a.compare(b) })
	slices.SortStableFunc(t.gone, func(a, b gone) int { return a.place().compare(b.place()) })
	for i, m := range t.members {
		if i > 0 && t.members[i-1] == m {
			continue
		}
		v := &h.member
		v.Conversation, v.Person = conversation.ID{}, h.anchors.values[p.id]
		var s *stub
		var hop uint32
		if at, found := p.find(m); found {
			s = &p.stubs[at]
			hop = h.hopOf(p, s)
			if s.conv != none {
				v.Conversation = p.nameOf(s.conv)
			}
		} else {
			left := t.left(m)
			s, hop = &left.stub, left.hop
		}
		v.Version = conversation.VersionOf(hop, p.changes)
		h.expand(s, h.names.values[p.workspace], h.anchors.values[s.anchor], &v.Stub)
		out.Member(v)
	}
}
