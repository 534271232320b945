package identify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// past is a log of links in memory. It may be read up to where it was processed, and no further.
type past []*kafka.Record

func (p past) ReadRange(_ context.Context, _ string, _ int32, _, to int64, fn func([]*kafka.Record) error) error {
	if to > int64(len(p)) {
		return fmt.Errorf("asked for %d of %d", to, len(p))
	}
	for chunk := range slices.Chunk(p[:to], 7) {
		if err := fn(chunk); err != nil {
			return err
		}
	}
	return nil
}

// resolveOf makes the stage of a log. What it appends by itself goes to produced.
func resolveOf(tb testing.TB, c *Config, log []*kafka.Record, produced *[]*kafka.Record) *resolve {
	tb.Helper()
	return newResolve(tb.Context(), c, newMetrics(nil), 0, past(log), func(_ context.Context, records []*kafka.Record) error {
		for _, r := range records {
			if produced != nil {
				*produced = append(*produced, copyOf(r))
			}
		}
		return nil
	})
}

// someRules are rules that differ in what counts.
func someRules(t *rapid.T, label string, threads int) string {
	return strings.NewReplacer(
		"MAX", fmt.Sprint(rapid.IntRange(2, 12).Draw(t, label+" identifiers")),
		"THREAD", fmt.Sprint(rapid.IntRange(threads, 2*threads).Draw(t, label+" thread")),
		"SHARE", fmt.Sprint(rapid.IntRange(1, 3).Draw(t, label+" share")),
		"EMAILS", fmt.Sprint(rapid.IntRange(1, 3).Draw(t, label+" emails")),
	).Replace(`regions: [DE]
max_identifiers: MAX
max_thread: THREAD
types:
  - {name: customer_id, normalise: plain, max: 1, verified: {default: true}}
  - {name: email, normalise: email, max: EMAILS, verified: {default: true}}
  - {name: cookie, normalise: plain, share: SHARE, verified: {default: true}}
`)
}

// withRules puts new rules between the links, of either workspace, good and bad ones.
func withRules(t *rapid.T, links []*kafka.Record, threads int) []*kafka.Record {
	out, last := slices.Clone(links), ""
	for i := range rapid.IntRange(1, 4).Draw(t, "times") {
		l := words.Link{Workspace: rapid.SampledFrom([]string{"default", "other"}).Draw(t, "workspace"), Kind: words.LinkRules, User: "eva", Reason: "as agreed"}
		if l.Rules = someRules(t, fmt.Sprint(i), threads); i > 0 && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			l.Rules = last
		}
		last = l.Rules
		if rapid.IntRange(0, 4).Draw(t, "bad") == 0 {
			l.Rules = "regions: [nowhere]"
		}
		r := &kafka.Record{Topic: string(topic.Links), Key: []byte(l.Workspace), Value: words.AppendLink(nil, &l)}
		out = slices.Insert(out, rapid.IntRange(0, len(out)).Draw(t, "at"), r)
	}
	return numbered(out)
}

// withWords puts what users say between the links.
func withWords(t *rapid.T, links []*kafka.Record) []*kafka.Record {
	byWorkspace := map[string][]words.Node{}
	for _, r := range links {
		var l words.Link
		if err := words.DecodeLink(r.Value, &l); err != nil {
			t.Fatal(err)
		}
		for _, n := range []words.Node{l.A, l.B} {
			if n.Type != words.ThreadType && !n.Anchor.IsZero() {
				byWorkspace[l.Workspace] = append(byWorkspace[l.Workspace], n)
			}
		}
	}
	out := slices.Clone(links)
	for range rapid.IntRange(0, 6).Draw(t, "words") {
		l := words.Link{Workspace: rapid.SampledFrom([]string{"default", "other"}).Draw(t, "of"), User: "eva", Reason: "seen"}
		nodes := byWorkspace[l.Workspace]
		if len(nodes) == 0 {
			continue
		}
		l.Kind = rapid.SampledFrom([]words.LinkKind{words.LinkMerge, words.LinkSplit, words.LinkRetract, words.LinkAccept, words.LinkDecline}).Draw(t, "word")
		l.A = rapid.SampledFrom(nodes).Draw(t, "a")
		if l.Kind == words.LinkSplit {
			l.Nodes = []words.Node{rapid.SampledFrom(nodes).Draw(t, "leaves"), rapid.SampledFrom(nodes).Draw(t, "leaves too")}
		} else {
			l.B = rapid.SampledFrom(nodes).Draw(t, "b")
		}
		r := &kafka.Record{Topic: string(topic.Links), Key: []byte(l.Workspace), Value: words.AppendLink(nil, &l)}
		out = slices.Insert(out, rapid.IntRange(0, len(out)).Draw(t, "when"), r)
	}
	return out
}

