package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

func TestRulesNameWhatIsWrong(t *testing.T) {
	const head = "regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\n"
	for _, tc := range []struct{ yaml, want string }{
		{"regions: [XX]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: a}]", "line 1: regions[0]"},
		{"regions: [DE]\nmax_identifiers: 1\nmax_thread: 10\ntypes: [{name: a}]", "line 2: max_identifiers"},
		{"regions: [DE]\nmax_identifiers: 10\nmax_thread: 100000\ntypes: [{name: a}]", "line 3: max_thread"},
		{head, "types: want 1 to 200"},
		{head + "types:\n  - {name: a}\n  - {name: a}", "line 6: types[1].name"},
		{head + "types:\n  - {name: thread}", "line 5: types[0].name"},
		{head + "types:\n  - {name: 'claimed:email'}", "line 5: types[0].name"},
		{head + "types:\n  - {name: a, normalise: soundex}", "line 5: types[0].normalise"},
		{head + "types:\n  - name: a\n    max: -1", "line 6: types[0].max"},
		{head + "blocked:\n  - x\n  - '*'\ntypes: [{name: a}]", "line 6: blocked[1]"},
		{head + "types: [{name: a, blocked: ['']}]", "types[0].blocked[0]"},
		{head + "typos: []", `unknown field "typos"`},
		{head + "types: {}", "types"},
		{"\t", "line 1: there is nothing in it"},
		{head + "types: [{name: a, max: '7'}]", "line 4: types[0].max: want a whole number"},
		{head + "types: [{name: a, share: 7.5}]", "line 4: types[0].share: want a whole number"},
		{head + "types: [{name: a, max: x}]", "line 4: types[0].max: want int, got string"},
		{head + "types: [{name: a, share: -1}]", "line 4: types[0].share: want 0 to"},
		{head + "types:\n  - name: a\n    verified: {default: maybe}", "line 6: types[0].verified.default: want bool"},
		{head + "types:\n  - name: a\n    typo: 3", `line 6: types[0].typo: unknown field "typo"`},
		{head + "types:\n  - name: a\n    max:\n", "line 6: types[0].max: is empty"},
		{head + "types:\n  - name: a\n  max: 1", "line 6"},
		{head + "types: [{name: a}]\nblocked:\n  - x\n  - 0000", "line 7: blocked[1]: want a text: put it into quotes"},
		{head + "types: [{name: a, allowed: ['']}]", "types[0].allowed[0]"},
		{head + "types: [{name: a}]\n---\ntypes: [{name: b}]", "line 6: types: want one document"},
		{head + "types: [{name: a}]\n# " + strings.Repeat("x", MaxRules), "at most"},
		{"regions: []\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: a}]", "line 1: regions: want 1 to 20"},
	} {
		_, err := ParseRules([]byte(tc.yaml))
		if !errors.Is(err, ErrBadRules) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("ParseRules(%q) = %v, want an error with %q", tc.yaml, err, tc.want)
		}
	}
}

