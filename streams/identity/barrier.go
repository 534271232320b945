package identity

// A split keeps its two sides apart for ever: whoever has identifiers of both would be one person again. Each identifier that
// was in a split has a list of its sides. A merge that joins two sides takes the split back.

// split is one user's word that two sides are not one person.
type split struct {
	lifted bool
}

// bar is a list of the sides that an identifier is on. Identifiers that were split together have it in common.
type bar struct {
	of   *split
	left bool
	rest *bar
}

// barrier tells that a split keeps the two persons apart.
func (r *Resolver) barrier(a, b uint32) bool {
	for range r.barriers(a, b) {
		return true
	}
	return false
}

// lift takes back all splits that keep the two persons apart.
func (r *Resolver) lift(a, b uint32) {
	for s := range r.barriers(a, b) {
		s.lifted = true
	}
}

// barriers yields the splits that keep the two persons apart.
func (r *Resolver) barriers(a, b uint32) func(yield func(*split) bool) {
	return func(yield func(*split) bool) {
		if a == b || r.customers.at(a).flags&r.customers.at(b).flags&flagBarred == 0 {
			return
		}
		left := map[*split]bool{} // a's side of its splits: nobody is on both sides of one
		for side := range r.sidesOf(a) {
			left[side.of] = side.left
		}
		for side := range r.sidesOf(b) {
			if isLeft, both := left[side.of]; both && isLeft != side.left && !side.of.lifted && !yield(side.of) {
				return
			}
		}
	}
}

// sidesOf yields the sides that a person's identifiers are on.
func (r *Resolver) sidesOf(person uint32) func(yield func(*bar) bool) {
	return func(yield func(*bar) bool) {
		seen := map[*bar]struct{}{}
		for i := range r.members(person) {
			for side := r.barred[i]; side != nil; side = side.rest {
				if _, ok := seen[side]; ok {
					break
				}
				seen[side] = struct{}{}
				r.touched++
				if !side.of.lifted && !yield(side) {
					return
				}
			}
		}
	}
}

// raise keeps those who leave apart from the rest of the person.
func (r *Resolver) raise(person uint32, leaves map[uint32]struct{}) {
	s := &split{}
	type place struct {
		before *bar
		left   bool
	}
	same := map[place]*bar{}
	for i := range r.members(person) {
		_, left := leaves[i]
		at := place{r.barred[i], left}
		if same[at] == nil {
			same[at] = &bar{s, left, at.before.inForce()}
		}
		r.barred[i] = same[at]
	}
	r.customers.at(person).flags |= flagBarred
}

// inForce is the list without splits that were taken back.
func (b *bar) inForce() *bar {
	if b == nil {
		return nil
	}
	rest := b.rest.inForce()
	switch {
	case b.of.lifted:
		return rest
	case rest == b.rest:
		return b
	}
	return &bar{b.of, b.left, rest}
}
