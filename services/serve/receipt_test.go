package serve

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
)

type receiptAnswer struct {
	Cell       string
	At         map[string]string
	Value      any
	Definition string
	Version    int
	Total      int
	Rows       []struct {
		Kind, ID     string
		Value        *float64
		Conversation *struct {
			ID, Team string
			Opening  *struct {
				Subject     string
				Identifiers []struct{ Type, Value string }
			}
		}
		Touchpoint *struct{ Key, Channel string }
	}
	Next string
	AsOf string `json:"as_of"`
}

// pages reads all of a receipt, in pages of some rows.
func (f *fixture) pages(name string, query url.Values, limit int) (all receiptAnswer, rows int, sum float64) {
	f.tb.Helper()
	ids := map[string]bool{}
	query = url.Values(map[string][]string(query))
	next := ""
	for {
		target := fmt.Sprintf("/v1/reports/%s/receipt?%s&limit=%d", name, query.Encode(), limit)
		if next != "" {
			target += "&cursor=" + next
		}
		all = decode[receiptAnswer](f.tb, f.get(200, target))
		for _, r := range all.Rows {
			if ids[r.ID] {
				f.tb.Errorf("%s: %s is there twice", target, r.ID)
			}
			ids[r.ID] = true
			rows++
			if r.Value != nil {
				sum += *r.Value
			}
		}
		if next = all.Next; next == "" {
			return all, rows, sum
		}
	}
}

// checkReceipt holds the receipt of a cell against the cell.
func (f *fixture) checkReceipt(k *kind, name string, cell any, figure *figure, query url.Values) error {
	receipt, rows, sum := f.pages(name, query, 11)
	if fmt.Sprint(receipt.Value) != fmt.Sprint(cell) {
		return fmt.Errorf("%s by %v: the receipt says %v, the report %v", figure.name, query, receipt.Value, cell)
	}
	if receipt.Total != rows {
		return fmt.Errorf("%s by %v: %d rows, total %d", figure.name, query, rows, receipt.Total)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a)) }
	switch figure.sort {
	case counted, distinct:
		if float64(rows) != cell.(float64) {
			return fmt.Errorf("%s by %v: %d rows for %v", figure.name, query, rows, cell)
		}
	case statistics:
		s := cell.(map[string]any)
		if float64(rows) != s["n"].(float64) || rows > 0 && !near(sum/float64(rows), s["mean"].(float64)) {
			return fmt.Errorf("%s by %v: %d rows with sum %v for %v", figure.name, query, rows, sum, s)
		}
	case summed:
		if !near(sum, cell.(float64)) {
			return fmt.Errorf("%s by %v: sum %v for %v", figure.name, query, sum, cell)
		}
	case ratio:
		if cell == nil || figure.name == "survey_response_rate" { // answers are not among what was asked
			return nil
		}
		scale := figure.scale
		if scale == 0 {
			scale = 1
		}
		if !near(sum/float64(rows)*scale, cell.(float64)) {
			return fmt.Errorf("%s by %v: %v of %d for %v", figure.name, query, sum, rows, cell)
		}
	}
	return nil
}

