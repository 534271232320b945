package conversation

import "slices"

// isMail tells whether the stub's source says what its touchpoints reply to.
func (t *tables) isMail(s *stub) bool {
	return slices.Contains(t.mailers, t.acts.values[s.act].source)
}

// nameOf is the thread that a mail itself is, 0 if it does not say.
func (t *tables) nameOf(s *stub) uint32 {
	source := t.acts.values[s.act].source
	for _, n := range t.threadsOf(s) {
		if t.scheme(n).replies == source {
			return n
		}
	}
	return 0
}

// claim is what a mail says of two others: that the one replies to the other.
type claim struct {
	reply, to uint32
}

// appendReplies appends the threads that lead a mail to others: its name, for which alias stands, and of what it replies to
// all as far as the first that is there; and what it says beyond that of those that are not there to say it themselves.
func (t *tables) appendReplies(leads []uint32, claims []claim, s *stub, alias uint32, there func(name uint32) bool) ([]uint32, []claim) {
	source, name := t.acts.values[s.act].source, t.nameOf(s)
	reached, reply := false, uint32(0)
	for _, n := range t.threadsOf(s) {
		switch {
		case t.scheme(n).replies != source:
			leads = append(leads, n)
		case n == name:
			leads = append(leads, alias)
		default:
			if !reached {
				leads = append(leads, n)
			} else if reply != 0 {
				claims = append(claims, claim{reply, n})
			}
			if reply = n; there(n) {
				reached, reply = true, 0
			}
		}
	}
	return leads, claims
}

// leads are the threads that lead a stub that is about to join p to others, which of them is its name, 0 for none, and what it
// claims of others; valid until the next call. Nobody may have the name yet.
func (h *Homes) leads(p *person, s *stub) (threads []uint32, name uint32, claims []claim) {
	if !h.isMail(s) {
		return h.threadsOf(s), 0, nil
	}
	name = h.nameOf(s)
	h.lead, h.claim = h.appendReplies(h.lead[:0], h.claim[:0], s, name, p.hasMail)
	return h.lead, name, h.claim
}

// knows tells whether p's stubs have said the same.
func (p *person) knows(c claim) bool {
	i, known := p.binding(c.reply)
	j, both := p.binding(c.to)
	return known && both && p.bindings[i].conv == p.bindings[j].conv && p.bindings[i].conv != none
}

// hasMail tells whether a mail of p has the name.
func (p *person) hasMail(name uint32) bool {
	at, bound := p.binding(name)
	return bound && p.bindings[at].mail
}