// linksOf are links of a company.
func linksOf(t *testing.T, seed uint64, n int) []*kafka.Record {
	c := DefaultConfig()
	out, err := newStitch(&c, newMetrics(nil), 0).Process(numbered(company(t, seed, n)))
	if err != nil {
		t.Fatal(err)
	}
	var links []*kafka.Record
	for _, r := range ofTopic(out, topic.Links) {
		links = append(links, copyOf(r))
	}
	return links
}

// said tells that the decision answers a user about evidence that it may leave as it was: a merge that is refused, say.
func said(e words.Edge) bool {
	return e.Kind.Manual() && e.Kind != words.LinkRules && (e.Decision == words.Refused || e.Decision == words.Declined)
}

// Whoever follows the moves knows at the end what the last rules say of all links, and so says a stage that was killed
// anywhere.
func TestNewRulesDecideEverythingAgain(t *testing.T) {
	c := DefaultConfig()
	rapid.Check(t, func(rt *rapid.T) {
		threads := rapid.SampledFrom([]int{2, 1000}).Draw(rt, "threads") // the least that a story may have of them
		links := withRules(rt, withWords(rt, linksOf(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 60).Draw(rt, "n"))), threads)
		var calm []*kafka.Record
		p := resolveOf(t, &c, links, &calm)
		out, err := p.Process(links)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			calm = append(calm, copyOf(r))
		}
		follows(t, calm, links, threads > 2)

		var killed []*kafka.Record
		killed = append(killed, run(rt, links, func() half { return resolveOf(t, &c, links, &killed) })...)
		want, got := read(t, calm), read(t, killed)
		same(t, "moves", got.moves, want.moves)
		same(t, "moved", got.moved, want.moved)
		same(t, "edges", got.edges, want.edges)

		// A restart ends in the state of a stage that lived on: what comes next is the same.
		again := resolveOf(t, &c, links, nil)
		for chunk := range slices.Chunk(links, 5) {
			if err := again.Replay(chunk, int64(len(links))); err != nil {
				t.Fatal(err)
			}
		}
		for workspace, lived := range p.resolvers {
			if d := slices.Collect(differences(lived, again.resolvers[workspace])); len(d) > 0 {
				t.Fatalf("%s: a restart differs in %+v", workspace, d)
			}
			if d := slices.Collect(differences(again.resolvers[workspace], lived)); len(d) > 0 {
				t.Fatalf("%s: a restart lacks %+v", workspace, d)
			}
		}
	})
}