// TestReceiptsEqualCells draws conversations, touchpoints and filters, and opens every cell of a row.
func TestReceiptsEqualCells(t *testing.T) {
	f := start(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 2 {
			return // each asks many questions
		}
		account := fmt.Sprint("account", round)
		var talks []talk
		var events []event
		for i := range rapid.IntRange(5, 30).Draw(rt, "conversations") {
			first := now.Add(-time.Duration(rapid.IntRange(1, 29*1440).Draw(rt, "age")) * time.Minute)
			channel := rapid.SampledFrom([]string{"email", "chat"}).Draw(rt, "channel")
			customer := fmt.Sprint("customer_id:", rapid.IntRange(1, 5).Draw(rt, "customer"))
			one := talk{
				id: fmt.Sprint(account, "-", i), person: anchorOf(customer), account: account, first: first.Format(time.RFC3339Nano),
				state: rapid.SampledFrom([]string{"open", "resolved", "closed", "waiting_for_us"}).Draw(rt, "state"), contacts: rapid.IntRange(0, 3).Draw(rt, "contacts"),
				channels: []string{channel}, team: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "team"), topic: rapid.SampledFrom([]string{"", "invoice"}).Draw(rt, "topic"),
				tags: rapid.SampledFrom([][]string{nil, {"vip"}, {"vip", "late"}}).Draw(rt, "tags"), reopenings: rapid.IntRange(0, 1).Draw(rt, "reopened"),
				intervals: drawIntervals(rt, first.UnixMilli()),
				rating:    rapid.SampledFrom([]string{"", "csat:5", "csat:2", "nps:10", "nps:3", "nps:7", "ces:4"}).Draw(rt, "rating"),
			}
			if one.state == "resolved" || one.state == "closed" {
				one.resolved = first.Add(time.Minute * time.Duration(rapid.IntRange(1, 20000).Draw(rt, "resolution"))).Format(time.RFC3339Nano)
				one.resolution = "60000"
			}
			if one.state == "waiting_for_us" {
				one.waiting = one.first
			}
			if rapid.Bool().Draw(rt, "answered") {
				one.response = fmt.Sprint(rapid.IntRange(0, 1e6).Draw(rt, "response"))
			}
			talks = append(talks, one)
			events = append(events, event{
				id: fmt.Sprint(account, "-", i), time: one.first, channel: channel, account: account, team: one.team, tags: one.tags, conversation: fmt.Sprint(account, "-", rapid.IntRange(0, i).Draw(rt, "in")),
				direction: rapid.SampledFrom(directions).Draw(rt, "direction"), kind: rapid.SampledFrom([]string{"message", "survey.requested", "survey.answered"}).Draw(rt, "kind"),
				actor: rapid.SampledFrom([]string{"customer", "bot", "agent"}).Draw(rt, "actor"), identifiers: ids(customer),
			})
		}
		f.talks(talks...)
		f.store(events...)
		filter := q("account", account, "tz", rapid.SampledFrom([]string{"UTC", "Europe/Berlin"}).Draw(rt, "tz"))
		if rapid.Bool().Draw(rt, "filtered") {
			filter.Add("channel", "email")
		}
		dimensions := []string{"channel", "team", "tag", "day", "hour", "week", "month"}
		by := rapid.Permutation(dimensions).Draw(rt, "by")[:rapid.IntRange(0, 2).Draw(rt, "dimensions")]
		for name, k := range map[string]*kind{"conversations": conversationReport, "touchpoints": touchpointReport} {
			ask := url.Values(map[string][]string{})
			for key, v := range filter {
				ask[key] = slices.Clone(v)
			}
			for _, d := range by {
				ask.Add("by", d)
			}
			report := f.reportOf(name, ask)
			for at, row := range report.Rows {
				if at != len(report.Rows)/2 {
					continue
				}
				query := url.Values(map[string][]string{})
				for key, v := range filter {
					query[key] = slices.Clone(v)
				}
				for _, d := range by {
					query.Add("at", d+":"+row[d].(string))
				}
				shown := k.shownFigures()
				some := rapid.SliceOfNDistinct(rapid.SampledFrom(shown), min(len(shown), 12), 12, rapid.ID).Draw(rt, "figures")
				for i := range k.figures {
					if figure := &k.figures[i]; slices.Contains(some, figure.name) {
						query.Set("cell", figure.name)
						if err := f.checkReceipt(k, name, row[figure.name], figure, query); err != nil {
							rt.Fatal(err)
						}
					}
				}
			}
			// What is counted once in each row adds up to the whole, unless a row has several tags.
			if !slices.Contains(by, "tag") {
				for i := range k.figures {
					figure, sum := &k.figures[i], 0.0
					if figure.hidden || figure.sort != counted {
						continue
					}
					for _, row := range report.Rows {
						sum += row[figure.name].(float64)
					}
					if sum != report.Totals[figure.name].(float64) {
						rt.Fatalf("%s by %v: the rows have %v, the totals %v", figure.name, by, sum, report.Totals[figure.name])
					}
				}
			}
		}
	})
}

func TestReceipt(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "1", person: c, first: "2026-11-01T00:00:00Z", channels: []string{"email"}, state: "resolved", team: "a", contacts: 1},
		talk{id: "2", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"email"}, state: "open", team: "b"},
		talk{workspace: "theirs", id: "3", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"email"}, state: "open"},
	)
	f.store(event{id: "2", time: "2026-11-02T00:00:00Z", subject: "Where is it?", identifiers: ids("customer_id:C1"), conversation: "2"})
	open := decode[receiptAnswer](t, f.get(200, "/v1/reports/conversations/receipt?cell=open&at=channel:email&at=day:2026-11-02T00:00:00Z&lang=de"))
	if open.Total != 1 || len(open.Rows) != 1 || open.Rows[0].ID != idOf("2") || open.Rows[0].Conversation.Team != "b" || open.Rows[0].Kind != "conversation" {
		t.Errorf("%+v", open)
	}
	if o := open.Rows[0].Conversation.Opening; o == nil || o.Subject != "Where is it?" || o.Identifiers[0].Value != "C1" {
		t.Errorf("the row does not say whose it is: %+v", o)
	}
	if open.Version != 1 || open.Definition != "Davon jetzt weder gelöst noch geschlossen." || open.AsOf != "2026-11-20T12:00:00.000Z" || open.At["channel"] != "email" {
		t.Errorf("%+v", open)
	}
	for _, bad := range []string{"", "cell=everything", "cell=fcr_known", "cell=open&at=planet:mars", "cell=open&at=channel", "cell=open&at=day:monday", "cell=open&at=team:a&at=team:b", "cell=open&by=team", "cell=open&limit=0", "cell=open&cursor=x"} {
		f.get(400, "/v1/reports/conversations/receipt?"+bad)
	}
	f.get(400, "/v1/reports/touchpoints/receipt?cell=open")
}

