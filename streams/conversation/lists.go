package conversation

import (
	"hash/maphash"
	"slices"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// lists keep lists of threads, each once: a stub that comes again, or moves from person to person, has the one it had. They lie behind each
// other, because most are short and an interner of texts takes three times the memory for such a list.
type lists struct {
	seed  maphash.Seed
	slots []uint32 // where a list begins, open addressing; 0: free; at most three quarters are taken
	count int
	all   []uint32 // of each list: length, then numbers; the first is never used
}

func newLists() lists {
	return lists{seed: maphash.MakeSeed(), slots: make([]uint32, 8), all: []uint32{0}}
}

// number is where the list begins.
func (l *lists) number(list []uint32) uint32 {
	i := l.slot(list)
	if l.slots[i] != 0 {
		return l.slots[i]
	}
	if 4*(l.count+1) > 3*len(l.slots) {
		known := l.slots
		l.slots = make([]uint32, 2*len(known))
		for _, at := range known {
			if at != 0 {
				l.slots[l.slot(l.at(at))] = at
			}
		}
		i = l.slot(list)
	}
	at := uint32(len(l.all))
	l.all = append(append(l.all, uint32(len(list))), list...)
	l.slots[i] = at
	l.count++
	return at
}

// at is the list that begins there.
func (l *lists) at(at uint32) []uint32 { return l.all[at+1:][:l.all[at]] }

// slot is where in the slots the list is, or else where it would be put.
func (l *lists) slot(list []uint32) uint64 {
	var key [touchpoint.MaxThreads]uint32
	copy(key[:], list)
	mask := uint64(len(l.slots) - 1)
	i := maphash.Comparable(l.seed, key) & mask
	for l.slots[i] != 0 && !slices.Equal(l.at(l.slots[i]), list) {
		i = (i + 1) & mask
	}
	return i
}
