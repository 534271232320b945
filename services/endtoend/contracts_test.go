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

	"github.com/throughline/throughline/services/program"
)

// A schema is proposed from what a source has sent, agreed on, changed, and broken; who breaks it is seen.
func TestContracts(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	order := func(id string, properties m) m {
		return message(id, "anna@example.com", m{"kind": "order.placed", "source": "shop", "time": time.Now().UTC().Format(time.RFC3339), "properties": properties})
	}
	var sent []m
	for i := range 30 {
		sent = append(sent, order(fmt.Sprint("o-", i), m{"order": fmt.Sprint("A-", i), "amount": i, "state": []string{"new", "paid"}[i%2]}))
	}
	u.send(sent...)
	u.settle()
	file := filepath.Join(t.TempDir(), "order.json")
	write := func(schema string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(schema), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	proposed := u.command("schemas", "infer", "shop", "--kind", "order.placed")
	if !json.Valid([]byte(proposed)) || !strings.Contains(proposed, `"amount"`) || !strings.Contains(proposed, `"paid"`) {
		t.Fatalf("proposed is %s", proposed)
	}
	write(proposed)
	if said := u.command("schemas", "add", "order.placed", file); !strings.Contains(said, "order.placed@1 is in force (flag)") {
		t.Errorf("%s", said)
	}
	// An amount that must be a text breaks what was agreed, and the field is named.
	write(strings.Replace(proposed, `"type": "integer"`, `"type": "string"`, 1))
	fails := func(args ...string) string {
		t.Helper()
		r := program.Command(t, append(args, u.server()...)...)
		if r.Code != 1 {
			t.Errorf("%v: %s", args, r)
		}
		return r.Stderr
	}
	broken := fails("schemas", "add", "order.placed", file)
	if !strings.Contains(broken, "properties.amount") || !strings.Contains(broken, "was integer, and is string") {
		t.Errorf("%s", broken)
	}
	if said := fails("schemas", "check", "order.placed", file); !strings.Contains(said, "not compatible") {
		t.Errorf("%s", said)
	}
	u.send(order("wrong", m{"order": "A-99", "amount": "secret-amount", "state": "new"}))
	u.settle()
	violations := func() string {
		t.Helper()
		out := ""
		for _, v := range get[qualityAnswer](u, "/v1/data-quality").Violations {
			out += fmt.Sprintf("%s %s %s %d %d; ", v.Source, v.Contract, v.Field, v.Flagged, v.Refused)
		}
		return out
	}
	wants(u, "what was violated", "shop order.placed@1 properties.amount 1 0; ", violations)
	if shown := u.command("people", "timeline", "email:anna@example.com", "--json"); !strings.Contains(shown, "want integer, got string") {
		t.Errorf("the touchpoint does not say so")
	}
	// From now on it is refused, also after a kill, and a repaired one is taken.
	write(proposed)
	u.command("schemas", "add", "order.placed", file, "--on-violation", "refuse")
	u.Kill()
	u.start()
	a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(order("refused", m{"order": "A-100"})))
	if err != nil || a.status != http.StatusAccepted || !strings.Contains(string(a.body), "contract order.placed@2: missing") {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	wants(u, "what was violated", "shop order.placed@1 properties.amount 1 0; shop order.placed@2 properties.amount 0 1; ", violations)
	letter := get[struct {
		DeadLetters []struct{ ID string } `json:"dead_letters"`
	}](u, "/v1/dead-letters").DeadLetters[0].ID
	repaired := filepath.Join(t.TempDir(), "repaired.json")
	if err := os.WriteFile(repaired, encode(order("refused", m{"order": "A-100", "amount": 1, "state": "paid"})), 0o600); err != nil {
		t.Fatal(err)
	}
	u.command("dead-letters", "resend", letter, "--file", repaired)
	u.settle()
	if listed := u.command("schemas", "list", "order.placed"); strings.Count(listed, "order.placed") != 2 {
		t.Errorf("%s", listed)
	}
	// Another workspace has agreed on nothing, and sees nothing.
	theirs := u.as(newKey(t, u, "other"))
	theirs.send(order("wrong", m{"amount": "x"}))
	if got := get[struct{ Schemas []json.RawMessage }](theirs, "/v1/schemas"); len(got.Schemas) != 0 {
		t.Errorf("%s", got.Schemas)
	}
	if got := get[qualityAnswer](theirs, "/v1/data-quality"); len(got.Violations) != 0 {
		t.Errorf("%+v", got)
	}
	u.settle()
}
