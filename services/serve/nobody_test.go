package serve

import (
	"net/http"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

func (f *fixture) detail(t *testing.T, target string) string {
	t.Helper()
	return decode[struct{ Detail string }](t, f.get(404, target)).Detail
}

// What moves anchors writes two tables, and is read in two statements: whoever looks in between finds the customer all the same.
func TestLookUpAroundAMerge(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("email:anna@example.com")},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1")},
		event{id: "3", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C2")},
	)
	anna, c1, c2 := anchorOf("email:anna@example.com"), anchorOf("customer_id:C1"), anchorOf("customer_id:C2")
	f.insert("identity_anchors", row{"workspace": "ours", "person": anna, "anchor": anna, "version": 5, "came": false, "other": c1},
		row{"workspace": "ours", "person": c1, "anchor": anna, "version": 5, "came": true, "other": anna})
	ask := func(when string, want identity.PersonID, touchpoints int) {
		t.Helper()
		if p := decode[personAnswer](t, f.get(200, "/v1/people?identifier=email:anna@example.com")); p.ID != want.String() || p.Touchpoints != touchpoints {
			t.Errorf("%s: %+v, want %s with %d", when, p, want, touchpoints)
		}
	}
	ask("the anchors first", c1, 2)
	if to := f.do(http.MethodGet, "ours-key", "/v1/people/"+anna.String(), nil); to.StatusCode != 308 || !strings.HasSuffix(to.Header.Get("Location"), c1.String()) {
		t.Errorf("by the old id: %d %s", to.StatusCode, to.Header.Get("Location"))
	}
	f.insert("identities", row{"workspace": "ours", "anchor": anna, "person": c1, "version": 5, "home": anna, "thread": "0"})
	ask("both", c1, 2)
	f.insert("identity_anchors", row{"workspace": "ours", "person": c1, "anchor": anna, "version": 7, "came": false, "other": c2},
		row{"workspace": "ours", "person": c2, "anchor": anna, "version": 7, "came": true, "other": c1})
	ask("again to another", c2, 2)
	// A split that one table has: the anchor is its own again, whatever the other still says.
	f.insert("identities", row{"workspace": "ours", "anchor": anna, "person": anna, "version": 9, "home": anna, "thread": "0"})
	ask("split, identities first", anna, 1)
}

// A claim may hang on the thread of the touchpoint that makes it, or on somebody who is known otherwise.
func TestClaimedByAThread(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", channel: "chat", identifiers: []touchpoint.Identifier{claimed("email:anna@example.com")}, thread: []string{"session:s1"}},
		event{id: "2", time: "2026-11-02T09:00:00Z", channel: "chat", identifiers: append(ids("customer_id:C1"), claimed("email:bea@example.com"))},
		event{id: "3", time: "2026-11-03T09:00:00Z", channel: "chat", identifiers: []touchpoint.Identifier{claimed("email:bea@example.com")}, thread: []string{"session:s2"}},
	)
	f.decided(
		claim(1, "session:s1", "email:anna@example.com", "1", 1),
		claim(2, "customer_id:C1", "email:bea@example.com", "2", 2), claim(3, "session:s2", "email:bea@example.com", "3", 3),
		claim(4, "customer_id:C1", "email:zoe@example.com", "2", 2),
		decision(5, identity.LinkDecline, identity.Declined, "customer_id:C1", "email:zoe@example.com", "declined by hand"),
	)
	const look = "/v1/people?identifier="
	if got, want := f.detail(t, look+"email:anna@example.com"), "nobody is known by email:anna@example.com; somebody claimed it, which nobody verified: ask for claimed:email:anna@example.com"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if p := decode[personAnswer](t, f.get(200, look+"claimed:email:anna@example.com")); p.ID != nodeOf("session:s1").Anchor.String() || p.Touchpoints != 1 {
		t.Errorf("who claimed it: %+v", p)
	}
	got := f.detail(t, look+"claimed:email:bea@example.com")
	if !strings.HasPrefix(got, "several people claimed it: ask for one of /v1/people/") || !strings.Contains(got, anchorOf("customer_id:C1").String()) || !strings.Contains(got, nodeOf("session:s2").Anchor.String()) {
		t.Errorf("two: %q", got)
	}
	// One that is known by nothing but the claim is what the name means.
	f.store(event{id: "5", time: "2026-11-05T09:00:00Z", channel: "chat", identifiers: []touchpoint.Identifier{claimed("email:bea@example.com")}})
	if p := decode[personAnswer](t, f.get(200, look+"claimed:email:bea@example.com")); p.ID != identity.AnchorOf("ours", "claimed:email", "bea@example.com").String() {
		t.Errorf("known by the claim alone: %+v", p)
	}
	for _, declined := range []string{"email:zoe@example.com", "claimed:email:zoe@example.com"} {
		if got := f.detail(t, look+declined); got != "nobody is known by "+declined {
			t.Errorf("declined: %q", got)
		}
	}
}

