package conversation

import (
	"slices"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Conversations with a contact about one topic are a chain, in the order of their first stubs: each knows the next, for whether the customer came
// back is the one thing that a row says of another conversation.

// about takes in what a speaking stub, the newest of the conversation, says of it.
func (t *tables) about(c *conv, s *stub) {
	if topic := t.labels.values[s.label].topic; topic != 0 {
		c.topic = topic
	}
	switch t.effect(s) {
	case registry.Message, registry.Reopen, registry.Started, registry.Missed:
		c.contact = c.contact || t.acts.values[s.act].direction == touchpoint.Inbound
	}
}

// namesTopic tells whether one of the stubs says what the conversation is about.
func (t *tables) namesTopic(stubs []stub, conv uint32) bool {
	return slices.ContainsFunc(stubs, func(s stub) bool {
		return s.conv == conv && t.speaks(&s) && t.labels.values[s.label].topic != 0
	})
}

// nextContact is when the next of the chain began; 0 for none.
func (p *person) nextContact(c *conv) int64 {
	if c.next == none {
		return 0
	}
	return p.stubs[p.convs[c.next].first].time
}

// relink puts a conversation where it belongs now in the chains, and touches those before it there that have another next.
func (h *Homes) relink(p *person, at uint32, was *conv) {
	c := &p.convs[at]
	if c.contact == was.contact && (c.topic == was.topic || !c.contact) {
		return
	}
	if was.contact {
		if before := p.previous(at, was.topic); before != none {
			p.convs[before].next = c.next
			h.touch(p).name(&p.stubs[p.convs[before].first])
		}
		c.next = none
	}
	if !c.contact {
		return
	}
	before := p.previous(at, c.topic)
	if before == none {
		c.next = p.following(at)
		return
	}
	c.next, p.convs[before].next = p.convs[before].next, at
	h.touch(p).name(&p.stubs[p.convs[before].first])
}

// previous finds the last conversation before one with a contact about the topic.
func (p *person) previous(of, topic uint32) uint32 {
	last, found := len(p.convs), none
	if !p.scattered {
		last = int(of)
	}
	for i := last - 1; i >= 0; i-- {
		c := &p.convs[i]
		if c.topic != topic || !c.contact || c.first >= p.convs[of].first || found != none && c.first < p.convs[found].first {
			continue
		}
		if found = uint32(i); !p.scattered {
			break
		}
	}
	return found
}

// following finds the first conversation after one with a contact about its topic.
func (p *person) following(of uint32) uint32 {
	first, found := 0, none
	if !p.scattered {
		first = int(of) + 1
	}
	for i := first; i < len(p.convs); i++ {
		c := &p.convs[i]
		if c.topic != p.convs[of].topic || !c.contact || c.first <= p.convs[of].first || found != none && c.first > p.convs[found].first {
			continue
		}
		if found = uint32(i); !p.scattered {
			break
		}
	}
	return found
}

// manyTopics are more than nearly everybody's conversations have.
const manyTopics = 1 << 10

// link makes the chains of all conversations anew.
func (h *Homes) link(p *person) {
	byFirst := func(a, b uint32) int { return int(p.convs[a].first) - int(p.convs[b].first) }
	order := h.live[:0]
	for i := range p.convs {
		order = append(order, uint32(i))
	}
	if p.scattered = !slices.IsSortedFunc(order, byFirst); p.scattered {
		slices.SortFunc(order, byFirst)
	}
	for _, i := range slices.Backward(order) {
		c := &p.convs[i]
		c.next = none
		if !c.contact {
			continue
		}
		if next, found := h.topics[c.topic]; found {
			c.next = next
		}
		h.topics[c.topic] = i
	}
	h.live = order
	if len(h.topics) > manyTopics {
		h.topics = map[uint32]uint32{} // to clear one takes as long as it has room, ever after
	}
	clear(h.topics)
}
