package identity_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	schema "github.com/throughline/throughline/schemas/identity"
	. "github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/oracle"
)

// Rules under which everything happens among a few identifiers: customers who cannot be one, phones that two may have, and
// persons who get full.
const narrowRules = `
regions: [DE]
max_identifiers: 6
max_thread: 12
blocked: [none]
types:
  - {name: customer_id, max: 1}
  - {name: email, max: 3}
  - {name: phone, share: 2}
  - {name: card, share: 1}
  - {name: device, max: 4}
  - {name: cookie}
`

// Rules under which persons grow beyond what is counted and searched one by one.
const wideRules = `
regions: [DE]
max_identifiers: 12
max_thread: 40
blocked: [none]
types:
  - {name: customer_id, max: 3}
  - {name: phone, share: 20}
  - {name: email}
  - {name: device}
`

// Rules under which a person has more evidence than is kept.
const denseRules = `
regions: [DE]
max_identifiers: 10
max_thread: 12
types: [{name: device}]
`

// Rules under which a value has more holders than are kept.
const heldRules = `
regions: [DE]
max_identifiers: 2
max_thread: 12
types: [{name: device}, {name: phone, share: 6}]
`

const freeRules = `
regions: [DE]
max_identifiers: 60000
max_thread: 60000
types: [{name: customer_id}, {name: email}, {name: device}]
`

func allRules(t *testing.T) map[string]*Rules {
	return map[string]*Rules{
		"narrow": MustRules(t, narrowRules), "wide": MustRules(t, wideRules), "dense": MustRules(t, denseRules), "held": MustRules(t, heldRules),
		"free": MustRules(t, freeRules),
	}
}

// universe is the few identifiers and threads that links are about.
type universe struct {
	types   []string
	values  int
	threads int
}

func drawUniverse(t *rapid.T, rules *Rules) (u universe) {
	for _, typ := range rules.Types {
		u.types = append(u.types, typ.Name)
	}
	u.types = append(u.types, "unheard")
	u.types = u.types[:rapid.IntRange(1, len(u.types)).Draw(t, "types")]
	u.values, u.threads = rapid.SampledFrom([]int{0, 2, 5, 12}).Draw(t, "values"), rapid.SampledFrom([]int{0, 2, 12}).Draw(t, "threads")
	return u
}

func (u *universe) id(t *rapid.T, label string) schema.Node {
	typ, value := rapid.SampledFrom(u.types).Draw(t, label+" type"), fmt.Sprint(rapid.IntRange(0, u.values).Draw(t, label))
	if value == "12" {
		value = "none"
	}
	return schema.Node{Anchor: schema.AnchorOf("w", typ, value), Type: typ, Value: value}
}

func (u *universe) thread(t *rapid.T, label string) schema.Node {
	return ThreadNode("w", fmt.Sprint("session:", rapid.IntRange(0, u.threads).Draw(t, label)))
}

// evidence draws what touchpoints say.
func (u *universe) evidence(t *rapid.T, i int) schema.Link {
	l := schema.Link{Workspace: "w", Rule: "test", Touchpoint: fmt.Sprint("t", i), Time: int64(rapid.IntRange(0, 20).Draw(t, "time"))}
	switch kind := rapid.IntRange(0, 11).Draw(t, "kind"); {
	case kind < 6:
		l.Kind, l.A, l.B = schema.LinkVerified, u.id(t, "a"), u.id(t, "b")
	case kind < 8:
		l.Kind, l.A, l.B = schema.LinkThread, u.id(t, "a"), u.thread(t, "b")
		// Which touchpoint wrote tells who did, as it does in life: one has one anchor.
		l.Key = schema.AnchorOf("w", "touchpoint", fmt.Sprint(l.A, i%7))
	case kind < 9:
		l.Kind, l.A, l.B = schema.LinkThreads, u.thread(t, "a"), u.thread(t, "b")
	case kind < 10:
		l.Kind, l.A = schema.LinkAnonymous, u.thread(t, "a")
	case kind < 11:
		l.Kind, l.A, l.B = schema.LinkClaimed, u.id(t, "a"), u.id(t, "b")
	default:
		l.Kind, l.A, l.B = schema.LinkClaimed, u.thread(t, "a"), u.id(t, "b")
	}
	return l
}

// word draws what users say.
func (u *universe) word(t *rapid.T, i int) schema.Link {
	l := schema.Link{Workspace: "w", User: "eva", Reason: "because", Time: int64(rapid.IntRange(0, 20).Draw(t, "time")), A: u.id(t, "a"), B: u.id(t, "b")}
	switch rapid.IntRange(0, 6).Draw(t, "word") {
	case 0, 1:
		l.Kind = schema.LinkMerge
	case 2:
		l.Kind, l.B = schema.LinkSplit, schema.Node{}
		for range rapid.IntRange(0, 6).Draw(t, "leaving") {
			l.Nodes = append(l.Nodes, u.id(t, "leaves"))
		}
	case 3:
		l.Kind = schema.LinkRetract
	case 4:
		l.Kind = schema.LinkDecline
	case 5:
		l.Kind = schema.LinkAccept
	case 6:
		l.Kind, l.A = schema.LinkAccept, u.thread(t, "a")
		l.Key = schema.AnchorOf("w", "touchpoint", fmt.Sprint(l.B, i%7))
	}
	return l
}

