package importer

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/client/clienttest"
)

const incidents = "../../../shared/data/servicenow-incidents/incidents.csv"

// TestServiceNow compares what arrives with figures that this test reads from the CSV in its own way: no cell of the
// log is quoted, so a row is its line cut at the commas.
func TestServiceNow(t *testing.T) {
	text, err := os.ReadFile(incidents)
	if err != nil {
		t.Skipf("the incident log is not here: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	head := strings.Split(lines[0], ",")
	at := func(name string, nth int) int {
		for i, h := range head {
			if h == name {
				if nth--; nth == 0 {
					return i
				}
			}
		}
		t.Fatalf("no column %s", name)
		return 0
	}
	number, caller, state, contact, updated := at("number", 1), at("caller_id", 1), at("ident_state", 1), at("contact_type", 1), at("sys_updated_at", 1)
	group, subcategory := at("assignment_group", 1), at("category", 2)
	channels := map[string]string{"Phone": "phone", "Email": "email", "Self service": "portal", "IVR": "phone", "Direct opening": "store"}
	want, tickets, callers := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, line := range lines[1:] {
		c := strings.Split(line, ",")
		at, err := time.Parse("2/1/2006 15:04", c[updated])
		if err != nil {
			t.Fatal(err)
		}
		want["ticket "+c[number]]++
		want["caller "+c[caller]]++
		want["channel "+channels[c[contact]]]++
		want["day "+at.Format(time.DateOnly)]++
		want["time of "+c[number]] += int(at.Unix() % 1_000_000)
		if c[contact] == "IVR" {
			want["ivr"]++
		}
		if !tickets[c[number]] {
			want["inbound"]++
			want["first is "+c[state]]++
		}
		if c[group] != "?" {
			want["team "+c[group]]++
		}
		if c[subcategory] != "?" {
			want["topic "+c[subcategory]]++
		}
		if c[state] == "Resolved" {
			want["resolved"]++
		}
		tickets[c[number]], callers[c[caller]] = true, true
	}
	if len(lines) != 9919+1 || len(tickets) != 1500 || len(callers) != 985 {
		t.Fatalf("the log itself has %d rows, %d tickets, %d callers", len(lines)-1, len(tickets), len(callers))
	}

	server := clienttest.Start(t)
	c := DefaultConfig()
	c.Mapping, c.Files, c.Client = "servicenow-incidents", []string{incidents}, server.Config()
	for range 2 { // the second adds nothing
		s, err := Run(context.Background(), c)
		if err != nil || s.Accepted != 9919 || s.Records != 9919 || s.ExitCode() != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	stored, records := server.Touchpoints(t)
	if len(stored) != 9919 || server.Rejected(t) > 0 {
		t.Fatalf("%d touchpoints, %d dead letters", len(stored), server.Rejected(t))
	}
	for id, n := range records {
		if n != 2 {
			t.Fatalf("touchpoint %s was sent %d times in two runs", id, n)
		}
	}
	got := map[string]int{}
	for _, tp := range stored {
		at := time.UnixMilli(tp.Time).UTC()
		ticket := strings.TrimPrefix(tp.Thread[0], "ticket:")
		got["ticket "+ticket]++
		got["caller "+tp.Identifiers[0].Value]++
		got["channel "+tp.Channel]++
		got["day "+at.Format(time.DateOnly)]++
		got["time of "+ticket] += int(at.Unix() % 1_000_000)
		for _, tag := range tp.Tags {
			got[tag]++
		}
		if tp.Direction == "inbound" {
			got["inbound"]++
			_, state, _ := strings.Cut(string(tp.Properties), `"ident_state":"`)
			state, _, _ = strings.Cut(state, `"`)
			got["first is "+state]++
		}
		if tp.Team != "" {
			got["team "+tp.Team]++
		}
		if tp.Topic != "" {
			got["topic "+tp.Topic]++
		}
		if tp.Kind == "conversation.resolved" {
			got["resolved"]++
		}
		if !tp.Identifiers[0].Verified || tp.Identifiers[0].Type != "customer_id" || tp.Direction == "inbound" != (tp.Actor.Type == "customer") {
			t.Fatalf("touchpoint %+v", tp)
		}
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: got %d, the log has %d", k, got[k], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d figures, want %d", len(got), len(want))
	}
}

// TestServiceNowInParts: the log cut in two where it pleases, given as two files, is the same touchpoints.
func TestServiceNowInParts(t *testing.T) {
	text, err := os.ReadFile(incidents)
	if err != nil {
		t.Skipf("the incident log is not here: %v", err)
	}
	rows := bytes.SplitAfter(text, []byte("\n"))[:3001]
	dir := t.TempDir()
	write := func(name string, part [][]byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, append(bytes.Clone(rows[0]), bytes.Join(part, nil)...), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	a, b, whole := write("a.csv", rows[1:1203]), write("b.csv", rows[1203:]), write("whole.csv", rows[1:])
	d := openDoor(t)
	for _, files := range [][]string{{a, b}, {whole}} {
		if _, err := Run(context.Background(), d.config("servicenow-incidents", files...)); err != nil {
			t.Fatal(err)
		}
		if len(d.stored) != 3000 || d.conflicts != 0 {
			t.Fatalf("%d stored, %d conflicts", len(d.stored), d.conflicts)
		}
	}
}
