package rehearse

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/identity"
)

// What is counted of groups is what is counted of all persons, one by one.
func TestGroupsAgainstAllPersons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules [2]*identity.Rules
		for i := range rules {
			var err error
			if rules[i], err = identity.ParseRules([]byte(rulesWith(rapid.IntRange(1, 4).Draw(t, "emails")))); err != nil {
				t.Fatal(err)
			}
		}
		before, after := identity.NewResolver("ours", rules[0]), identity.NewResolver("ours", rules[1])
		var ignored identity.Outcome
		all := map[schema.Anchor]bool{}
		for offset := range rapid.IntRange(0, 60).Draw(t, "links") {
			draw := func(label string) schema.Node {
				return node(fmt.Sprintf("%s:%d", rapid.SampledFrom([]string{"customer_id", "email", "email", "cookie"}).Draw(t, label), rapid.IntRange(0, 8).Draw(t, label)))
			}
			l := schema.Link{Workspace: "ours", Kind: schema.LinkVerified, A: draw("a"), B: draw("b")}
			before.Apply(int64(offset), 0, &l, &ignored)
			after.Apply(int64(offset), 0, &l, &ignored)
			all[l.A.Anchor], all[l.B.Anchor] = true, true
		}
		joined, parted, moved := 0, 0, 0
		was, is := map[schema.PersonID]map[schema.PersonID]bool{}, map[schema.PersonID]map[schema.PersonID]bool{}
		for a := range all {
			p, _ := before.Person(a)
			q, _ := after.Person(a)
			if was[p] == nil {
				was[p] = map[schema.PersonID]bool{}
			}
			if is[q] == nil {
				is[q] = map[schema.PersonID]bool{}
			}
			was[p][q], is[q][p] = true, true
		}
		for p, into := range was {
			if len(into) > 1 {
				parted++
			}
			for q := range into {
				if len(is[q]) > 1 {
					joined++
					break
				}
			}
			_ = p
		}
		c := compare(before, after)
		for a := range all {
			p, _ := before.Person(a)
			q, _ := after.Person(a)
			if c.members[a] != nil && p != q {
				moved++
			}
			if c.members[a] == nil && (len(was[p]) > 1 || len(is[q]) > 1) {
				t.Fatalf("%s is left out", a)
			}
		}
		if d := c.difference(); d.Joined != joined || d.Parted != parted || d.Moved != moved {
			t.Fatalf("joined %d, parted %d, moved %d, want %d, %d, %d", d.Joined, d.Parted, d.Moved, joined, parted, moved)
		}
	})
}
