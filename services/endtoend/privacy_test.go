package endtoend

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

type qualityAnswer struct {
	Violations []struct {
		Source, Kind, Contract, Field string
		Flagged, Refused              int
	}
	Privacy []struct {
		Source, Rule, Field string
		Touchpoints         int
	}
}

// redacted is how many touchpoints a privacy rule changed, by rule:field.
func redacted(u *up) string {
	u.tb.Helper()
	out := map[string]int{}
	for _, p := range get[qualityAnswer](u, "/v1/data-quality").Privacy {
		out[p.Rule+":"+p.Field] += p.Touchpoints
	}
	return fmt.Sprint(out)
}

// What a workspace does not keep is in no answer, no table and no topic, by its own rules as soon as it sets them, and through a kill.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	const card, iban = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
	u.send(message("p-1", "anna@example.com", m{"text": "my card is " + card, "subject": iban, "source": "mailbox"}))
	produce(t, u, &kafka.Record{Topic: string(topic.Raw), Value: encode(message("p-2", "anna@example.com", m{"text": card}))},
		&kafka.Record{Topic: string(topic.Raw), Value: encode(message("p-3", "anna@example.com", m{"text": card, "channel": "pigeon"}))})
	u.settle()
	wants(u, "what was masked", "map[card:text:2 iban:subject:1]", func() string { return redacted(u) })
	if shown := u.command("people", "timeline", "email:anna@example.com", "--json"); !strings.Contains(shown, "**** **** **** 1111") || strings.Contains(shown, card) {
		t.Errorf("%s", shown)
	}
	letters := get[struct {
		DeadLetters []struct{ ID string } `json:"dead_letters"`
	}](u, "/v1/dead-letters").DeadLetters
	if len(letters) != 1 {
		t.Fatalf("%d dead letters", len(letters))
	}
	if shown := u.command("dead-letters", "show", letters[0].ID); !strings.Contains(shown, "**** **** **** 1111") || strings.Contains(shown, card) {
		t.Errorf("%s", shown)
	}

	rules := filepath.Join(t.TempDir(), "privacy.yaml")
	text := "find: []\nfields:\n  - {field: identifiers.email, do: hash}\n  - {field: properties.passport, do: drop}\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	u.command("privacy", "put", rules)
	if got := u.command("privacy", "get"); got != text {
		t.Errorf("in force is %s", got)
	}
	secret := func(id string) m {
		return message(id, "Ben@Example.com", m{"properties": m{"passport": "P-4711", "plain": 1}, "text": "order 4111111111111111"})
	}
	u.send(secret("p-4"))
	u.Kill()
	u.start()
	u.send(secret("p-5"))
	u.settle()
	// Whoever knows the address finds the customer; both touchpoints are one person's, before and after the kill.
	shown := u.command("people", "timeline", "email:ben@example.com", "--json")
	if strings.Contains(strings.ToLower(shown), "ben@") || strings.Contains(shown, "P-4711") || strings.Count(shown, "hmac:") != 2 || !strings.Contains(shown, "4111111111111111") {
		t.Errorf("%s", shown)
	}
	if a, err := u.request(http.MethodPut, "/v1/privacy", nil, []byte("fields:\n - {field: kind, do: drop}")); err != nil || a.status != http.StatusBadRequest || !strings.Contains(string(a.body), "line 2") {
		t.Errorf("%d %s %v", a.status, a.body, err)
	}
	run(t, append([]string{"rebuild", "store"}, u.server()...)...)
	u.settle()
	const all = "map[card:text:2 drop:properties.passport:2 hash:identifiers.email:2 iban:subject:1]"
	wants(u, "what was masked", all, func() string { return redacted(u) })
}
