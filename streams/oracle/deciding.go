package oracle

import (
	"cmp"
	"fmt"
	"slices"

	schema "github.com/throughline/throughline/schemas/identity"
)

// put decides about evidence that two identifiers belong together.
func (p *People) put(a, b schema.Anchor, manual bool) {
	if a == b {
		if manual {
			p.refuse("malformed")
		}
		return
	}
	if k := p.find(a, b); k != nil {
		if manual {
			p.confirm(k)
		}
		return
	}
	if p.retracted[pairOf(a, b)] {
		p.refuse("retracted")
		return
	}
	for gave := 0; ; gave++ {
		for _, end := range []schema.Anchor{a, b} {
			if p.shared[end] {
				p.refuse("shared: " + p.label(end))
				return
			}
		}
		if p.share(a) > 1 || p.share(b) > 1 {
			p.hold(a, b, manual)
			return
		}
		personA, personB := p.personOf(a), p.personOf(b)
		switch {
		case personA == personB:
			p.repeat(a, b, manual)
			return
		case len(personA.Members)+len(personB.Members) > p.rules.MaxIdentifiers:
			p.refuse(p.maxIdentifiers())
			return
		case len(p.between(personA, personB)) > 0:
			p.refuse("split")
			return
		}
		broken := p.broken(personA, personB)
		if broken < 0 {
			p.keep(&Kept{A: a, B: b, Manual: manual})
			p.joined(a, b)
			return
		}
		rule := fmt.Sprintf("%s: max %d", p.rules.Types[broken].Name, p.rules.Types[broken].Max)
		weakest, found := p.weakest(a, b, broken)
		if !found || gave == 16 {
			p.refuse(rule)
			return
		}
		p.isShared(weakest, rule, func(k *Kept) bool { return !k.Held })
	}
}

// confirm makes evidence that is there a user's word.
func (p *People) confirm(k *Kept) {
	if k.Held {
		p.decide(k.A, k.B, schema.Held, p.shareRule(p.value(k.A, k.B)))
		return
	}
	k.Manual = true
	p.joined(p.link.A.Anchor, p.link.B.Anchor)
}

// repeat keeps evidence for two that are one person already, up to four times as much as a person may have identifiers.
func (p *People) repeat(a, b schema.Anchor, manual bool) {
	ends := 0
	for _, member := range p.personOf(a).Members {
		for _, k := range p.evidence[member] {
			if !k.Held {
				ends++
			}
		}
	}
	if ends/2 < 4*p.rules.MaxIdentifiers {
		p.keep(&Kept{A: a, B: b, Manual: manual})
		p.joined(a, b)
	} else if manual {
		p.refuse(p.maxIdentifiers())
	}
}

// value is which of the two several may share: the weaker one if both.
func (p *People) value(a, b schema.Anchor) schema.Anchor {
	if p.share(a) > 1 && (p.share(b) == 1 || p.rank(a) > p.rank(b)) {
		return a
	}
	return b
}

func (p *People) shareRule(value schema.Anchor) string {
	return fmt.Sprintf("%s: share %d", p.label(value), p.share(value))
}

// hold keeps that somebody has a value that several may share.
func (p *People) hold(a, b schema.Anchor, manual bool) {
	value := p.value(a, b)
	holder := a
	if value == a {
		holder = b
	}
	persons, holds := map[*Set]bool{}, 0
	isHold := func(k *Kept) bool { return k.Held && p.value(k.A, k.B) == value }
	for _, k := range p.evidence[value] {
		if isHold(k) {
			persons[p.personOf(k.other(value))] = true
			holds++
		}
	}
	repeats := persons[p.personOf(holder)]
	persons[p.personOf(holder)] = true
	switch {
	case len(persons) > p.share(value):
		p.isShared(value, p.shareRule(value), isHold)
		p.refuse("shared: " + p.label(value))
	case repeats && holds >= 4*p.rules.MaxIdentifiers:
		if manual {
			p.refuse(p.maxIdentifiers())
		}
	default:
		p.keep(&Kept{A: a, B: b, Held: true})
		delete(p.refused, pairOf(a, b))
		p.decide(a, b, schema.Held, p.shareRule(value))
	}
}

// isShared finds that several persons use the identifier, and undoes what it held or joined.
func (p *People) isShared(a schema.Anchor, rule string, undone func(*Kept) bool) {
	p.shared[a] = true
	p.decide(a, schema.Anchor{}, schema.Shared, rule)
	for _, k := range slices.Clone(p.evidence[a]) {
		if undone(k) {
			p.undo(k, "shared: "+p.label(a))
		}
	}
}

// broken is the rank of the strongest type of which both have some, and together too many; -1 if there is none.
func (p *People) broken(a, b *Set) int {
	for rank := range p.rules.Types {
		inA, inB := p.count(a, rank), p.count(b, rank)
		if limit := p.rules.Types[rank].Max; limit > 0 && inA > 0 && inB > 0 && inA+inB > limit {
			return rank
		}
	}
	return -1
}

func (p *People) count(person *Set, rank int) (n int) {
	for _, member := range person.Members {
		if p.rank(member) == rank {
			n++
		}
	}
	return n
}

// weakest is the weakest identifier between the nearest of the type on a's side and the nearest on b's, and among those as
// weak the nearest to b; of as near ones that on b's side. What a user put together is none.
func (p *People) weakest(a, b schema.Anchor, rank int) (weakest schema.Anchor, found bool) {
	type step struct {
		at       schema.Anchor
		distance int // from b
		side     int
	}
	var steps []step
	for i, at := range p.way(b, rank) {
		steps = append(steps, step{at, i, 0})
	}
	for i, at := range p.way(a, rank) {
		steps = append(steps, step{at, i + 1, 1})
	}
	steps = slices.DeleteFunc(steps, func(s step) bool {
		return p.rank(s.at) <= rank || slices.ContainsFunc(p.evidence[s.at], func(k *Kept) bool { return k.Manual })
	})
	if len(steps) == 0 {
		return weakest, false
	}
	first := slices.MinFunc(steps, func(x, y step) int {
		return cmp.Or(cmp.Compare(p.rank(y.at), p.rank(x.at)), cmp.Compare(x.distance, y.distance), cmp.Compare(x.side, y.side))
	})
	return first.at, true
}

// way is the shortest way from an identifier to one of the type, without that one; of several that which the older evidence
// makes.
func (p *People) way(from schema.Anchor, rank int) (way []schema.Anchor) {
	came := map[schema.Anchor]schema.Anchor{from: from}
	for queue := []schema.Anchor{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if p.rank(at) == rank {
			for at != from {
				at = came[at]
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
		for _, k := range p.evidence[at] {
			other := k.other(at)
			if _, seen := came[other]; !seen && !k.Held {
				came[other] = at
				queue = append(queue, other)
			}
		}
	}
	return nil
}
