package identity

import (
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

// Persons of at most a hundred, so that what a link may cost is small against how many there are.
const hostileRules = `
regions: [DE]
max_identifiers: 100
max_thread: 1000
types:
  - {name: customer_id, max: 1}
  - {name: phone, share: 3}
  - {name: email, max: 40}
  - {name: device}
  - {name: cookie, max: 60}
`

// node makes identifiers without hashing: there are millions.
func node(typ string, n int) identity.Node {
	return identity.Node{Anchor: benchAnchor(uint64(n)<<8 | uint64(len(typ))), Type: typ, Value: "x"}
}

func joins(a, b identity.Node) identity.Link {
	return identity.Link{Workspace: "w", Kind: identity.LinkVerified, A: a, B: b, Rule: "test"}
}

// What somebody does who wants the resolver to be slow, or does not know better. A link may touch each identifier and each piece
// of evidence of the persons that it is about some times, and no more; evidence is bounded by pairsPerIdentifier.
func TestHostileLinksCostWhatTheirPersonsWeigh(t *testing.T) {
	rules := mustRules(t, hostileRules)
	const (
		n       = 20_000
		million = 1_000_000
	)
	perLink := 8 * (1 + 2*pairsPerIdentifier) * rules.MaxIdentifiers
	for _, tc := range []struct {
		name  string
		links int
		link  func(i int) identity.Link
		mean  int // touched per link, in the long run
		moves int // in all
	}{
		{"customers onto one device", million, func(i int) identity.Link { return joins(node("customer_id", i), node("device", 0)) }, 5, 2},
		{"customers onto one phone that three may have", n, func(i int) identity.Link { return joins(node("customer_id", i), node("phone", 0)) }, 5, 0},
		{"the identifiers of one person onto such a phone", n, func(i int) identity.Link {
			if i < 90 {
				return joins(node("device", 0), node("device", i))
			}
			return joins(node("device", i%90), node("phone", i%7))
		}, 20, 100},
		{"phones that several may have onto one customer", n, func(i int) identity.Link { return joins(node("customer_id", 0), node("phone", i)) }, 5, 0},
		{"one link over and over", n, func(int) identity.Link { return joins(node("customer_id", 0), node("device", 0)) }, 5, 1},
		{"devices onto one address, a star at the cap", n, func(i int) identity.Link { return joins(node("email", 0), node("device", i)) }, 20, 100},
		{"cookies onto one address, of which it has too many", n, func(i int) identity.Link { return joins(node("cookie", i), node("email", 0)) }, 70, 100},
		{"a chain of devices", n, func(i int) identity.Link { return joins(node("device", i), node("device", i+1)) }, 40, 2 * n},
		{"a clique", n, func(i int) identity.Link { return joins(node("device", i%100), node("device", i*7%100)) }, 100, 1000},
		{"a clique of two customers and what they share", n, func(i int) identity.Link {
			return joins(node([]string{"device", "cookie", "email", "customer_id"}[i%4], i%11), node("cookie", i*5%13))
		}, 100, 5000},
		{"customers who fight for the same few addresses", n, func(i int) identity.Link {
			return joins(node("customer_id", i/3), node("email", i%50))
		}, 20, 200},
		{"merges and splits by turns", n, func(i int) identity.Link {
			a, b := node("device", 0), node("device", 50)
			switch {
			case i < 50:
				return joins(a, node("device", i))
			case i < 100:
				return joins(b, node("device", i))
			case i%2 == 0:
				return identity.Link{Workspace: "w", Kind: identity.LinkMerge, A: node("device", i%50), B: node("device", 50+i%50), User: "eva"}
			}
			l := identity.Link{Workspace: "w", Kind: identity.LinkSplit, A: a, User: "eva"}
			for j := range 50 {
				l.Nodes = append(l.Nodes, node("device", 50+j))
			}
			return l
		}, perLink, 50*n + 100},
		{"retracted and accepted by turns", n, func(i int) identity.Link {
			kind := identity.LinkRetract
			if i < 50 {
				return joins(node("device", i), node("device", i+1))
			} else if i%2 == 0 {
				kind = identity.LinkAccept
			}
			return identity.Link{Workspace: "w", Kind: kind, A: node("device", 25), B: node("device", 26), User: "eva"}
		}, perLink, 50*n + 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewResolver("w", rules)
			var out Outcome
			total, worst, moves := 0, 0, 0
			for i := range tc.links {
				l := tc.link(i)
				out.Moves, out.Edges = out.Moves[:0], out.Edges[:0]
				r.touched = 0
				r.Apply(int64(i), 0, &l, &out)
				total, worst, moves = total+r.touched, max(worst, r.touched), moves+len(out.Moves)
			}
			if worst > perLink || total > tc.mean*tc.links || moves > tc.moves {
				t.Errorf("links touch up to %d, %d in all or %d each, and move %d; want %d, %d each and %d", worst, total, total/tc.links, moves, perLink, tc.mean, tc.moves)
			}
			if kept := int(r.pairs.n); kept > tc.links+1 || kept > (pairsPerIdentifier+1)*max(r.Anchors(), 2*rules.MaxIdentifiers) {
				t.Errorf("%d pairs are kept for %d identifiers", kept, r.Anchors())
			}
			if r.Anchors() <= n+1 {
				r.checkBooks(t)
			}
		})
	}
}

// Splits that users take back leave nothing behind.
func TestSplitsThatAreTakenBackAreForgotten(t *testing.T) {
	r := NewResolver("w", mustRules(t, hostileRules))
	var out Outcome
	a, b := node("device", 1), node("device", 2)
	for i := range 1000 {
		for _, l := range []identity.Link{
			{Workspace: "w", Kind: identity.LinkMerge, A: a, B: b},
			{Workspace: "w", Kind: identity.LinkSplit, A: a, Nodes: []identity.Node{b}},
		} {
			r.Apply(int64(i), 0, &l, &out)
		}
	}
	for c := range uint32(2) {
		n := 0
		for side := r.barred[c]; side != nil; side = side.rest {
			n++
		}
		if n != 1 {
			t.Errorf("customer %d is on %d sides, want one", c, n)
		}
	}
	if r.pairs.n != 1 || len(r.retracted) != 1 || r.Persons() != 2 {
		t.Errorf("%d pairs, %d retracted, %d persons", r.pairs.n, len(r.retracted), r.Persons())
	}
}

// A person that is split one by one costs in all what its size squared is, and no more.
func TestSplitsOneByOne(t *testing.T) {
	r := NewResolver("w", mustRules(t, hostileRules))
	var out Outcome
	const n = 100
	for i := range n {
		l := joins(node("device", 0), node("device", i))
		r.Apply(int64(i), 0, &l, &out)
	}
	for i := 1; i < n; i++ {
		l := identity.Link{Workspace: "w", Kind: identity.LinkSplit, A: node("device", 0), Nodes: []identity.Node{node("device", i)}}
		r.Apply(int64(n+i), 0, &l, &out)
	}
	if r.Persons() != n || r.touched > 20*n*n {
		t.Errorf("%d persons by touching %d", r.Persons(), r.touched)
	}
	for i := 2; i < n; i++ {
		for j := range i {
			l := joins(node("device", i), node("device", j))
			r.Apply(int64(1000*i+j), 0, &l, &out)
		}
	}
	if r.checkBooks(t); r.Persons() != n {
		t.Errorf("%d persons after all evidence came again", r.Persons())
	}
}
