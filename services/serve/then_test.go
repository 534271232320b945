package serve

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
)

// movedAt is a move that came to the log at a time.
func movedAt(when string, version uint64, of, from, to string) identity.Move {
	m := moveOf(version, of, from, to)
	m.At = at(when).UnixMilli()
	return m
}

func whenSeen(path, when string) string {
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	return path + sign + "as_of=" + url.QueryEscape(when)
}

// In the fixture a touchpoint is received a second after its time. Anna mails on the 1st and the 3rd, and somebody with a cookie chats
// on the 2nd; on the 4th the two become one, on the 6th they are parted.
func TestAsOf(t *testing.T) {
	f := start(t)
	anna, cookie := "customer_id:C1", "cookie:k"
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", identifiers: ids(anna), conversation: "a1"},
		event{id: "k1", time: "2026-11-02T09:00:00Z", channel: "chat", identifiers: ids(cookie), conversation: "k1", text: "hello"},
		event{id: "a2", time: "2026-11-03T09:00:00Z", identifiers: append(ids(anna), claimed("phone:+4930123456")), conversation: "a1"},
		event{id: "a3", time: "2026-11-05T09:00:00Z", identifiers: ids(anna), kind: "conversation.resolved", direction: "outbound", actor: "agent", agent: "bob", conversation: "a1"},
	)
	f.moved(
		movedAt("2026-11-04T09:00:00Z", 10, cookie, cookie, anna),
		movedAt("2026-11-06T09:00:00Z", 20, cookie, anna, cookie),
	)
	f.talks(talk{id: "a1", person: anchorOf(anna), state: "resolved", first: "2026-11-01T09:00:00Z"}, talk{id: "k1", person: nodeOf(cookie).Anchor, first: "2026-11-02T09:00:00Z"})
	id := anchorOf(anna).String()
	card := func(when, who string) personAnswer {
		t.Helper()
		return decode[personAnswer](t, f.get(200, whenSeen("/v1/people?identifier="+who, when)))
	}
	for _, c := range []struct {
		when, who, person string
		touchpoints, open int
		identifiers       int
	}{
		{"2026-11-01T10:00:00Z", anna, anna, 1, 1, 1},
		{"2026-11-02T10:00:00Z", anna, anna, 1, 1, 1},
		{"2026-11-02T10:00:00Z", cookie, cookie, 1, 1, 1},
		{"2026-11-03T10:00:00Z", anna, anna, 2, 1, 2},
		{"2026-11-03T10:00:00Z", cookie, cookie, 1, 1, 1},
		{"2026-11-04T10:00:00Z", cookie, anna, 3, 1, 3}, // one story, since the gaps are short
		{"2026-11-04T10:00:00Z", anna, anna, 3, 1, 3},
		{"2026-11-05T10:00:00Z", cookie, anna, 4, 0, 3},
		{"2026-11-06T10:00:00Z", anna, anna, 3, 0, 2},
		{"2026-11-06T10:00:00Z", cookie, cookie, 1, 1, 1},
		{"2026-12-01", cookie, cookie, 1, 1, 1},
	} {
		p := card(c.when, c.who)
		if p.ID != nodeOf(c.person).Anchor.String() || p.Touchpoints != c.touchpoints || len(p.OpenConversations) != c.open || p.Conversations != 1 || len(p.Identifiers) != c.identifiers {
			t.Errorf("%s at %s: %+v", c.who, c.when, p)
		}
		if c.open == 1 && c.touchpoints == 3 && (p.OpenConversations[0].LastTouchpoint == nil || p.OpenConversations[0].LastTouchpoint.ID != "a2") {
			t.Errorf("%s at %s: last %+v", c.who, c.when, p.OpenConversations[0].LastTouchpoint)
		}
	}
	f.get(404, whenSeen("/v1/people?identifier="+anna, "2026-10-01T09:00:00Z"))
	f.get(404, whenSeen("/v1/people/"+id, "2026-10-01T09:00:00Z"))
	f.get(400, whenSeen("/v1/people/"+id, "yesterday"))
	// The cookie's own id led elsewhere while it was Anna's.
	answer := f.do("GET", "ours-key", whenSeen("/v1/people/"+nodeOf(cookie).Anchor.String()+"/timeline", "2026-11-04T10:00:00Z"), nil)
	if answer.StatusCode != 308 || answer.Header.Get("Location") != whenSeen("/v1/people/"+id+"/timeline", "2026-11-04T10:00:00Z") {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}

	type touch struct{ ID, Conversation string }
	timeline := func(when, rest string) string {
		page := decode[struct{ Touchpoints []touch }](t, f.get(200, whenSeen("/v1/people/"+id+"/timeline", when)+rest))
		var out []string
		for _, p := range page.Touchpoints {
			out = append(out, p.ID+" in "+map[string]string{idOf("a1"): "a1", idOf("k1"): "k1", "": "none"}[p.Conversation])
		}
		return strings.Join(out, ", ")
	}
	if got := timeline("2026-11-04T10:00:00Z", ""); got != "a2 in a1, k1 in a1, a1 in a1" {
		t.Error(got)
	}
	if got := timeline("2026-11-04T10:00:00Z", "&channel=chat"); got != "k1 in a1" {
		t.Error(got)
	}
	if got := timeline("2026-11-06T10:00:00Z", ""); got != "a3 in a1, a2 in a1, a1 in a1" {
		t.Error(got)
	}

	states := func(when, rest string) string {
		page := decode[struct{ Conversations []struct{ ID, State string } }](t, f.get(200, whenSeen("/v1/people/"+id+"/conversations", when)+rest))
		return fmt.Sprint(page.Conversations)
	}
	if got := states("2026-11-05T08:00:00Z", ""); got != fmt.Sprintf("[{%s waiting_for_us}]", idOf("a1")) {
		t.Error(got)
	}
	if got := states("2026-11-05T10:00:00Z", "&state=resolved"); got != fmt.Sprintf("[{%s resolved}]", idOf("a1")) {
		t.Error(got)
	}
	if got := states("2026-11-05T10:00:00Z", "&state=open"); got != "[]" {
		t.Error(got)
	}

	// The chat's conversation was part of Anna's for two days.
	one := func(when, id, rest string) (out struct {
		Conversation struct {
			ID          string
			Touchpoints int
		}
		Touchpoints []touch
		Next        string
	}) {
		return decode[struct {
			Conversation struct {
				ID          string
				Touchpoints int
			}
			Touchpoints []touch
			Next        string
		}](t, f.get(200, whenSeen("/v1/conversations/"+idOf(id), when)+rest))
	}
	if got := one("2026-11-02T10:00:00Z", "k1", ""); got.Conversation.Touchpoints != 1 || len(got.Touchpoints) != 1 {
		t.Errorf("%+v", got)
	}
	answer = f.do("GET", "ours-key", whenSeen("/v1/conversations/"+idOf("k1"), "2026-11-04T10:00:00Z"), nil)
	if answer.StatusCode != 308 || answer.Header.Get("Location") != whenSeen("/v1/conversations/"+idOf("a1"), "2026-11-04T10:00:00Z") {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	first := one("2026-11-04T10:00:00Z", "a1", "&limit=2")
	if len(first.Touchpoints) != 2 || first.Touchpoints[1].ID != "k1" || first.Conversation.Touchpoints != 3 {
		t.Fatalf("%+v", first)
	}
	if rest := one("2026-11-04T10:00:00Z", "a1", "&limit=2&cursor="+first.Next); len(rest.Touchpoints) != 1 || rest.Touchpoints[0].ID != "a2" || rest.Next != "" {
		t.Errorf("%+v", rest)
	}
	f.get(404, whenSeen("/v1/conversations/"+idOf("k1"), "2026-11-02T09:00:00Z"))
}

