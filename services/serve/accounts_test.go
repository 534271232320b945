package serve

import (
	"strings"
	"testing"
)

type accountAnswer struct {
	Account, Name, Updated string
	Managers, Contracts    []any
	Contacts               []struct {
		Person              string
		Identifier          nodeAnswer
		FirstSeen, LastSeen string
		Touchpoints         int
		Channels            []string
	}
	Next string
}

func TestAccount(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", account: "acme", identifiers: ids("customer_id:C1", "email:anna@acme.example")},
		event{id: "a2", time: "2026-11-02T09:00:00Z", account: "acme", channel: "chat", identifiers: ids("email:anna@acme.example")},
		event{id: "a3", time: "2026-11-03T09:00:00Z", account: "other", channel: "chat", identifiers: ids("email:anna@acme.example")},
		event{id: "b1", time: "2026-11-04T09:00:00Z", account: "acme", channel: "phone", identifiers: ids("customer_id:C2"), conversation: "b1"},
		event{id: "u1", time: "2026-11-01T08:00:00Z", account: "acme", kind: "account.updated", thread: []string{"account:acme"}, properties: `{"name": "Old"}`},
		event{id: "u2", time: "2026-11-01T10:00:00Z", account: "acme", kind: "account.updated", thread: []string{"account:acme"},
			properties: `{"name": "Acme Inc.", "managers": [{"name": "Mia"}], "contracts": ["K-17"]}`},
	)
	c1, mail := anchorOf("customer_id:C1"), anchorOf("email:anna@acme.example")
	f.move("ours", mail, mail, c1, 1)
	got := decode[accountAnswer](t, f.get(200, "/v1/accounts/acme"))
	if got.Name != "Acme Inc." || len(got.Managers) != 1 || len(got.Contracts) != 1 || got.Contracts[0] != "K-17" || got.Updated != "2026-11-01T10:00:00.000Z" || len(got.Contacts) != 2 {
		t.Fatalf("%+v", got)
	}
	if b := got.Contacts[0]; b.Person != anchorOf("customer_id:C2").String() || b.Identifier.String() != "customer_id:C2" {
		t.Errorf("%+v", b)
	}
	if a := got.Contacts[1]; a.Person != c1.String() || a.Identifier.String() != "email:anna@acme.example" || a.Touchpoints != 2 || strings.Join(a.Channels, " ") != "chat email" {
		t.Errorf("%+v", a)
	}
	first := decode[accountAnswer](t, f.get(200, "/v1/accounts/acme?limit=1"))
	second := decode[accountAnswer](t, f.get(200, "/v1/accounts/acme?limit=1&cursor="+first.Next))
	if len(first.Contacts) != 1 || len(second.Contacts) != 1 || second.Contacts[0].Person != c1.String() || second.Next != "" {
		t.Errorf("%+v %+v", first, second)
	}
	var story []string
	for next := ""; ; {
		page := decode[struct {
			Touchpoints []struct{ ID, Person string }
			Next        string
		}](t, f.get(200, "/v1/accounts/acme/timeline?limit=2&kind=message"+next))
		for _, touch := range page.Touchpoints {
			if story = append(story, touch.ID); touch.ID == "a2" && touch.Person != c1.String() {
				t.Errorf("%+v", touch)
			}
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	if strings.Join(story, " ") != "b1 a2 a1" {
		t.Errorf("%q", story)
	}
	f.get(404, "/v1/accounts/nobody")
	f.get(404, "/v1/accounts/nobody/timeline")
	f.get(200, "/v1/accounts/acme/timeline?channel=letter")
	f.get(400, "/v1/accounts/"+strings.Repeat("a", 257))
}
