package conversation

import (
	"slices"
	"sort"
)

// register is what a person knows of the stubs that another home, or its own, has given to it or taken away: the
// latest word on an anchor, or on the part of an anchor's stubs that carry a thread.
type register struct {
	anchor  uint32
	thread  uint32 // 0: the anchor itself
	hop     uint32
	present bool
}

func (p *person) register(anchor, thread uint32) (at int, found bool) {
	at = sort.Search(len(p.registers), func(i int) bool {
		r := &p.registers[i]
		return r.anchor > anchor || r.anchor == anchor && r.thread >= thread
	})
	return at, at < len(p.registers) && p.registers[at].anchor == anchor && p.registers[at].thread == thread
}

// governing is the register that decides about a stub: among those of its anchor for the threads that it carries the
// latest, else that of the anchor itself; nil when the stub came from its own home and never moved.
func (h *Homes) governing(p *person, s *stub) *register {
	if len(p.registers) == 0 {
		return nil
	}
	var own, latest *register
	for i, _ := p.register(s.anchor, 0); i < len(p.registers) && p.registers[i].anchor == s.anchor; i++ {
		switch r := &p.registers[i]; {
		case r.thread == 0:
			own = r
		case h.carries(s, r.thread) && (latest == nil || r.hop > latest.hop):
			latest = r
		}
	}
	if latest != nil {
		return latest
	}
	return own
}

func (h *Homes) hopOf(p *person, s *stub) uint32 {
	if r := h.governing(p, s); r != nil {
		return r.hop
	}
	return 0
}

// hops notes the hop of every stub of p; nil when all are 0.
func (h *Homes) hops(p *person) []uint32 {
	if len(p.registers) == 0 {
		return nil
	}
	hops := make([]uint32, len(p.stubs))
	for i := range p.stubs {
		hops[i] = h.hopOf(p, &p.stubs[i])
	}
	return hops
}

// hear raises a register of p, and reports whether the word was news. When an anchor comes or goes, who counts as a
// participant changes in the conversations that its stubs are in.
func (h *Homes) hear(p *person, anchor, thread, hop uint32, present bool) bool {
	at, found := p.register(anchor, thread)
	if !found {
		p.registers = slices.Insert(grow(p.registers), at, register{anchor: anchor, thread: thread})
	}
	r := &p.registers[at]
	if found && hop <= r.hop {
		return false
	}
	changed := !found || r.present != present
	r.hop, r.present = hop, present
	if !changed {
		return true
	}
	p.changes++
	p.epoch++
	for i := range p.stubs {
		if s := &p.stubs[i]; s.anchor == anchor && s.conv != none {
			h.touch(p).name(&p.stubs[p.convs[s.conv].first])
		}
	}
	return true
}

// participates tells whether the stub is here for its thread only, while its anchor is somebody else's.
func (h *Homes) participates(p *person, s *stub) bool {
	if r := h.governing(p, s); r == nil || r.thread == 0 {
		return false
	}
	if i, found := p.register(s.anchor, 0); found {
		return !p.registers[i].present
	}
	// A person is told at once when the anchor it is named after moves for the first time, if there is such a person
	// then; one that comes later hears of it when it is given the anchor.
	n := &h.nodes[s.anchor]
	return s.anchor != p.id || n.moved != nil && n.moved.own != nil
}
