package conversation

import (
	"slices"
	"sort"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// person is a person's set of stubs with the conversations they form.
type person struct {
	id        uint32 // its node
	workspace uint32
	epoch     uint32 // counts what makes folds of its conversations worthless
	lag       uint16 // how many places behind its first stub a conversation has its first contact at most, or unordered
	settles   bool   // one of convs was settled at some time
	changes   uint64 // how often the set or the registers changed: the lower half of every version
	stubs     []stub // in their order
	convs     []conv
	bindings  []binding  // by thread
	registers []register // by (anchor, thread); empty unless other homes have given stubs
	touched   *touched   // since the last flush; nil for nothing
}

// conv is a conversation of a person.
type conv struct {
	first uint32 // place of the first of its stubs
	topic uint32 // that they named last
	asked uint32 // place of the first contact, or none
	next  uint32 // place of the next contact, and whether it is settled: see contacts.go
}

// binding says where the stubs of a thread belong; conv is none as long as nobody has spoken there.
type binding struct {
	thread, conv uint32
	mail         bool // a mail of the person has this name
}

// find returns where among the stubs the place is, or would be.
func (p *person) find(s place) (at int, found bool) {
	if n := len(p.stubs); n == 0 || p.stubs[n-1].before(s) {
		return n, false
	}
	at = sort.Search(len(p.stubs), func(i int) bool { return !p.stubs[i].before(s) })
	return at, at < len(p.stubs) && p.stubs[at].place() == s
}

// nameOf is the key of the conversation's first stub.
func (p *person) nameOf(c uint32) touchpoint.Key { return p.stubs[p.convs[c].first].key }

// add takes in a stub, and reports whether it was new.
func (h *Homes) add(p *person, s *stub) bool {
	at, found := p.find(s.place())
	if found {
		return false
	}
	p.changes++
	if at == len(p.stubs) {
		p.stubs = append(grow(p.stubs), *s)
		if h.join(p) {
			return true
		}
		p.stubs = p.stubs[:at]
	} else if h.insert(p, at, s) {
		return true
	}
	was := h.before(p)
	for i, w := range was {
		if w >= int32(at) {
			was[i] = w + 1
		}
	}
	h.was, h.nexts = slices.Insert(was, at, wasNew), slices.Insert(h.nexts, at, 0)
	p.stubs = slices.Insert(grow(p.stubs), at, *s)
	h.regroup(p)
	h.compare(p)
	return true
}

// addAll takes in stubs, in any order, as one change of the set; it returns how many were new.
func (h *Homes) addAll(p *person, stubs []stub) int {
	if len(stubs) == 1 {
		if h.add(p, &stubs[0]) {
			return 1
		}
		return 0
	}
	slices.SortFunc(stubs, func(a, b stub) int { return a.place().compare(b.place()) })
	merged := make([]stub, 0, len(p.stubs)+len(stubs))
	came := make([]int32, 0, cap(merged)) // place before, or wasNew
	i := 0
	for j := range stubs {
		s := &stubs[j]
		for i < len(p.stubs) && p.stubs[i].before(s.place()) {
			merged, came = append(merged, p.stubs[i]), append(came, int32(i))
			i++
		}
		if i < len(p.stubs) && p.stubs[i].place() == s.place() {
			continue
		}
		if n := len(merged); n > 0 && merged[n-1].key == s.key {
			continue // twice in one message
		}
		merged, came = append(merged, *s), append(came, wasNew)
	}
	for ; i < len(p.stubs); i++ {
		merged, came = append(merged, p.stubs[i]), append(came, int32(i))
	}
	added := len(merged) - len(p.stubs)
	if added > 0 {
		p.changes += uint64(added)
		h.replace(p, merged, came)
	}
	return added
}

// remove takes the stubs out for which gone says so, and returns them. hops are those of all stubs as long as they
// belonged here; nil for zeros.
func (h *Homes) remove(p *person, hops []uint32, gone func(*stub) bool) []stub {
	var out []stub
	var kept []stub
	var came []int32
	for i := range p.stubs {
		s := &p.stubs[i]
		if !gone(s) {
			if out != nil {
				kept, came = append(kept, *s), append(came, int32(i))
			}
			continue
		}
		if out == nil {
			kept = append(make([]stub, 0, len(p.stubs)), p.stubs[:i]...)
			for j := range i {
				came = append(came, int32(j))
			}
		}
		hop := uint32(0)
		if hops != nil {
			hop = hops[i]
		}
		t := h.touch(p)
		t.leave(s, hop)
		if s.conv != none {
			t.name(&p.stubs[p.convs[s.conv].first])
		}
		if p.names(i) {
			t.renamed(s, hop, touchpoint.Key{})
		}
		out = append(out, *s)
	}
	if out == nil {
		return nil
	}
	p.changes += uint64(len(out))
	h.replace(p, kept, came)
	return out
}

// replace gives the person another set of stubs; came[i] is where the i-th was before.
func (h *Homes) replace(p *person, stubs []stub, came []int32) {
	old, nextOld := h.before(p), h.nexts
	now := make([]int32, len(old)) // place now, by place before
	for i := range now {
		now[i] = wasGone
	}
	for i, c := range came {
		if c >= 0 {
			now[c] = int32(i)
		}
	}
	was, nexts := make([]int32, len(stubs)), make([]int64, len(stubs))
	for i, c := range came {
		if c >= 0 {
			nexts[i] = nextOld[c]
		}
		switch {
		case c < 0:
			was[i] = wasNew
		case old[c] < 0:
			was[i] = old[c]
		default:
			was[i] = now[old[c]]
		}
	}
	h.was, h.nexts = was, nexts
	p.stubs = stubs
	h.regroup(p)
	h.compare(p)
}

// What Homes.was says of a stub besides the place, now, of the first stub of the conversation it was in.
const (
	wasNone int32 = -1 - iota // in none
	wasGone                   // in one whose first stub has left the set
	wasNew                    // not in the set
)

// before notes, for every stub, the place of the first stub of its conversation, and for those the next contact.
func (h *Homes) before(p *person) []int32 {
	was := slices.Grow(h.was[:0], len(p.stubs)+1)
	h.nexts = slices.Grow(h.nexts[:0], len(p.stubs)+1)[:len(p.stubs)]
	clear(h.nexts)
	for i := range p.convs {
		h.nexts[p.convs[i].first] = p.nextContact(&p.convs[i])
	}
	for i := range p.stubs {
		if c := p.stubs[i].conv; c == none {
			was = append(was, wasNone)
		} else {
			was = append(was, int32(p.convs[c].first))
		}
	}
	h.was = was
	return was
}

// compare touches what differs from before: the stubs in another conversation, and the conversations that gained or
// lost one, or their name, or have another next contact.
func (h *Homes) compare(p *person) {
	for i := range p.convs {
		if c := &p.convs[i]; h.nexts[c.first] != p.nextContact(c) {
			h.touch(p).name(&p.stubs[c.first])
		}
	}
	for i, was := range h.was {
		s := &p.stubs[i]
		is := wasNone
		if s.conv != none {
			is = int32(p.convs[s.conv].first)
		}
		if is == was || is == wasNone && was == wasNew {
			continue
		}
		t := h.touch(p)
		t.member(s)
		if is >= 0 {
			t.name(&p.stubs[is])
		}
		if was < 0 {
			continue
		}
		first := &p.stubs[was]
		t.name(first)
		if was != int32(i) {
			continue
		}
		// The stub named its conversation and does no longer.
		var successor touchpoint.Key
		if is >= 0 {
			successor = p.stubs[is].key
		}
		t.renamed(s, h.hopOf(p, s), successor)
	}
}
