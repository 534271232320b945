package conversation

import (
	"slices"
	"sort"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// settled is whether a conversation is settled after a speaking stub.
func settled(before bool, effect registry.Effect, direction touchpoint.Direction) bool {
	switch effect {
	case registry.Resolve, registry.Close:
		return true
	case registry.Reopen, registry.Awaiting:
		return false
	case registry.Message, registry.Started, registry.Missed:
		return before && direction != touchpoint.Inbound
	}
	return before
}

// TurnOf is the turn that a stub has among those of its millisecond: first the customer speaks, then who answers, and what
// settles the matter comes last. A program that answers and resolves in one call says no more than that.
func TurnOf(effect registry.Effect, direction touchpoint.Direction) uint8 {
	switch effect {
	case registry.Message, registry.Started, registry.Missed:
		switch direction {
		case touchpoint.Inbound:
			return 0
		case touchpoint.Outbound:
			return 1
		}
	case registry.Reopen:
		return 0
	case registry.Resolve, registry.Close:
		return 3
	}
	return 2
}

// ties is what the threads of a stub say about where it belongs.
type ties struct {
	known  bool   // another stub carries one of them
	target uint32 // the conversation of those; none when they have not spoken yet
	apart  bool   // one keeps apart
	fresh  bool   // one is carried by no other stub
}

// tiesOf reads the threads of a stub. It returns false if the stub may join what was not joined before.
func (h *Homes) tiesOf(p *person, s *stub) (t ties, ok bool) {
	t.target = none
	freshApart, boundTie := false, false
	threads, name, claims := h.leads(p, s)
	for _, n := range threads {
		apart := h.scheme(n).apart
		t.apart = t.apart || apart
		i, bound := p.binding(n)
		if bound && n == name {
			return t, false // others have waited for this mail, or it is another with that name
		}
		if !bound {
			t.fresh, freshApart = true, freshApart || apart
			continue
		}
		boundTie = boundTie || !apart
		if t.known && p.bindings[i].conv != t.target {
			return t, false
		}
		t.target, t.known = p.bindings[i].conv, true
	}
	for _, c := range claims {
		if !p.knows(c) {
			return t, false
		}
	}
	// With both, the stubs of the tie may follow the new thread.
	return t, !(boundTie && freshApart)
}

// join places the newest stub of p where the conversations of the others stay as they are, which is nearly always so.
// Otherwise it changes nothing and returns false.
func (h *Homes) join(p *person) bool {
	at := len(p.stubs) - 1
	s := &p.stubs[at]
	speaks := h.speaks(s)
	t, ok := h.tiesOf(p, s)
	target := t.target
	switch {
	case !ok:
		return false
	case target != none:
	case t.known && speaks:
		return false // silent stubs have waited for this one
	case !speaks:
	case t.apart:
		target = p.begin(at)
	default:
		if target = h.place(p, at); target == none {
			target = p.begin(at)
		}
	}
	h.enter(p, at, target, t.fresh)
	if target != none && speaks {
		was := p.convs[target]
		h.follow(p, target, &was, h.take(p, at))
	}
	return true
}

// enter puts the stub at the given place into a conversation, or none.
func (h *Homes) enter(p *person, at int, conv uint32, freshThreads bool) {
	s := &p.stubs[at]
	if freshThreads {
		threads, name, _ := h.leads(p, s)
		for _, n := range threads {
			p.bind(binding{thread: n, conv: conv, mail: n == name})
		}
	}
	if s.conv = conv; conv == none {
		return
	}
	t := h.touch(p)
	t.member(s)
	t.name(&p.stubs[p.convs[conv].first])
}

// place returns the conversation that the stub at the given place continues, or none. The conversations of p are as of
// that moment.
func (h *Homes) place(p *person, at int) uint32 {
	if conv := h.answers(p, at); conv != none {
		return conv
	}
	since, whatever := p.stubs[at].time-h.window, h.surveys(&p.stubs[at])
	for i := at - 1; i >= 0 && p.stubs[i].time >= since; i-- {
		s := &p.stubs[i]
		if h.speaks(s) && (whatever || !p.convs[s.conv].settled()) {
			return s.conv
		}
	}
	return none
}

// begin opens a conversation with the stub at the given place.
func (p *person) begin(at int) uint32 {
	p.convs = append(grow(p.convs), conv{first: uint32(at), asked: none})
	return uint32(len(p.convs) - 1)
}

func (p *person) binding(thread uint32) (at int, bound bool) {
	at = sort.Search(len(p.bindings), func(i int) bool { return p.bindings[i].thread >= thread })
	return at, at < len(p.bindings) && p.bindings[at].thread == thread
}

func (p *person) bind(b binding) {
	if at, bound := p.binding(b.thread); !bound {
		p.bindings = slices.Insert(grow(p.bindings), at, b)
	}
}

// regroup computes the conversations of p anew, as the package's documentation defines them.
func (h *Homes) regroup(p *person) {
	h.stats.Regrouped++
	p.epoch++
	g := &h.groups
	g.build(h, p)
	p.convs = p.convs[:0]
	g.held = g.held[:0]
	for i := range p.stubs {
		s := &p.stubs[i]
		s.conv = none
		group, story := g.of(i)
		speaks := h.speaks(s)
		switch {
		case group != none && g.conv[group] != none:
			s.conv = g.conv[group]
		case !speaks:
			if group != none {
				g.held = append(g.held, held{at: uint32(i), group: group})
			}
			continue
		case story:
			s.conv = p.begin(i)
		default:
			if s.conv = h.place(p, i); s.conv == none {
				s.conv = p.begin(i)
			}
		}
		if group != none {
			g.conv[group] = s.conv
		}
		if speaks {
			h.take(p, i)
		}
	}
	for _, waiting := range g.held {
		conv := g.conv[waiting.group]
		if conv == none {
			continue
		}
		p.stubs[waiting.at].conv = conv
		c := &p.convs[conv]
		c.first = min(c.first, waiting.at)
	}
	h.link(p)
	p.bindings = p.bindings[:0]
	for i, n := range g.threads {
		p.bindings = append(p.bindings, binding{thread: n, conv: g.conv[g.root(uint32(i))], mail: g.hasMail(n)})
	}
	p.convs, p.bindings = fit(p.convs), fit(p.bindings)
}
