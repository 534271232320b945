package oracle

import (
	"slices"
	"strings"

	schema "github.com/throughline/throughline/schemas/identity"
)

// claimed suggests, unless there is nothing to ask.
func (p *People) claimed(a, b schema.Anchor) {
	l := p.link
	switch {
	case a == b || strings.HasPrefix(l.A.Type, "claimed:") || p.blocked(&l.A) || p.blocked(&l.B):
	case p.declined[pairOf(a, b)] || p.retracted[pairOf(a, b)] || p.shared[a] || p.shared[b]:
	case p.find(a, b) != nil:
	case p.PersonOf(a) != nil && p.PersonOf(a) == p.PersonOf(b):
	case p.typ[a] != "" && p.typ[b] != "" && len(p.between(p.personOf(a), p.personOf(b))) > 0:
	default:
		p.decide(a, b, schema.Suggested, l.Rule)
	}
}

// merge makes one person of two.
func (p *People) merge(a, b schema.Anchor) {
	if a == b {
		p.refuse("malformed")
		return
	}
	personA, personB := p.personOf(a), p.personOf(b)
	if personA != personB && len(personA.Members)+len(personB.Members) > p.rules.MaxIdentifiers {
		p.refuse(p.maxIdentifiers())
		return
	}
	p.allow()
	k := p.find(a, b)
	switch {
	case k != nil && !k.Held:
		p.confirm(k)
		return
	case k != nil:
		p.forget(k)
	}
	if personA == personB {
		p.repeat(a, b, true)
		return
	}
	lifted := p.between(personA, personB)
	p.splits = slices.DeleteFunc(p.splits, func(s *split) bool { return slices.Contains(lifted, s) })
	p.keep(&Kept{A: a, B: b, Manual: true})
	p.joined(a, b)
}

// allow takes back what users have said against the pair of the link.
func (p *People) allow() {
	delete(p.retracted, pairOf(p.link.A.Anchor, p.link.B.Anchor))
	delete(p.declined, pairOf(p.link.A.Anchor, p.link.B.Anchor))
}

// accept takes a suggestion for evidence.
func (p *People) accept(l *schema.Link) {
	switch schema.ThreadType {
	case l.A.Type:
		p.allow()
		if p.writes(&l.B, &l.A) {
			p.joined(l.A.Anchor, l.B.Anchor)
		}
	case l.B.Type:
		p.allow()
		if p.writes(&l.A, &l.B) {
			p.joined(l.A.Anchor, l.B.Anchor)
		}
	default:
		if p.ends(l) {
			p.allow()
			p.put(l.A.Anchor, l.B.Anchor, true)
		}
	}
}

// retract undoes the evidence for a pair, for ever.
func (p *People) retract(a, b schema.Anchor) {
	p.retracted[pairOf(a, b)] = true
	if k := p.find(a, b); k != nil {
		p.undo(k, "retracted")
	} else {
		p.refuse("retracted")
	}
}

// split lets the identifiers leave the person together.
func (p *People) split(a schema.Anchor, nodes []schema.Node) {
	if p.typ[a] == "" {
		p.refuse("malformed")
		return
	}
	s := &split{map[schema.Anchor]bool{}, map[schema.Anchor]bool{}}
	person := p.personOf(a)
	for _, member := range person.Members {
		leaves := slices.ContainsFunc(nodes, func(n schema.Node) bool { return n.Anchor == member })
		if leaves {
			s.leave[member] = true
		} else {
			s.stay[member] = true
		}
	}
	if len(s.leave) == 0 || len(s.stay) == 0 {
		p.refuse("malformed")
		return
	}
	p.splits = append(p.splits, s)
	for member := range s.leave {
		for _, k := range slices.Clone(p.evidence[member]) {
			if s.stay[k.other(member)] && !k.Held {
				p.retracted[pairOf(k.A, k.B)] = true
				p.undo(k, "split")
			}
		}
	}
	p.tieTogether(s.leave)
}

// tieTogether makes one person of those who leave: the oldest of each part is tied to the oldest of all.
func (p *People) tieTogether(leave map[schema.Anchor]bool) {
	var oldest []schema.Anchor
	seen := map[schema.Anchor]bool{}
	for member := range leave {
		if seen[member] {
			continue
		}
		first := member
		for _, at := range p.reach(member, func(a schema.Anchor) bool { return leave[a] }) {
			seen[at] = true
			if p.born[at] < p.born[first] {
				first = at
			}
		}
		oldest = append(oldest, first)
	}
	slices.SortFunc(oldest, func(x, y schema.Anchor) int { return p.born[x] - p.born[y] })
	for _, at := range oldest[1:] {
		delete(p.retracted, pairOf(oldest[0], at))
		if held := p.find(oldest[0], at); held != nil {
			p.forget(held)
		}
		p.keep(&Kept{A: oldest[0], B: at, Manual: true})
		p.decide(oldest[0], at, schema.Joined, "split")
	}
}

// between is the splits that keep two persons apart.
func (p *People) between(a, b *Set) (splits []*split) {
	on := func(side map[schema.Anchor]bool, person *Set) bool {
		return slices.ContainsFunc(person.Members, func(member schema.Anchor) bool { return side[member] })
	}
	for _, s := range p.splits {
		if on(s.leave, a) && on(s.stay, b) || on(s.stay, a) && on(s.leave, b) {
			splits = append(splits, s)
		}
	}
	return splits
}
