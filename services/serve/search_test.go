package serve

import (
	"net/url"
	"testing"
)

func TestSearchFindsByAnyIdentifier(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1", "email:anna@example.com"), thread: []string{"ticket:INC0001"}},
		event{id: "b1", time: "2026-11-01T10:00:00Z", channel: "phone", identifiers: ids("phone:+4930123456")},
		event{id: "b2", time: "2026-11-01T10:00:00Z", channel: "chat", identifiers: ids(), thread: []string{"session:99"}},
		event{workspace: "theirs", id: "x1", time: "2026-11-01T10:00:00Z", identifiers: ids("email:theirs@example.com")},
	)
	c1, email := anchorOf("customer_id:C1"), anchorOf("email:anna@example.com")
	f.move("ours", email, email, c1, 5)
	for text, want := range map[string]string{
		"anna@example.com":         c1.String(),
		" Anna@Example.COM ":       c1.String(),
		"email:anna@example.com":   c1.String(),
		"C1":                       c1.String(),
		"INC0001":                  c1.String(),
		"ticket:INC0001":           c1.String(),
		"+49 30 123456":            anchorOf("phone:+4930123456").String(),
		"4930123456":               anchorOf("phone:+4930123456").String(),
		"49 (30) 12-34/56":         anchorOf("phone:+4930123456").String(),
		"0049 30 123456":           anchorOf("phone:+4930123456").String(),
		"c1":                       c1.String(),
		"C 1":                      c1.String(),
		"inc 0001":                 c1.String(),
		"ann@example.com":          "",
		"theirs@example.com":       "",
		"'; DROP TABLE people; --": "",
	} {
		found := decode[struct {
			Found []struct {
				Person string
				By     struct{ Type, Value string }
			}
		}](t, f.get(200, "/v1/search?q="+url.QueryEscape(text))).Found
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || found[0].Person != want) {
			t.Errorf("%q leads to %+v, want %q", text, found, want)
		}
	}
	f.get(400, "/v1/search?q=a")
	f.get(400, "/v1/search?q=%C3%BC") // one character, two bytes
	f.get(200, "/v1/search?q=%20%20")
	f.get(400, "/v1/search")
}

func TestListOfConversationsSaysHowTheyBegan(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	long := ""
	for range 300 {
		long += "ü"
	}
	f.store(
		event{id: "1", time: "2026-10-01T00:00:00Z", subject: "Where is it?", text: long, identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "2", time: "2026-10-01T01:00:00Z", text: "later", identifiers: ids("customer_id:C1"), conversation: "1"},
	)
	f.talks(talk{id: "1", person: c, first: "2026-10-01T00:00:00Z", state: "open"}, talk{id: "unstored", person: c, first: "2026-10-02T00:00:00Z", state: "open"})
	type answer struct {
		Conversations []struct {
			Opening *struct {
				Subject, Text string
				Identifiers   []struct{ Type, Value string }
			}
		}
	}
	got := decode[answer](t, f.get(200, "/v1/conversations?opening=true")).Conversations
	if len(got) != 2 || got[0].Opening != nil {
		t.Fatalf("%+v", got)
	}
	if o := got[1].Opening; o == nil || o.Subject != "Where is it?" || o.Text != long[:2*openingText] || len(o.Identifiers) != 1 || o.Identifiers[0].Value != "C1" {
		t.Errorf("%+v", got[1].Opening)
	}
	if got := decode[answer](t, f.get(200, "/v1/conversations")).Conversations; got[1].Opening != nil {
		t.Error("nobody asked how it began")
	}
}
