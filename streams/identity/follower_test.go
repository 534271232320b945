package identity

import (
	"fmt"
	"slices"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

// follower is somebody who reads the moves and nothing else.
type follower map[identity.Anchor]identity.Move

func (f follower) take(t fataler, moves []identity.Move) {
	t.Helper()
	for _, m := range moves {
		old, ok := f[m.Anchor]
		if ok && (m.Version <= old.Version || m.From != old.Person) {
			t.Fatalf("move %+v after %+v", m, old)
		}
		if !ok && m.Thread.IsZero() && m.From != m.Anchor {
			t.Fatalf("first move of an anchor comes from elsewhere: %+v", m)
		}
		if m.From == m.Person && (ok || m.Thread.IsZero()) {
			t.Fatalf("move to where it is: %+v", m)
		}
		f[m.Anchor] = m
	}
}

func (f follower) personOf(a identity.Anchor) identity.PersonID {
	if m, ok := f[a]; ok {
		return m.Person
	}
	return a
}

// shareOf is whose conversations get what customer a writes in a thread.
func (f follower) shareOf(a, thread identity.Anchor) identity.PersonID {
	if m, ok := f[identity.ParticipationOf(a, thread)]; ok {
		return m.Person
	}
	return f.personOf(a)
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

const unlimitedRules = `
regions: [DE]
max_identifiers: 60000
max_thread: 60000
types: [{name: customer_id}, {name: email}, {name: device}]
`

func mustRules(tb testing.TB, yaml string) *Rules {
	tb.Helper()
	r, err := ParseRules([]byte(yaml))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func identifier(typ string, n int) identity.Node {
	value := fmt.Sprint(n)
	return identity.Node{Anchor: identity.AnchorOf("w", typ, value), Type: typ, Value: value}
}

// checkBooks computes anew what the resolver keeps up to date.
func (r *Resolver) checkBooks(t fataler) {
	t.Helper()
	size, weight := map[uint32]int{}, map[uint32]int{}
	for i := range r.customers.n {
		c := r.customers.at(i)
		size[c.person]++
		weight[c.person]++
		for e := c.edges; e != 0; e = r.edges.at(e - 1).nextOfCustomer {
			weight[c.person]++
		}
		if r.customers.at(c.person).person != c.person {
			t.Fatalf("customer %d belongs to %d, which is no name", i, c.person)
		}
		if r.barred[i] != nil && r.customers.at(c.person).flags&flagBarred == 0 {
			t.Fatalf("customer %d was in a split, and person %d does not know", i, c.person)
		}
	}
	storySize := map[uint32]int{}
	for i := range r.threads.n {
		story := r.threads.at(i).story
		storySize[story]++
		for e := r.threads.at(i).lastEdge(); e != 0; e = r.edges.at(e - 1).nextOfThread {
			storySize[story]++
		}
	}
	for root, n := range storySize {
		if int(r.threads.at(root).size) != n {
			t.Fatalf("story %d has size %d, want %d", root, r.threads.at(root).size, n)
		}
		if owner := r.threads.at(root).owner; owner != 0 {
			weight[r.customers.at(owner-1).person] += n
		}
	}
	for person, n := range size {
		if c := r.customers.at(person); int(c.size) != n || int(c.weight) != weight[person] {
			t.Fatalf("person %d has size %d and weight %d, want %d and %d", person, c.size, c.weight, n, weight[person])
		}
		walked, counted := make([]uint16, len(r.sum)), make([]uint16, len(r.sum))
		ends := uint32(0)
		for i := range r.members(person) {
			walked[r.customers.at(i).typ]++
			ends += r.degree(i)
		}
		if r.count(person, counted); !slices.Equal(walked, counted) {
			t.Fatalf("person %d has types %v, want %v", person, counted, walked)
		}
		if (r.crowds[person] != nil) != (n > fewIdentifiers) || r.pairsWithin(person) != ends/2 {
			t.Fatalf("person %d of %d has %d pairs, want %d", person, n, r.pairsWithin(person), ends/2)
		}
		if parts := r.partsOf(person); len(parts) != 1 || len(parts[0]) != n {
			t.Fatalf("person %d of %d hangs together as %v", person, n, parts)
		}
	}
	for person := range r.crowds {
		if size[person] <= fewIdentifiers {
			t.Fatalf("counts are kept for %d, a person of %d", person, size[person])
		}
	}
	if r.Persons() != len(size) {
		t.Fatalf("%d persons, want %d", r.Persons(), len(size))
	}
	r.checkPairs(t)
}

// checkPairs looks that every pair is found, from both ends, and counted as it is.
func (r *Resolver) checkPairs(t fataler) {
	t.Helper()
	inRings, inSet := 0, 0
	for i := range r.customers.n {
		n := 0
		for at, p := range r.pairsOf(i) {
			n++
			a, b := p.ends()
			inRings++
			if p.held() {
				inRings++
			} else if r.customers.at(a).person != r.customers.at(b).person {
				t.Fatalf("the pair of %d and %d joins two persons", a, b)
			}
			if !r.findPair(a, b) || !r.findPair(b, a) || r.thePair(a, b) != at || p.undone() {
				t.Fatalf("the pair of %d and %d is not found", a, b)
			}
			if _, ok := r.crowdedPairs[pairKey(a, b)]; ok {
				if inSet++; p.held() {
					inSet++
				}
			}
		}
		if n > fewPairs && r.customers.at(i).flags&flagCrowded == 0 {
			t.Fatalf("customer %d has %d pairs and is searched one by one", i, n)
		}
	}
	if want := 2 * (int(r.pairs.n) - len(r.freePairs)); inRings != want || inSet != 2*len(r.crowdedPairs) {
		t.Fatalf("%d ends of pairs in rings and %d in the set, want %d and %d", inRings, inSet, want, 2*len(r.crowdedPairs))
	}
}