// What somebody writes into the thread of another belongs to the other's conversation from then on, and not to their own.
func TestAsOfWithTwoInAThread(t *testing.T) {
	f := start(t)
	anna, berta := "customer_id:C1", "customer_id:C2"
	f.store(
		event{id: "a1", time: "2026-11-01T09:00:00Z", identifiers: ids(anna), thread: []string{"ticket:T1"}},
		event{id: "b1", time: "2026-11-02T09:00:00Z", identifiers: ids(berta), thread: []string{"ticket:T1"}},
		event{id: "b2", time: "2026-11-02T10:00:00Z", identifiers: ids(berta)},
	)
	thread := nodeOf("ticket:T1").Anchor
	m := movedAt("2026-11-03T09:00:00Z", 5, berta, berta, anna)
	m.Anchor, m.Thread = identity.ParticipationOf(anchorOf(berta), thread), thread
	f.moved(m)
	f.talks(talk{id: "b1", person: anchorOf(berta), first: "2026-11-02T09:00:00Z"})
	count := func(who, when string) string {
		page := decode[struct {
			Conversations []struct {
				ID           string
				Touchpoints  int
				Participants []string
			}
		}](t, f.get(200, whenSeen("/v1/people/"+anchorOf(who).String()+"/conversations", when)))
		var out []string
		for _, v := range page.Conversations {
			out = append(out, fmt.Sprint(v.Touchpoints, len(v.Participants)))
		}
		return strings.Join(out, ", ")
	}
	before, after := "2026-11-02T12:00:00Z", "2026-11-03T12:00:00Z"
	if got := []string{count(anna, before), count(berta, before), count(anna, after), count(berta, after)}; strings.Join(got, "; ") != "1 0; 2 0; 2 1; 1 0" {
		t.Errorf("%q", got)
	}
	// A name that a touchpoint of Berta's gave leads to Anna's conversation.
	answer := f.do("GET", "ours-key", whenSeen("/v1/conversations/"+idOf("b1"), after), nil)
	if answer.StatusCode != 308 || !strings.Contains(answer.Header.Get("Location"), idOf("a1")) {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestAsOfOfALongStory(t *testing.T) {
	f := start(t)
	var events []event
	for i := range maxThen + 1 {
		events = append(events, event{id: fmt.Sprint(i), time: at("2026-11-01T09:00:00Z").Add(time.Duration(i) * time.Second).Format(time.RFC3339), identifiers: ids("customer_id:C1")})
	}
	f.store(events...)
	id := anchorOf("customer_id:C1").String()
	if said := string(f.get(422, whenSeen("/v1/people/"+id+"/conversations", "2026-11-02"))); !strings.Contains(said, `"field":"as_of"`) || !strings.Contains(said, "10000") {
		t.Error(said)
	}
	f.get(200, whenSeen("/v1/people/"+id+"/conversations", "2026-11-01T09:10:00Z"))
}
