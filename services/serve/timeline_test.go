package serve

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

type timelineAnswer struct {
	Person      string
	Touchpoints []struct {
		ID, Time, Channel, Text string
		Conversation            *string
		Properties              map[string]any
	}
	Next string
}

func (a timelineAnswer) ids() (out []string) {
	for _, t := range a.Touchpoints {
		out = append(out, t.ID)
	}
	return out
}

func TestTimeline(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-09-30T23:59:59.999Z", channel: "email", identifiers: ids("customer_id:C1"), subject: "Größe", conversation: "1"},
		event{id: "2", time: "2026-10-01T00:00:00Z", channel: "chat", identifiers: ids("customer_id:C1"), text: `it's a "\t" tab`, properties: `{"a": 1}`},
		event{id: "3", time: "2026-10-01T00:00:00.001Z", channel: "chat", direction: "outbound", kind: "call.ended", actor: "agent", agent: "bob", identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "4", time: "2026-10-02T00:00:00Z", channel: "email", identifiers: ids("customer_id:C2"), text: "größe"},
	)
	c1 := anchorOf("customer_id:C1").String()
	for query, want := range map[string][]string{
		"":                                       {"3", "2", "1"},
		"?channel=chat":                          {"3", "2"},
		"?channel=chat&channel=email":            {"3", "2", "1"},
		"?direction=outbound":                    {"3"},
		"?kind=message":                          {"2", "1"},
		"?from=2026-10-01":                       {"3", "2"},
		"?to=2026-10-01":                         {"1"},
		"?from=2026-10-01T02:00:00.001%2B02:00":  {"3"},
		"?q=gr%C3%B6%C3%9Fe":                     {"1"},
		"?q=" + url.QueryEscape(`IT'S A "\t" t`): {"2"},
		"?q=%25":                                 nil,
		"?kind=" + url.QueryEscape("message') OR 1=1 --"): nil,
		"?kind=" + url.QueryEscape("\\'] \n\t{x:String}"): nil,
	} {
		got := decode[timelineAnswer](t, f.get(200, "/v1/people/"+c1+"/timeline"+query))
		if !slices.Equal(got.ids(), want) {
			t.Errorf("%s: %q, want %q", query, got.ids(), want)
		}
	}
	all := decode[timelineAnswer](t, f.get(200, "/v1/people/"+c1+"/timeline"))
	if all.Touchpoints[0].Conversation == nil || *all.Touchpoints[0].Conversation != idOf("1") || all.Touchpoints[1].Conversation != nil {
		t.Errorf("conversations: %+v", all.Touchpoints)
	}
	if all.Touchpoints[1].Properties["a"] != 1.0 || all.Touchpoints[1].Text != `it's a "\t" tab` {
		t.Errorf("content: %+v", all.Touchpoints[1])
	}
	for _, bad := range []string{"?limit=0", "?limit=201", "?limit=x", "?limit=", "?cursor=", "?cursor=abc", "?direction=up", "?from=yesterday", "?from=1969-12-31", "?to=2026-13-01", "?chanel=chat", "?q=%00"} {
		f.get(400, "/v1/people/"+c1+"/timeline"+bad)
	}
	f.get(400, "/v1/people/xyz/timeline")
	f.get(404, "/v1/people/00000000000000000000000000000000/timeline")
}

// TestPagesAreCompleteAndStable reads a timeline page by page, while touchpoints arrive that are newer than what was read.
func TestPagesAreCompleteAndStable(t *testing.T) {
	f := start(t)
	var events []event
	want := map[string]bool{}
	for i := range 57 {
		id := fmt.Sprint("t", i)
		// Several at one instant, so that the time alone does not order them.
		events = append(events, event{id: id, time: fmt.Sprintf("2026-10-01T00:00:%02dZ", i/5), identifiers: ids("customer_id:C1")})
		want[id] = true
	}
	f.store(events...)
	next, pages := "", 0
	var last string
	for {
		page := decode[timelineAnswer](t, f.get(200, "/v1/people/"+anchorOf("customer_id:C1").String()+"/timeline?limit=10"+next))
		for _, got := range page.Touchpoints {
			if !want[got.ID] {
				t.Fatalf("%s came twice or was never asked for", got.ID)
			}
			if last != "" && got.Time > last {
				t.Fatalf("%s after %s", got.Time, last)
			}
			delete(want, got.ID)
			last = got.Time
		}
		if pages++; page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
		f.store(event{id: fmt.Sprint("new", pages), time: "2026-10-02T00:00:00Z", identifiers: ids("customer_id:C1")})
	}
	if len(want) > 0 || pages != 6 {
		t.Errorf("%d pages, missing %v", pages, want)
	}
}

