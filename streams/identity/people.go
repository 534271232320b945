package identity

import (
	"fmt"

	"github.com/throughline/throughline/schemas/identity"
)

// A person that is lighter than this may always be moved, whatever the lighter side weighs: small persons keep the id
// of their oldest identifier, which is what people expect. Above it, the older side must not be outweighed by more than
// outweighs.
//
// So whoever moves has at most outweighs times the weight of what it joins, or is light: after each move an
// anchor's person weighs a quarter more, and no chain of n links moves more than some hundred times n anchors.
const (
	light     = 64
	outweighs = 4
)

// survivor says which of two keeps its name: the older, unless it is much the lighter.
func survivor(older, younger, olderWeight, youngerWeight uint32) (winner, loser uint32) {
	if youngerWeight > light && youngerWeight/outweighs >= olderWeight {
		return younger, older
	}
	return older, younger
}

// fewIdentifiers is how many a person's are counted by walking; more have their counts kept.
const fewIdentifiers = 8

// crowd is what is counted of a person with many identifiers.
type crowd struct {
	types []uint16 // identifiers by type code
	pairs uint32   // that join them
}

// pairsPerIdentifier bounds the evidence that is kept for a person, as a multiple of max_identifiers: what joins is always
// kept, what only confirms up to here. No person of nine or fewer gets there.
const pairsPerIdentifier = 4

// verified joins the persons of two identifiers.
func (r *Resolver) verified(l *identity.Link) {
	if r.full() {
		return
	}
	if a, b, ok := r.ends(l); ok {
		r.put(a, b, false)
	}
}

// ends returns the identifiers of a link, made when they are new; false when it was refused.
func (r *Resolver) ends(l *identity.Link) (a, b uint32, ok bool) {
	refA, knownA := r.find(l.A.Anchor)
	refB, knownB := r.find(l.B.Anchor)
	if knownA && knownB && r.isOpen(refA) && r.isOpen(refB) {
		return refA.at(), refB.at(), true
	}
	for _, n := range []*identity.Node{&l.A, &l.B} {
		if n.Type == identity.ThreadType || n.Anchor.IsZero() || knownA && refA.isThread() || knownB && refB.isThread() {
			r.refuse(reasonMalformed, "malformed", fmt.Sprintf("a link of kind %s is about two identifiers, and no threads", l.Kind))
			return 0, 0, false
		}
	}
	if r.blockedEnd(&l.A, &l.B) {
		return 0, 0, false
	}
	if isClaimedType(l.A.Type) || isClaimedType(l.B.Type) {
		r.refuse(reasonClaimed, "claimed", "whoever claims the value next would be that person too; let the source verify it, or send a session with it")
		return 0, 0, false
	}
	a, _ = r.customerOf(&l.A)
	b, _ = r.customerOf(&l.B)
	return a, b, true
}

// mostGiveWay is how many values a single link may find to be shared: each costs a look at the persons. The next link of the
// same kind goes on.
const mostGiveWay = 16

// put decides about evidence that two identifiers are one person's; manual when a user says so.
func (r *Resolver) put(a, b uint32, manual bool) {
	if a == b {
		if manual {
			r.refuse(reasonMalformed, "malformed", "it is one identifier")
		}
		return
	}
	if r.findPair(a, b) {
		if manual {
			r.confirm(a, b)
		}
		return
	}
	if r.says(r.retracted) {
		r.refuse(reasonRetracted, "retracted", "a user has said that the evidence is wrong")
		return
	}
	for gave := 0; ; gave++ {
		if r.refuseShared(a) || r.refuseShared(b) {
			return
		}
		if value, is := r.valueToShare(a, b); is {
			r.hold(a, b, value, manual)
			return
		}
		personA, personB := r.customers.at(a).person, r.customers.at(b).person
		if personA == personB {
			r.repeat(a, b, manual)
			return
		}
		if r.refuseSize(personA, personB) {
			return
		}
		if r.barrier(personA, personB) {
			r.refuse(reasonBarred, "split", "a user has split the two")
			return
		}
		broken, many := r.brokenType(personA, personB)
		if !many {
			r.join(personA, personB)
			r.keep(a, b, manual)
			return
		}
		if gave == mostGiveWay || !r.giveWay(a, b, broken) {
			t := &r.rules.Types[broken]
			r.refuse(reasonOfType(reasonMax, broken), r.maxRule(broken),
				fmt.Sprintf("one person would have %d of %s, at most %d", r.sum[broken], t.Name, t.Max))
			return
		}
	}
}

// repeat keeps evidence for two that are one person already: when other evidence is undone, it may be what still holds them.
func (r *Resolver) repeat(a, b uint32, manual bool) {
	if c := r.crowds[r.customers.at(a).person]; c != nil && int(c.pairs) >= pairsPerIdentifier*r.rules.MaxIdentifiers {
		if manual {
			r.refuse(reasonSize, r.sizeRule(), "the person has more evidence than is kept of one")
		}
		return
	}
	r.keep(a, b, manual)
}

