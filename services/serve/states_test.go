package serve

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
)

// TestTimeByState compares the time that conversations were in each state with the clock, stretch by stretch, around the clock and by a
// calendar with two periods a day, a holiday and a change of daylight saving.
func TestTimeByState(t *testing.T) {
	const desk = `
calendars: [{name: desk, versions: [{zone: Europe/Berlin, week: {mon-fri: ["08:00-12:00", "13:00-17:30"]}, holidays: ["2026-11-03"]}]}]
calendar: desk
targets: [{first_response: 1h}]`
	f, promises := startPromising(t, desk)
	clock := promises.policy.Clock("desk")
	kinds := []conversation.State{conversation.Open, conversation.WaitingForUs, conversation.WaitingForCustomer, conversation.Resolved, conversation.Closed}
	names := map[conversation.State]string{
		conversation.Open: "open", conversation.WaitingForUs: "waiting_for_us", conversation.WaitingForCustomer: "waiting_for_customer",
		conversation.Resolved: "settled", conversation.Closed: "settled",
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 5 {
			return // each takes an insert; the conversations in one are many
		}
		account := fmt.Sprint("states", round)
		var all, allCounted int64 // from the begin of each until now
		took, counted, n := map[string]int64{}, map[string]int64{}, map[string]int{}
		var talks []talk
		for i := range rapid.IntRange(1, 20).Draw(rt, "conversations") {
			first := now.Add(-time.Duration(rapid.IntRange(1, 29*1440).Draw(rt, "age")) * time.Minute)
			var c conversation.Conversation
			for at := first; at.Before(now) && len(c.States) < 6; at = at.Add(time.Duration(rapid.IntRange(1, 4000).Draw(rt, "minutes")) * time.Minute) {
				c.States = append(c.States, conversation.StateSince{At: at.UnixMilli(), State: rapid.SampledFrom(kinds).Draw(rt, "state")})
			}
			all, allCounted = all+now.UnixMilli()-first.UnixMilli(), allCounted+clock.Between(first.UnixMilli(), now.UnixMilli())
			was := map[string]bool{}
			for j, s := range c.States {
				till := now.UnixMilli()
				if j+1 < len(c.States) {
					till = c.States[j+1].At
				}
				name := names[s.State]
				took[name] += till - s.At
				counted[name] += clock.Between(s.At, till)
				was[name] = true
			}
			for name := range was {
				n[name]++
			}
			talks = append(talks, talk{id: fmt.Sprint(account, i), person: identity.Anchor{1}, account: account, first: first.Format(time.RFC3339Nano), channels: []string{"email"}, intervals: c})
		}
		f.talks(talks...)
		got := f.reportOf("conversations", q("account", account)).Totals
		check := func(figure string, sum int64, n int) {
			s := got[figure].(map[string]any)
			if s["n"] != float64(n) || n > 0 && math.Abs(s["mean"].(float64)*float64(n)-float64(sum)) > 1 {
				rt.Fatalf("%s: %v, want a sum of %d over %d", figure, s, sum, n)
			}
		}
		for _, s := range standings {
			check("time_"+s.name+"_ms", took[s.name], n[s.name])
			check("time_"+s.name+"_business_ms", counted[s.name], n[s.name])
		}
		// A conversation is in one state at any time: together they are all the time since it began.
		for suffix, want := range map[string]int64{"_ms": all, "_business_ms": allCounted} {
			sum := 0.0
			for _, s := range standings {
				if of := got["time_"+s.name+suffix].(map[string]any); of["n"] != 0.0 {
					sum += of["n"].(float64) * of["mean"].(float64)
				}
			}
			if math.Abs(sum-float64(want)) > 1 {
				rt.Fatalf("the states%s are %v, all the time is %v", suffix, sum, want)
			}
		}
	})
}

func TestNewAndReturningPeople(t *testing.T) {
	f := start(t)
	seen := func(id, who, time, channel string) event {
		return event{id: id, time: time, channel: channel, identifiers: ids("customer_id:" + who)}
	}
	f.store(
		seen("1", "A", "2026-10-01T09:00:00Z", "phone"), seen("2", "A", "2026-11-02T09:00:00Z", "email"),
		seen("3", "B", "2026-11-02T09:00:00Z", "email"), seen("4", "B", "2026-11-03T09:00:00Z", "chat"),
		seen("5", "C", "2026-11-03T09:00:00Z", "email"), seen("6", "D", "2026-12-24T09:00:00Z", "email"),
		event{workspace: "theirs", id: "7", time: "2026-10-01T09:00:00Z", identifiers: ids("customer_id:B")},
	)
	got := func(query ...string) string {
		r := f.report(t, "touchpoints", q(append(query, "figures", "people,new_people,returning_people", "from", "2026-11-01")...))
		return fmt.Sprint(r.lines("people", "new_people", "returning_people"))
	}
	if all := got(); all != "[3 2 1]" {
		t.Errorf("all: %s", all)
	}
	if byChannel := got("by", "channel"); byChannel != "[1 1 0 3 2 1]" {
		t.Errorf("by channel: %s", byChannel)
	}
	if mail := got("channel", "email"); mail != "[3 2 1]" { // whoever called before is not new
		t.Errorf("of mails: %s", mail)
	}
	f.move("ours", anchorOf("customer_id:C"), anchorOf("customer_id:C"), anchorOf("customer_id:A"), 1)
	if merged := got(); merged != "[2 1 1]" {
		t.Errorf("after a merge: %s", merged)
	}
	receipt, rows, _ := f.pages("touchpoints", q("cell", "new_people", "from", "2026-11-01"), 10)
	if rows != 1 || receipt.Rows[0].ID != anchorOf("customer_id:B").String() {
		t.Errorf("who is new: %+v", receipt)
	}
}
