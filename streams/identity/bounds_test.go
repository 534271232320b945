package identity

import (
	"fmt"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

// A chain that always joins what is known to something older must not move the same anchors over and over.
func TestHostileChainsAreNotQuadratic(t *testing.T) {
	const n = 5_000
	rules := mustRules(t, unlimitedRules)
	for _, tc := range []struct {
		name  string
		known func(i int) identity.Link
		chain func(a, b int) identity.Link
	}{
		{
			"identifiers",
			func(i int) identity.Link {
				return identity.Link{Kind: identity.LinkVerified, A: identifier("device", i), B: identifier("device", i)}
			},
			func(a, b int) identity.Link {
				return identity.Link{Kind: identity.LinkVerified, A: identifier("device", a), B: identifier("device", b)}
			},
		},
		{
			"threads",
			func(i int) identity.Link {
				return identity.Link{Kind: identity.LinkAnonymous, A: ThreadNode("w", fmt.Sprint("session:", i))}
			},
			func(a, b int) identity.Link {
				return identity.Link{Kind: identity.LinkThreads, A: ThreadNode("w", fmt.Sprint("session:", a)), B: ThreadNode("w", fmt.Sprint("session:", b))}
			},
		},
		{
			"customers who own threads",
			func(i int) identity.Link {
				return identity.Link{Kind: identity.LinkThread, A: identifier("device", i), B: ThreadNode("w", fmt.Sprint("session:", i))}
			},
			func(a, b int) identity.Link {
				return identity.Link{Kind: identity.LinkVerified, A: identifier("device", a), B: identifier("device", b)}
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, f := NewResolver("w", rules), follower{}
			var out Outcome
			moves := 0
			apply := func(offset int, l identity.Link) {
				l.Workspace = "w"
				out.Moves = out.Moves[:0]
				r.Apply(int64(offset), 0, &l, &out)
				f.take(t, out.Moves)
				moves += len(out.Moves)
			}
			for i := range n {
				apply(i, tc.known(i))
			}
			for i := n - 1; i > 0; i-- {
				apply(2*n-i, tc.chain(i, i-1))
			}
			if moves > 100*n {
				t.Errorf("%d links move %d anchors", n, moves)
			}
			if last, first := tc.chain(n-1, 0).A.Anchor, tc.chain(n-1, 0).B.Anchor; f.personOf(last) != f.personOf(first) {
				t.Error("the ends of the chain are not one person")
			}
			r.checkBooks(t)
		})
	}
}

// A thread may have far more customers than are searched one by one.
func TestCrowdedThread(t *testing.T) {
	r := NewResolver("w", mustRules(t, unlimitedRules))
	var out Outcome
	const n = 500
	for round := range 3 {
		for i := range n {
			l := identity.Link{Workspace: "w", Kind: identity.LinkThread, A: identifier("device", i), B: ThreadNode("w", "session:1"), Time: int64(i)}
			r.Apply(int64(round*n+i), 0, &l, &out)
		}
	}
	if len(out.Moves) != n-1 || r.edges.n != n {
		t.Errorf("%d moves and %d edges, want %d and %d", len(out.Moves), r.edges.n, n-1, n)
	}
	r.checkBooks(t)
}

func TestFullWorkspaceRefuses(t *testing.T) {
	r := NewResolver("w", mustRules(t, unlimitedRules))
	r.capacity = 2
	var out Outcome
	for i := range 4 {
		l := identity.Link{Workspace: "w", Kind: identity.LinkVerified, A: identifier("device", i), B: identifier("device", i)}
		r.Apply(int64(i), 0, &l, &out)
	}
	if r.Anchors() != 2 || len(out.Edges) != 2 || out.Edges[0].Rule != "capacity" {
		t.Errorf("%d anchors, refusals %+v", r.Anchors(), out.Edges)
	}
}

func TestMalformedLinksAreRefused(t *testing.T) {
	thread, id := ThreadNode("w", "session:1"), identifier("device", 1)
	for name, l := range map[string]identity.Link{
		"kind":                    {Workspace: "w", Kind: "unheard", A: id, B: id},
		"workspace":               {Workspace: "v", Kind: identity.LinkVerified, A: id, B: id},
		"nobody":                  {Workspace: "w", Kind: identity.LinkVerified, B: id},
		"nobody else":             {Workspace: "w", Kind: identity.LinkVerified, A: id},
		"verified thread":         {Workspace: "w", Kind: identity.LinkVerified, A: id, B: thread},
		"thread in an identifier": {Workspace: "w", Kind: identity.LinkThread, A: thread, B: id},
		"tied identifiers":        {Workspace: "w", Kind: identity.LinkThreads, A: thread, B: id},
		"anonymous identifier":    {Workspace: "w", Kind: identity.LinkAnonymous, A: id},
		"merged thread":           {Workspace: "w", Kind: identity.LinkMerge, A: id, B: thread},
		"merged with itself":      {Workspace: "w", Kind: identity.LinkMerge, A: id, B: id},
		"accepted with itself":    {Workspace: "w", Kind: identity.LinkAccept, A: id, B: id},
		"accepted threads":        {Workspace: "w", Kind: identity.LinkAccept, A: thread, B: thread},
		"retracted thread":        {Workspace: "w", Kind: identity.LinkRetract, A: thread, B: id},
		"declined alone":          {Workspace: "w", Kind: identity.LinkDecline, A: id},
		"split of nobody known":   {Workspace: "w", Kind: identity.LinkSplit, A: id, Nodes: []identity.Node{id}},
		"split of a thread":       {Workspace: "w", Kind: identity.LinkSplit, A: thread, Nodes: []identity.Node{id}},
		"thread as an identifier": {Workspace: "w", Kind: identity.LinkVerified, A: id, B: identity.Node{Anchor: thread.Anchor, Type: "email"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewResolver("w", mustRules(t, unlimitedRules))
			var out Outcome
			known := identity.Link{Workspace: "w", Kind: identity.LinkThread, A: identifier("device", 2), B: thread}
			r.Apply(0, 0, &known, &out)
			r.Apply(1, 0, &l, &out)
			r.Apply(2, 0, &l, &out)
			// Somebody waits for the answer to what a user says, also when it was said before.
			times := 1
			if l.Kind.Manual() {
				times = 2
			}
			if len(out.Moves) != 0 || len(out.Edges) != times || out.Edges[0].Rule != "malformed" || out.Edges[0].Version != 2 {
				t.Errorf("got %+v", out)
			}
		})
	}
}
