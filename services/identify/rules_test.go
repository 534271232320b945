package identify

import (
	"context"
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
func someRules(t *rapid.T, label string) string {
	return strings.NewReplacer(
		"MAX", fmt.Sprint(rapid.IntRange(2, 12).Draw(t, label+" identifiers")),
		"THREAD", fmt.Sprint(rapid.IntRange(2, 12).Draw(t, label+" thread")),
		"EMAILS", fmt.Sprint(rapid.IntRange(1, 3).Draw(t, label+" emails")),
	).Replace(`region: DE
max_identifiers: MAX
max_thread: THREAD
types:
  - {name: customer_id, normalise: plain, max: 1, verified: {default: true}}
  - {name: email, normalise: email, max: EMAILS, verified: {default: true}}
  - {name: cookie, normalise: plain, verified: {default: true}}
`)
}

// withRules puts new rules between the links, of either workspace, good and bad ones.
func withRules(t *rapid.T, links []*kafka.Record) []*kafka.Record {
	out := slices.Clone(links)
	for i := range rapid.IntRange(1, 4).Draw(t, "times") {
		l := words.Link{Workspace: rapid.SampledFrom([]string{"default", "other"}).Draw(t, "workspace"), Kind: words.LinkRules, User: "eva", Reason: "as agreed"}
		if l.Rules = someRules(t, fmt.Sprint(i)); rapid.IntRange(0, 4).Draw(t, "bad") == 0 {
			l.Rules = "region: nowhere"
		}
		r := &kafka.Record{Topic: string(topic.Links), Key: []byte(l.Workspace), Value: words.AppendLink(nil, &l)}
		out = slices.Insert(out, rapid.IntRange(0, len(out)).Draw(t, "at"), r)
	}
	return numbered(out)
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

// Whoever follows the moves knows at the end what the last rules say of all links, and so says a stage that was killed
// anywhere.
func TestNewRulesDecideEverythingAgain(t *testing.T) {
	c := DefaultConfig()
	rapid.Check(t, func(rt *rapid.T) {
		links := withRules(rt, linksOf(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 60).Draw(rt, "n")))
		var calm []*kafka.Record
		p := resolveOf(t, &c, links, &calm)
		out, err := p.Process(links)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			calm = append(calm, copyOf(r))
		}
		follows(t, calm, links)

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

// follows checks that the moves lead to where the last rules, had they always been in force, have everything.
func follows(t *testing.T, outputs, links []*kafka.Record) {
	t.Helper()
	inForce := map[string]*identity.Rules{}
	decoded := make([]words.Link, len(links))
	ruled := map[string]bool{}
	for i, r := range links {
		l := &decoded[i]
		if err := words.DecodeLink(r.Value, l); err != nil {
			t.Fatal(err)
		}
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
			if e.Kind == words.LinkRules {
				if e.Decision == words.Refused && e.Detail == "" || e.Decision != words.Refused && e.Decision != words.Ruled || e.Evidence.User != "eva" {
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
		for p := range r.All() {
			at, moved := placed[p.Anchor]
			if !moved {
				at.Person = p.Home
			}
			if at.Person != p.Person {
				t.Fatalf("%s: %s %s is with %s by the moves, by the last rules with %s", workspace, p.Type, p.Anchor, at.Person, p.Person)
			}
		}
		for _, m := range placed {
			if is, known := r.Person(m.Anchor); m.Workspace == workspace && known && is != m.Person {
				t.Fatalf("%s: %s is left with %s by the moves, by the last rules it is %s", workspace, m.Anchor, m.Person, is)
			}
		}
	}
}
