package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

type conversationsAnswer struct {
	Conversations []struct {
		ID, State, Person string
		WaitingSince      *string `json:"waiting_since"`
	}
	Next  string
	Queue *struct{ Waiting int }
}

func (a conversationsAnswer) ids() (out []string) {
	for _, c := range a.Conversations {
		out = append(out, c.ID)
	}
	return out
}

// names are the ids of conversations that are named after these touchpoints.
func names(touchpoints ...string) (out []string) {
	for _, t := range touchpoints {
		out = append(out, idOf(t))
	}
	return out
}

func TestListOfConversations(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "1", person: c, first: "2026-10-01T00:00:00Z", channels: []string{"email", "chat"}, team: "a", agent: "bob", topic: "billing", waiting: "2026-10-01T10:00:00Z", state: "waiting_for_us"},
		talk{id: "2", person: c, first: "2026-10-02T00:00:00Z", channels: []string{"chat"}, team: "b", state: "resolved"},
		talk{id: "3", person: c, first: "2026-10-03T00:00:00Z", channels: []string{"phone"}, team: "a", waiting: "2026-10-01T09:00:00Z", state: "waiting_for_us"},
		talk{id: "4", person: c, first: "2026-10-04T00:00:00Z", channels: []string{"phone"}, state: "open"},
		talk{id: "5", person: c, first: "2026-10-05T00:00:00Z", state: "open"},
	)
	// What was overtaken is not in any list, under no filter.
	f.talks(talk{id: "5", person: c, version: 2, first: "2026-10-05T00:00:00Z", state: "superseded", superseded: "4"})
	for query, want := range map[string][]string{
		"":                                   names("4", "3", "2", "1"),
		"?sort=oldest":                       names("1", "2", "3", "4"),
		"?sort=waiting":                      slices.Concat(names("3", "1"), sortedNames("2", "4")),
		"?waiting=true&sort=waiting":         names("3", "1"),
		"?waiting=false":                     names("4", "3", "2", "1"),
		"?state=resolved":                    names("2"),
		"?state=resolved&state=open":         names("4", "2"),
		"?channel=chat":                      names("2", "1"),
		"?team=a":                            names("3", "1"),
		"?team=a&agent=bob&topic=billing":    names("1"),
		"?team=nobody":                       nil,
		"?sort=waiting&state=waiting_for_us": names("3", "1"),
	} {
		got := decode[conversationsAnswer](t, f.get(200, "/v1/conversations"+query))
		if !slices.Equal(got.ids(), want) {
			t.Errorf("%s: %q, want %q", query, got.ids(), want)
		}
	}
	// The queue is of all who wait under the filters, however short the page; who was answered since waits no more.
	f.talks(talk{id: "3", person: c, version: 2, first: "2026-10-03T00:00:00Z", channels: []string{"phone"}, team: "a", state: "resolved"},
		talk{id: "4", person: c, version: 2, first: "2026-10-04T00:00:00Z", channels: []string{"phone"}, state: "waiting_for_us", waiting: "2026-11-20T11:00:00Z"})
	for query, want := range map[string]string{"": "2 2026-10-01T10:00:00.000Z", "&team=a": "1 2026-10-01T10:00:00.000Z", "&channel=phone": "1 2026-11-20T11:00:00.000Z", "&team=nobody": "0 "} {
		got := decode[struct {
			Queue struct {
				Waiting int
				Oldest  string
				P50     float64 `json:"p50_ms"`
			}
		}](t, f.get(200, "/v1/conversations?waiting=true&queue=true&limit=1"+query)).Queue
		if fmt.Sprint(got.Waiting, " ", got.Oldest) != want || query == "&channel=phone" && got.P50 != 3_600_000 {
			t.Errorf("queue %s: %+v, want %s", query, got, want)
		}
	}
	f.get(400, "/v1/conversations?queue=true")
	for _, list := range []string{"sort=newest", "sort=oldest", "sort=waiting", "waiting=true&sort=newest", "waiting=true&sort=waiting"} {
		all := decode[conversationsAnswer](t, f.get(200, "/v1/conversations?"+list)).ids()
		var paged []string
		next := ""
		if strings.HasPrefix(list, "waiting=true") {
			list += "&queue=true" // and the queue with each page
		}
		for {
			page := decode[conversationsAnswer](t, f.get(200, "/v1/conversations?limit=1&"+list+next))
			paged = append(paged, page.ids()...)
			if q := page.Queue; q != nil && q.Waiting != len(all) || (q != nil) != strings.HasPrefix(list, "waiting=true") {
				t.Errorf("%s%s: queue %+v of %d", list, next, q, len(all))
			}
			if page.Next == "" {
				break
			}
			next = "&cursor=" + page.Next
		}
		if !slices.Equal(all, paged) {
			t.Errorf("%s: pages %q, want %q", list, paged, all)
		}
	}
	cursor := decode[conversationsAnswer](t, f.get(200, "/v1/conversations?limit=1")).Next
	f.get(400, "/v1/conversations?sort=oldest&cursor="+cursor) // a cursor of another order
	for _, bad := range []string{"?sort=best", "?state=superseded", "?waiting=maybe", "?limit=-1", "?sort=newest&sort=oldest"} {
		f.get(400, "/v1/conversations"+bad)
	}
}