func TestMergeIsFollowed(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-10-01T00:00:00Z", identifiers: ids("email:anna@example.com"), conversation: "1"},
		event{id: "2", time: "2026-10-02T00:00:00Z", identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "3", time: "2026-10-03T00:00:00Z", identifiers: ids("phone:+4930123456"), conversation: "3"},
	)
	mail, customer, phone := anchorOf("email:anna@example.com"), anchorOf("customer_id:C1"), anchorOf("phone:+4930123456")
	f.talks(
		talk{id: "1", person: mail, first: "2026-10-01T00:00:00Z", last: "2026-10-02T00:00:00Z"},
		talk{id: "3", person: phone, first: "2026-10-03T00:00:00Z"},
	)
	if got := decode[personAnswer](t, f.get(200, "/v1/people/"+customer.String())); got.Touchpoints != 1 {
		t.Errorf("before: %+v", got)
	}
	f.move("ours", customer, customer, mail, 1)
	f.move("ours", phone, phone, mail, 2)
	for _, look := range []string{"email:anna@example.com", "customer_id:C1", "phone:+4930123456"} {
		got := decode[personAnswer](t, f.get(200, "/v1/people?identifier="+url.QueryEscape(look)))
		if got.ID != mail.String() || got.Touchpoints != 3 || got.Conversations != 2 || len(got.Identifiers) != 3 {
			t.Errorf("%s: %+v", look, got)
		}
	}
	for _, suffix := range []string{"", "/timeline", "/conversations"} {
		answer := f.do(http.MethodGet, "ours-key", "/v1/people/"+customer.String()+suffix, nil)
		if answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "/v1/people/"+mail.String()+suffix {
			t.Errorf("%s: %d to %q", suffix, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	answer := f.do(http.MethodGet, "ours-key", "/v1/people/"+phone.String()+"/timeline?limit=1", nil)
	if answer.Header.Get("Location") != "/v1/people/"+mail.String()+"/timeline?limit=1" {
		t.Errorf("query lost: %q", answer.Header.Get("Location"))
	}
	list := decode[conversationsAnswer](t, f.get(200, "/v1/people/"+mail.String()+"/conversations"))
	if !slices.Equal(list.ids(), []string{idOf("3"), idOf("1")}) {
		t.Errorf("conversations %q", list.ids())
	}
	// The split: the phone goes to a person of its own, and back to its first anchor's name.
	f.move("ours", phone, mail, phone, 3)
	if got := decode[personAnswer](t, f.get(200, "/v1/people/"+phone.String())); got.ID != phone.String() || got.Touchpoints != 1 {
		t.Errorf("after the split: %+v", got)
	}
	if got := decode[personAnswer](t, f.get(200, "/v1/people/"+mail.String())); got.Touchpoints != 2 {
		t.Errorf("left behind: %+v", got)
	}
	// A later generation: its anchors go back to the first, and its name leads there.
	second := mail.Generation(1)
	f.move("ours", customer, mail, second, 4)
	if got := decode[personAnswer](t, f.get(200, "/v1/people/"+second.String())); got.Touchpoints != 1 {
		t.Errorf("second generation: %+v", got)
	}
	f.move("ours", customer, second, mail, 5)
	answer = f.do(http.MethodGet, "ours-key", "/v1/people/"+second.String(), nil)
	if answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "/v1/people/"+mail.String() {
		t.Errorf("second generation merged: %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
}

func TestThreadLeadsToItsFirstCustomer(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-10-01T00:00:00Z", identifiers: ids("customer_id:C1"), thread: []string{"ticket:INC0001"}},
		event{id: "2", time: "2026-10-02T00:00:00Z", identifiers: ids("customer_id:C2"), thread: []string{"ticket:INC0001"}},
		event{id: "3", time: "2026-10-03T00:00:00Z", thread: []string{"session:s1"}},
		event{id: "4", time: "2026-10-03T00:00:00Z", identifiers: []touchpoint.Identifier{claimed("email:eve@example.com")}},
	)
	if got := decode[personAnswer](t, f.get(200, "/v1/people?identifier=ticket:INC0001")); got.ID != anchorOf("customer_id:C1").String() {
		t.Errorf("ticket: %+v", got)
	}
	anonymous := decode[personAnswer](t, f.get(200, "/v1/people?identifier=session:s1"))
	if anonymous.Touchpoints != 1 || len(anonymous.Identifiers) != 0 {
		t.Errorf("anonymous: %+v", anonymous)
	}
	session, err := identity.ParseAnchor(anonymous.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.move("ours", session, session, anchorOf("customer_id:C2"), 1)
	if got := decode[personAnswer](t, f.get(200, "/v1/people?identifier=session:s1")); got.ID != anchorOf("customer_id:C2").String() || got.Touchpoints != 2 {
		t.Errorf("identified: %+v", got)
	}
	// What nobody verified is found only by those who ask for it.
	f.get(404, "/v1/people?identifier=email:eve@example.com")
	if got := decode[personAnswer](t, f.get(200, "/v1/people?identifier=claimed:email:Eve@example.com")); got.Touchpoints != 1 {
		t.Errorf("claimed: %+v", got)
	}
	f.get(404, "/v1/people?identifier=ticket:INC0002")
}
