package identity_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	schema "github.com/throughline/throughline/schemas/identity"
	. "github.com/throughline/throughline/streams/identity"
)

// partition is who is one person with whom, whatever the persons are called: each of the nodes with the first of them that is
// the same person.
func partition(r *Resolver, nodes []schema.Node) []int {
	first, out := map[schema.PersonID]int{}, make([]int, len(nodes))
	for i, n := range nodes {
		person, _ := r.Person(n.Anchor)
		if _, ok := first[person]; !ok {
			first[person] = i
		}
		out[i] = first[person]
	}
	return out
}

// nodesOf are the identifiers and threads that links name.
func nodesOf(links []schema.Link) (nodes []schema.Node) {
	seen := map[schema.Anchor]bool{}
	for i := range links {
		for _, n := range []schema.Node{links[i].A, links[i].B} {
			if !n.Anchor.IsZero() && !seen[n.Anchor] {
				seen[n.Anchor] = true
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// identifiersOf are those of a person.
func identifiersOf(r *Resolver, person schema.PersonID, nodes []schema.Node) (out []schema.Node) {
	for _, n := range nodes {
		if id, known := r.Person(n.Anchor); known && id == person && n.Type != schema.ThreadType {
			out = append(out, n)
		}
	}
	return out
}

func decided(r *Resolver, at int, l schema.Link) Outcome {
	l.Workspace = "w"
	var out Outcome
	r.Apply(int64(at), 0, &l, &out)
	return out
}

func has(out Outcome, decision schema.Decision) bool {
	return slices.ContainsFunc(out.Edges, func(e schema.Edge) bool { return e.Decision == decision })
}

// A merge and then a split leave the world as it was, but for ids and the record.
func TestMergeThenSplitLeavesTheWorldAsItWas(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				links := drawLinks(t, rules)
				r := NewResolver("w", rules)
				applyAll(r, links)
				u := drawUniverse(t, rules)
				a, b := u.id(t, "one"), u.id(t, "other")
				nodes := nodesOf(append(links, schema.Link{A: a, B: b}))
				before := partition(r, nodes)
				personA, _ := r.Person(a.Anchor)
				personB, knownB := r.Person(b.Anchor)
				if personA == personB {
					return
				}
				leave := identifiersOf(r, personB, nodes)
				if !knownB {
					leave = []schema.Node{b}
				}
				if !has(decided(r, 1000, schema.Link{Kind: schema.LinkMerge, A: a, B: b, User: "eva"}), schema.Joined) {
					return // refused: too large, or blocked
				}
				if now, _ := r.Person(b.Anchor); now != personB && now != personA {
					t.Fatalf("the merged are called %s", now)
				}
				out := decided(r, 1001, schema.Link{Kind: schema.LinkSplit, A: a, Nodes: leave, User: "eva"})
				if after := partition(r, nodes); !slices.Equal(before, after) {
					t.Fatalf("before %v, after %v: %+v", before, after, out)
				}
				r.CheckBooks(t)
			})
		})
	}
}

// A suggestion that is accepted is what it would have been, had it been verified at first; also of a thread.
func TestAcceptingEqualsHavingBeenVerified(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				links := drawLinks(t, rules)
				for i := range links { // nobody has said otherwise before
					if links[i].Kind.Manual() {
						links[i] = schema.Link{Workspace: "w", Kind: schema.LinkVerified, A: links[i].A, B: links[i].A}
					}
				}
				u := drawUniverse(t, rules)
				claim := schema.Link{Workspace: "w", Kind: schema.LinkClaimed, A: u.id(t, "anchor"), B: u.id(t, "claimed"), Time: 5, Key: schema.Anchor{1}, Rule: "claimed"}
				if rapid.Bool().Draw(t, "in a thread") {
					claim.A = u.thread(t, "thread")
				}
				accept, verified := claim, claim
				accept.Kind, accept.User, verified.Kind = schema.LinkAccept, "eva", schema.LinkVerified
				if claim.A.Type == schema.ThreadType {
					verified.Kind, verified.A, verified.B = schema.LinkThread, claim.B, claim.A
				}
				at := rapid.IntRange(0, len(links)).Draw(t, "at")
				one := slices.Insert(slices.Clone(links), at, claim, accept)
				other := slices.Insert(slices.Clone(links), at, claim, verified)
				if name != "free" { // where later evidence may make give way what is verified, but not what a user has said
					one, other = one[:at+2], other[:at+2]
				}
				accepted, plain := NewResolver("w", rules), NewResolver("w", rules)
				applyAll(accepted, one)
				applyAll(plain, other)
				nodes := nodesOf(other)
				if a, b := partition(accepted, nodes), partition(plain, nodes); !slices.Equal(a, b) {
					t.Fatalf("accepted %v, verified %v of %v", a, b, nodes)
				}
			})
		})
	}
}

// Evidence that was retracted changes nothing when it comes again, and takes nothing away when it never came.
func TestRetractedEvidenceStaysAway(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				links := drawLinks(t, rules)
				r := NewResolver("w", rules)
				applyAll(r, links)
				l := links[rapid.IntRange(0, len(links)-1).Draw(t, "which")]
				blocked := func(n schema.Node) bool { return rules.BlockedBy(n.Type, n.Value) != "" }
				if l.Kind != schema.LinkVerified || l.A == l.B || blocked(l.A) || blocked(l.B) {
					return // of a blocked value nothing is evidence, which is recorded once for each value
				}
				nodes := nodesOf(links)
				decided(r, 1000, schema.Link{Kind: schema.LinkRetract, A: l.A, B: l.B, User: "eva"})
				before := partition(r, nodes)
				for i := range 3 {
					if i == 1 {
						l.A, l.B = l.B, l.A
					}
					if out := decided(r, 1001+i, l); len(out.Moves) > 0 || i > 0 && len(out.Edges) > 0 || has(out, schema.Joined) {
						t.Fatalf("retracted evidence brings about %+v", out)
					}
				}
				if after := partition(r, nodes); !slices.Equal(before, after) {
					t.Fatalf("before %v, after %v", before, after)
				}
				r.CheckBooks(t)
			})
		})
	}
}

// A split holds against everything that touchpoints can say.
func TestSplitHoldsAgainstAllEvidence(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				links := drawLinks(t, rules)
				r := NewResolver("w", rules)
				applyAll(r, links)
				nodes := nodesOf(links)
				a := rapid.SampledFrom(nodes).Draw(t, "whom")
				person, _ := r.Person(a.Anchor)
				all := identifiersOf(r, person, nodes)
				if len(all) < 2 {
					return
				}
				n := rapid.IntRange(1, len(all)-1).Draw(t, "how many")
				leave, stay := all[:n], all[n:]
				decided(r, 1000, schema.Link{Kind: schema.LinkSplit, A: all[0], Nodes: leave, User: "eva"})
				u := drawUniverse(t, rules)
				for i, l := range links {
					if l.Kind.Manual() {
						l = u.evidence(t, i)
					}
					decided(r, 1001+i, l)
				}
				for _, x := range leave {
					for _, y := range stay {
						personX, _ := r.Person(x.Anchor)
						if personY, _ := r.Person(y.Anchor); personX == personY {
							t.Fatalf("%v and %v are one person again", x, y)
						}
					}
				}
				r.CheckBooks(t)
			})
		})
	}
}