// A value that several use is nobody's, and the answer says so instead of showing a customer without a story.
func TestSharedLeadsToNobody(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1", "phone:+4930123456")},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C2", "phone:+4930123456")},
		event{id: "3", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C3", "phone:+4930999999")},
	)
	kiosk, home := "phone:+4930123456", "phone:+4930999999"
	f.decided(
		decision(1, identity.LinkVerified, identity.Undone, "customer_id:C1", kiosk, "max customer_id 1"),
		decision(2, identity.LinkVerified, identity.Refused, "customer_id:C2", kiosk, "shared: phone"),
		decision(3, identity.LinkVerified, identity.Shared, kiosk, "", "max customer_id 1"),
		decision(4, identity.LinkVerified, identity.Held, "customer_id:C3", home, "phone: share 3"),
	)
	f.moved(moveOf(1, kiosk, kiosk, "customer_id:C1"), moveOf(3, kiosk, "customer_id:C1", kiosk))
	got := f.detail(t, "/v1/people?identifier=phone:%2B4930123456")
	for _, want := range []string{"nobody is known by phone:+4930123456; several people use it", "GET /v1/identity/shared", anchorOf("customer_id:C1").String(), anchorOf("customer_id:C2").String()} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if got := f.detail(t, "/v1/people?identifier=phone:%2B4930999999"); !strings.Contains(got, "several people may use such a value") || !strings.Contains(got, anchorOf("customer_id:C3").String()) {
		t.Errorf("held: %q", got)
	}
	// One whose touchpoints have nothing better is shown with them.
	f.store(event{id: "4", time: "2026-11-04T09:00:00Z", identifiers: ids(kiosk)})
	if p := decode[personAnswer](t, f.get(200, "/v1/people?identifier=phone:%2B4930123456")); p.Touchpoints != 1 {
		t.Errorf("%+v", p)
	}
}

// Who writes in somebody else's thread finds that conversation among their own, and it says whose it is.
func TestConversationsOfOthers(t *testing.T) {
	f := start(t)
	owner, other := anchorOf("customer_id:C1"), anchorOf("email:bob@example.com")
	thread := []string{"ticket:INC1"}
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1"), thread: thread, conversation: "1"},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("email:bob@example.com"), thread: thread, conversation: "1", text: "me too"},
		event{id: "3", time: "2026-11-03T09:00:00Z", identifiers: ids("email:bob@example.com"), conversation: "3"},
		event{id: "4", time: "2026-11-04T09:00:00Z", identifiers: ids("customer_id:C1"), thread: thread, conversation: "1", text: "still broken"},
	)
	// The membership says whose conversation it is.
	f.insert("conversation_touchpoints", row{"workspace": "ours", "anchor": other, "key": keyOf("2"), "time": at("2026-11-02T09:00:00Z"), "conversation": keyOf("1"), "person": owner, "version": 2})
	f.talks(
		talk{id: "1", person: owner, first: "2026-11-01T09:00:00Z", last: "2026-11-04T09:00:00Z", latest: "4", state: "waiting_for_us", waiting: "2026-11-02T09:00:00Z", participants: []identity.Anchor{other}},
		talk{id: "3", person: other, first: "2026-11-03T09:00:00Z", latest: "3", state: "closed"},
	)
	type list struct {
		Conversations []struct{ ID, Person string }
		Next          string
	}
	for _, limit := range []string{"", "?limit=1", "?state=waiting_for_us"} {
		page := decode[list](t, f.get(200, "/v1/people/"+other.String()+"/conversations"+limit))
		var got string
		for _, c := range page.Conversations {
			got += c.ID[:4] + " of " + c.Person[:4] + ", "
		}
		if page.Next != "" {
			for _, c := range decode[list](t, f.get(200, "/v1/people/"+other.String()+"/conversations?limit=1&cursor="+page.Next)).Conversations {
				got += c.ID[:4] + " of " + c.Person[:4] + ", "
			}
		}
		theirs := idOf("1")[:4] + " of " + owner.String()[:4] + ", "
		if want := idOf("3")[:4] + " of " + other.String()[:4] + ", " + theirs; got != want && !(strings.Contains(limit, "state") && got == theirs) {
			t.Errorf("%q: %s, want %s", limit, got, want)
		}
	}
	p := decode[personAnswer](t, f.get(200, "/v1/people/"+other.String()))
	if p.Conversations != 2 || len(p.OpenConversations) != 1 || p.OpenConversations[0].ID != idOf("1") || p.OpenConversations[0].LastTouchpoint == nil || p.OpenConversations[0].LastTouchpoint.Text != "still broken" {
		t.Errorf("%+v", p)
	}
	if p := decode[personAnswer](t, f.get(200, "/v1/people/"+owner.String())); p.Conversations != 1 {
		t.Errorf("the owner: %+v", p)
	}
}

