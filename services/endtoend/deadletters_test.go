package endtoend

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/program"
)

// letter is a dead letter as the API shows it.
type letter struct{ ID, Source, Position, Touchpoint, Field, Reason, Status string }

func lettersOf(u *up) (out []letter) {
	each(u, "/v1/dead-letters?limit=200", "dead_letters", func(l letter) { out = append(out, l) })
	return out
}

// find waits for the dead letter that the touchpoint became.
func find(u *up, touchpoint string) (found letter) {
	u.tb.Helper()
	eventually(u.tb, 20*time.Second, func() error {
		for _, l := range lettersOf(u) {
			if l.Touchpoint == touchpoint {
				found = l
				return nil
			}
		}
		return fmt.Errorf("there is no dead letter of %s", touchpoint)
	})
	return found
}

// What was refused is listed, shown, repaired and sent again from the command line.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	bad := message("broken", "dora@example.com", m{"channel": "pigeon"})
	a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode([]m{bad, message("good", "dora@example.com", nil)}))
	if err != nil || a.status != http.StatusAccepted || !strings.Contains(string(a.body), `"field":"channel"`) {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	l := find(u, "broken")
	list := run(t, append([]string{"dead-letters", "list"}, u.server()...)...).Stdout
	if !strings.Contains(list, l.ID) || !strings.Contains(list, "channel") {
		t.Fatalf("list: %s", list)
	}
	shown := run(t, append([]string{"dead-letters", "show", l.ID}, u.server()...)...)
	if shown.Stdout != string(encode(bad)) || !strings.Contains(shown.Stderr, "channel") {
		t.Fatalf("show: %+v", shown)
	}
	if r := program.Command(t, append([]string{"dead-letters", "resend", l.ID}, u.server()...)...); r.Code != 1 || !strings.Contains(r.Stderr, "channel") {
		t.Fatalf("sent again as it was: %s", r)
	}
	repaired := filepath.Join(t.TempDir(), "repaired.json")
	if err := os.WriteFile(repaired, []byte(strings.Replace(shown.Stdout, "pigeon", "letter", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, append([]string{"dead-letters", "resend", l.ID, "--file", repaired}, u.server()...)...)
	eventually(t, 20*time.Second, func() error {
		got := get[reportAnswer[figures]](u, "/v1/reports/touchpoints?"+march2026+"&channel=letter").Totals
		if l := find(u, "broken"); got.Touchpoints != 1 || l.Status != "resent" {
			return fmt.Errorf("%+v, %+v", got, l)
		}
		return nil
	})
	if r := program.Command(t, append([]string{"dead-letters", "resend", l.ID}, u.server()...)...); r.Code != 1 || !strings.Contains(r.Stderr, "409") {
		t.Fatalf("sent again twice: %s", r)
	}

	// The same id with other content: the first stays, the second is kept as a conflict.
	u.send(message("good", "dora@example.com", nil)) // a duplicate is none
	u.send(message("good", "dora@example.com", m{"text": "something else"}))
	conflict := find(u, "good")
	kept := run(t, append([]string{"dead-letters", "show", conflict.ID}, u.server()...)...).Stdout
	if conflict.Source != "conflict" || conflict.Status != "kept" || !strings.Contains(kept, `"something else"`) {
		t.Fatalf("%+v: %s", conflict, kept)
	}
	renamed := filepath.Join(t.TempDir(), "renamed.json")
	if err := os.WriteFile(renamed, encode(message("good-2", "dora@example.com", m{"text": "something else"})), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, append([]string{"dead-letters", "resend", conflict.ID, "--file", renamed}, u.server()...)...)

	// A bad record of an outside producer is kept with its place.
	produce(t, u, &kafka.Record{Topic: string(topic.Raw), Value: []byte("no JSON \x00\xff")})
	eventually(t, 20*time.Second, func() error {
		for _, l := range lettersOf(u) {
			if l.Source == "raw" && strings.HasPrefix(l.Position, "touchpoints.raw/0/") {
				return nil
			}
		}
		return fmt.Errorf("%+v", lettersOf(u))
	})
	if report := u.settle(); report.Touchpoints != 3 || report.Duplicates != 1 || report.Conflicts != 1 {
		t.Fatalf("%+v", report)
	}
	left := run(t, append([]string{"dead-letters", "list", "--status", "kept"}, u.server()...)...).Stdout
	if strings.Contains(left, l.ID) || strings.Count(left, "\n") != 2 { // the head and the bad record: the conflict was sent again
		t.Fatal(left)
	}
}