// TestFirstContactResolution tells the stories that a share of one contact alone gets wrong.
func TestFirstContactResolution(t *testing.T) {
	f := start(t)
	person := func(n int) identity.Anchor { return anchorOf(fmt.Sprint("customer_id:C", n)) }
	done := func(id string, who int, first, resolved, topic, channel string, contacts int) talk {
		return talk{id: id, person: person(who), first: first, resolved: resolved, state: "resolved", topic: topic, channels: []string{channel}, contacts: contacts}
	}
	call := func(id string, who int, first string) talk {
		return talk{id: id, person: person(who), first: first, state: "open", topic: "invoice", channels: []string{"phone"}, contacts: 1}
	}
	back := func(t talk, next string) talk {
		t.next = next
		return t
	}
	f.talks(
		done("well", 1, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "invoice", "email", 1),
		done("other topic", 1, "2026-11-03T09:00:00Z", "2026-11-03T10:00:00Z", "parcel", "phone", 1),
		back(done("calls again", 2, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "invoice", "email", 1), "2026-11-08T09:59:00Z"),
		call("the call", 2, "2026-11-08T09:59:00Z"),
		back(done("calls too late", 3, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "invoice", "email", 1), "2026-11-08T10:00:01Z"),
		call("the late call", 3, "2026-11-08T10:00:01Z"),
		done("twice", 4, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "invoice", "email", 2),
		done("young", 5, "2026-11-19T09:00:00Z", "2026-11-19T10:00:00Z", "invoice", "email", 1),
		back(done("young, and calls again", 6, "2026-11-18T09:00:00Z", "2026-11-18T10:00:00Z", "invoice", "email", 1), "2026-11-19T09:59:00Z"),
		call("the young call", 6, "2026-11-19T09:59:00Z"),
		done("a campaign", 7, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "news", "email", 0),
		back(done("another campaign, and calls", 8, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "news", "email", 0), "2026-11-02T09:00:00Z"),
		back(done("calls at once", 9, "2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", "invoice", "email", 1), "2026-11-01T09:30:00Z"),
		call("the call at once", 9, "2026-11-01T09:30:00Z"),
	)
	for _, c := range []struct {
		query url.Values
		want  string
	}{
		{q(), "3 4 1 0.42857142857142855"},
		{q("fcr_days", "8"), "2 5 1 0.2857142857142857"},
		{q("fcr_days", "1"), "5 3 0 0.625"},
		{q("channel", "email", "topic", "invoice"), "2 4 1 0.3333333333333333"}, // calls count although the filter leaves them out
	} {
		r := f.report(t, "conversations", c.query).Totals
		if got := fmt.Sprint(r["fcr_resolved"], r["fcr_not_resolved"], r["fcr_not_yet_known"], r["fcr_share"]); got != c.want {
			t.Errorf("%v: %s, want %s", c.query, got, c.want)
		}
	}
}

func TestEffortCostBotsAndSurveys(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	waited := conversation.Conversation{Waits: []conversation.Wait{{From: ms("2026-11-01T00:00:00Z"), To: ms("2026-11-03T01:00:00Z"), Kind: conversation.FirstWait}}, ChannelContacts: []uint32{2, 1}, Calls: 180_000}
	f.talks(
		talk{id: "1", person: c, first: "2026-11-01T00:00:00Z", channels: []string{"email", "phone"}, state: "resolved", resolved: "2026-11-04T00:00:00Z", contacts: 3, rating: "csat:4", intervals: waited}, // by mail twice, and once on the phone
		talk{id: "2", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"phone"}, state: "open", contacts: 1, rating: "nps:10"},
		talk{id: "3", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"phone"}, state: "open", contacts: 0, rating: "nps:0"},
	)
	r := f.report(t, "conversations", q()).Totals
	for name, want := range map[string]any{
		"customer_effort": 2.0, // two contacts more and two days in the first, nothing in the second; the third is ours
		"cost":            2*3.5 + 2*6.5, "cost_per_resolution": 2*3.5 + 6.5, "contacts_per_resolution": 3.0,
		"csat_answers": 1.0, "csat_share": 1.0, "nps_answers": 2.0, "nps": 0.0, "ces_answers": 0.0, "ces_mean": nil, "bot_answered": 0.0,
	} {
		if r[name] != want {
			t.Errorf("%s: %v, want %v", name, r[name], want)
		}
	}
	if phone := r["handling_ms"].(map[string]any); phone["n"] != 1.0 || phone["mean"] != 180_000.0 {
		t.Errorf("on the phone: %v", phone)
	}
}
