package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/identity"
)

// act says a user's word and waits until it is stored.
func (u *up) act(path string, word m) {
	u.tb.Helper()
	word["reason"] = "seen with my own eyes"
	a, err := u.request(http.MethodPost, path, asJSON, encode(word))
	if err != nil || a.status != http.StatusOK {
		u.tb.Fatalf("%s %v: %d %s %v", path, word, a.status, a.body, err)
	}
}

// personOf is who an identifier leads to.
func personOf(u *up, identifier string) string {
	u.tb.Helper()
	return get[struct{ ID string }](u, findPerson(identifier)).ID
}

// one wants two identifiers to be one person, or not.
func one(u *up, a, b string, want bool) {
	u.tb.Helper()
	if got := personOf(u, a) == personOf(u, b); got != want {
		u.tb.Errorf("%s and %s are one person: %v, want %v", a, b, got, want)
	}
}

// What users say about identities survives that identity is built anew, and that the server is killed. New rules are rehearsed
// and put in force, for what came before and what comes after.
func TestUsersAndRulesHaveTheLastWord(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	known := func(id, customer, email string) m {
		return message(id, email, m{"identifiers": []m{
			{"type": "customer_id", "value": customer, "verified": true}, {"type": "email", "value": email, "verified": true},
		}})
	}
	u.send(crowd(11, "crowd-", 400)...)
	u.send(known("a1", "C1", "anna@x.example"), known("b1", "C2", "ben@x.example"))
	u.settle() // whoever comes first stays by any rules
	u.send(
		known("a2", "C1", "anna@work.example"), message("a3", "anna@work.example", nil),
		known("b2", "C2", "bea@x.example"), message("b3", "bea@x.example", nil), message("b4", "ben@x.example", nil),
		message("d1", "dora@x.example", nil), message("d2", "dora@work.example", nil),
	)
	u.settle()
	one(u, "email:ben@x.example", "email:bea@x.example", true)
	u.act("/v1/people/split", m{"person": "customer_id:C2", "identifiers": []string{"email:bea@x.example"}})
	u.act("/v1/people/merge", m{"a": "email:dora@x.example", "b": "email:dora@work.example"})
	said := func() {
		t.Helper()
		one(u, "email:ben@x.example", "email:bea@x.example", false)
		one(u, "customer_id:C2", "email:ben@x.example", true)
		one(u, "email:dora@x.example", "email:dora@work.example", true)
	}
	said()
	u.send(known("b5", "C2", "bea@x.example")) // the same evidence
	u.settle()
	said()
	run(t, append([]string{"rebuild", "identity"}, u.server()...)...)
	u.settle()
	said()

	rules := filepath.Join(t.TempDir(), "identity.yaml")
	text := strings.Replace(identity.DefaultRules().YAML(), "max: 10\n", "max: 1\n", 1)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var rehearsal struct {
		ID, Status string
		Difference struct {
			Parted   int
			Examples []struct {
				Evidence []struct{ Touchpoint, After string }
			}
		}
	}
	answered := run(t, append([]string{"identity", "rehearse", "--json", "--rules", rules}, u.server()...)...)
	if err := json.Unmarshal([]byte(answered.Stdout), &rehearsal); err != nil {
		t.Fatal(err)
	}
	if d := rehearsal.Difference; d.Parted != 1 || len(d.Examples) != 1 || len(d.Examples[0].Evidence) != 1 || d.Examples[0].Evidence[0].Touchpoint != "a2" {
		t.Fatalf("the rehearsal says %s", answered.Stdout)
	}
	one(u, "email:anna@x.example", "email:anna@work.example", true) // nothing has changed
	u.settle()
	if shown := run(t, append([]string{"identity", "rehearse", "--rules", rules}, u.server()...)...); !strings.Contains(shown.Stdout, "email: max 1") {
		t.Errorf("for people it says %s", shown.Stdout)
	}
	run(t, append([]string{"identity", "promote", rehearsal.ID, "--reason", "one address each"}, u.server()...)...)
	eventually(t, 20*time.Second, func() error {
		if personOf(u, "email:anna@x.example") == personOf(u, "email:anna@work.example") {
			return fmt.Errorf("the rules are not in force yet")
		}
		return nil
	})
	u.settle()
	said()
	if again := run(t, append([]string{"identity", "rehearse", "--rules", rules}, u.server()...)...); !strings.Contains(again.Stdout, "parted             0 ") {
		t.Errorf("rules that are in force would change something: %s", again.Stdout)
	}
	u.send(known("e1", "C5", "eva@x.example"))
	u.settle()
	u.send(known("e2", "C5", "eva@work.example"), message("e3", "eva@work.example", nil))
	before := u.settle()
	one(u, "customer_id:C5", "email:eva@work.example", false)

	u.Kill()
	u.start()
	u.send(known("f1", "C6", "fay@x.example"))
	u.settle()
	u.send(known("f2", "C6", "fay@work.example"), message("f3", "fay@work.example", nil))
	after := u.settle()
	one(u, "customer_id:C6", "email:fay@work.example", false)
	said()
	run(t, append([]string{"rebuild", "identity"}, u.server()...)...)
	if rebuilt := u.settle(); rebuilt.People != after.People || after.People != before.People+2 {
		t.Errorf("%d people, %d after a kill, %d rebuilt", before.People, after.People, rebuilt.People)
	}
	one(u, "email:anna@x.example", "email:anna@work.example", false)
	said()
	a, err := u.request(http.MethodPost, "/v1/identity/rehearsals/"+rehearsal.ID, asJSON, encode(m{"action": "discard"}))
	if err != nil || a.status != http.StatusNoContent {
		t.Errorf("discard: %d %s %v", a.status, a.body, err)
	}
}