// Properties come back byte for byte, in answers and in the store, and are searched as they are.
func TestPropertiesByteForByte(t *testing.T) {
	f := start(t)
	bytes := `{"a":  1.50, "b":"\u00e4/<\/>", "properties":{"notes":[ 1 ]}, "n" : 1e2,"notes":[{"x":"y"}]}`
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1"), text: `,"properties":{}`, properties: bytes},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1"), properties: bytes, notes: []touchpoint.Note{{About: "privacy", Rule: "card", Field: "text"}}},
		event{id: "3", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C1"), notes: []touchpoint.Note{{About: "privacy", Rule: "card", Field: "text"}}},
		event{id: "4", time: "2026-11-04T09:00:00Z", identifiers: ids("customer_id:C1")},
	)
	timeline := "/v1/people/" + anchorOf("customer_id:C1").String() + "/timeline"
	if got := string(f.get(200, timeline)); strings.Count(got, `"properties":`+bytes) != 2 {
		t.Errorf("%s does not hold %s twice", got, bytes)
	}
	for q, want := range map[string]int{"1E2": 2, "nothing": 0, "%22b%22:": 2} {
		if page := decode[struct{ Touchpoints []struct{ ID string } }](t, f.get(200, timeline+"?q="+q)); len(page.Touchpoints) != want {
			t.Errorf("q=%s: %d, want %d", q, len(page.Touchpoints), want)
		}
	}
	var got []string
	err := f.server.store.each(t.Context(), f.server.store.lookup, "SELECT properties FROM now_touchpoints ORDER BY id", nil, func(r *clickhouse.Rows) error {
		var one string
		err := r.Scan(&one)
		got = append(got, one)
		return err
	})
	if err != nil || strings.Join(got, "|") != bytes+"|"+bytes+"||" {
		t.Errorf("%q %v", got, err)
	}
}

// The views that people ask show what is in force, and whose it is now.
func TestViewsForPeople(t *testing.T) {
	f := start(t)
	anna, c1 := anchorOf("email:anna@example.com"), anchorOf("customer_id:C1")
	f.store(event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("email:anna@example.com"), conversation: "1"})
	f.talks(talk{id: "1", person: anna, first: "2026-11-01T09:00:00Z"}, talk{id: "1", person: anna, first: "2026-11-01T09:00:00Z", version: 2, state: "closed"}, talk{id: "2", person: anna, first: "2026-11-01T10:00:00Z", state: "gone"})
	f.move("ours", anna, anna, c1, 5)
	for sql, want := range map[string]string{
		"SELECT person FROM now_touchpoints":                            number(c1),
		"SELECT person FROM now_conversations WHERE state = 'closed'":   number(c1),
		"SELECT person FROM now_conversation_touchpoints":               number(c1),
		"SELECT count() FROM now_conversations":                         "1",
		"SELECT anchor FROM now_identity_anchors":                       number(anna),
		"SELECT person FROM now_identities":                             number(c1),
		"SELECT person FROM now_identity_log":                           number(c1),
		"SELECT count() FROM now_identity_edges":                        "0",
		"SELECT count() FROM now_rejected":                              "0",
		"SELECT count() FROM now_conversations WHERE toYear(first) > 1": "1",
	} {
		var got []string
		err := f.server.store.each(t.Context(), f.server.store.lookup, "SELECT toString(*) FROM ("+sql+")", nil, func(r *clickhouse.Rows) error {
			var one string
			err := r.Scan(&one)
			got = append(got, one)
			return err
		})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q %v, want %s", sql, got, err, want)
		}
	}
}
