package identity

import (
	"fmt"
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// Values that several persons use. Some are known to be by the rules (share): they are held by their persons and join
// nobody. Others are found out, when they stand between two that cannot be one person. Once shared, always shared.

// refuseShared refuses the link because an end of it is shared.
func (r *Resolver) refuseShared(c uint32) bool {
	if r.customers.at(c).flags&flagShared == 0 {
		return false
	}
	typ := r.customers.at(c).typ
	r.refuse(reasonOfType(reasonShared, typ), r.sharedRule(typ), "several persons use the value")
	return true
}

func (r *Resolver) sharedRule(typ uint8) string { return "shared: " + r.typeLabel(typ) }

// typeLabel names a type for people.
func (r *Resolver) typeLabel(code uint8) string {
	if name := r.typeName(code); name != "" {
		return name
	}
	return "unlisted"
}

func (r *Resolver) shareRule(typ uint8) string {
	return fmt.Sprintf("%s: share %d", r.typeLabel(typ), r.share(typ))
}

// share is how many persons may have the same value of the type.
func (r *Resolver) share(typ uint8) int {
	if int(typ) < len(r.rules.Types) {
		return max(1, r.rules.Types[typ].Share)
	}
	return 1
}

// valueToShare returns the end that several may share, the weaker one if both are; false if none is.
func (r *Resolver) valueToShare(a, b uint32) (value uint32, is bool) {
	typA, typB := r.customers.at(a).typ, r.customers.at(b).typ
	shareA, shareB := r.share(typA) > 1, r.share(typB) > 1
	if shareA && (!shareB || typA > typB) {
		return a, true
	}
	return b, shareB
}

// hold keeps that somebody has a value that several may share, up to the one person too many: then it is shared.
func (r *Resolver) hold(a, b, value uint32, manual bool) {
	typ, holder := r.customers.at(value).typ, a
	if holder == value {
		holder = b
	}
	persons := emptied(r.visited)
	persons[r.customers.at(holder).person] = struct{}{}
	n, among := 0, false
	var holds []uint32
	for i, p := range r.pairsOf(value) {
		if p.held() {
			n++
			person := r.customers.at(p.other(value)).person
			among = among || person == r.customers.at(holder).person
			persons[person] = struct{}{}
			holds = append(holds, i)
		}
	}
	many := len(persons) > r.share(typ)
	r.visited = persons
	rule := r.shareRule(typ)
	switch {
	case many:
		r.isShared(value, rule, fmt.Sprintf("more than %d persons use it", r.share(typ)), holds)
		r.refuseShared(value)
	case among && n >= pairsPerIdentifier*r.rules.MaxIdentifiers:
		if manual {
			r.refuse(reasonSize, r.sizeRule(), "the value has more evidence than is kept of one")
		}
	default:
		r.addPair(a, b, false, true, value)
		r.isKept()
		r.decide(r.nodeOf(a), r.nodeOf(b), identity.Held, rule, "")
	}
}

// isShared records that a value is shared, and undoes what it held or joined.
func (r *Resolver) isShared(c uint32, rule, detail string, pairs []uint32) {
	r.customers.at(c).flags |= flagShared
	r.decide(r.nodeOf(c), identity.Node{}, identity.Shared, rule, detail)
	r.undo(pairs, r.sharedRule(r.customers.at(c).typ), detail)
}

// giveWay finds the weakest identifier between two of a type that are too many for one person, and lets it be shared: a
// kiosk's phone joins none of its customers, and between two logins on one device it is the device that gives way. It looks
// at the shortest chain of evidence from the nearest of the type on a's side, over the link, to the nearest on b's. What a user
// has put together does not give way, nor does what is as strong as the type. False if nothing can.
func (r *Resolver) giveWay(a, b uint32, typ uint8) bool {
	onA, onB := r.pathTo(a, typ), r.pathTo(b, typ)
	weakest, rank := uint32(0), typ
	for i := range max(len(onA)+1, len(onB)) { // by distance from b
		if i < len(onB) {
			weakest, rank = r.weaker(weakest, rank, onB[i])
		}
		if i > 0 && i <= len(onA) {
			weakest, rank = r.weaker(weakest, rank, onA[i-1])
		}
	}
	if rank == typ {
		return false
	}
	var pairs []uint32
	for i := range r.pairsOf(weakest) {
		pairs = append(pairs, i)
	}
	t := &r.rules.Types[typ]
	r.isShared(weakest, r.maxRule(typ), fmt.Sprintf("it stands between persons who would have more than %d of %s together", t.Max, t.Name), pairs)
	r.part(r.customers.at(weakest).person)
	return true
}

func (r *Resolver) weaker(weakest uint32, rank uint8, c uint32) (uint32, uint8) {
	if typ := r.customers.at(c).typ; typ > rank && !r.isManual(c) {
		return c, typ
	}
	return weakest, rank
}

// isManual tells that a user has put the identifier together with another.
func (r *Resolver) isManual(c uint32) bool {
	for _, p := range r.pairsOf(c) {
		if p.manual() {
			return true
		}
	}
	return false
}

// pathTo is the shortest chain of evidence from an identifier to the first of a type, without that one; empty if it is of
// the type itself.
func (r *Resolver) pathTo(from uint32, typ uint8) (path []uint32) {
	r.parents = emptied(r.parents)
	r.parents[from] = from
	queue := append(r.queue[:0], from)
	defer func() { r.queue = queue[:0] }()
	for at := 0; at < len(queue); at++ {
		c := queue[at]
		if r.customers.at(c).typ == typ {
			for c != from {
				c = r.parents[c]
				path = append(path, c)
			}
			slices.Reverse(path)
			return path
		}
		for _, p := range r.pairsOf(c) {
			other := p.other(c)
			if _, seen := r.parents[other]; !seen && !p.held() {
				r.parents[other] = c
				queue = append(queue, other)
			}
		}
	}
	return nil
}