// follows checks that the moves lead to where the last rules, had they always been in force, have everything; threads and
// participations too, unless some have their place by earlier rules that let threads grow more.
func follows(t *testing.T, outputs, links []*kafka.Record, allTakePart bool) {
	t.Helper()
	inForce := map[string]*identity.Rules{}
	decoded := make([]words.Link, len(links))
	ruled := map[string]bool{}
	linked := map[pair]bool{}
	for i, r := range links {
		l := &decoded[i]
		if err := words.DecodeLink(r.Value, l); err != nil {
			t.Fatal(err)
		}
		linked[pairOf(l.A.Anchor, l.B.Anchor)] = l.Kind != words.LinkRules
		if inForce[l.Workspace] == nil {
			inForce[l.Workspace] = rules
		}
		if l.Kind == words.LinkRules {
			ruled[fmt.Sprint(i+1)] = true
			if parsed, err := identity.ParseRules([]byte(l.Rules)); err == nil {
				inForce[l.Workspace] = parsed
			}
		}
	}
	placed := map[words.Anchor]words.Move{}
	decided := map[pair]words.Edge{} // what is in force
	for _, r := range outputs {
		switch topic.Name(r.Topic) {
		case topic.Moves:
			m, err := words.Decode[words.Move](r.Value)
			if err != nil {
				t.Fatal(err)
			}
			was, known := placed[m.Anchor]
			if known && was.Version >= m.Version {
				t.Fatalf("%s moves twice at %d", m.Anchor, m.Version)
			}
			if known && was.Person != m.From {
				t.Fatalf("%s moves at %d from %s, and was with %s", m.Anchor, m.Version, m.From, was.Person)
			}
			placed[m.Anchor] = m
		case topic.Edges:
			e, err := words.Decode[words.Edge](r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if at := pairOf(e.A.Anchor, e.B.Anchor); decided[at].Version <= e.Version {
				decided[at] = e
			}
			if e.A.Anchor.IsZero() {
				if bad := strings.Contains(decoded[e.Version-1].Rules, "nowhere"); bad != (e.Decision == words.Refused) || bad && e.Detail == "" || e.Decision != words.Refused && e.Decision != words.Ruled || e.Evidence.User != "eva" {
					t.Fatalf("of new rules it says %+v", e)
				}
				delete(ruled, fmt.Sprint(e.Version))
			}
		}
	}
	if len(ruled) > 0 {
		t.Fatalf("of the new rules at %v it says nothing", ruled)
	}
	for workspace, rules := range inForce {
		r := identity.NewResolver(workspace, rules)
		var out identity.Outcome
		for i := range decoded {
			if decoded[i].Workspace == workspace && decoded[i].Kind != words.LinkRules {
				r.Apply(int64(i), 0, &decoded[i], &out)
			}
		}
		for tie := range r.Ties() {
			if e := decided[pairOf(tie.A.Anchor, tie.B.Anchor)]; e.Decision != tie.Decision && !said(e) {
				t.Fatalf("%s: %v and %v are %s by the last rules, the record says %+v", workspace, tie.A, tie.B, tie.Decision, e)
			}
		}
		for at, e := range decided {
			keeps := e.Decision == words.Joined || e.Decision == words.Held
			if e.Workspace == workspace && !said(e) && (keeps != (r.Between(at[0], at[1]) != "") || e.Decision == words.Shared != (e.B == (words.Node{}) && r.IsShared(e.A.Anchor))) {
				t.Fatalf("%s: the last rules do not bear out %+v", workspace, e)
			}
			if e.Workspace == workspace && e.Kind == words.LinkRules && linked[at] && e.A.Value == "" {
				t.Fatalf("%s: nobody is named by %+v", workspace, e)
			}
		}
		parts := map[words.Anchor]bool{}
		for p := range r.All() {
			parts[p.Anchor] = true
			at, moved := placed[p.Anchor]
			if !moved {
				at.Person = p.Home
			}
			if at.Person != p.Person && (p.Home == p.Anchor && p.Type != words.ThreadType || allTakePart) {
				t.Fatalf("%s: %s %s is with %s by the moves, by the last rules with %s", workspace, p.Type, p.Anchor, at.Person, p.Person)
			}
		}
		for _, m := range placed {
			if is, _ := r.Person(m.Home); m.Workspace == workspace && !m.Thread.IsZero() && allTakePart && !parts[m.Anchor] && is != m.Person {
				t.Fatalf("%s: participation %s is left with %s by the moves, by the last rules its customer is %s", workspace, m.Anchor, m.Person, is)
			}
			if is, known := r.Person(m.Anchor); m.Workspace == workspace && known && is != m.Person && (m.Type != words.ThreadType || allTakePart) {
				t.Fatalf("%s: %s is left with %s by the moves, by the last rules it is %s", workspace, m.Anchor, m.Person, is)
			}
		}
	}
}

// What a customer wrote in the thread of somebody else goes along when new rules make the two one, and it goes back when
// newer ones part them.
func TestWhoTakesPartFollowsNewRules(t *testing.T) {
	node := func(typ, value string) words.Node {
		return words.Node{Anchor: words.AnchorOf("w", typ, value), Type: typ, Value: value}
	}
	c, x, a, b, thread := node("customer_id", "c"), node("email", "x"), node("email", "a"), node("email", "b"), node(words.ThreadType, "ticket:1")
	rulesOf := func(emails string) string {
		return "regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes:\n  - {name: customer_id, normalise: plain, max: 1}\n  - {name: email, normalise: email, max: " + emails + "}\n"
	}
	links := []words.Link{
		{Kind: words.LinkRules, Rules: rulesOf("1")},
		{Kind: words.LinkVerified, A: c, B: x},
		{Kind: words.LinkVerified, A: c, B: a},
		{Kind: words.LinkVerified, A: a, B: b},
		{Kind: words.LinkThread, A: a, B: thread, Time: 1},
		{Kind: words.LinkThread, A: b, B: thread, Time: 2},
		{Kind: words.LinkRules, Rules: rulesOf("3")},
		{Kind: words.LinkRules, Rules: rulesOf("1")},
	}
	var log []*kafka.Record
	for i := range links {
		links[i].Workspace = "w"
		log = append(log, &kafka.Record{Topic: string(topic.Links), Key: []byte("w"), Value: words.AppendLink(nil, &links[i])})
	}
	numbered(log)
	config := DefaultConfig()
	p := resolveOf(t, &config, log, nil)
	part := words.ParticipationOf(b.Anchor, thread.Anchor)
	var with []words.PersonID
	for _, r := range log {
		out, err := p.Process([]*kafka.Record{r})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range ofTopic(out, topic.Moves) {
			if m, err := words.Decode[words.Move](r.Value); err != nil {
				t.Fatal(err)
			} else if m.Anchor == part {
				with = append(with, m.Person)
			}
		}
	}
	if want := []words.PersonID{a.Anchor, c.Anchor, a.Anchor}; !slices.Equal(with, want) {
		t.Errorf("the participation was with %v, want %v", with, want)
	}
}

// A broker that is away while much is told does not end the role: it is told again.
func TestNewRulesWaitForTheBroker(t *testing.T) {
	config := DefaultConfig()
	var produced []*kafka.Record
	p := resolveOf(t, &config, nil, &produced)
	produce, times := p.produce, 0
	p.produce = func(ctx context.Context, records []*kafka.Record) error {
		if times++; times < 3 {
			return fmt.Errorf("append: %w", kafka.ErrUnavailable)
		}
		return produce(ctx, records)
	}
	p.outcome.Moves = []words.Move{{Workspace: "w"}}
	if err := errors.Join(p.tell(), p.flush()); err != nil || times != 3 || len(produced) == 0 {
		t.Errorf("%d times, %d records: %v", times, len(produced), err)
	}
	gone, leave := context.WithCancel(t.Context())
	p.ctx = gone
	p.produce = func(context.Context, []*kafka.Record) error { leave(); return kafka.ErrUnavailable }
	p.outcome.Moves = []words.Move{{Workspace: "w"}}
	if err := errors.Join(p.tell(), p.flush()); !errors.Is(err, context.Canceled) {
		t.Errorf("when the partition is to be given up: %v", err)
	}
}