func sortedNames(touchpoints ...string) []string {
	out := names(touchpoints...)
	slices.Sort(out)
	return out
}

type detailAnswer struct {
	Conversation struct {
		ID, Person   string
		Participants []string
	}
	Touchpoints []struct{ ID string }
	Next        string
}

func TestConversationWithItsTouchpoints(t *testing.T) {
	f := start(t)
	a, b := anchorOf("customer_id:C1"), anchorOf("customer_id:C2")
	f.store(
		event{id: "1", time: "2026-09-30T00:00:00Z", identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "2", time: "2026-10-01T00:00:00Z", identifiers: ids("customer_id:C2"), conversation: "1"},
		event{id: "3", time: "2026-10-02T00:00:00Z", identifiers: ids("email:anna@example.com"), conversation: "1"},
		event{id: "4", time: "2026-10-02T00:00:00Z", identifiers: ids("customer_id:C1"), conversation: "4"},
		event{id: "5", time: "2026-10-03T00:00:00Z", identifiers: ids("customer_id:C1"), conversation: "1"},
	)
	f.move("ours", anchorOf("email:anna@example.com"), anchorOf("email:anna@example.com"), a, 1)
	f.talks(
		talk{id: "1", person: a, first: "2026-09-30T00:00:00Z", last: "2026-10-03T00:00:00Z", participants: []identity.Anchor{b}},
		talk{id: "4", person: a, version: 2, first: "2026-10-02T00:00:00Z", state: "superseded"},
		talk{id: "9", person: a, first: "2026-10-02T00:00:00Z", state: "gone"},
	)
	all := decode[detailAnswer](t, f.get(200, "/v1/conversations/"+idOf("1")))
	var got []string
	for _, tp := range all.Touchpoints {
		got = append(got, tp.ID)
	}
	if !slices.Equal(got, []string{"1", "2", "3", "5"}) || all.Conversation.Person != a.String() {
		t.Errorf("%q of %s", got, all.Conversation.Person)
	}
	page := decode[detailAnswer](t, f.get(200, "/v1/conversations/"+idOf("1")+"?limit=3"))
	rest := decode[detailAnswer](t, f.get(200, "/v1/conversations/"+idOf("1")+"?limit=3&cursor="+page.Next))
	if len(page.Touchpoints) != 3 || len(rest.Touchpoints) != 1 || rest.Touchpoints[0].ID != "5" || rest.Next != "" {
		t.Errorf("pages %+v %+v", page, rest)
	}
	// The conversation of touchpoint 4 was joined to the first.
	f.get(404, "/v1/conversations/"+idOf("4")) // its touchpoint's membership is not there yet
	f.insert("conversation_touchpoints", row{"workspace": "ours", "key": keyOf("4"), "anchor": a, "time": at("2026-10-02T00:00:00Z"), "version": 2, "conversation": keyOf("1"), "direction": "inbound"})
	answer := f.do(http.MethodGet, "ours-key", "/v1/conversations/"+idOf("4"), nil)
	if answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "/v1/conversations/"+idOf("1") {
		t.Errorf("superseded: %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	f.get(404, "/v1/conversations/"+idOf("9"))
	f.get(404, "/v1/conversations/"+idOf("8"))
	f.get(400, "/v1/conversations/8")
}

// A program that answers and resolves in one call has answered first, whatever the two are called; so does what it is an answer to.
func TestOneMillisecondIsShownAsItIsMeasured(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	for i := range 8 { // keys are hashes: some pairs would be the wrong way round
		id := func(of string) string { return fmt.Sprint(of, i) }
		f.store(
			event{id: id("settled"), time: "2026-11-01T09:00:00Z", kind: "conversation.resolved", direction: "internal", actor: "agent", identifiers: ids("customer_id:C1"), conversation: id("asked")},
			event{id: id("answered"), time: "2026-11-01T09:00:00Z", direction: "outbound", actor: "agent", identifiers: ids("customer_id:C1"), conversation: id("asked")},
			event{id: id("asked"), time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1"), conversation: id("asked")},
		)
		f.talks(talk{id: id("asked"), person: c, first: "2026-11-01T09:00:00Z", state: "resolved"})
		got := decode[struct{ Touchpoints []struct{ ID string } }](t, f.get(200, "/v1/conversations/"+touchpoint.KeyOf("ours", id("asked")).String())).Touchpoints
		if len(got) != 3 || got[0].ID != id("asked") || got[1].ID != id("answered") || got[2].ID != id("settled") {
			t.Errorf("%+v", got)
		}
	}
	turns := map[string]int{"settled": 0, "answered": 1, "asked": 2}
	last := 0
	for _, one := range decode[struct{ Touchpoints []struct{ ID string } }](t, f.get(200, "/v1/people/"+c.String()+"/timeline?limit=100")).Touchpoints {
		turn := turns[strings.TrimRight(one.ID, "01234567")]
		if turn < last {
			t.Errorf("%s is too late in a timeline with the newest first", one.ID)
		}
		last = turn
	}
}