// refuseSize refuses a link that would make a person of too many identifiers.
func (r *Resolver) refuseSize(a, b uint32) bool {
	n := int(r.customers.at(a).size) + int(r.customers.at(b).size)
	if n <= r.rules.MaxIdentifiers {
		return false
	}
	r.refuse(reasonSize, r.sizeRule(), fmt.Sprintf("one person would have %d identifiers, at most %d", n, r.rules.MaxIdentifiers))
	return true
}

func (r *Resolver) sizeRule() string {
	return fmt.Sprintf("max_identifiers: %d", r.rules.MaxIdentifiers)
}

func (r *Resolver) maxRule(typ uint8) string {
	return fmt.Sprintf("%s: max %d", r.rules.Types[typ].Name, r.rules.Types[typ].Max)
}

// brokenType returns the strongest type of which the two persons together would have more than one may. A person that has too
// many already, by a user's word, may get identifiers of other types. r.sum has the counts of both afterwards.
func (r *Resolver) brokenType(a, b uint32) (typ uint8, broken bool) {
	clear(r.sum)
	clear(r.one)
	r.count(a, r.one)
	r.count(b, r.sum)
	for code := range r.sum {
		both := r.one[code] > 0 && r.sum[code] > 0
		r.sum[code] += r.one[code]
		if both && !broken && code < len(r.rules.Types) && r.rules.Types[code].Max > 0 && int(r.sum[code]) > r.rules.Types[code].Max {
			typ, broken = uint8(code), true
		}
	}
	return typ, broken
}

// count adds the person's identifiers by type code.
func (r *Resolver) count(person uint32, sum []uint16) {
	if c := r.crowds[person]; c != nil {
		for code, n := range c.types {
			sum[code] += n
		}
		return
	}
	for i := range r.members(person) {
		sum[r.customers.at(i).typ]++
	}
}

// members yields the customers that are the person's; the ring must not change meanwhile.
func (r *Resolver) members(person uint32) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for i := person; ; {
			next := r.customers.at(i).next
			r.touched++
			if !yield(i) || next == person {
				return
			}
			i = next
		}
	}
}

// join makes two persons one. All of the loser's anchors move to the winner, with the stories that they own. r.sum has the
// counts of both.
func (r *Resolver) join(a, b uint32) {
	older, younger := min(a, b), max(a, b)
	winner, loser := survivor(older, younger, r.customers.at(older).weight, r.customers.at(younger).weight)
	from, to := r.customers.at(loser).anchor, r.customers.at(winner).anchor
	w, l := r.customers.at(winner), r.customers.at(loser)
	var pairs uint32
	crowded := w.size+l.size > fewIdentifiers
	if crowded {
		pairs = r.pairsWithin(winner) + r.pairsWithin(loser)
	}
	for i := range r.members(loser) {
		c := r.customers.at(i)
		c.person = winner
		r.emit(identity.Move{Anchor: c.anchor, Home: c.anchor, From: from, Person: to, Type: r.typeName(c.typ), Value: r.valueOf(c.anchor)})
	}
	// All customers must have moved before the stories do: who takes part in a story depends on whose they are.
	r.visited = emptied(r.visited)
	for i := range r.members(loser) {
		r.moveStories(i, from, to)
	}
	w.next, l.next = l.next, w.next
	w.size += l.size
	w.weight += l.weight
	w.flags |= l.flags & flagBarred
	delete(r.crowds, loser)
	if crowded {
		c := r.crowds[winner]
		if c == nil {
			c = &crowd{}
			r.crowds[winner] = c
		}
		c.types, c.pairs = append(c.types[:0], r.sum...), pairs
	}
	r.persons--
	r.changes++
}

// moveStories moves the stories that the customer owns, and returns what they weigh. r.visited has those that were.
func (r *Resolver) moveStories(customer uint32, from, to identity.PersonID) (weight uint32) {
	for e := r.customers.at(customer).edges; e != 0; e = r.edges.at(e - 1).nextOfCustomer {
		r.touched++
		root := r.threads.at(r.edges.at(e - 1).threadOf()).story
		if r.threads.at(root).owner != customer+1 {
			continue
		}
		if _, twice := r.visited[root]; !twice {
			r.visited[root] = struct{}{}
			r.reassign(root, from, to)
			weight += r.threads.at(root).size
		}
	}
	return weight
}

// emptied returns the map without its entries. One that was large is let go: to clear it costs its size each time.
func emptied[K comparable, V any](m map[K]V) map[K]V {
	if len(m) > 1024 {
		return map[K]V{}
	}
	clear(m)
	return m
}
