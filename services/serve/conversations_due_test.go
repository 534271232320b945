package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/conversation"
)

type dueAnswer struct {
	Conversations []struct {
		ID      string
		Promise *struct {
			Metric, Status string
			Due            *string
		}
	}
	Next string
}

func (a dueAnswer) lines() (out []string) {
	for _, c := range a.Conversations {
		line := c.ID
		if p := c.Promise; p != nil {
			line += " " + p.Metric + " " + p.Status
			if p.Due != nil {
				line += " " + *p.Due
			}
		}
		out = append(out, line)
	}
	return out
}

// Who is late depends on what was promised to whom, and on the hours of the desk; not on who has waited longest.
func TestWhoIsDueFirst(t *testing.T) {
	const promises = `
calendars: [{name: desk, versions: [{zone: UTC, week: {mon-fri: ["09:00-17:00"]}}]}]
calendar: desk
targets:
  - {channels: [letter], calendar: always, first_response: 240h}
  - {channels: [email], first_response: 8h, next_response: 2h}
  - {channels: [chat], first_response: 20m}`
	f, _ := startPromising(t, promises) // it is Friday noon
	c := anchorOf("customer_id:C1")
	waits := func(id, channel, since string, waits ...conversation.Wait) talk {
		if waits == nil {
			waits = []conversation.Wait{{From: ms(since), Kind: conversation.FirstWait}}
		}
		return talk{id: id, person: c, first: since, channels: []string{channel}, state: "waiting_for_us", waiting: since, intervals: conversation.Conversation{Waits: waits}}
	}
	f.talks(
		waits("letter", "letter", "2026-11-15T12:00:00Z"),  // has waited longest, and is not due for days
		waits("evening", "email", "2026-11-19T16:00:00Z"),  // one hour of yesterday and three of today
		waits("thursday", "email", "2026-11-19T09:30:00Z"), // 7.5 hours of yesterday: since ten
		waits("chat", "chat", "2026-11-20T11:44:00Z"),      // four minutes are left
		waits("nobody", "forum", "2026-11-18T12:00:00Z"),   // nothing is promised
		waits("next", "email", "2026-11-20T11:00:00Z", conversation.Wait{From: ms("2026-11-01T09:00:00Z"), To: ms("2026-11-19T09:00:00Z"), Kind: conversation.FirstWait},
			conversation.Wait{From: ms("2026-11-20T11:00:00Z"), Kind: conversation.LaterWait}), // the first answer was late, this one is not
		talk{id: "answered", person: c, first: "2026-11-19T09:00:00Z", channels: []string{"email"}, state: "waiting_for_customer"},
	)
	want := []string{
		idOf("thursday") + " first_response missed 2026-11-20T09:30:00.000Z",
		idOf("chat") + " first_response at_risk 2026-11-20T12:04:00.000Z",
		idOf("next") + " next_response running 2026-11-20T13:00:00.000Z",
		idOf("evening") + " first_response running 2026-11-20T16:00:00.000Z",
		idOf("letter") + " first_response running 2026-11-25T12:00:00.000Z",
		idOf("nobody"),
	}
	ask := func(query string) dueAnswer {
		t.Helper()
		return decode[dueAnswer](t, f.get(http.StatusOK, "/v1/conversations?waiting=true&opening=true&"+query))
	}
	if got := ask("sort=due").lines(); !slices.Equal(got, want) {
		t.Errorf("by when they are due:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var paged []string
	for cursor := ""; ; {
		page := ask("sort=due&limit=2" + cursor)
		paged = append(paged, page.lines()...)
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if !slices.Equal(paged, want) {
		t.Errorf("page by page: %q", paged)
	}
	for query, want := range map[string]string{
		"sort=due&promise=missed":                   fmt.Sprint(names("thursday")),
		"sort=due&promise=missed&promise=at_risk":   fmt.Sprint(names("thursday", "chat")),
		"sort=waiting&promise=running":              fmt.Sprint(names("letter", "evening", "next")),
		"sort=newest&promise=running&channel=email": fmt.Sprint(names("next", "evening")),
		"sort=due&promise=running&team=nobody":      "[]",
	} {
		var ids []string
		for _, c := range ask(query).Conversations {
			ids = append(ids, c.ID)
		}
		if got := fmt.Sprint(ids); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	f.get(http.StatusBadRequest, "/v1/conversations?sort=due")
	f.get(http.StatusBadRequest, "/v1/conversations?promise=missed")
	f.get(http.StatusBadRequest, "/v1/conversations?waiting=true&promise=kept")
	if list := decode[dueAnswer](t, f.get(http.StatusOK, "/v1/conversations?waiting=true")).lines(); len(list) != 6 || strings.Contains(fmt.Sprint(list), "response") {
		t.Errorf("without being asked: %q", list)
	}
	// Another promise is in force at once.
	answer := f.do(http.MethodPut, "ours-key", "/v1/promises", strings.NewReader("targets: [{first_response: 72h, next_response: 72h}]"), "Content-Type", "application/yaml")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d", answer.StatusCode)
	}
	if got := ask("sort=due&promise=missed").lines(); len(got) != 1 || !strings.HasPrefix(got[0], idOf("letter")+" first_response missed 2026-11-18T12") {
		t.Errorf("after another promise: %q", got)
	}
}
