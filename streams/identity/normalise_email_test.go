package identity

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/touchpoint"
)

func emailRules(t interface{ Fatal(...any) }, email string) *Rules {
	r, err := ParseRules([]byte("regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: email, normalise: email}]\nemail: " + email))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const mailboxes = `{aliases: {g.example: gm.example, "Bücher.example": bk.example}, plus_tags: [gm.example, bk.example], dots: [g.example]}`

func TestMailboxes(t *testing.T) {
	r := emailRules(t, mailboxes)
	for _, tc := range []struct{ in, want string }{
		{"A.n.na+Shop@gm.example", "anna@gm.example"},
		{"anna@G.example", "anna@gm.example"},
		{"an.na+a+b@g.example.", "anna@gm.example"}, // listed by the one name, so is the other
		{"an.na+a@bücher.example", "an.na@bk.example"},
		{"an.na+a@xn--bcher-kva.example", "an.na@bk.example"},
		{"an.na+a@other.example", "an.na+a@other.example"},
		{"an.na+a@sub.gm.example", "an.na+a@sub.gm.example"},
		{"+a+b@gm.example", "+a@gm.example"},
		{"anna+@gm.example", "anna@gm.example"},
	} {
		if got, err := r.Normalise(touchpoint.Identifier{Type: "email", Value: tc.in}); err != nil || got.Value != tc.want {
			t.Errorf("%s is %s, %v, want %s", tc.in, got.Value, err, tc.want)
		}
	}
	if got, err := r.Normalise(touchpoint.Identifier{Type: "email", Value: "...@gm.example"}); err == nil {
		t.Errorf("an address of dots is %s", got.Value)
	}
}

// address is an address, and the mailbox that it leads to by the obvious reading of the rules in mailboxes.
type address struct{ text, mailbox string }

// pieces of a name, which in one case and composed are told apart.
var pieces = rapid.SampledFrom([]string{"a", "b", "ab", "é", "e\u0301", "A", "É", "ß", "ss", "1"})

var inOneCase = strings.NewReplacer("e\u0301", "é", "É", "é", "A", "a", "B", "b")

func drawAddress(t *rapid.T) address {
	domain := rapid.SampledFrom([]struct {
		text, name string
		plus, dots bool
	}{
		{"g.example", "gm.example", true, true}, {"gm.example", "gm.example", true, true},
		{"bk.example", "bk.example", true, false}, {"bücher.example", "bk.example", true, false},
		{"BÜCHER.example", "bk.example", true, false}, {"xn--bcher-kva.example", "bk.example", true, false},
		{"o.example", "o.example", false, false}, {"O.Example.", "o.example", false, false},
	}).Draw(t, "domain")
	base := rapid.SliceOfN(pieces, 1, 3).Draw(t, "base")
	joint := rapid.SampledFrom([]string{"", "."}).Draw(t, "joint")
	tag := rapid.SampledFrom([]string{"", "+a", "+B", "+a+b"}).Draw(t, "tag")
	around := rapid.SampledFrom([][2]string{{"", ""}, {"mailto:", ""}, {"<", ">"}, {" ", " "}, {"MAILTO:", " "}}).Draw(t, "around")
	a := address{text: around[0] + strings.Join(base, joint) + tag + "@" + domain.text + around[1]}
	if domain.dots {
		joint = ""
	}
	if domain.plus {
		tag = ""
	}
	a.mailbox = inOneCase.Replace(strings.Join(base, joint)+tag) + "@" + domain.name
	return a
}

// Two addresses are one if and only if they lead to one mailbox: what is made of each names its mailbox.
func TestAddressesJoinByMailbox(t *testing.T) {
	r := emailRules(t, mailboxes)
	rapid.Check(t, func(t *rapid.T) {
		a := drawAddress(t)
		got, err := r.Normalise(touchpoint.Identifier{Type: "email", Value: a.text})
		if err != nil || got.Value != a.mailbox {
			t.Fatalf("%q is %q, %v, want %q", a.text, got.Value, err, a.mailbox)
		}
	})
}

func TestBadEmailRules(t *testing.T) {
	for email, want := range map[string]string{
		`{plus_tags: [a.example, "not a domain"]}`: "email.plus_tags[1]",
		`{dots: ["@x"]}`:                                             "email.dots[0]",
		`{aliases: {"a b": c.example}}`:                              "email.aliases.'a b'",
		`{aliases: {a.example: "c d"}}`:                              "email.aliases.'a.example'",
		`{aliases: {a.example: b.example, b.example: c.example}}`:    "email.aliases: a.example cannot be",
		`{aliases: {a.example: a.example}}`:                          "email.aliases",
		`{aliases: {a.example: B.example, "b.example.": c.example}}`: "email.aliases",
	} {
		_, err := ParseRules([]byte("regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: email}]\nemail: " + email))
		if err == nil || !strings.Contains(err.Error(), "line 5: "+want) {
			t.Errorf("%s: %v, want an error with %q", email, err, want)
		}
	}
}