// drawLinks draws a log: what touchpoints and users say, some of it delivered twice.
func drawLinks(t *rapid.T, rules *Rules) []schema.Link {
	u := drawUniverse(t, rules)
	links := make([]schema.Link, rapid.SampledFrom([]int{3, 10, 40, 200, 400}).Draw(t, "links"))
	words := rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "words in ten")
	for i := range links {
		switch n := rapid.IntRange(0, 19).Draw(t, "again"); {
		case n == 0 && i > 0:
			links[i] = links[rapid.IntRange(0, i-1).Draw(t, "which")]
		case n%10 < words:
			links[i] = u.word(t, i)
		default:
			links[i] = u.evidence(t, i)
		}
	}
	return links
}

// decisions are what became of pairs, in an order of their own.
func decisions(edges []schema.Edge) (out []oracle.Decision) {
	for i := range edges {
		e := &edges[i]
		out = append(out, oracle.Decision{A: e.A.Anchor, B: e.B.Anchor, Decision: e.Decision, Rule: e.Rule})
	}
	return out
}

func sorted(d []oracle.Decision) []string {
	var out []string
	for _, one := range d {
		a, b := one.A.String(), one.B.String()
		if one.Decision == schema.Undone || one.Decision == schema.Joined || one.Decision == schema.Held { // either way round
			a, b = min(a, b), max(a, b)
		}
		out = append(out, fmt.Sprintf("%s %s %s: %s", one.Decision, a[:6], b[:6], one.Rule))
	}
	slices.Sort(out)
	return out
}

// agree checks that those who follow the moves know what the oracle knows, and what holds the persons together.
func agree(t *rapid.T, p *oracle.People, r *Resolver, f Follower, links []schema.Link) {
	t.Helper()
	persons, sets := map[schema.PersonID]*oracle.Set{}, map[*oracle.Set]schema.PersonID{}
	same := func(what any, id schema.PersonID, set *oracle.Set) {
		if old, ok := persons[id]; ok && old != set {
			t.Fatalf("%v: person %s is both %v and %v", what, id, old, set)
		}
		if old, ok := sets[set]; ok && old != id {
			t.Fatalf("%v: %v is two persons, %s and %s", what, set, old, id)
		}
		persons[id], sets[set] = set, id
	}
	for a, set := range p.Anchors {
		id := f.PersonOf(a)
		if own, _ := r.Person(a); own != id {
			t.Fatalf("the resolver has %s as %s, the moves as %s", a, own, id)
		}
		same(a, id, set)
	}
	for id, set := range persons {
		if !slices.Contains(set.Members, id) {
			t.Fatalf("person %s is named after nobody of %v", id, set)
		}
	}
	for i := range links {
		for _, pair := range [][2]schema.Node{{links[i].A, links[i].B}, {links[i].B, links[i].A}} {
			if set := p.ShareOf(pair[0].Anchor, pair[1].Anchor); set != nil && pair[1].Type == schema.ThreadType && pair[0].Type != schema.ThreadType {
				same(pair, f.ShareOf(pair[0].Anchor, pair[1].Anchor), set)
			}
		}
	}
	type kept struct {
		a, b         schema.Anchor
		manual, held bool
	}
	ours, theirs := map[kept]bool{}, map[kept]bool{}
	r.Kept(func(a, b schema.Anchor, manual, held bool) { ours[kept{a, b, manual, held}] = true })
	for _, k := range p.Evidence {
		theirs[kept{k.A, k.B, k.Manual, k.Held}] = true
		if !ours[kept{k.A, k.B, k.Manual, k.Held}] {
			t.Fatalf("%+v is not kept", *k)
		}
	}
	if len(ours) != len(theirs) {
		t.Fatalf("%d pairs are kept, want %d", len(ours), len(theirs))
	}
}

