package identity

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
)

// edgesOf reads "email:a-phone:b phone:b-cookie:c" as edges that joined.
func edgesOf(text string) (out []identity.Edge) {
	for i, pair := range strings.Fields(text) {
		a, b, _ := strings.Cut(pair, "-")
		out = append(out, identity.Edge{A: nodeOf(a), B: nodeOf(b), Decision: identity.Joined, Kind: identity.LinkVerified, Version: uint64(i) + 1})
	}
	return out
}

func nodeOf(text string) identity.Node {
	typ, value, _ := strings.Cut(text, ":")
	return identity.Node{Anchor: identity.AnchorOf("w", typ, value), Type: typ, Value: value}
}

func wayOf(way []identity.Edge, from string) string {
	at, out := nodeOf(from).Anchor, from
	for _, e := range way {
		next := e.B
		if e.B.Anchor == at {
			next = e.A
		}
		at, out = next.Anchor, out+" "+next.Type+":"+next.Value
	}
	return out
}

func TestChain(t *testing.T) {
	for _, c := range []struct{ edges, from, to, want string }{
		{"email:a-phone:b", "email:a", "phone:b", "email:a phone:b"},
		{"email:a-phone:b", "phone:b", "email:a", "phone:b email:a"},
		// Over the login rather than over the cookie, although that is shorter.
		{"email:a-cookie:c cookie:c-phone:b email:a-customer_id:1 customer_id:1-account_login:l account_login:l-phone:b", "email:a", "phone:b",
			"email:a customer_id:1 account_login:l phone:b"},
		// Of two as good ones the shorter.
		{"email:a-email:b email:b-email:c email:c-phone:p email:a-email:d email:d-phone:p", "email:a", "phone:p", "email:a email:d phone:p"},
		{"email:a-phone:b email:c-phone:d", "email:a", "phone:d", "email:a"},
		// The ends may be as weak as they like.
		{"cookie:a-email:e email:e-cookie:b cookie:a-cookie:b", "cookie:a", "cookie:b", "cookie:a cookie:b"},
		{"cookie:a-email:e", "cookie:a", "cookie:a", "cookie:a"},
	} {
		if got := wayOf(Chain(DefaultRules(), edgesOf(c.edges), nodeOf(c.from).Anchor, nodeOf(c.to).Anchor), c.from); got != c.want {
			t.Errorf("%s: %s to %s is %s, want %s", c.edges, c.from, c.to, got, c.want)
		}
	}
}

// TestChainIsTheBest compares with all ways there are.
func TestChainIsTheBest(t *testing.T) {
	rules := DefaultRules()
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"customer_id:1", "email:a", "email:b", "phone:a", "phone:b", "cookie:a", "cookie:b"}
		var pairs []string
		for range rapid.IntRange(0, 10).Draw(t, "edges") {
			pairs = append(pairs, rapid.SampledFrom(names).Draw(t, "a")+"-"+rapid.SampledFrom(names).Draw(t, "b"))
		}
		edges := edgesOf(strings.Join(pairs, " "))
		from, to := nodeOf(rapid.SampledFrom(names).Draw(t, "from")), nodeOf(rapid.SampledFrom(names).Draw(t, "to"))
		bestRank, bestLength := math.MaxInt, math.MaxInt
		var walk func(at identity.Anchor, seen map[identity.Anchor]bool, rank, length int)
		walk = func(at identity.Anchor, seen map[identity.Anchor]bool, rank, length int) {
			if at == to.Anchor {
				if rank < bestRank || rank == bestRank && length < bestLength {
					bestRank, bestLength = rank, length
				}
				return
			}
			for _, e := range edges {
				for _, ends := range [][2]identity.Node{{e.A, e.B}, {e.B, e.A}} {
					next := ends[1]
					if ends[0].Anchor != at || seen[next.Anchor] {
						continue
					}
					r := rank
					if next.Anchor != to.Anchor {
						r = max(r, rules.strength(next.Type))
					}
					seen[next.Anchor] = true
					walk(next.Anchor, seen, r, length+1)
					delete(seen, next.Anchor)
				}
			}
		}
		walk(from.Anchor, map[identity.Anchor]bool{from.Anchor: true}, -1, 0)
		way := Chain(rules, edges, from.Anchor, to.Anchor)
		if found := len(way) > 0; found != (bestLength < math.MaxInt && bestLength > 0) {
			t.Fatalf("a way: %v, want %d", way, bestLength)
		}
		rank, at := -1, from.Anchor
		for i, e := range way {
			next := e.B
			if e.B.Anchor == at {
				next = e.A
			} else if e.A.Anchor != at {
				t.Fatalf("edge %d does not go on from the one before: %v", i, way)
			}
			if at = next.Anchor; i < len(way)-1 {
				rank = max(rank, rules.strength(next.Type))
			}
		}
		if len(way) > 0 && (at != to.Anchor || len(way) != bestLength || rank != bestRank) {
			t.Fatal(fmt.Sprintf("%s: %d edges of rank %d, want %d of rank %d", wayOf(way, from.Type+":"+from.Value), len(way), rank, bestLength, bestRank))
		}
	})
}
