package mail

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestBadRules: the error names line and field.
func TestBadRules(t *testing.T) {
	const good = "workspaces:\n  - name: default\n    receive: [support@example.com]\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "line 1"},
		{"no workspace", "authserv: [mx.example.com]\n", "line 1: workspaces: missing"},
		{"a field that is not known", good + "    recieve: [x@y.example]\n", "line 4: unknown field \"recieve\""},
		{"no mailboxes", "workspaces:\n  - name: default\n", "line 2: workspaces[0].receive: missing"},
		{"no address", good + "    ours: [example.com]\n", `line 4: workspaces[0].ours[0]: "example.com" is neither`},
		{"a star", good + "    ours: [\"*@example.com\"]\n", "line 4: workspaces[0].ours[0]"},
		{"a workspace twice", good + "  - name: default\n    receive: [other@example.com]\n", "line 4: workspaces[1].name"},
		{"a mailbox of two", good + "  - name: shop\n    receive:\n      - Support@example.com\n", "line 6: workspaces[1].receive[0]: support@example.com is received by workspace default"},
		{"a pattern that is none", good + "    references:\n      - {thread: ticket, pattern: \"(\"}\n", "line 5: workspaces[0].references[0].pattern"},
		{"a pattern of nothing", good + "    references:\n      - {thread: ticket, pattern: \"x*\"}\n", "line 5: workspaces[0].references[0].pattern: \"x*\" is found in every text"},
		{"two groups", good + "    references:\n      - {thread: ticket, pattern: \"(a)(b)\"}\n", "2 groups"},
		{"a scheme that is taken", good + "    references:\n      - {thread: message-id, pattern: \"a\"}\n", "line 5: workspaces[0].references[0].thread"},
		{"a number for a text", good + "authserv: [17]\n", "line 4"},
		{"a limit too small", good + "limits: {parts: -1}\n", "limits.parts: -1 is not between"},
		{"a text for a number", good + "limits: {parts: many}\n", "line 4"},
	} {
		_, err := ParseRules([]byte(c.text))
		if !errors.Is(err, ErrBadRules) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestReceives(t *testing.T) {
	r, err := ParseRules([]byte("workspaces:\n  - {name: one, receive: [\"@example.com\"]}\n  - {name: two, receive: [support@example.com]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"support@example.com": "two", "SUPPORT@EXAMPLE.COM": "two", "other@example.com": "one",
		"support+vip@example.com": "two", "support+vip@evil.example": "", "+@example.com": "one",
		"support@sub.example.com": "", "example.com": "", "": "", "@": "", "support@example.com.evil.example": "",
	} {
		got := ""
		if w := r.Receives(address); w != nil {
			got = w.Name
		}
		if got != want {
			t.Errorf("%q is received by %q, want %q", address, got, want)
		}
	}
}

func FuzzRules(f *testing.F) {
	text, err := os.ReadFile("testdata/mail.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("workspaces: [{name: a, receive: ['@b']}]\nlimits: {size: 1}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRules(data)
		if err != nil {
			if !errors.Is(err, ErrBadRules) {
				t.Fatal(err)
			}
			return
		}
		m, err := Parse([]byte("From: a@b.example\n\nx"), DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Touchpoint(m, &r.Workspaces[0], noon); err != nil {
			t.Fatal(err)
		}
	})
}
