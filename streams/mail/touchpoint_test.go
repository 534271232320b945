package mail

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

var update = flag.Bool("update", false, "write what the mails of testdata become, to be read and committed")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// known is read once: that takes longer than a mail.
var known = sync.OnceValue(registry.Default)

func testRules(tb testing.TB) *Rules {
	tb.Helper()
	text, err := os.ReadFile("testdata/mail.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	r, err := ParseRules(text)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// become is the touchpoint of a mail, as the door has accepted it.
func become(tb testing.TB, r *Rules, data []byte) touchpoint.Touchpoint {
	tb.Helper()
	m, err := Parse(data, r.Limits)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := r.Touchpoint(m, &r.Workspaces[0], noon)
	if err != nil {
		tb.Fatal(err)
	}
	line, err := t.AppendJSON(nil)
	if err != nil {
		tb.Fatal(err)
	}
	out, _, why := touchpoint.Decode(line, &touchpoint.Options{Now: noon.UnixMilli(), Registry: known(), Normalise: r.addresses.Normalise})
	if why != nil {
		tb.Fatalf("the door refuses it: %v\n%s", why, line)
	}
	return out
}

// TestMails shows what each mail of testdata becomes; a new one is tested by being there.
func TestMails(t *testing.T) {
	r := testRules(t)
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tp := become(t, r, data)
			got, err := json.MarshalIndent(tp, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			expected := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(expected, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			// The same mail by another way: the lines end otherwise, and servers have written above it.
			crossed := append([]byte("Return-Path: <bounce@customer.example>\r\nDelivered-To: support@example.com\r\n"), bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))...)
			if bytes.HasPrefix(data, []byte("Return-Path")) {
				crossed = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
			}
			if other, _ := json.MarshalIndent(become(t, r, crossed), "", "  "); !bytes.Equal(append(other, '\n'), got) {
				t.Errorf("a copy of the mail becomes something else:\n%s\nnot\n%s", other, got)
			}
		})
	}
}
