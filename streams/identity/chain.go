package identity

import (
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// Chain returns the strongest chain of evidence that leads from one identifier to another along edges that joined, in order
// of the way; none when there is no way. Of all chains it is one whose weakest identifier on the way is strongest, and
// of those a shortest: a chain is as good as its weakest link, and every link more is one more that may be wrong.
// Among equals the edges that come first count, so that the answer is always the same.
func Chain(rules *Rules, edges []identity.Edge, from, to identity.Anchor) []identity.Edge {
	if from == to {
		return nil
	}
	g := graph{edges: edges, at: map[identity.Anchor][]int{}, rank: map[identity.Anchor]int{}}
	var ranks []int
	for i := range edges {
		for _, n := range []*identity.Node{&edges[i].A, &edges[i].B} {
			g.at[n.Anchor] = append(g.at[n.Anchor], i)
			g.rank[n.Anchor] = rules.strength(n.Type)
			ranks = append(ranks, g.rank[n.Anchor])
		}
	}
	slices.Sort(ranks)
	for _, weakest := range slices.Compact(ranks) {
		if way := g.shortest(from, to, weakest); way != nil {
			return way
		}
	}
	return nil
}

// graph is what Chain walks along.
type graph struct {
	edges []identity.Edge
	at    map[identity.Anchor][]int
	rank  map[identity.Anchor]int
}

// shortest walks breadth first, over identifiers that are not weaker than weakest.
func (g *graph) shortest(from, to identity.Anchor, weakest int) []identity.Edge {
	came := map[identity.Anchor]int{from: -1} // by which edge
	for queue := []identity.Anchor{from}; len(queue) > 0; queue = queue[1:] {
		for _, i := range g.at[queue[0]] {
			next := g.other(i, queue[0])
			if _, seen := came[next]; seen || next != to && g.rank[next] > weakest {
				continue
			}
			if came[next] = i; next != to {
				queue = append(queue, next)
				continue
			}
			var way []identity.Edge
			for at := to; at != from; at = g.other(came[at], at) {
				way = append(way, g.edges[came[at]])
			}
			slices.Reverse(way)
			return way
		}
	}
	return nil
}

func (g *graph) other(i int, end identity.Anchor) identity.Anchor {
	if g.edges[i].A.Anchor == end {
		return g.edges[i].B.Anchor
	}
	return g.edges[i].A.Anchor
}
