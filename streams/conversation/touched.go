package conversation

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// touched is what the records since the last flush have changed of a person. It says too much rather than too little:
// what one record changed and the next one changed back is touched, since an earlier owner of the partition may have
// written down what was in between.
type touched struct {
	names   []name
	members []place // of stubs whose conversation may be another one
	gone    []gone
}

// name is a stub that names a conversation, or did.
type name struct {
	place
	anchor    uint32
	lost      bool           // it names none any more
	hop       uint32         // when it lost its name
	successor touchpoint.Key // the conversation it was in then; zero for none
}

// place is where a stub is in the order of stubs: by time, then by its turn, then by key.
type place struct {
	time int64
	key  touchpoint.Key
	turn uint8
}

// gone is a stub that has left the set.
type gone struct {
	stub
	hop uint32
}

// compare is the order of stubs.
func (a place) compare(b place) int {
	switch {
	case a.time != b.time:
		return cmp.Compare(a.time, b.time)
	case a.turn != b.turn:
		return cmp.Compare(a.turn, b.turn)
	}
	return bytes.Compare(a.key[:], b.key[:])
}

// left returns the last time that the stub left the set; t.gone is sorted, and every touched stub that is not in the
// set is there.
func (t *touched) left(m place) *gone {
	after, _ := slices.BinarySearchFunc(t.gone, m, func(g gone, m place) int {
		if g.place().compare(m) <= 0 {
			return -1
		}
		return 1
	})
	return &t.gone[after-1]
}

func (h *Homes) touch(p *person) *touched {
	if p.touched == nil {
		if n := len(h.spare); n > 0 {
			p.touched, h.spare = h.spare[n-1], h.spare[:n-1]
		} else {
			p.touched = &touched{}
		}
		h.dirty = append(h.dirty, p)
	}
	return p.touched
}

func (t *touched) name(first *stub) {
	t.names = append(t.names, name{place: first.place(), anchor: first.anchor})
}

func (t *touched) renamed(s *stub, hop uint32, successor touchpoint.Key) {
	t.names = append(t.names, name{
		place: s.place(), anchor: s.anchor, lost: true, hop: hop, successor: successor,
	})
}

func (t *touched) member(s *stub) {
	t.members = append(t.members, s.place())
}

func (t *touched) leave(s *stub, hop uint32) {
	t.member(s)
	t.gone = append(t.gone, gone{stub: *s, hop: hop})
}
