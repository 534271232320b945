package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/throughline/throughline/schemas/openapi"
)

// command runs a command with the flags of the server.
func (u *up) command(args ...string) string {
	u.tb.Helper()
	return run(u.tb, append(args, u.server()...)...).Stdout
}

// people is how many people March's report counts.
func people(u *up) int {
	return get[reportAnswer[struct{ People int }]](u, "/v1/reports/touchpoints?"+march2026).Totals.People
}

// wants waits until f gives what is wanted, at most two seconds and what a busy machine adds.
func wants[T comparable](u *up, what string, want T, f func() T) {
	u.tb.Helper()
	eventually(u.tb, 20*time.Second, func() error {
		if got := f(); got != want {
			return fmt.Errorf("%s is %v, want %v", what, got, want)
		}
		return nil
	})
}

// A wrong merge is found, explained, foreseen, split, and gone from the report, all from the command line: the story of the README.
func TestAWrongMerge(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	from := func(id, channel, minute string, identifiers ...string) m {
		var all []m
		for _, i := range identifiers {
			typ, value, _ := strings.Cut(i, ":")
			all = append(all, m{"type": typ, "value": value, "verified": true})
		}
		return message(id, "", m{"identifiers": all, "channel": channel, "time": "2026-03-02T10:" + minute + ":00Z"})
	}
	u.send(from("anna-1", "phone", "00", "phone:+49 30 111111"), from("anna-2", "email", "10", "phone:+49 30 111111", "email:family@example.com"))
	u.settle()
	u.send(from("ben-1", "chat", "20", "customer_id:B-7", "email:family@example.com"), from("ben-2", "web", "30", "customer_id:B-7"))
	u.settle()
	if n := people(u); n != 1 {
		t.Fatalf("%d people, want one by the family's address", n)
	}
	one(u, "phone:+4930111111", "customer_id:B-7", true)
	why := u.command("people", "why", "phone:+4930111111", "customer_id:B-7")
	for _, part := range []string{"one_person", "email:family@example.com", "anna-2", "ben-1"} {
		if !strings.Contains(why, part) {
			t.Errorf("why does not say %s: %s", part, why)
		}
	}
	if all := u.command("people", "why", "customer_id:B-7"); strings.Count(all, "joined") < 3 || !strings.Contains(all, "MOVES") {
		t.Errorf("%s", all)
	}
	const who, reason = "customer_id:B-7", "father and daughter"
	split := []string{"people", "split", who, "--identifier", who, "--reason", reason, "--user", "eva"}
	preview := u.command(append(split, "--preview")...)
	if !strings.Contains(preview, "2 touchpoints would be somebody else's") {
		t.Errorf("%s", preview)
	}
	if n := people(u); n != 1 {
		t.Fatalf("%d people after a preview", n)
	}
	began := time.Now()
	if said := u.command(split...); !strings.Contains(said, "undone") || !strings.Contains(said, "eva: "+reason) {
		t.Errorf("%s", said)
	}
	wants(u, "the report's people", 2, func() int { return people(u) })
	t.Logf("said and in the report after %s", time.Since(began))
	one(u, "phone:+4930111111", who, false)
	if why := u.command("people", "why", "phone:+4930111111", who); !strings.Contains(why, "split: eva parted them") {
		t.Errorf("%s", why)
	}
	// The same evidence, and more of it, joins them no more.
	u.send(from("ben-3", "chat", "40", "customer_id:B-7", "email:family@example.com"))
	u.settle()
	one(u, "phone:+4930111111", who, false)
	if refused := u.command("identity", "refusals"); !strings.Contains(refused, "retracted") || !strings.Contains(refused, "ben-3") {
		t.Errorf("%s", refused)
	}
	// What an agent could see before it was put right.
	seen := get[struct{ ID string }](u, findPerson(who)+"&as_of="+url.QueryEscape(began.UTC().Format(time.RFC3339Nano)))
	if seen.ID != personOf(u, "phone:+4930111111") {
		t.Errorf("before the split it was %s", seen.ID)
	}
	// And it can be taken back.
	if said := u.command("people", "merge", "phone:+4930111111", who, "--reason", "it was one after all"); !strings.Contains(said, "joined") {
		t.Errorf("%s", said)
	}
	wants(u, "the report's people", 1, func() int { return people(u) })
	u.settle()
}

