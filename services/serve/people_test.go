package serve

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
)

func decode[T any](t testing.TB, body []byte) (v T) {
	t.Helper()
	// Times in answers are read as text.
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

type personAnswer struct {
	ID          string
	Identifiers []struct {
		Type, Value         string
		Verified            bool
		FirstSeen, LastSeen string
		Touchpoints         int
	}
	FirstSeen         string `json:"first_seen"`
	LastSeen          string `json:"last_seen"`
	PreferredChannel  string `json:"preferred_channel"`
	Touchpoints       int
	Conversations     int
	OpenConversations []struct {
		ID, State, Channel string
		WaitingSince       string                     `json:"waiting_since"`
		LastTouchpoint     *struct{ ID, Text string } `json:"last_touchpoint"`
	} `json:"open_conversations"`
}

func TestPersonByIdentifier(t *testing.T) {
	f := start(t)
	anna := []string{"customer_id:C1"}
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", channel: "email", identifiers: ids("customer_id:C1", "email:anna@example.com"), conversation: "a1"},
		event{id: "a2", time: "2026-11-02T09:00:00Z", channel: "chat", identifiers: ids(anna...), conversation: "a2"},
		event{id: "a3", time: "2026-11-03T09:00:00Z", channel: "email", direction: "outbound", actor: "agent", agent: "bob", identifiers: ids(anna...), conversation: "a1"},
		event{id: "a4", time: "2026-11-04T09:00:00Z", channel: "chat", text: "still there?", identifiers: ids(anna...), conversation: "a2"},
		event{id: "a5", time: "2026-11-05T09:00:00Z", channel: "email", identifiers: append(ids(anna...), claimed("phone:+4930123456")), conversation: "a1"},
		event{id: "x1", time: "2026-11-05T09:00:00Z", channel: "phone", identifiers: ids("customer_id:C2")},
	)
	c1 := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "a1", person: c1, state: "resolved", first: "2026-11-01T09:00:00Z", last: "2026-11-05T09:00:00Z", channels: []string{"email"}, touchpoints: 3},
		talk{id: "a2", person: c1, state: "waiting_for_us", first: "2026-11-02T09:00:00Z", last: "2026-11-04T09:00:00Z", latest: "a4", channels: []string{"chat"}, waiting: "2026-11-04T09:00:00Z"},
	)
	f.move("ours", anchorOf("email:anna@example.com"), anchorOf("email:anna@example.com"), c1, 5)
	for _, look := range []string{"customer_id:C1", "email:anna@example.com", "email:%20Anna@Example.COM"} {
		p := decode[personAnswer](t, f.get(200, "/v1/people?identifier="+look))
		if p.ID != c1.String() || p.Touchpoints != 5 || p.Conversations != 2 {
			t.Errorf("%s: %+v", look, p)
		}
		if p.FirstSeen != "2026-11-01T09:00:00.000Z" || p.LastSeen != "2026-11-05T09:00:00.000Z" {
			t.Errorf("%s: seen %s to %s", look, p.FirstSeen, p.LastSeen)
		}
		if p.PreferredChannel != "email" { // two each, email last
			t.Errorf("%s: prefers %s", look, p.PreferredChannel)
		}
		if len(p.OpenConversations) != 1 || p.OpenConversations[0].Channel != "chat" || p.OpenConversations[0].LastTouchpoint == nil ||
			p.OpenConversations[0].LastTouchpoint.Text != "still there?" || p.OpenConversations[0].WaitingSince != "2026-11-04T09:00:00.000Z" {
			t.Errorf("%s: open %+v", look, p.OpenConversations)
		}
		var got []string
		for _, i := range p.Identifiers {
			got = append(got, i.Type+":"+i.Value)
		}
		if strings.Join(got, " ") != "customer_id:C1 email:anna@example.com phone:+4930123456" {
			t.Errorf("%s: identifiers %q", look, got)
		}
	}
	missing := f.get(404, "/v1/people?identifier=email:NoBody@Example.com")
	if !strings.Contains(string(missing), "email:nobody@example.com") {
		t.Errorf("404 does not say what was looked up: %s", missing)
	}
	f.get(400, "/v1/people?identifier=anna")
	f.get(400, "/v1/people?identifier=email:not-an-address")
	f.get(400, "/v1/people")
	f.get(400, "/v1/people?identifier=email:a@example.com&identifier=email:b@example.com")
	f.get(400, "/v1/people?identifier=email:a%00@example.com")
	f.get(400, "/v1/people?identifier=email:a%ff@example.com")
	if answer := f.do(http.MethodGet, "", "/v1/people?identifier=email:anna@example.com", nil); answer.StatusCode != 401 {
		t.Errorf("without a key: %d", answer.StatusCode)
	}
}

// Who is looked up by what they merely claimed is not found, and nothing of them is said but how to ask.
func TestClaimedIsHinted(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", channel: "chat", text: "I am Anna", identifiers: []touchpoint.Identifier{claimed("email:anna@example.com")}},
		event{id: "2", workspace: "theirs", time: "2026-11-01T09:00:00Z", channel: "chat", identifiers: []touchpoint.Identifier{claimed("email:bea@example.com")}},
	)
	detail := func(identifier string) string {
		t.Helper()
		return decode[struct{ Detail string }](t, f.get(404, "/v1/people?identifier="+identifier)).Detail
	}
	if got, want := detail("email:Anna@example.com"), "nobody is known by email:anna@example.com; somebody claimed it, which nobody verified: ask for claimed:email:anna@example.com"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if p := decode[personAnswer](t, f.get(200, "/v1/people?identifier=claimed:email:anna@example.com")); p.Touchpoints != 1 {
		t.Errorf("as it is hinted: %+v", p)
	}
	for identifier, want := range map[string]string{
		"email:bea@example.com":         "nobody is known by email:bea@example.com", // claimed in another workspace
		"claimed:email:bea@example.com": "nobody is known by claimed:email:bea@example.com",
		"ticket:INC1":                   "nobody is known by ticket:INC1",
	} {
		if got := detail(identifier); got != want {
			t.Errorf("%s: %q", identifier, got)
		}
	}
	// Before it was claimed nobody had.
	if got := detail("email:anna@example.com&as_of=2026-10-01T00:00:00Z"); got != "nobody is known by email:anna@example.com" {
		t.Errorf("in October: %q", got)
	}
}
