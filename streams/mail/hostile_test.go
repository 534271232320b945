package mail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// hostile are mails that are meant to cost much. Each must be read all the same, within bounds.
func hostile() map[string]string {
	head := "From: a@b.example\nMessage-ID: <h@b.example>\nDate: Fri, 20 Nov 2026 10:00:00 +0000\n"
	deep := head
	for i := range 5000 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return map[string]string{
		"5,000 parts within parts": deep + "\nthe core",
		"100,000 parts":            head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 100_000) + "--b--\n",
		"a line of 3 MiB":          head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + strings.Repeat("--b", 1<<20),
		"a head of 4 MiB":          head + strings.Repeat("X-Filler: "+strings.Repeat("x", 80)+"\n", 50_000) + "\nbody",
		"a head of no fields":      head + strings.Repeat("no field\n", 20_000) + "X-Last: 1\n\nbody",
		"50,000 recipients":        head + "To: " + strings.Repeat("x@y.example,\n ", 50_000) + "z@y.example\n\nbody",
		"10,000 references":        head + "References: " + strings.Repeat("<x@y.example>\n ", 10_000) + "<z@y.example>\n\nbody",
		"ids without end":          head + "References: " + strings.Repeat("<", 100_000) + "\n\nbody",
		"one id of 200 KiB":        head + "In-Reply-To: <" + strings.Repeat("x", 200<<10) + ">\n\nbody",
		"encoded words":            head + "Subject: " + strings.Repeat("=?utf-8?q?=C3=BC?= ", 10_000) + "\n\nbody",
		"comments in From":         "From: " + strings.Repeat("(", 50_000) + "\n\nbody",
		"blockquotes":              head + "Content-Type: text/html\n\n" + strings.Repeat("<blockquote><div>x", 50_000),
		"an endless tag":           head + "Content-Type: text/html\n\n<a " + strings.Repeat("x=y ", 1<<18),
		"lines that nearly quote":  head + "\n" + strings.Repeat("On 1 x wrote:\n", 20_000) + strings.Repeat("> x\n", 20_000),
		"one line that nearly is":  head + "\nOn 1 " + strings.Repeat("wrote ", 50_000),
		"results without end":      head + "Authentication-Results: mx.example.com; " + strings.Repeat("dkim=pass (", 10_000) + "\n\nbody",
		"a calendar":               head + "Content-Type: text/calendar\n\nBEGIN:VEVENT\n" + strings.Repeat("SUMMARY:x\n ", 200_000),
		"nothing but NUL":          head + "Content-Type: text/plain\n\n" + strings.Repeat("\x00", 1<<20),
		"characters of six bytes":  head + "\n" + strings.Repeat("\u2028\"\x01", 100_000) + "\n\n> q",
		"addresses that are none":  "From: \"\" <@>, a@b@c, x@-, \u00fc@\u00fc..de\nReply-To: @\n\nbody",
		"an id that is no text":    "From: a@b.example\nMessage-ID: <\xff\xfe\x00\u202e@x>\n\nbody",
	}
}

func TestHostileMails(t *testing.T) {
	r := testRules(t)
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			tp := become(t, r, []byte(text))
			if len(tp.Properties) > touchpoint.MaxProperties {
				t.Errorf("properties of %d bytes", len(tp.Properties))
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	l := DefaultLimits()
	if _, err := Parse(bytes.Repeat([]byte("x"), l.Size+1), l); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	for _, text := range []string{"", "\n", "\n\n\n", "no head at all", "\x00\x01"} {
		if m, err := Parse([]byte(text), l); !errors.Is(err, ErrNoMail) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
}

// FuzzMail: whatever the bytes, no panic, and the door accepts what comes out, twice as the same.
func FuzzMail(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range hostile() {
		if len(text) < 1<<10 {
			f.Add([]byte(text))
		}
	}
	r, registered := testRules(f), known()
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data, r.Limits)
		if err != nil {
			if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrNoMail) {
				t.Fatal(err)
			}
			return
		}
		tp, err := r.Touchpoint(m, &r.Workspaces[0], noon)
		if err != nil {
			t.Fatal(err)
		}
		line, err := tp.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		_, content, why := touchpoint.Decode(line, &touchpoint.Options{Now: noon.UnixMilli(), Registry: registered, Normalise: r.addresses.Normalise})
		if why != nil {
			t.Fatalf("the door refuses it: %v\n%s", why, line)
		}
		again, err := Parse(bytes.ReplaceAll(bytes.ReplaceAll(data, crlf, newline), newline, crlf), r.Limits)
		if err != nil {
			t.Fatalf("with other ends of lines: %v", err)
		}
		tp, err = r.Touchpoint(again, &r.Workspaces[0], noon)
		if err != nil {
			t.Fatal(err)
		}
		other, err := tp.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, same, _ := touchpoint.Decode(other, &touchpoint.Options{Now: noon.UnixMilli(), Registry: registered}); same != content {
			t.Fatalf("a copy becomes something else:\n%s\n%s", line, other)
		}
	})
}

// FuzzAuthentication: senders choose parts of these fields.
func FuzzAuthentication(f *testing.F) {
	f.Add("mx.example.com; dkim=pass header.d=example.com; spf=pass (x; \"y\\)\" (z)) smtp.mailfrom=a=b@c")
	f.Add("spf=fail smtp.mailfrom=\"; dkim=pass header.d=x\"@e; none")
	f.Fuzz(func(t *testing.T, value string) {
		// What a sender can put in between, quoted as mail servers must, proves nothing.
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(value)
		_, results, ok := readAuthentication(`mx.example.com; spf=fail smtp.mailfrom="` + quoted + `"@evil.example; dkim=none`)
		if !ok || judge(results, "bank.example").Verified() {
			t.Fatalf("%q: %v", value, results)
		}
		readAuthentication(value)
	})
}
