package serve

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
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
	f.get(200, "/v1/search?q=a")
	f.get(400, "/v1/search?q=")
	f.get(200, "/v1/search?q=%20%20")
	f.get(400, "/v1/search")
}

// Who types finds by the beginning of an identifier, however it is written, and of any word of a name, each person once.
func TestSearchFindsByBeginnings(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C-100", "email:anna.meier@example.com")},
		event{id: "b1", time: "2026-11-01T10:00:00Z", channel: "phone", identifiers: ids("phone:+4930123456")},
		event{id: "c1", time: "2026-11-01T10:00:00Z", identifiers: ids("customer_id:C-1001")},
		event{workspace: "theirs", id: "x1", time: "2026-11-01T10:00:00Z", identifiers: ids("email:anna.theirs@example.com")},
	)
	anna, phone, other := anchorOf("customer_id:C-100"), anchorOf("phone:+4930123456"), anchorOf("customer_id:C-1001")
	email := anchorOf("email:anna.meier@example.com")
	f.move("ours", email, email, anna, 5)
	term := func(workspace, term, typ, value string, a identity.Anchor) row {
		return row{"workspace": workspace, "term": term, "type": typ, "value": value, "anchor": a, "also": ""}
	}
	name, weaker, claimed := term("ours", "meier", "name", "Anna Meier", anna), term("ours", "meier", "name", "Anna Meier", email), term("ours", "meier", "name", "Anna Meier", email)
	name["also"], weaker["also"], claimed["also"] = "email:anna.meier@example.com", "cookie:ck1", "claimed:customer_id:C-9"
	f.insert("search_terms", weaker, claimed,
		term("ours", "c-100", "customer_id", "C-100", anna), term("ours", "c-1001", "customer_id", "C-1001", other), term("ours", "anna.meier@example.com", "email", "anna.meier@example.com", email),
		term("ours", "+4930123456", "phone", "+4930123456", phone), name, term("ours", "anna meier", "name", "Anna Meier", anna), term("ours", "muller", "name", "Jo Müller", other),
		term("ours", "anna.shared@example.com", "email", "anna.shared@example.com", anchorOf("email:anna.shared@example.com")), // leads to nobody
		term("ours", "clara@example.com", "claimed:email", "clara@example.com", other),
		term("theirs", "anna.theirs@example.com", "email", "anna.theirs@example.com", identity.AnchorOf("theirs", "email", "anna.theirs@example.com")),
	)
	type hit struct {
		Person string
		By     struct{ Type, Value string }
		Also   *struct{ Type, Value string }
		Whole  bool
	}
	for text, want := range map[string]string{
		"ann": "name Anna Meier", "ANNA.M": "email anna.meier@example.com", "Mei": "name Anna Meier (anna.meier@example.com)", "anna  m": "name Anna Meier", "Müll": "name Jo Müller", "mull": "name Jo Müller",
		"c-10": "customer_id C-100, customer_id C-1001", "C-100": "customer_id C-100!, customer_id C-1001", "C-1001": "customer_id C-1001!",
		"030 12": "phone +4930123456", "+49 30 1": "phone +4930123456", "+49 (0)30 1": "phone +4930123456", "4930": "phone +4930123456", "0049 30": "phone +4930123456",
		"email:ann": "email anna.meier@example.com", "name:ann": "name Anna Meier", "name:c-10": "", "clar": "claimed:email clara@example.com", "email:clar": "claimed:email clara@example.com",
		"claimed:email:clar": "claimed:email clara@example.com",
		"%%":                 "", "anna.shared": "", "theirs": "", "nna": "", "a'b": "", `c-10\`: "", "ticket:INC": "",
	} {
		var got []string
		for _, h := range decode[struct{ Found []hit }](t, f.get(200, "/v1/search?q="+url.QueryEscape(text))).Found {
			said := h.By.Type + " " + h.By.Value
			if h.Also != nil {
				said += " (" + h.Also.Value + ")"
			}
			if h.Whole {
				said += "!"
			}
			got = append(got, said)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
	for i := range 20 {
		id := fmt.Sprintf("D-%02d", i)
		f.store(event{id: id, time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:" + id)})
		f.insert("search_terms", term("ours", strings.ToLower(id), "customer_id", id, anchorOf("customer_id:"+id)))
	}
	if got := decode[struct{ Found []hit }](t, f.get(200, "/v1/search?q=d-")).Found; len(got) != maxBegun || got[0].By.Value != "D-00" {
		t.Errorf("%+v", got)
	}
	long := strings.Repeat("l", 70)
	f.store(event{id: "long", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:" + long + "1")})
	f.insert("search_terms", term("ours", long[:64], "customer_id", long+"1", anchorOf("customer_id:"+long+"1")))
	for text, want := range map[string]int{long: 1, "customer_id:" + long: 1, long + "2": 0} {
		if got := decode[struct{ Found []hit }](t, f.get(200, "/v1/search?q="+text)).Found; len(got) != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
	for i := range maxBegun { // a shop's own mailboxes, blocked as an identifier
		email := fmt.Sprintf("d-a.noreply@shop%d.example.com", i)
		f.insert("search_terms", term("ours", email, "email", email, anchorOf("email:"+email)))
	}
	f.insert("search_terms", term("ours", "d-a.zoe", "name", "D-A.Zoe", anna))
	if got := decode[struct{ Found []hit }](t, f.get(200, "/v1/search?q=d-a")).Found; len(got) != 1 || got[0].By.Value != "D-A.Zoe" {
		t.Errorf("behind what is nobody's: %+v", got)
	}
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