// After every link, those who follow the moves know what the oracle computes from all of the evidence: who is who, what was
// refused and why, which values are shared, and what holds each person together.
func TestResolverAgreesWithTheOracle(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r, p, f := NewResolver("w", rules), oracle.NewPeople(rules), Follower{}
				links := drawLinks(t, rules)
				for i := range links {
					var out Outcome
					r.Apply(int64(i), 0, &links[i], &out)
					p.Apply(&links[i])
					f.Take(t, out.Moves)
					if got, want := sorted(decisions(out.Edges)), sorted(p.Decided()); !slices.Equal(got, want) {
						t.Fatalf("link %d, %+v, comes to\n%q, want\n%q", i, links[i], got, want)
					}
					if links[i].Kind.Manual() && len(out.Edges) == 0 {
						t.Fatalf("nobody answers %+v", links[i])
					}
					about := map[[2]schema.Anchor]bool{}
					for _, e := range out.Edges {
						pair := [2]schema.Anchor{e.A.Anchor, e.B.Anchor}
						if about[pair] || about[[2]schema.Anchor{pair[1], pair[0]}] || e.Version != uint64(i)+1 {
							t.Fatalf("two decisions about one pair, or another version: %+v", out.Edges)
						}
						about[pair] = true
					}
				}
				agree(t, p, r, f, links)
				r.CheckBooks(t)
			})
		})
	}
}

// A user who accepts a suggestion is answered, also where a value has all the evidence that is kept of one.
func TestAcceptingBeyondTheEvidenceThatIsKept(t *testing.T) {
	node := func(typ string, value int) schema.Node {
		return schema.Node{Anchor: schema.AnchorOf("w", typ, fmt.Sprint(value)), Type: typ, Value: fmt.Sprint(value)}
	}
	var links []schema.Link
	for device := 1; device < 10; device += 2 { // five persons of two devices
		links = append(links, schema.Link{Workspace: "w", Kind: schema.LinkVerified, A: node("device", device), B: node("device", device+1)})
	}
	for _, device := range []int{1, 2, 3, 4, 5, 6, 7, 9} {
		links = append(links, schema.Link{Workspace: "w", Kind: schema.LinkVerified, A: node("device", device), B: node("phone", 1)})
	}
	r := NewResolver("w", MustRules(t, heldRules))
	before := applyAll(r, links)
	last := schema.Link{Workspace: "w", Kind: schema.LinkVerified, A: node("device", 8), B: node("phone", 1)}
	var out Outcome
	if r.Apply(int64(len(links)), 0, &last, &out); len(out.Edges) > 0 || len(before.Edges) != len(links) {
		t.Fatalf("evidence beyond what is kept: %+v", out.Edges)
	}
	last.Kind, last.User = schema.LinkAccept, "eva"
	r.Apply(int64(len(links))+1, 0, &last, &out)
	if len(out.Edges) != 1 || out.Edges[0].Decision != schema.Refused || out.Edges[0].Rule != "max_identifiers: 2" {
		t.Errorf("a user's word: %+v", out.Edges)
	}
}

// Without limits and users, the same links in any order make the same people and give stories to the same owners.
func TestOrderOfLinksDoesNotMatter(t *testing.T) {
	rules := MustRules(t, freeRules)
	rapid.Check(t, func(t *rapid.T) {
		u := drawUniverse(t, rules)
		p := oracle.NewPeople(rules)
		links := make([]schema.Link, rapid.SampledFrom([]int{3, 10, 40, 200}).Draw(t, "links"))
		for i := range links {
			links[i] = u.evidence(t, i)
			p.Apply(&links[i])
		}
		shuffled := rapid.Permutation(append(slices.Clone(links), links[:len(links)/3]...)).Draw(t, "order")
		r, f := NewResolver("w", rules), Follower{}
		f.Take(t, applyAll(r, shuffled).Moves)
		for a, set := range p.Anchors {
			for b, other := range p.Anchors {
				if (f.PersonOf(a) == f.PersonOf(b)) != (set == other) {
					t.Fatalf("%s and %s: %v, %v", a, b, set, other)
				}
			}
		}
	})
}

func applyAll(r *Resolver, links []schema.Link) (out Outcome) {
	for i := range links {
		r.Apply(int64(i), int64(i), &links[i], &out)
	}
	return out
}

// The same log gives the same moves and decisions bit for bit, and evidence that is delivered again gives none, but for claims,
// which it makes stronger.
func TestReplayIsTheSame(t *testing.T) {
	for name, rules := range allRules(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				links := drawLinks(t, rules)
				var log []schema.Link
				once, r := Outcome{}, NewResolver("w", rules)
				for _, l := range links {
					log = append(log, l)
					r.Apply(int64(len(log)-1), int64(len(log)-1), &l, &once)
					if l.Kind.Manual() || l.Kind == schema.LinkClaimed {
						continue
					}
					log = append(log, l)
					moves, edges := len(once.Moves), len(once.Edges)
					if r.Apply(int64(len(log)-1), int64(len(log)-1), &l, &once); len(once.Moves) > moves || len(once.Edges) > edges {
						t.Fatalf("link %+v again gives %+v and %+v", l, once.Moves[moves:], once.Edges[edges:])
					}
				}
				twice := applyAll(NewResolver("w", rules), log)
				if !slices.Equal(once.Moves, twice.Moves) || !slices.Equal(once.Edges, twice.Edges) {
					t.Fatalf("once %+v\ntwice %+v", once, twice)
				}
			})
		})
	}
}
