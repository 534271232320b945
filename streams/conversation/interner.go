package conversation

import (
	"hash/maphash"
	"slices"
)

// interner numbers the different values it is asked for, from 0 in the order of their coming. It takes some 8 bytes
// a value beside the value itself, a third of what a map would.
type interner[K comparable] struct {
	seed   maphash.Seed
	slots  []uint32 // 1 + number, open addressing; at most three quarters are taken
	values []K
}

// newInterner knows the zero value already, as number 0.
func newInterner[K comparable]() interner[K] {
	t := interner[K]{seed: maphash.MakeSeed(), slots: make([]uint32, 8)}
	var zero K
	t.number(zero)
	return t
}

// number returns the value's number, and whether it is new.
func (t *interner[K]) number(v K) (n uint32, fresh bool) {
	i := t.slot(v)
	if taken := t.slots[i]; taken != 0 {
		return taken - 1, false
	}
	if 4*(len(t.values)+1) > 3*len(t.slots) {
		t.slots = make([]uint32, 2*len(t.slots))
		for n, known := range t.values {
			t.slots[t.slot(known)] = uint32(n) + 1
		}
		i = t.slot(v)
	}
	n = uint32(len(t.values))
	t.values = append(grow(t.values), v)
	t.slots[i] = n + 1
	return n, true
}

// slot is where v is, or else where it would be put.
func (t *interner[K]) slot(v K) uint64 {
	mask := uint64(len(t.slots) - 1)
	i := maphash.Comparable(t.seed, v) & mask
	for t.slots[i] != 0 && t.values[t.slots[i]-1] != v {
		i = (i + 1) & mask
	}
	return i
}

// grow makes room for one more, by an eighth: most lists are short and there are many, and the long ones are so long that
// half of them empty would be a waste.
func grow[T any](list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	out := make([]T, len(list), len(list)+len(list)/8+1)
	copy(out, list)
	return out
}

// fit gives back memory that a list has taken for more than it holds now.
func fit[T any](list []T) []T {
	if cap(list) > 2*len(list)+4 {
		return slices.Clone(list)
	}
	return list
}
