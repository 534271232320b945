package conversation

import (
	"slices"
)

// How far insert looks around a late stub before it leaves the matter to regroup.
const (
	lookBack  = 256
	lookAhead = 512
)

// insert places a stub that is not the newest if it can tell from its surroundings that all others stay in their
// conversations. Otherwise it changes nothing and returns false. Without it, one touchpoint with a time in the future would
// make every further one of a busy customer cost as much as all together.
func (h *Homes) insert(p *person, at int, s *stub) bool {
	t, ok := h.tiesOf(p, s)
	if !ok {
		return false
	}
	speaks, target, begins, after := h.speaks(s), t.target, false, false
	if (speaks || len(p.stubs) >= surveyStubs) && h.surveyAfter(p, at, s) {
		return false
	}
	switch {
	case target != none && int(p.convs[target].first) >= at:
		return false // it would name the conversation
	case !speaks:
	case t.known && target == none:
		return false // silent stubs have waited for this one
	case h.surveys(s) && !t.known && !t.apart:
		return false // it may continue what is settled
	default:
		var before bool
		if target, before, ok = h.lookBack(p, at, s, &t); !ok {
			return false
		}
		begins = target == none
		after = settled(before, h.effect(s), h.acts.values[s.act].direction)
		if after != before && !begins {
			return false // what follows may be another conversation's
		}
		if !after && h.attracts(p, at, s, target) {
			return false
		}
	}

	for i := range p.convs {
		p.convs[i].shift(uint32(at))
	}
	p.lags(uint32(p.lag) + 1)
	if begins {
		p.lag = unordered
		target = p.begin(at)
		p.convs[target].settle(after)
		p.settles = p.settles || after
	}
	p.stubs = slices.Insert(grow(p.stubs), at, *s)
	p.stubs[at].settled = after
	h.shiftFolds(p, at, target)
	h.enter(p, at, target, t.fresh)
	if speaks {
		c := &p.convs[target]
		was, asks := *c, h.asks(s)
		if topic := h.labels.values[s.label].topic; topic != 0 && !h.namesTopic(p.stubs[at+1:], target) {
			c.topic = topic
		}
		if asks && c.asked > uint32(at) { // or none
			c.asked = uint32(at)
		}
		if c.asked != was.asked {
			p.measureLag()
		}
		switch {
		case c.asked == none:
		case c.topic != was.topic || c.asked != was.asked:
			h.refollow(p, target, &was)
		case asks:
			h.inserted(p, uint32(at), target)
		}
	}
	return true
}

// shift makes room for a stub at the place.
func (c *conv) shift(at uint32) {
	if c.first >= at {
		c.first++
	}
	if c.asked >= at && c.asked != none {
		c.asked++
	}
	if next := c.comesBack(); next >= at && next != none {
		c.next++
	}
}

// lookBack finds the conversation that a speaking stub belongs to, none if it begins one, and whether that is settled
// before it.
func (h *Homes) lookBack(p *person, at int, s *stub, t *ties) (target uint32, before, ok bool) {
	if !t.known && t.apart {
		return none, false, true
	}
	// The latest speaking stub of each conversation says whether it is settled; only of those that are need be remembered.
	var seen [16]uint32
	passed := seen[:0]
	latest, isSettled := false, false // of the conversation that the threads lead to
	for i := at - 1; i >= 0 && i >= at-lookBack; i-- {
		n := &p.stubs[i]
		if !t.known && n.time < s.time-h.window {
			return none, false, true
		}
		if !h.speaks(n) {
			continue
		}
		switch {
		case t.known && n.conv == t.target:
			if !latest {
				latest, isSettled = true, n.settled
			}
			// A tie leads there only since its bundle has spoken.
			if t.apart || h.share(s, n) {
				return t.target, isSettled, true
			}
		case t.known || slices.Contains(passed, n.conv):
		case !n.settled:
			return n.conv, false, true
		case len(passed) == len(seen):
			return none, false, false
		default:
			passed = append(passed, n.conv)
		}
	}
	return none, false, !t.known && at <= lookBack
}

// attracts tells whether a later stub might be placed otherwise once an unsettled conversation has the speaking stub s
// at the given place.
func (h *Homes) attracts(p *person, at int, s *stub, target uint32) bool {
	var open []uint32 // conversations that are unsettled, by what has been said since s
	for i := at; i < len(p.stubs) && p.stubs[i].time <= s.time+h.window; i++ {
		if i == at+lookAhead {
			return true
		}
		n := &p.stubs[i]
		if !h.speaks(n) {
			continue
		}
		if n.conv == target {
			return false // from here on it is this stub that attracts
		}
		if len(open) == 0 && !h.led(p, i) {
			return true
		}
		switch k := slices.Index(open, n.conv); {
		case n.settled && k >= 0:
			open = slices.Delete(open, k, k+1)
		case !n.settled && k < 0:
			open = append(open, n.conv)
		}
	}
	return false
}

// led tells whether the stub at the place is surely where it is because of a thread, and not by continuity.
func (h *Homes) led(p *person, at int) bool {
	s := &p.stubs[at]
	if h.keepsApart(s) {
		return true
	}
	if s.threads == 0 {
		return false
	}
	for i := at - 1; i >= 0 && i >= at-lookBack; i-- {
		if n := &p.stubs[i]; n.conv == s.conv && h.speaks(n) && h.share(s, n) {
			return true
		}
	}
	return false
}

// share tells whether two stubs carry a thread in common.
func (t *tables) share(a, b *stub) bool {
	if a.threads == 0 || b.threads == 0 {
		return false
	}
	if a.threads == b.threads {
		return true
	}
	if a.threads&b.threads&listed == 0 && (a.threads|b.threads)&listed == 0 {
		return false // one thread each, and not the same
	}
	for _, n := range slices.Clone(t.threadsOf(a)) {
		if t.carries(b, n) {
			return true
		}
	}
	return false
}
