package identity

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
)

// record is what the store knows of a workspace: the edges that were decided, and the moves.
type record struct {
	r       *Resolver
	offset  int64
	edges   map[identity.Anchor]identity.Edge // last of each pair
	nodes   []identity.Node                   // in order of appearance
	seen    map[identity.Anchor]bool
	persons map[identity.Anchor]identity.PersonID
}

func newRecord(rules *Rules) *record {
	return &record{r: NewResolver("w", rules), edges: map[identity.Anchor]identity.Edge{}, seen: map[identity.Anchor]bool{}, persons: map[identity.Anchor]identity.PersonID{}}
}

func (s *record) apply(l *identity.Link) {
	var out Outcome
	s.r.Apply(s.offset, 0, l, &out)
	s.offset++
	for _, e := range out.Edges {
		s.edges[identity.PairID(e.A.Anchor, e.B.Anchor)] = e
	}
	for _, n := range []identity.Node{l.A, l.B} {
		if _, known := s.r.Person(n.Anchor); known && !s.seen[n.Anchor] && n.Type != identity.ThreadType {
			s.seen[n.Anchor] = true
			s.nodes = append(s.nodes, n)
		}
	}
	for _, n := range s.nodes {
		s.persons[n.Anchor], _ = s.r.Person(n.Anchor)
	}
}

// known is what is known of the persons of some nodes.
func (s *record) known(nodes ...identity.Node) Known {
	k := Known{Workspace: "w", Persons: map[identity.Anchor]identity.PersonID{}}
	concerned := map[identity.PersonID]bool{}
	for _, n := range nodes {
		concerned[s.persons[n.Anchor]] = true
	}
	for _, n := range s.nodes {
		if p := s.persons[n.Anchor]; concerned[p] {
			k.Persons[n.Anchor] = p
			k.Nodes = append(k.Nodes, n)
		}
	}
	named := map[identity.Anchor]identity.Node{}
	for _, n := range s.nodes {
		named[n.Anchor] = n
	}
	for _, e := range s.edges {
		_, a := k.Persons[e.A.Anchor]
		_, b := k.Persons[e.B.Anchor]
		if e.Decision == identity.Joined && a && b {
			e.A, e.B = named[e.A.Anchor], named[e.B.Anchor] // the resolver keeps no values
			k.Edges = append(k.Edges, e)
		}
	}
	slices.SortFunc(k.Edges, func(a, b identity.Edge) int { return slices.Compare(a.A.Anchor[:], b.A.Anchor[:]) }) // any order
	return k
}

// TestForesee foresees every act before it is done, and compares.
func TestForesee(t *testing.T) {
	rules, err := ParseRules([]byte("regions: [DE]\nmax_identifiers: 8\nmax_thread: 100\ntypes:\n  - {name: customer_id, normalise: plain, max: 1}\n" +
		"  - {name: email, normalise: plain, max: 3}\n  - {name: phone, normalise: plain, share: 2}\n  - {name: cookie, normalise: plain}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := newRecord(rules)
		names := []string{"customer_id:1", "customer_id:2", "email:a", "email:b", "phone:a", "phone:b", "cookie:a", "cookie:b", "cookie:c"}
		node := func(label string) identity.Node { return nodeOf(rapid.SampledFrom(names).Draw(t, label)) }
		for range rapid.IntRange(1, 40).Draw(t, "links") {
			l := &identity.Link{Workspace: "w", A: node("a"), B: node("b"), User: "eva", Reason: "because"}
			l.Kind = rapid.SampledFrom([]identity.LinkKind{identity.LinkVerified, identity.LinkVerified, identity.LinkVerified, identity.LinkClaimed,
				identity.LinkMerge, identity.LinkSplit, identity.LinkRetract, identity.LinkAccept}).Draw(t, "kind")
			if l.Kind == identity.LinkSplit {
				l.B = identity.Node{}
				for range rapid.IntRange(1, 3).Draw(t, "leaving") {
					l.Nodes = append(l.Nodes, node("leaves"))
				}
			}
			foresee := (l.Kind == identity.LinkMerge || l.Kind == identity.LinkSplit || l.Kind == identity.LinkRetract) && s.seen[l.A.Anchor] && (l.B.Anchor.IsZero() || s.seen[l.B.Anchor])
			var f Foreseen
			var k Known
			if foresee {
				k = s.known(l.A, l.B)
				f = Foresee(rules, k, l)
			}
			before := maps.Clone(s.persons)
			s.apply(l)
			if !foresee {
				continue
			}
			moves := 0
			for a := range k.Persons {
				if f.Persons[a] != s.persons[a] {
					t.Fatalf("%s: %s would be of %s and is of %s", l.Kind, a, f.Persons[a], s.persons[a])
				}
				if before[a] != s.persons[a] {
					moves++
				}
			}
			if len(f.Moves) != moves {
				t.Fatalf("%d moves, want %d", len(f.Moves), moves)
			}
			refused := func(edges []identity.Edge) bool {
				return slices.ContainsFunc(edges, func(e identity.Edge) bool { return e.Decision == identity.Refused })
			}
			if refused(f.Edges) && moves > 0 {
				t.Fatal("refused, and it moved")
			}
		}
	})
}

// TestForeseeThreads: an anonymous thread goes with the customer who wrote in it first, and others in it take part.
func TestForeseeThreads(t *testing.T) {
	anna, cookie, berta := nodeOf("customer_id:anna"), nodeOf("cookie:a"), nodeOf("customer_id:berta")
	chat := ThreadNode("w", "session:1")
	k := Known{
		Workspace: "w", Nodes: []identity.Node{anna, cookie},
		Edges:   []identity.Edge{{A: anna, B: cookie, Decision: identity.Joined, Version: 1}},
		Persons: map[identity.Anchor]identity.PersonID{anna.Anchor: anna.Anchor, cookie.Anchor: anna.Anchor, chat.Anchor: anna.Anchor},
	}
	k.Threads = append(k.Threads, ThreadLinks("w", cookie, []string{"session:1"}, identity.Anchor{1}, 1)...)
	k.Threads = append(k.Threads, ThreadLinks("w", chat, []string{"session:1"}, identity.Anchor{2}, 2)...)
	k.Threads = append(k.Threads, ThreadLinks("w", berta, []string{"session:1"}, identity.Anchor{3}, 3)...)
	f := Foresee(DefaultRules(), k, &identity.Link{Workspace: "w", Kind: identity.LinkSplit, A: anna, Nodes: []identity.Node{cookie}})
	if f.Persons[anna.Anchor] != anna.Anchor || f.Persons[cookie.Anchor] != cookie.Anchor || f.Persons[chat.Anchor] != cookie.Anchor {
		t.Errorf("%+v", f.Persons)
	}
	parts := 0
	for _, m := range f.Moves {
		if !m.Thread.IsZero() {
			parts++
			if m.Home != berta.Anchor || m.From != anna.Anchor || m.Person != cookie.Anchor {
				t.Errorf("%+v", m)
			}
		}
	}
	if len(f.Moves) != 3 || parts != 1 {
		t.Errorf("%d moves: %s", len(f.Moves), fmt.Sprint(f.Moves))
	}
}
