package identity

import (
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// The graph of evidence. Its pairs are in a column; each identifier has those that name it in a ring, in the order in which
// they came. A person is what hangs together by pairs that join.

// pair is two identifiers that belong together, once however often it comes.
type pair struct {
	a       uint32 // as the link had them; with manualBit
	b       uint32 // with undoneBit and heldBit
	nextOfA uint32
	nextOfB uint32
}

const (
	// manualBit marks a pair that a user put together: it does not give way.
	manualBit = 1 << 31
	// undoneBit marks a pair that is about to be forgotten.
	undoneBit = 1 << 31
	// heldBit marks a pair that joins nobody, of a value that several may share. It is in the ring of the value only: what holds
	// a value must not get slower by it.
	heldBit = 1 << 30

	pairBits = manualBit | heldBit
)

func (p *pair) ends() (a, b uint32) { return p.a &^ pairBits, p.b &^ pairBits }
func (p *pair) manual() bool        { return p.a&manualBit != 0 }
func (p *pair) undone() bool        { return p.b&undoneBit != 0 }
func (p *pair) held() bool          { return p.b&heldBit != 0 }

// other is the end that is not c.
func (p *pair) other(c uint32) uint32 {
	if a := p.a &^ pairBits; a != c {
		return a
	}
	return p.b &^ pairBits
}

func (p *pair) next(c uint32) *uint32 {
	if p.a&^pairBits == c {
		return &p.nextOfA
	}
	return &p.nextOfB
}

// fewPairs is how many pairs of an identifier are searched one by one. Of pairs whose ends both have more there is a set.
const fewPairs = 8

// pairsOf yields the pairs of an identifier in the order in which they were kept. The pair may be changed, the ring not.
func (r *Resolver) pairsOf(c uint32) func(yield func(uint32, *pair) bool) {
	return func(yield func(uint32, *pair) bool) {
		last := r.customers.at(c).pairs
		if last == 0 {
			return
		}
		for i := *r.pairs.at(last - 1).next(c); ; {
			p := r.pairs.at(i)
			next := *p.next(c)
			r.touched++
			if !yield(i, p) || i == last-1 {
				return
			}
			i = next
		}
	}
}

// append puts a pair at the end of an identifier's ring.
func (r *Resolver) append(c, i uint32) {
	p, last := r.pairs.at(i), &r.customers.at(c).pairs
	if *last == 0 {
		*p.next(c) = i
	} else {
		end := r.pairs.at(*last - 1).next(c)
		*p.next(c), *end = *end, i
	}
	*last = i + 1
}

// findPair tells whether the two are a pair, held or joined.
func (r *Resolver) findPair(a, b uint32) bool {
	flagsA, flagsB := r.customers.at(a).flags, r.customers.at(b).flags
	const searched = flagCrowded | flagHolds
	switch {
	case flagsA&searched == 0 && flagsB&flagHolds == 0:
		_, ok := r.pairIndex(a, b)
		return ok
	case flagsB&searched == 0 && flagsA&flagHolds == 0:
		_, ok := r.pairIndex(b, a)
		return ok
	}
	if flagsA&flagCrowded == 0 {
		if _, ok := r.pairIndex(a, b); ok {
			return true
		}
	}
	if flagsB&flagCrowded == 0 {
		if _, ok := r.pairIndex(b, a); ok {
			return true
		}
	}
	_, ok := r.crowdedPairs[pairKey(a, b)]
	return ok
}

// pairIndex looks for the pair in the ring of a.
func (r *Resolver) pairIndex(a, b uint32) (uint32, bool) {
	for i, p := range r.pairsOf(a) {
		if p.other(a) == b {
			return i, true
		}
	}
	return 0, false
}

// thePair is the index of a pair that findPair found.
func (r *Resolver) thePair(a, b uint32) uint32 {
	if i, ok := r.pairIndex(a, b); ok {
		return i
	}
	i, _ := r.pairIndex(b, a)
	return i
}

func pairKey(a, b uint32) uint64 { return uint64(min(a, b))<<32 | uint64(max(a, b)) }

// addPair adds a pair that findPair did not find. A held one is in the ring of value alone.
func (r *Resolver) addPair(a, b uint32, manual, held bool, value uint32) {
	p := pair{a: a, b: b}
	if manual {
		p.a |= manualBit
	}
	if held {
		p.b |= heldBit
	}
	var i uint32
	if n := len(r.freePairs); n > 0 {
		i, r.freePairs = r.freePairs[n-1], r.freePairs[:n-1]
		*r.pairs.at(i) = p
	} else {
		i = r.pairs.push(p)
	}
	if held {
		r.customers.at(value).flags |= flagHolds
		r.append(value, i)
		r.crowd(value)
	} else {
		r.append(a, i)
		r.append(b, i)
		r.crowd(a)
		r.crowd(b)
	}
	r.listCrowded(p, value)
}

// crowd marks an identifier that has got many pairs. From then on it is not searched one by one, and those of its pairs that
// would be are in the set.
func (r *Resolver) crowd(c uint32) {
	if r.customers.at(c).flags&flagCrowded != 0 {
		return
	}
	n := 0
	for range r.pairsOf(c) {
		if n++; n > fewPairs {
			break
		}
	}
	if n <= fewPairs {
		return
	}
	r.customers.at(c).flags |= flagCrowded
	for _, p := range r.pairsOf(c) {
		r.listCrowded(*p, c)
	}
}

// listCrowded puts a pair into the set if it cannot be found otherwise. The value is where a held pair is.
func (r *Resolver) listCrowded(p pair, value uint32) {
	a, b := p.ends()
	crowded := r.customers.at(a).flags&r.customers.at(b).flags&flagCrowded != 0
	if p.held() {
		crowded = r.customers.at(value).flags&flagCrowded != 0
	}
	if crowded {
		r.crowdedPairs[pairKey(a, b)] = struct{}{}
	}
}

// keep adds a pair of two that are one person now, and records it.
func (r *Resolver) keep(a, b uint32, manual bool) {
	r.addPair(a, b, manual, false, 0)
	if c := r.crowds[r.customers.at(a).person]; c != nil {
		c.pairs++
	}
	r.joined(a, b)
}

// joined records that the link's pair counts.
func (r *Resolver) joined(a, b uint32) {
	r.isKept()
	r.decide(r.nodeOf(a), r.nodeOf(b), identity.Joined, r.ruleOfLink(), "")
}

// isKept forgets that the link's pair was refused: if it is again, that is news.
func (r *Resolver) isKept() {
	if len(r.reported) > 0 {
		delete(r.reported, r.linkPair())
	}
}

// ruleOfLink is the rule that made the link; of a user's word it is what the user did.
func (r *Resolver) ruleOfLink() string {
	if r.link.Rule == "" {
		return string(r.link.Kind)
	}
	return r.link.Rule
}

// undo forgets pairs and records it. What hangs apart then is for part to find.
func (r *Resolver) undo(pairs []uint32, rule, detail string) {
	for _, i := range pairs {
		a, b := r.pairs.at(i).ends()
		r.decide(r.nodeOf(a), r.nodeOf(b), identity.Undone, rule, detail)
	}
	r.forget(pairs)
}

func (r *Resolver) forget(pairs []uint32) {
	var ends []uint32
	for _, i := range pairs {
		p := r.pairs.at(i)
		a, b := p.ends()
		delete(r.crowdedPairs, pairKey(a, b))
		if !p.held() {
			if c := r.crowds[r.customers.at(a).person]; c != nil {
				c.pairs--
			}
		}
		p.b |= undoneBit
		ends = append(ends, a, b)
	}
	slices.Sort(ends)
	for _, c := range slices.Compact(ends) {
		r.sweep(c)
	}
	r.freePairs = append(r.freePairs, pairs...)
}

// sweep takes the undone pairs out of an identifier's ring.
func (r *Resolver) sweep(c uint32) {
	last := r.customers.at(c).pairs
	if last == 0 {
		return
	}
	r.customers.at(c).pairs = 0
	for i := *r.pairs.at(last - 1).next(c); ; {
		p := r.pairs.at(i)
		next := *p.next(c)
		r.touched++
		if !p.undone() {
			r.append(c, i)
		}
		if i == last-1 {
			return
		}
		i = next
	}
}

// pairsWithin is how many pairs join the person's identifiers.
func (r *Resolver) pairsWithin(person uint32) uint32 {
	if c := r.crowds[person]; c != nil {
		return c.pairs
	}
	ends := uint32(0)
	for i := range r.members(person) {
		ends += r.degree(i)
	}
	return ends / 2
}

// degree is how many pairs of the identifier join.
func (r *Resolver) degree(c uint32) (n uint32) {
	for _, p := range r.pairsOf(c) {
		if !p.held() {
			n++
		}
	}
	return n
}
