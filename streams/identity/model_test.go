package identity

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
)

// model is the obvious resolver: sets of names, everything else computed from scratch from the links it accepted.
type model struct {
	rules   *Rules
	people  map[string]map[string]bool // identifier -> its person's, shared by all of them
	stories map[string]map[string]bool // thread -> its story's, shared by all of them
	wrote   map[[2]string]evidence     // identifier, thread -> the earliest
	used    map[string]bool
	refused map[string]bool
}

type evidence struct {
	time int64
	key  uint64
}

func (e evidence) before(o evidence) bool {
	return e.time < o.time || e.time == o.time && e.key < o.key
}

func newModel(rules *Rules) *model {
	return &model{rules, map[string]map[string]bool{}, map[string]map[string]bool{}, map[[2]string]evidence{}, map[string]bool{}, map[string]bool{}}
}

func name(n identity.Node) string { return n.Type + ":" + n.Value }

func setOf(sets map[string]map[string]bool, name string) map[string]bool {
	if sets[name] == nil {
		sets[name] = map[string]bool{name: true}
	}
	return sets[name]
}

func union(sets map[string]map[string]bool, a, b string) {
	into := setOf(sets, a)
	for name := range setOf(sets, b) {
		into[name] = true
		sets[name] = into
	}
}

// size of the story: its threads, and who wrote in each.
func (m *model) size(story map[string]bool) int {
	n := len(story)
	for pair := range m.wrote {
		if story[pair[1]] {
			n++
		}
	}
	return n
}

func (m *model) apply(l identity.Link) {
	a, b := name(l.A), name(l.B)
	switch l.Kind {
	case identity.LinkVerified:
		sa, sb := setOf(m.people, a), setOf(m.people, b)
		if sa[b] {
			return
		}
		byType := map[string]int{}
		for _, set := range []map[string]bool{sa, sb} {
			for id := range set {
				typ, _, _ := ParseIdentifier(id)
				byType[typ]++
			}
		}
		for _, t := range m.rules.Types {
			if t.Max > 0 && byType[t.Name] > t.Max {
				m.refused[a+" "+b] = true
				return
			}
		}
		if len(sa)+len(sb) > m.rules.MaxIdentifiers {
			m.refused[a+" "+b] = true
			return
		}
		union(m.people, a, b)
	case identity.LinkClaimed:
		if m.personOf(a) == "" || m.personOf(b) == "" || m.personOf(a) != m.personOf(b) {
			m.refused["claimed "+a+" "+b] = true
		}
	case identity.LinkThread:
		setOf(m.people, a)
		story := setOf(m.stories, b)
		e := evidence{l.Time, binary.BigEndian.Uint64(l.Key[:])}
		old, known := m.wrote[[2]string{a, b}]
		switch {
		case !known && m.size(story) >= m.rules.MaxThread:
			m.refused[a+" "+b] = true
		case !known || e.before(old):
			m.wrote[[2]string{a, b}] = e
		}
	case identity.LinkThreads:
		sa, sb := setOf(m.stories, a), setOf(m.stories, b)
		switch {
		case sa[b]:
		case m.size(sa)+m.size(sb) > m.rules.MaxThread:
			m.refused[a+" "+b] = true
		default:
			union(m.stories, a, b)
		}
	case identity.LinkAnonymous:
		setOf(m.stories, a)
		m.used[a] = true
	}
}

// ownerOf returns the identifier that owns the thread's story, or "".
func (m *model) ownerOf(thread string) (owner string) {
	var first evidence
	for pair, e := range m.wrote {
		if m.stories[thread][pair[1]] && (owner == "" || e.before(first)) {
			owner, first = pair[0], e
		}
	}
	return owner
}

// personOf names the person of an identifier or a thread by the least of what is in it; "" for one unheard of.
func (m *model) personOf(name string) string {
	set := m.people[name]
	if story, ok := m.stories[name]; ok {
		if set = story; m.ownerOf(name) != "" {
			set = m.people[m.ownerOf(name)]
		}
	}
	least := ""
	for other := range set {
		if least == "" || other < least {
			least = other
		}
	}
	return least
}

// follower is somebody who reads the moves and nothing else.
type follower map[identity.Anchor]identity.Move

