package serve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	streams "github.com/throughline/throughline/streams/identity"
)

// owner decides links as the one owner of the log does, and stores what comes of them.
type owner struct {
	f        *fixture
	resolver *streams.Resolver
	offset   int64
	nodes    []identity.Node
}

func (o *owner) apply(links ...identity.Link) {
	o.f.tb.Helper()
	var out streams.Outcome
	for i := range links {
		o.resolver.Apply(o.offset, now.UnixMilli()+o.offset, &links[i], &out)
		o.offset++
	}
	if len(out.Edges) > 0 {
		o.f.decided(out.Edges...)
	}
	if len(out.Moves) > 0 {
		o.f.moved(out.Moves...)
	}
}

// persons lists who is who, in the words of a preview.
func (o *owner) persons(of map[identity.PersonID]bool) string {
	groups := map[string][]string{}
	for _, n := range o.nodes {
		p, _ := o.resolver.Person(n.Anchor)
		if of[p] {
			groups[p.String()] = append(groups[p.String()], n.Type+":"+n.Value)
		}
	}
	return shown(groups)
}

func shown(groups map[string][]string) string {
	var out []string
	for id, names := range groups {
		slices.Sort(names)
		out = append(out, id+" "+strings.Join(names, " "))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// TestPreviewComesTrue previews acts about a tangle of people, then does them, and compares who is who.
func TestPreviewComesTrue(t *testing.T) {
	f := start(t)
	o := &owner{f: f, resolver: streams.NewResolver("ours", rules())}
	random := rand.New(rand.NewPCG(7, 11))
	for i := range 24 {
		name := fmt.Sprintf("%s:x%d", []string{"cookie", "device", "push_token"}[i%3], i)
		o.nodes = append(o.nodes, nodeOf(name))
		f.store(event{id: fmt.Sprint("t", i), time: "2026-11-02T09:00:00Z", identifiers: ids(name)})
	}
	some := func() identity.Node { return o.nodes[random.IntN(len(o.nodes))] }
	var links []identity.Link
	for i := range 30 {
		l := identity.Link{Workspace: "ours", Kind: identity.LinkVerified, A: some(), B: some(), Touchpoint: fmt.Sprint(i), Rule: "verified by one touchpoint"}
		if l.A.Anchor != l.B.Anchor {
			links = append(links, l)
		}
	}
	o.apply(links...)
	name := func(n identity.Node) string { return n.Type + ":" + n.Value }
	members := func(p identity.PersonID) (out []identity.Node) {
		for _, n := range o.nodes {
			if of, _ := o.resolver.Person(n.Anchor); of == p {
				out = append(out, n)
			}
		}
		return out
	}
	done := map[string]int{}
	for i := range 30 {
		a, b := some(), some()
		if i%3 == 0 { // for there to be something to retract
			l := links[random.IntN(len(links))]
			a, b = l.A, l.B
		}
		personA, _ := o.resolver.Person(a.Anchor)
		personB, _ := o.resolver.Person(b.Anchor)
		l := identity.Link{Workspace: "ours", Kind: identity.LinkMerge, A: a, B: b, User: "eva", Reason: "because", Rule: "merged by hand"}
		target, body := "/v1/people/merge", fmt.Sprintf(`{"a": %q, "b": %q, "reason": "because", "preview": true}`, name(a), name(b))
		all := members(personA)
		switch {
		case a.Anchor == b.Anchor:
			continue
		case personA == personB && len(all) > 2 && i%3 == 1:
			l.Kind, l.A, l.B, l.Nodes = identity.LinkSplit, all[0], identity.Node{}, all[1:1+random.IntN(len(all)-1)]
			if len(l.Nodes) == 0 {
				l.Nodes = all[1:2]
			}
			var leaving []string
			for _, n := range l.Nodes {
				leaving = append(leaving, fmt.Sprintf("%q", name(n)))
			}
			target, body = "/v1/people/split", fmt.Sprintf(`{"person": %q, "identifiers": [%s], "reason": "because", "preview": true}`, name(a), strings.Join(leaving, ","))
		case personA == personB:
			l.Kind = identity.LinkRetract
			target, body = "/v1/people/split", fmt.Sprintf(`{"person": %q, "edge": {"a": %q, "b": %q}, "reason": "because", "preview": true}`, name(a), name(a), name(b))
		}
		status, said := f.post(target, body)
		if status == 400 && l.Kind == identity.LinkRetract && strings.Contains(string(said), "directly") {
			continue // nothing to retract
		}
		if status != 200 {
			t.Fatalf("%s %s: %d %s", target, body, status, said)
		}
		done[string(l.Kind)]++
		p := decode[previewAnswer](t, said)
		foreseen := map[string][]string{}
		concerned := map[identity.PersonID]bool{}
		for _, one := range p.After {
			for _, n := range one.Identifiers {
				foreseen[one.ID] = append(foreseen[one.ID], n.String())
			}
			id, _ := identity.ParseAnchor(one.ID)
			concerned[id] = true
		}
		o.apply(l)
		if got, want := shown(foreseen), o.persons(concerned); got != want {
			t.Fatalf("%s %s: foreseen\n%s, came\n%s", l.Kind, body, got, want)
		}
		// Everybody who is asked for by now is who the owner says.
		now, err := f.server.personsOf(t.Context(), &call{workspace: "ours", tables: tables.TablesOf(topic.First)}, []identity.Anchor{a.Anchor, b.Anchor})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []identity.Node{a, b} {
			if want, _ := o.resolver.Person(n.Anchor); now[n.Anchor] != want {
				t.Fatalf("%s is %s, want %s", name(n), now[n.Anchor], want)
			}
		}
	}
	if len(done) != 3 {
		t.Errorf("%v", done)
	}
}
