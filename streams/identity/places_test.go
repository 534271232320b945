package identity

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

// Who took part in a thread keeps the part by rules that block the value, and it joins nobody.
func TestInheritedValueThatIsBlockedNow(t *testing.T) {
	const text = "regions: [DE]\nmax_identifiers: 100\nmax_thread: 100\ntypes: [{name: customer_id}, {name: email}]\n"
	before := NewResolver("w", mustRules(t, text))
	after := NewResolver("w", mustRules(t, strings.Replace(text, "{name: email}", `{name: email, blocked: ["7"]}`, 1)))
	f := follower{}
	apply := func(r *Resolver, offset int64, l identity.Link) (out Outcome) {
		l.Workspace = "w"
		r.Apply(offset, 0, &l, &out)
		return out
	}
	owner, other, in := identifier("customer_id", 1), identifier("email", 7), ThreadNode("w", "session:1")
	links := []identity.Link{
		{Kind: identity.LinkThread, A: owner, B: in, Time: 1},
		{Kind: identity.LinkThread, A: other, B: in, Time: 2},
	}
	for i, l := range links {
		f.take(t, apply(before, int64(i), l).Moves)
		apply(after, int64(i), l)
	}
	after.Inherit(before)
	after.checkBooks(t)
	out := apply(after, 2, identity.Link{Kind: identity.LinkVerified, A: owner, B: other})
	if len(out.Moves) != 0 || len(out.Edges) > 1 {
		t.Errorf("a blocked value brings about %+v", out)
	}
	out = apply(after, 3, identity.Link{Kind: identity.LinkMerge, A: owner, B: other, User: "eva"})
	if len(out.Moves) != 0 || len(out.Edges) != 1 || out.Edges[0].Rule != "blocked: 7" {
		t.Errorf("a blocked value brings about %+v", out)
	}
	// The part goes along with its thread.
	out = apply(after, 4, identity.Link{Kind: identity.LinkVerified, A: identifier("customer_id", 2), B: owner})
	f.take(t, out.Moves)
	out = apply(after, 5, identity.Link{Kind: identity.LinkThread, A: identifier("customer_id", 3), B: in, Time: 0})
	f.take(t, out.Moves)
	if got, want := f.shareOf(other.Anchor, in.Anchor), f.personOf(identifier("customer_id", 3).Anchor); got != want {
		t.Errorf("the part belongs to %s, its thread to %s", got, want)
	}
	after.checkBooks(t)
}
