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

// verified joins the persons of two identifiers.
func (r *Resolver) verified(l *identity.Link) {
	if r.full() {
		return
	}
	a, okA := r.customerOf(&l.A)
	b, okB := r.customerOf(&l.B)
	if !okA || !okB {
		r.refuse("malformed", "a verified link joins two identifiers, and no threads")
		return
	}
	older, younger := r.customers.at(a).person, r.customers.at(b).person
	if older == younger {
		return
	}
	older, younger = min(older, younger), max(older, younger)
	if rule, reason := r.overLimit(older, younger); rule != "" {
		r.refuse(rule, reason)
		return
	}
	winner, loser := survivor(older, younger, r.customers.at(older).weight, r.customers.at(younger).weight)
	r.join(winner, loser)
}

// overLimit returns the rule that the two persons together would break, or "".
func (r *Resolver) overLimit(a, b uint32) (rule, reason string) {
	sizeA, sizeB := r.customers.at(a).size, r.customers.at(b).size
	if n := int(sizeA) + int(sizeB); n > r.rules.MaxIdentifiers {
		return fmt.Sprintf("max_identifiers: %d", r.rules.MaxIdentifiers),
			fmt.Sprintf("one person would have %d identifiers, at most %d", n, r.rules.MaxIdentifiers)
	}
	clear(r.sum)
	r.count(a, r.sum)
	r.count(b, r.sum)
	for code := range r.rules.Types {
		if t := &r.rules.Types[code]; t.Max > 0 && int(r.sum[code]) > t.Max {
			return fmt.Sprintf("%s: max %d", t.Name, t.Max),
				fmt.Sprintf("one person would have %d of %s, at most %d", r.sum[code], t.Name, t.Max)
		}
	}
	return "", ""
}

// count adds the person's identifiers by type code.
func (r *Resolver) count(person uint32, sum []uint16) {
	if counts, ok := r.counts[person]; ok {
		for code, n := range counts {
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
			if !yield(i) || next == person {
				return
			}
			i = next
		}
	}
}

// join moves all of the loser's anchors to the winner, with the stories that they own. r.sum has the counts of both.
func (r *Resolver) join(winner, loser uint32) {
	from, to := r.customers.at(loser).anchor, r.customers.at(winner).anchor
	for i := range r.members(loser) {
		c := r.customers.at(i)
		c.person = winner
		r.emit(identity.Move{Anchor: c.anchor, Home: c.anchor, From: from, Person: to, Type: r.typeName(c.typ), Value: r.valueOf(c.anchor)})
	}
	// All customers must have moved before the stories do: who takes part in a story depends on whose they are.
	clear(r.visited)
	for i := range r.members(loser) {
		for e := r.customers.at(i).edges; e != 0; e = r.edges.at(e - 1).nextOfCustomer {
			root := r.threads.at(r.edges.at(e - 1).threadOf()).story
			if r.threads.at(root).owner != i+1 {
				continue
			}
			if _, twice := r.visited[root]; !twice {
				r.visited[root] = struct{}{}
				r.reassign(root, from, to)
			}
		}
	}
	w, l := r.customers.at(winner), r.customers.at(loser)
	w.next, l.next = l.next, w.next
	w.size += l.size
	w.weight += l.weight
	delete(r.counts, loser)
	if w.size > fewIdentifiers {
		r.counts[winner] = append(r.counts[winner][:0], r.sum...)
	}
	r.merges++
}

func (r *Resolver) typeName(code uint8) string {
	if int(code) < len(r.rules.Types) {
		return r.rules.Types[code].Name
	}
	return "" // of a type that no rule names, the name is not kept
}
