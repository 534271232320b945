package mailtext_test

import (
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/throughline/throughline/streams/mailtext"
)

func TestHTMLReadsAsText(t *testing.T) {
	for html, want := range map[string]string{
		"<p>Hello</p>": "Hello",
		"<p>a &amp; b</p><p>c<br>d</p><script>x()</script>": "a & b\n\nc\nd",
		"<ul><li>one</li><li>two</li></ul>":                 "- one\n- two",
		"<blockquote>old</blockquote>new":                   "> old\nnew",
		"no tags at all":                                    "no tags at all",
	} {
		if got := mailtext.FromHTML([]byte(html)); got != want {
			t.Errorf("%s: %q, want %q", html, got, want)
		}
	}
}

func TestIDsAreFoundInWhatMailersWrite(t *testing.T) {
	for field, want := range map[string][]string{
		"<a@x> <b@x>":        {"<a@x>", "<b@x>"},
		`"Anna" <a@x>, <b@x`: {"<a@x>"},
		"none":               nil,
		"<>":                 nil,
	} {
		if got := mailtext.MessageIDs(field, 10); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

func FuzzFromHTML(f *testing.F) {
	f.Add("<p>a<br>b</p><blockquote>c")
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) && !utf8.ValidString(mailtext.Fresh(mailtext.FromHTML([]byte(s)))) {
			t.Errorf("%q is valid, what it becomes is not", s)
		}
	})
}
