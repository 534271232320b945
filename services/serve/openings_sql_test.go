package serve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/promise"
)

// desks are promises by that many calendars with two periods a day, each with a team.
func desks(n int) string {
	var calendars strings.Builder
	var teams []string
	for i := range n {
		zone := []string{"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"}[i%4]
		fmt.Fprintf(&calendars, "  - {name: c%d, versions: [{zone: %s, week: {mon-sun: [\"08:%02d-12:00\", \"13:00-17:%02d\"]}, holidays: [\"2026-%02d-%02d\"]}]}\n", i, zone, i, i, i%12+1, i%28+1)
		teams = append(teams, fmt.Sprintf("t%d: c%d", i, i))
	}
	return "calendars:\n" + calendars.String() + "calendar: c0\nteams: {" + strings.Join(teams, ", ") + "}\ntargets: [{channels: [chat], calendar: c1, first_response: 1h}, {first_response: 4h, next_response: 4h, resolution: 48h}]\n"
}

// TestManyCalendars asks for all figures of two years, beside the two years before, by eight calendars with two periods a day.
func TestManyCalendars(t *testing.T) {
	f, promises := startPromising(t, desks(8))
	var talks []talk
	want := map[string]float64{}
	for i := range 64 {
		first := now.AddDate(0, 0, -i*23).Add(-time.Duration(i+1) * 1000 * time.Second)
		ms := first.UnixMilli()
		c := conversation.Conversation{
			Begun: ms, State: conversation.Open, Channels: []string{[]string{"email", "chat"}[i%2]},
			Waits:  []conversation.Wait{{From: ms, To: ms + int64(i)*1800_000, Kind: conversation.FirstWait}},
			Turns:  []conversation.Turn{{At: ms, Team: fmt.Sprint("t", i%8)}, {At: ms + 7200_000, Team: fmt.Sprint("t", i%9)}},
			Pauses: []conversation.Pause{{From: ms + int64(i)*1800_000}},
		}
		talks = append(talks, talk{id: fmt.Sprint(i), person: identity.Anchor{1}, first: first.Format(time.RFC3339Nano), channels: c.Channels, intervals: c})
		if first.Before(now.AddDate(-2, 0, 0)) {
			continue
		}
		for _, p := range promises.policy.Of(&c, now.UnixMilli()) {
			want[fmt.Sprint(p.Metric, "_", p.Status)]++
			if p.Metric == promise.FirstResponse {
				want["elapsed"] += float64(p.Elapsed)
			}
		}
	}
	f.talks(talks...)
	started := time.Now()
	r := f.report(t, "conversations", q("from", "2024-11-20T12:00:00Z", "to", "2026-11-20T12:00:00Z", "compare", "previous", "by", "channel"))
	t.Logf("all figures of both: %v", time.Since(started))
	first := r.Totals["first_response_business_ms"].(map[string]any)
	if got := first["n"].(float64) * first["mean"].(float64); want["elapsed"] == 0 || got < want["elapsed"]-1 || got > want["elapsed"]+1 {
		t.Errorf("until the first response %v, want %v", got, want["elapsed"])
	}
	for _, name := range []string{"first_response_kept", "first_response_missed"} {
		if r.Totals[name] != want[name] || want[name] == 0 {
			t.Errorf("%s: %v, want %v", name, r.Totals[name], want[name])
		}
	}
	if before := r.Totals["previous"].(map[string]any); before["count"] != 32.0 || before["first_response_business_ms"].(map[string]any)["n"] != 32.0 {
		t.Errorf("the two years before: %v", before["count"])
	}
}

// A figure that asks no calendar is had for any time; the others say since when they can be.
func TestCalendarsOfALongTime(t *testing.T) {
	f, _ := startPromising(t, desks(40))
	f.talks(talk{id: "1", person: identity.Anchor{1}, first: "1999-11-01T00:00:00Z", channels: []string{"email"}})
	if got := f.report(t, "conversations", q("figures", "count,first_response_ms", "from", "1970-01-01", "compare", "previous")).Totals["count"]; got != 1.0 {
		t.Errorf("counted %v", got)
	}
	refused := string(f.get(400, "/v1/reports/conversations?figures=count,resolution_kept&from=1970-01-01"))
	if !strings.Contains(refused, "40 calendars take a from in the last 997 days") {
		t.Error(refused)
	}
	f.get(200, "/v1/reports/conversations?from="+now.AddDate(0, 0, -997).Format(time.DateOnly))
}