func (f follower) take(t fataler, moves []identity.Move) {
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

// agree checks that those who follow the moves know what the model knows.
func (m *model) agree(t fataler, f follower) {
	t.Helper()
	anchor := func(name string) identity.Anchor {
		typ, value, _ := ParseIdentifier(name)
		return identity.AnchorOf("w", typ, value)
	}
	persons := map[identity.PersonID]string{}
	check := func(what string, got identity.PersonID, want string) {
		if old, ok := persons[got]; ok && old != want {
			t.Fatalf("%s: person %s is both %s and %s", what, got, old, want)
		}
		for id, w := range persons {
			if w == want && id != got {
				t.Fatalf("%s: %s is two persons, %s and %s", what, want, id, got)
			}
		}
		persons[got] = want
	}
	for id := range m.people {
		check(id, f.personOf(anchor(id)), m.personOf(id))
	}
	for thread := range m.used {
		check(thread, f.personOf(anchor(thread)), m.personOf(thread))
	}
	for pair := range m.wrote {
		check(fmt.Sprint(pair), f.shareOf(anchor(pair[0]), anchor(pair[1])), m.personOf(pair[1]))
	}
}

const modelRules = `
regions: [DE]
max_identifiers: 8
max_thread: 12
types:
  - {name: customer_id, max: 1}
  - {name: email, max: 3}
  - {name: device}
`

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

func drawLink(t *rapid.T, i, people, threads int) identity.Link {
	anId := func(label string) identity.Node {
		typ := rapid.SampledFrom([]string{"customer_id", "email", "device", "unheard"}).Draw(t, label+" type")
		return identifier(typ, rapid.IntRange(0, people).Draw(t, label))
	}
	aThread := func(label string) identity.Node {
		return ThreadNode("w", fmt.Sprint("session:", rapid.IntRange(0, threads).Draw(t, label)))
	}
	l := identity.Link{Workspace: "w", Rule: "test", Touchpoint: fmt.Sprint("t", i), Time: int64(rapid.IntRange(0, 20).Draw(t, "time"))}
	binary.BigEndian.PutUint64(l.Key[:], uint64(rapid.IntRange(0, 3).Draw(t, "key")))
	// Which touchpoint wrote tells who did, as it does in life: one has one anchor.
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 3:
		l.Kind, l.A, l.B = identity.LinkVerified, anId("a"), anId("b")
	case kind < 6:
		l.Kind, l.A, l.B = identity.LinkThread, anId("a"), aThread("b")
		l.Key = identity.AnchorOf("w", "touchpoint", fmt.Sprint(l.A, i%7))
	case kind < 8:
		l.Kind, l.A, l.B = identity.LinkThreads, aThread("a"), aThread("b")
	case kind < 9:
		l.Kind, l.A = identity.LinkAnonymous, aThread("a")
	default:
		l.Kind, l.A, l.B = identity.LinkClaimed, anId("a"), anId("b")
	}
	return l
}

func drawLinks(t *rapid.T) []identity.Link {
	links := make([]identity.Link, rapid.SampledFrom([]int{3, 10, 40, 200}).Draw(t, "links"))
	people, threads := rapid.IntRange(0, 12).Draw(t, "people"), rapid.IntRange(0, 12).Draw(t, "threads")
	for i := range links {
		links[i] = drawLink(t, i, people, threads)
	}
	return links
}

func applyAll(r *Resolver, links []identity.Link) (out Outcome) {
	for i := range links {
		r.Apply(int64(i), 0, &links[i], &out)
	}
	return out
}

// After every link, those who follow the moves know what the obvious model computes from scratch, limits and all.
func TestResolverAgreesWithTheObviousModel(t *testing.T) {
	for rulesName, rules := range map[string]*Rules{"limits": mustRules(t, modelRules), "no limits": mustRules(t, unlimitedRules)} {
		t.Run(rulesName, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r, m, f := NewResolver("w", rules), newModel(rules), follower{}
				refused := map[string]bool{}
				for i, l := range drawLinks(t) {
					var out Outcome
					r.Apply(int64(i), 0, &l, &out)
					m.apply(l)
					f.take(t, out.Moves)
					for _, no := range out.Edges {
						key := name(no.A) + " " + name(no.B)
						if no.Kind == identity.LinkClaimed {
							key = "claimed " + key
						}
						if refused[key] || !m.refused[key] {
							t.Fatalf("refused %s, before %v, model %v", key, refused[key], m.refused[key])
						}
						refused[key] = true
					}
					if len(refused) != len(m.refused) {
						t.Fatalf("refused %v, want %v", refused, m.refused)
					}
				}
				m.agree(t, f)
				r.checkBooks(t)
			})
		})
	}
}

// Without limits in play, the same links in any order make the same people and give stories to the same owners.
func TestOrderOfLinksDoesNotMatter(t *testing.T) {
	rules := mustRules(t, unlimitedRules)
	rapid.Check(t, func(t *rapid.T) {
		links := drawLinks(t)
		m := newModel(rules)
		for _, l := range links {
			m.apply(l)
		}
		shuffled := rapid.Permutation(append(slices.Clone(links), links[:len(links)/3]...)).Draw(t, "order")
		f := follower{}
		f.take(t, applyAll(NewResolver("w", rules), shuffled).Moves)
		m.agree(t, f)
	})
}

// The same log gives the same moves and refusals bit for bit, and what is delivered again gives none.
func TestReplayIsTheSame(t *testing.T) {
	rules := mustRules(t, modelRules)
	rapid.Check(t, func(t *rapid.T) {
		links := drawLinks(t)
		once, r := Outcome{}, NewResolver("w", rules)
		for i := range links {
			r.Apply(int64(i), 0, &links[i], &once)
			var again Outcome
			if r.Apply(int64(i+1000), 0, &links[i], &again); len(again.Moves)+len(again.Edges) > 0 {
				t.Fatalf("link %+v again gives %+v", links[i], again)
			}
		}
		twice := applyAll(NewResolver("w", rules), links)
		if !slices.Equal(once.Moves, twice.Moves) || !slices.Equal(once.Edges, twice.Edges) {
			t.Fatalf("once %+v\ntwice %+v", once, twice)
		}
	})
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
	}
	storySize := map[uint32]int{}
	for i := range r.threads.n {
		story := r.threads.at(i).story
		storySize[story]++
		for e := r.threads.at(i).edges; e != 0; e = r.edges.at(e - 1).nextOfThread {
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
		for i := range r.members(person) {
			walked[r.customers.at(i).typ]++
		}
		if r.count(person, counted); !slices.Equal(walked, counted) {
			t.Fatalf("person %d has types %v, want %v", person, counted, walked)
		}
	}
	if r.Persons() != len(size) {
		t.Fatalf("%d persons, want %d", r.Persons(), len(size))
	}
}
