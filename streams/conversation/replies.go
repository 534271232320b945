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

// appendLeads appends the threads that lead a mail to others: its name, for which alias stands, and of what it replies to all
// as far as the first that is there.
func (t *tables) appendLeads(leads []uint32, s *stub, alias uint32, there func(name uint32) bool) []uint32 {
	source, name, found := t.acts.values[s.act].source, t.nameOf(s), false
	for _, n := range t.threadsOf(s) {
		switch {
		case t.scheme(n).replies != source:
			leads = append(leads, n)
		case n == name:
			leads = append(leads, alias)
		case !found:
			leads = append(leads, n)
			found = there(n)
		}
	}
	return leads
}

// claim is what a mail says of two others: that the one replies to the other.
type claim struct {
	reply, to uint32
}

// appendClaims appends what a mail says of those that are not there to say it themselves, beyond what leads it to others.
func (t *tables) appendClaims(claims []claim, s *stub, there func(name uint32) bool) []claim {
	source, name, reply, found := t.acts.values[s.act].source, t.nameOf(s), uint32(0), false
	for _, n := range t.threadsOf(s) {
		if n == name || t.scheme(n).replies != source {
			continue
		}
		is := there(n)
		if found && reply != 0 {
			claims = append(claims, claim{reply, n})
		}
		found = found || is
		if reply = n; is {
			reply = 0
		}
	}
	return claims
}

// leads are the threads that lead a stub that is about to join p to others, valid until the next call, and which of them is
// its name, 0 for none. Nobody may have the name yet.
func (h *Homes) leads(p *person, s *stub) (threads []uint32, name uint32) {
	if !h.isMail(s) {
		return h.threadsOf(s), 0
	}
	name = h.nameOf(s)
	h.lead = h.appendLeads(h.lead[:0], s, name, p.hasMail)
	return h.lead, name
}

// claimsNothing tells whether what a mail that is about to join p says of others was known.
func (h *Homes) claimsNothing(p *person, s *stub) bool {
	if !h.isMail(s) {
		return true
	}
	h.claim = h.appendClaims(h.claim[:0], s, p.hasMail)
	for _, c := range h.claim {
		i, known := p.binding(c.reply)
		j, both := p.binding(c.to)
		if !known || !both || p.bindings[i].conv != p.bindings[j].conv || p.bindings[i].conv == none {
			return false
		}
	}
	return true
}

// hasMail tells whether a mail of p has the name.
func (p *person) hasMail(name uint32) bool {
	at, bound := p.binding(name)
	return bound && p.bindings[at].mail
}