func TestVerifiedByDefault(t *testing.T) {
	r, err := ParseRules([]byte(`
regions: [DE]
max_identifiers: 10
max_thread: 10
types:
  - {name: email, verified: {default: true, channels: {chat: false}, sources: {shop: true}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		typ, channel, source string
		want                 bool
	}{
		{"email", "email", "", true},
		{"email", "chat", "", false},
		{"email", "chat", "shop", true},
		{"unheard", "email", "shop", false},
	} {
		if got := r.Verified(tc.typ, tc.channel, tc.source); got != tc.want {
			t.Errorf("Verified(%s, %s, %s) = %v", tc.typ, tc.channel, tc.source, got)
		}
	}
}

func TestBlocked(t *testing.T) {
	r := DefaultRules()
	for _, tc := range []struct {
		typ, value string
		want       bool
	}{
		{"customer_id", "-1", true},
		{"customer_id", "ANONYMOUS", true},
		{"customer_id", "1", false},
		{"phone", "0000", true},
		{"email", "NoReply@shop.example", true},
		{"email", "norepl@shop.example", false},
		{"email", "anna@noreply.shop.example", true},
		{"unheard", "null", true},
		{"account_login", "admin", true},
		{"cookie", "admin", false},
		{"email", "info@shop.example", true},
		{"email", "Support@Shop.example", true},
		{"email", "information@shop.example", false},
		{"phone", "+266696687", true},
	} {
		if got := r.BlockedBy(tc.typ, tc.value) != ""; got != tc.want {
			t.Errorf("%s %q: blocked is %v", tc.typ, tc.value, got)
		}
	}
}

// What the company allows is good whatever is blocked, in the list of its type and in that for all.
func TestAllowed(t *testing.T) {
	r, err := ParseRules([]byte(`
regions: [DE]
max_identifiers: 10
max_thread: 10
blocked: [unknown, "0"]
types:
  - {name: email, normalise: email, blocked: ["info@*", "sales@*"], allowed: ["info@*", "Sales@baker.example"]}
  - {name: customer_id, allowed: ["0"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ typ, value, pattern string }{
		{"email", "info@a.example", ""},
		{"email", "sales@baker.example", ""},
		{"email", "sales@a.example", "sales@*"},
		{"email", "unknown", "unknown"},
		{"customer_id", "0", ""},
		{"customer_id", "unknown", "unknown"},
		{"cookie", "0", "0"},
	} {
		if got := r.BlockedBy(tc.typ, tc.value); got != tc.pattern {
			t.Errorf("%s %q is blocked by %q, want %q", tc.typ, tc.value, got, tc.pattern)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern, value string
		want           bool
	}{
		{"a*", "abc", true}, {"a*", "a", true}, {"a*", "ba", false},
		{"*a", "bca", true}, {"*a", "ab", false},
		{"a*b*c", "axbxc", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false}, {"a*b*c", "abxcd", false},
		{"ab*ba", "aba", false}, {"ab*ba", "abba", true},
		{"info@*", "info@x.example", true}, {"info@*", "info@", true}, {"info@*", "info", false}, {"info@*", "info2@x.example", false},
		{"Info@*", "INFO@x.example", true}, {"a@b@*", "a@b@c", true}, {"@*", "@x", true}, {"@*", "a@x", false},
	} {
		var b blocklist
		if _, err := b.compile([]string{tc.pattern}); err != nil {
			t.Fatal(err)
		}
		if got := b.match(strings.ToLower(tc.value)) != ""; got != tc.want {
			t.Errorf("%q against %q is %v", tc.pattern, tc.value, got)
		}
	}
}

// The anchor of a touchpoint, from the strongest that it has to nothing at all.
func TestAnchorOf(t *testing.T) {
	type ids = []touchpoint.Identifier
	r := DefaultRules()
	key := touchpoint.KeyOf("w", "t1")
	for _, tc := range []struct {
		name   string
		ids    ids
		thread []string
		want   string
	}{
		{"the strongest type", ids{{Type: "email", Value: "a@x.example", Verified: true}, {Type: "customer_id", Value: "7", Verified: true}}, nil, "customer_id 7"},
		{"the lesser of equals", ids{{Type: "email", Value: "b@x.example", Verified: true}, {Type: "email", Value: "a@x.example", Verified: true}}, nil, "email a@x.example"},
		{"verified before claimed", ids{{Type: "customer_id", Value: "7"}, {Type: "cookie", Value: "c", Verified: true}}, []string{"session:1"}, "cookie c"},
		{"unheard types are weakest", ids{{Type: "aaa", Value: "1", Verified: true}, {Type: "cookie", Value: "c", Verified: true}}, nil, "cookie c"},
		{"an unheard type", ids{{Type: "bbb", Value: "1", Verified: true}, {Type: "aaa", Value: "1", Verified: true}}, nil, "aaa 1"},
		{"blocked never anchors", ids{{Type: "customer_id", Value: "-1", Verified: true}, {Type: "cookie", Value: "c", Verified: true}}, nil, "cookie c"},
		{"a thread before a claim", ids{{Type: "email", Value: "a@x.example"}}, []string{"session:1"}, "thread session:1"},
		{"the strongest thread", nil, []string{"session:1", "ticket:9", "ticket:8", "unheard:1"}, "thread ticket:8"},
		{"a claim in its own space", ids{{Type: "phone", Value: "+4930123456"}, {Type: "email", Value: "a@x.example"}}, nil, "claimed:email a@x.example"},
		{"nothing but blocked", ids{{Type: "email", Value: "noreply@x.example", Verified: true}, {Type: "email", Value: "unknown"}}, nil, "touchpoint t1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := r.AnchorOf("w", key, &touchpoint.Touchpoint{ID: "t1", Identifiers: tc.ids, Thread: tc.thread})
			if s := fmt.Sprint(got.Type, " ", got.Value); s != tc.want {
				t.Errorf("anchor is %s, want %s", s, tc.want)
			}
			if got.Anchor != identity.AnchorOf("w", got.Type, got.Value) {
				t.Error("the anchor is not the hash of its node")
			}
			if other := r.AnchorOf("w2", touchpoint.KeyOf("w2", "t1"), &touchpoint.Touchpoint{ID: "t1", Identifiers: tc.ids, Thread: tc.thread}); other.Anchor == got.Anchor {
				t.Error("two workspaces have one anchor")
			}
		})
	}
}

func FuzzRules(f *testing.F) {
	f.Add(defaultRules)
	f.Add([]byte("regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: a, max: 1, blocked: ['a*']}]"))
	f.Add([]byte("types: [&a {name: x, <<: *a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRules(data)
		if err != nil {
			if !errors.Is(err, ErrBadRules) {
				t.Errorf("an error that callers cannot tell: %v", err)
			}
			return
		}
		id, err := r.Normalise(touchpoint.Identifier{Type: r.Types[0].Name, Value: "x"})
		if err == nil {
			r.AnchorOf("w", touchpoint.Key{}, &touchpoint.Touchpoint{Identifiers: []touchpoint.Identifier{id}})
		}
	})
}
