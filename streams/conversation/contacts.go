package conversation

import (
	"slices"
	"sort"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Whether the customer came back about the topic is the one thing that a row says of other conversations: each has the place of the word that says
// so. It costs little to keep up, because of each topic only the conversation with the latest first contact can have none: that first contact is the next of those
// before it at the latest. So a new word can only be that one's, and what is said late is looked for among few.

// Parts of conv.next: 1 + the place of the next contact, 0 for none, and whether the conversation is settled.
const (
	isSettled = uint32(1) << 31
	isNext    = isSettled - 1
)

// settled tells whether the conversation is settled after the last of its stubs.
func (c *conv) settled() bool { return c.next&isSettled != 0 }

func (c *conv) settle(is bool) {
	if c.next &^= isSettled; is {
		c.next |= isSettled
	}
}

// comesBack returns the place of the next contact, or none.
func (c *conv) comesBack() uint32 { return c.next&isNext - 1 }

func (c *conv) setNext(at uint32) { c.next = c.next&isSettled | (at+1)&isNext }

// nextContact is when the customer got in touch again; 0 for never.
func (p *person) nextContact(c *conv) int64 {
	if at := c.comesBack(); at != none {
		return p.stubs[at].time
	}
	return 0
}

// take brings a conversation up to its newest stub, the speaking one at the place, and tells whether the customer speaks in it.
func (h *Homes) take(p *person, at int) (asks bool) {
	s := &p.stubs[at]
	c := &p.convs[s.conv]
	if topic := h.labels.values[s.label].topic; topic != 0 {
		c.topic = topic
	}
	s.settled = settled(c.settled(), h.effect(s), h.acts.values[s.act].direction)
	c.settle(s.settled)
	p.settles = p.settles || s.settled
	if asks = h.asks(s); asks && c.asked == none {
		c.asked = uint32(at)
	}
	return asks
}

// asks tells whether the stub is a word of the customer to us.
func (t *tables) asks(s *stub) bool {
	switch t.effect(s) {
	case registry.Message, registry.Reopen, registry.Started, registry.Missed:
		return t.acts.values[s.act].direction == touchpoint.Inbound
	}
	return false
}

// namesTopic tells whether one of the stubs says what the conversation is about.
func (t *tables) namesTopic(stubs []stub, conv uint32) bool {
	return slices.ContainsFunc(stubs, func(s stub) bool {
		return s.conv == conv && t.speaks(&s) && t.labels.values[s.label].topic != 0
	})
}

// unordered says of person.lag that convs are not in the order of their first stubs, or that it is more.
const unordered = 1<<16 - 1

// lags takes in that a conversation has its first contact so many places behind its first stub.
func (p *person) lags(by uint32) { p.lag = uint16(max(uint32(p.lag), min(by, unordered))) }

// ended tells whether this conversation and all listed before it have their first contact, if any, before the place.
func (p *person) ended(c *conv, place uint32) bool {
	return p.lag != unordered && c.first+uint32(p.lag) < place
}

// begun tells whether this conversation and all listed after it have their first contact, if any, not before the place.
func (p *person) begun(c *conv, place uint32) bool { return p.lag != unordered && c.first >= place }

// since is where in the list those begin that may have their first contact at the place or later.
func (p *person) since(place uint32) int {
	if p.lag == unordered {
		return 0
	}
	return sort.Search(len(p.convs), func(i int) bool { return !p.ended(&p.convs[i], place) })
}

// until is where in the list those end that may have it before.
func (p *person) until(place uint32) int {
	if p.lag == unordered {
		return len(p.convs)
	}
	return sort.Search(len(p.convs), func(i int) bool { return p.begun(&p.convs[i], place) })
}

// latestBefore is, of the conversations about the topic with a first contact before the place, the one whose is the latest; none if there is none.
func (p *person) latestBefore(place, topic uint32) uint32 {
	found, at := none, uint32(0)
	for i := p.until(place) - 1; i >= 0; i-- {
		switch c := &p.convs[i]; {
		case found != none && p.ended(c, at):
			return found
		case c.asked < place && c.topic == topic && (found == none || c.asked > at):
			found, at = uint32(i), c.asked
		}
	}
	return found
}

// follow brings the next contacts up to date when the newest stub has come to a conversation, which was another before.
func (h *Homes) follow(p *person, in uint32, was *conv, asks bool) {
	c, at := &p.convs[in], uint32(len(p.stubs)-1)
	switch {
	case c.asked == none:
		return
	case was.asked == none:
		p.lags(at - c.first)
	case c.topic != was.topic:
		h.refollow(p, in, was)
		return
	case was.settled() && !c.settled() && c.comesBack() != none:
		c.setNext(h.nextOf(p, in))
	}
	if !asks {
		return
	}
	latest := p.latestBefore(at, c.topic)
	if latest == none || latest == in {
		return
	}
	if o := &p.convs[latest]; o.comesBack() == none && (at == c.asked || o.settled()) {
		h.setNext(p, o, at)
	}
}

// setNext gives a conversation another next contact, and touches it if it is another.
func (h *Homes) setNext(p *person, c *conv, at uint32) {
	if c.comesBack() != at {
		c.setNext(at)
		h.touch(p).name(&p.stubs[c.first])
	}
}

// refollow does the same where what a conversation says of the past has changed: its topic, or where its first contact is.
func (h *Homes) refollow(p *person, changed uint32, was *conv) {
	x := &p.convs[changed]
	again := func(i uint32) {
		c := &p.convs[i]
		switch next := c.comesBack(); {
		case c.asked == none:
		case i == changed, next != none && p.stubs[next].conv == changed:
			h.setNext(p, c, h.nextOf(p, i))
		case c.topic == x.topic:
			h.setNext(p, c, min(next, h.closedBy(p, i, changed)))
		}
	}
	// Of those with an earlier first contact only the latest about each topic: the others have a next contact before.
	from := min(x.asked, was.asked)
	before := [2]uint32{p.latestBefore(from, was.topic), p.latestBefore(from, x.topic)}
	again(changed)
	// With a later one, as long as this first contact stays where it was, only those that were settled before the customer spoke on here.
	moved := x.asked != was.asked
	for i := p.since(from); (moved || p.settles) && i < len(p.convs); i++ {
		if c := &p.convs[i]; c.asked >= from && (moved || c.settled()) {
			again(uint32(i))
		}
	}
	for _, i := range before {
		if i != none {
			again(i)
		}
	}
}

// inserted takes in that a word of the customer, not the first in its conversation, has come to a place among older stubs.
func (h *Homes) inserted(p *person, at, in uint32) {
	latest := p.latestBefore(at, p.convs[in].topic)
	if latest == none || latest == in {
		return
	}
	if c := &p.convs[latest]; c.comesBack() > at && c.settled() && h.settledAt(p, latest) < at {
		h.setNext(p, c, at)
	}
}

// settledAt is the place of the stub that settled a conversation that is settled.
func (h *Homes) settledAt(p *person, conv uint32) (at uint32) {
	at = none
	for i := len(p.stubs) - 1; i >= int(p.convs[conv].first); i-- {
		if s := &p.stubs[i]; s.conv != conv || !h.speaks(s) {
			continue
		} else if !s.settled {
			break
		}
		at = uint32(i)
	}
	return at
}

// nextOf looks for the next contact in all other conversations; none if there is none.
func (h *Homes) nextOf(p *person, of uint32) uint32 {
	c, first := &p.convs[of], none
	for i := p.since(c.asked); i < len(p.convs) && !p.begun(&p.convs[i], first); i++ {
		if o := &p.convs[i]; o.topic == c.topic && o.asked > c.asked {
			first = min(first, o.asked) // or none
		}
	}
	if !c.settled() {
		return first
	}
	for at := h.settledAt(p, of) + 1; at < min(first, uint32(len(p.stubs))); at++ {
		if s := &p.stubs[at]; s.conv != none && s.conv != of && p.convs[s.conv].topic == c.topic && h.asks(s) {
			return at
		}
	}
	return first
}

// closedBy is the first word of the customer in a conversation that may be another's next contact; none if there is none.
func (h *Homes) closedBy(p *person, of, by uint32) uint32 {
	c, x := &p.convs[of], &p.convs[by]
	switch {
	case x.asked > c.asked:
		return x.asked // or none
	case !c.settled():
		return none
	}
	// Most have a next contact soon after the first: only where there is such a word is it worth to look when it was settled for good.
	over := none
	for at := c.asked + 1; at < min(c.comesBack(), uint32(len(p.stubs))); at++ {
		if s := &p.stubs[at]; s.conv != by || !h.asks(s) {
			continue
		}
		if over == none {
			over = h.settledAt(p, of)
		}
		if at > over {
			return at
		}
	}
	return none
}

// measureLag finds out how far behind first stubs first contacts are.
func (p *person) measureLag() {
	p.lag = 0
	for i := range p.convs {
		c := &p.convs[i]
		if i > 0 && c.first < p.convs[i-1].first {
			p.lag = unordered
			return
		}
		if c.asked != none {
			p.lags(c.asked - c.first)
		}
	}
}

// manyTopics are more than nearly everybody's conversations have.
const manyTopics = 1 << 10

// link finds all next contacts anew, in one pass.
func (h *Homes) link(p *person) {
	p.measureLag()
	over := h.live[:0] // where each conversation was settled
	for i := range p.convs {
		p.convs[i].setNext(none)
		over = append(over, none)
	}
	for i := range p.stubs {
		switch s := &p.stubs[i]; {
		case s.conv == none || !h.speaks(s):
		case !s.settled:
			over[s.conv] = none
		case over[s.conv] == none:
			over[s.conv] = uint32(i)
		}
	}
	for i := range p.stubs {
		s, at := &p.stubs[i], uint32(i)
		if s.conv == none || !h.asks(s) {
			continue
		}
		c := &p.convs[s.conv]
		if latest, found := h.topics[c.topic]; found && latest != s.conv {
			if o := &p.convs[latest]; o.comesBack() == none && (at == c.asked || over[latest] < at) {
				o.setNext(at)
			}
		}
		if at == c.asked {
			h.topics[c.topic] = s.conv
		}
	}
	h.live = over
	if len(h.topics) > manyTopics {
		h.topics = map[uint32]uint32{} // to clear one takes as long as it has room, ever after
	}
	clear(h.topics)
}