// everybodys are the calls that show no card: what they list is everybody's, one by one. All other calls that read are asked
// for the one and for the other.
var everybodys = []string{
	"/v1/accounts/{account}", "/v1/accounts/{account}/timeline", "/v1/audit", "/v1/conversations", "/v1/cracks", "/v1/dead-letters", "/v1/dead-letters/{id}", "/v1/identity/refusals",
	"/v1/identity/rehearsals/{id}", "/v1/identity/rules", "/v1/identity/shared", "/v1/identity/suggestions", "/v1/data-quality", "/v1/privacy", "/v1/projects/{key}/settings", "/v1/sources", "/v1/sources/{name}/{key}", "/v1/source-keys", "/v1/promises", "/v1/promises/open", "/v1/registry", "/v1/schemas", "/v1/schemas/infer", "/v1/schemas/kinds/{kind}", "/v1/schemas/identity-rules.json", "/v1/schemas/privacy.json", "/v1/schemas/touchpoint.json", "/v1/status", "/v1/transfers/{token}", "/v1/status/sources", "/v1/measures", "/v1/session", "/v1/stream",
	"/healthz", "/readyz", "/metrics", "/openapi.yaml",
}

// A stranger types the address of a customer into a chat, again and again. Nothing of either is ever on the card of the other, in any
// call, as long as nobody says that they are one.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	victim := message("victim-1", "", m{"subject": "victims-subject", "text": "victims-text", "account": "victims-account", "thread": []string{"ticket:VICTIM"},
		"identifiers": []m{{"type": "customer_id", "value": "VICTIM-7", "verified": true}, {"type": "email", "value": "victim@example.com", "verified": true}, {"type": "phone", "value": "+4930222222", "verified": true}}})
	u.send(victim, message("victim-2", "victim@example.com", m{"text": "victims-text"}))
	u.settle()
	for i := range 3 {
		u.send(message(fmt.Sprint("stranger-", i), "", m{"channel": "chat", "text": "strangers-text", "thread": []string{"session:STRANGER"}, "time": fmt.Sprintf("2026-03-0%dT11:00:00Z", i+3),
			"identifiers": []m{{"type": "cookie", "value": "STRANGER", "verified": true}, {"type": "email", "value": "victim@example.com", "verified": false}, {"type": "customer_id", "value": "VICTIM-7", "verified": false}}}))
		u.send(message(fmt.Sprint("anonymous-", i), "", m{"channel": "chat", "text": "strangers-text", "time": fmt.Sprintf("2026-03-0%dT12:00:00Z", i+3),
			"identifiers": []m{{"type": "email", "value": "victim@example.com", "verified": false}}}))
	}
	u.settle()
	after := time.Now().UTC().Format(time.RFC3339Nano)

	type side struct{ name, identifier, thread string }
	sides := []side{{"victim", "email:victim@example.com", "ticket:VICTIM"}, {"stranger", "cookie:STRANGER", "session:STRANGER"}, {"stranger", "claimed:email:victim@example.com", "session:STRANGER"}}
	// What is whose, and must not be on the other's card. The stranger knows and types the address and the number.
	secrets := map[string][]string{"victim": {"STRANGER", "strangers-", "stranger-", "anonymous-"}, "stranger": {"victims-", "victim-1", "victim-2", "+4930222222", "ticket:VICTIM"}}
	check := func(s side, path string) {
		t.Helper()
		a, err := u.request(http.MethodGet, path, nil, nil)
		if err != nil || a.status != http.StatusOK {
			t.Errorf("%s: %d %s %v", path, a.status, a.body, err)
		}
		for _, secret := range secrets[s.name] {
			if strings.Contains(string(a.body), secret) {
				t.Errorf("%s of the %s shows %s: %s", path, s.name, secret, a.body)
			}
		}
	}
	var document struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(openapi.Document, &document); err != nil {
		t.Fatal(err)
	}
	cards := 0
	for path, methods := range document.Paths {
		if methods["get"] == nil || slices.Contains(everybodys, path) || strings.HasPrefix(path, "/v1/reports/") {
			continue
		}
		cards++
		for _, s := range sides {
			id := personOf(u, s.identifier)
			var asked []string
			switch path {
			case "/v1/people":
				asked = []string{findPerson(s.identifier), findPerson(s.thread)}
			case "/v1/search":
				_, value, _ := strings.Cut(s.thread, ":")
				asked = []string{"/v1/search?q=" + value}
			case "/v1/people/why":
				asked = []string{"/v1/people/why?a=" + url.QueryEscape(s.identifier) + "&b=" + id}
			case "/v1/conversations/{id}":
				each(u, "/v1/people/"+id+"/conversations?limit=200", "conversations", func(c struct{ ID string }) { asked = append(asked, "/v1/conversations/"+c.ID) })
				if len(asked) == 0 {
					t.Errorf("the %s has no conversation", s.name)
				}
			default:
				if strings.Count(path, "{") != 1 || !strings.Contains(path, "/people/{id}") {
					t.Fatalf("GET %s is new: is it a card, or everybody's?", path)
				}
				asked = []string{strings.ReplaceAll(path, "{id}", id)}
			}
			for _, target := range asked {
				check(s, target)
				if operation := string(encode(methods["get"])); strings.Contains(operation, "asOf") {
					sign := "?"
					if strings.Contains(target, "?") {
						sign = "&"
					}
					check(s, target+sign+"as_of="+url.QueryEscape(after))
				}
			}
		}
	}
	if cards < 7 {
		t.Errorf("only %d calls show cards", cards)
	}
	one(u, "email:victim@example.com", "cookie:STRANGER", false)
	// What is anonymous but for a claim is not suggested: whoever claims the same next would be meant too.
	// Who reviews suggestions sees the two identifiers and how often, and nothing else of either.
	type suggestions struct {
		Suggestions []struct {
			ID                string
			Claimant, Claimed struct{ Type, Value string }
			Touchpoints, Days int
		}
	}
	queue := get[suggestions](u, "/v1/identity/suggestions")
	if len(queue.Suggestions) != 2 || queue.Suggestions[0].Touchpoints != 3 || queue.Suggestions[0].Days != 3 {
		t.Fatalf("%+v", queue)
	}
	for _, secret := range []string{"victims-", "+4930222222", "strangers-"} {
		if strings.Contains(string(encode(queue)), secret) {
			t.Errorf("the queue shows %s: %+v", secret, queue)
		}
	}
	// Refused, it does not come again, also for new claims.
	for _, s := range queue.Suggestions {
		u.command("identity", "refuse", s.ID, "--reason", "a stranger")
	}
	u.send(message("stranger-9", "", m{"channel": "chat", "text": "strangers-text", "time": "2026-03-09T11:00:00Z",
		"identifiers": []m{{"type": "cookie", "value": "STRANGER", "verified": true}, {"type": "email", "value": "victim@example.com", "verified": false}}}))
	u.settle()
	if left := u.command("identity", "suggestions", "--json"); strings.Contains(left, "STRANGER") {
		t.Errorf("%s", left)
	}
	for _, s := range sides[:2] {
		check(s, "/v1/people/"+personOf(u, s.identifier)+"/why")
	}
	// A chat that was hers after all: accepted, it is on her card, with what is written in it later.
	chat := func(id string, identifiers ...m) m {
		return message(id, "", m{"channel": "chat", "thread": []string{"session:HERS"}, "time": "2026-03-10T11:00:00Z", "identifiers": append([]m{}, identifiers...)})
	}
	u.send(chat("hers-1", m{"type": "email", "value": "victim@example.com", "verified": false}))
	u.settle()
	one(u, "email:victim@example.com", "session:HERS", false)
	accepted := 0
	queue = get[suggestions](u, "/v1/identity/suggestions")
	for _, s := range queue.Suggestions {
		if s.Claimant.Type == "thread" && s.Claimant.Value == "session:HERS" {
			u.command("identity", "accept", s.ID, "--reason", "she gave her number", "--user", "eva")
			accepted++
		}
	}
	u.send(chat("hers-2"))
	u.settle()
	one(u, "email:victim@example.com", "session:HERS", true)
	if hers := u.command("people", "timeline", "email:victim@example.com"); accepted != 1 || !strings.Contains(hers, "hers-1") || !strings.Contains(hers, "hers-2") || strings.Contains(hers, "stranger-") {
		t.Errorf("%d accepted: %s", accepted, hers)
	}
	var story struct{ Touchpoints []json.RawMessage }
	if err := json.Unmarshal([]byte(u.command("people", "timeline", "cookie:STRANGER", "--json")), &story); err != nil || len(story.Touchpoints) != 4 {
		t.Errorf("%d touchpoints, %v", len(story.Touchpoints), err)
	}
}
