package serve

import (
	"fmt"
	"maps"
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
		Nth          int
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
			id := fmt.Sprint(r.ID, r.Nth)
			if ids[id] {
				f.tb.Errorf("%s: %s is there twice", target, id)
			}
			ids[id] = true
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

// checkReceipt holds the receipt of a cell against the cell, page by page or in large ones.
func (f *fixture) checkReceipt(k *kind, name string, cell any, figure *figure, query url.Values, large bool) error {
	query = maps.Clone(query)
	query.Set("cell", figure.name)
	limit := 23
	if large {
		limit = 200
	}
	receipt, rows, sum := f.pages(name, query, limit)
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
		if cell == nil {
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

// drawTalk draws a conversation that has something of every figure.
func drawTalk(rt *rapid.T, id string) talk {
	first := now.Add(-time.Duration(rapid.IntRange(1, 29*1440).Draw(rt, "age")) * time.Minute)
	maybe := func(name string, most int) int { return max(0, rapid.IntRange(-most, most).Draw(rt, name)) }
	one := talk{
		id: id, person: anchorOf(fmt.Sprint("customer_id:", rapid.IntRange(1, 5).Draw(rt, "customer"))), first: first.Format(time.RFC3339Nano),
		account: drawOf(rt, "account"), state: rapid.SampledFrom(states).Draw(rt, "state"), contacts: rapid.IntRange(0, 3).Draw(rt, "contacts"),
		channels: rapid.SampledFrom([][]string{{"email"}, {"chat"}, {"chat", "email"}}).Draw(rt, "channels"), team: drawOf(rt, "team"), agent: drawOf(rt, "agent"), topic: drawOf(rt, "topic"),
		tags: rapid.SampledFrom([][]string{nil, {"vip"}, {"vip", "late"}}).Draw(rt, "tags"), reopenings: maybe("reopened", 1),
		intervals: drawIntervals(rt, first.UnixMilli()),
		rating:    rapid.SampledFrom([]string{"", "csat:5", "csat:2", "csat:90", "csat:4 nps:9", "nps:-3 ces:7", "nps:10", "nps:3", "nps:7", "ces:4"}).Draw(rt, "rating"),
	}
	c := &one.intervals
	c.Source, c.HandOvers, c.ChannelSwitches, c.LongestWait, c.Calls = drawOf(rt, "source"), uint32(maybe("hand-overs", 2)), uint32(len(one.channels)-1), int64(maybe("longest wait", 1e8)), int64(maybe("calls", 1e6))
	for range maybe("later responses", 3) {
		c.LaterResponses = append(c.LaterResponses, int64(rapid.IntRange(0, 1e8).Draw(rt, "later")))
	}
	if bot := int64(maybe("bot", 1e6)); bot > 0 {
		c.FirstBotResponse = &bot
	}
	for at := first; at.Before(now) && len(c.States) < 4; at = at.Add(time.Duration(rapid.IntRange(1, 9000).Draw(rt, "minutes")) * time.Minute) {
		c.States = append(c.States, conversation.StateSince{At: at.UnixMilli(), State: conversation.State(rapid.SampledFrom(states).Draw(rt, "was"))})
	}
	if one.state == "resolved" || one.state == "closed" {
		resolved := first.Add(time.Minute * time.Duration(rapid.IntRange(1, 20000).Draw(rt, "resolution")))
		one.resolved, one.resolution = resolved.Format(time.RFC3339Nano), "60000"
		if rapid.IntRange(0, 3).Draw(rt, "comes again") == 0 {
			one.next = resolved.Add(time.Hour * time.Duration(rapid.IntRange(1, 300).Draw(rt, "after"))).Format(time.RFC3339Nano)
		}
	}
	if one.state == "waiting_for_us" {
		one.waiting = one.first
	}
	if rapid.Bool().Draw(rt, "answered") {
		one.response = fmt.Sprint(rapid.IntRange(0, 1e6).Draw(rt, "response"))
	}
	return one
}

// values are those of the dimensions that receipts are drawn by.
var values = map[string][]string{
	"team": {"", "a", "b"}, "agent": {"", "bob", "eva"}, "topic": {"", "invoice", "parcel"}, "tag": {"vip", "late"}, "source": {"", "zendesk"}, "account": {"", "acme", "globex"},
	"channel": {"email", "chat"}, "direction": directions, "kind": {"message", "survey.requested", "survey.answered"}, "state": states,
}

func drawOf(rt *rapid.T, dimension string) string {
	return rapid.SampledFrom(values[dimension]).Draw(rt, dimension)
}

// drawFilters draws which rows a report is of, by some of all its filters.
func drawFilters(rt *rapid.T, k *kind) url.Values {
	out := q("tz", rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Kathmandu"}).Draw(rt, "tz"))
	for _, name := range slices.Sorted(maps.Keys(k.filters)) {
		if rapid.IntRange(0, 5).Draw(rt, "filtered by "+name) == 0 {
			out[name] = rapid.SliceOfNDistinct(rapid.SampledFrom(values[name]), 1, 2, rapid.ID).Draw(rt, name)
		}
	}
	return out
}

// TestReceiptsEqualCells draws conversations, touchpoints, filters by all dimensions and reports by any, and opens cells of some of their rows. Every figure
// has its turn: a round takes the next of them.
func TestReceiptsEqualCells(t *testing.T) {
	f := start(t)
	const (
		least, most = 4, 30 // rounds; the engine is real, so that a machine decides how many
		enough      = 20 * time.Second
		figuresEach = 7 // as many reports in turn have every figure in the least rounds
	)
	started, round, opened := time.Now(), 0, map[string]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		if round == most || round >= least && time.Since(started) > enough {
			return
		}
		round++
		var talks []talk
		var events []event
		for i := range rapid.IntRange(5, 30).Draw(rt, "conversations") {
			one := drawTalk(rt, fmt.Sprint(round, "-", i))
			talks = append(talks, one)
			events = append(events, event{
				id: one.id, time: one.first, channel: one.channels[0], account: one.account, team: one.team, agent: one.agent, topic: one.topic, source: one.intervals.Source, tags: one.tags,
				conversation: fmt.Sprint(round, "-", rapid.IntRange(0, i).Draw(rt, "in")), direction: drawOf(rt, "direction"), kind: drawOf(rt, "kind"),
				actor: rapid.SampledFrom([]string{"customer", "bot", "agent", "system"}).Draw(rt, "actor"), identifiers: ids(fmt.Sprint("customer_id:", rapid.IntRange(1, 5).Draw(rt, "customer"))),
			})
		}
		f.talks(talks...)
		f.store(events...)
		for turn := range 4 {
			name, k := "conversations", conversationReport
			if turn%4 == 3 {
				name, k = "touchpoints", touchpointReport
			}
			filters := drawFilters(rt, k)
			by := rapid.Permutation(k.dimensionNames()).Draw(rt, "by")[:rapid.IntRange(0, 2).Draw(rt, "dimensions")]
			ask := maps.Clone(filters)
			if len(by) > 0 {
				ask["by"] = by
			}
			report := f.reportOf(name, ask)
			for _, row := range append(slices.Clone(report.Rows), report.Totals) {
				if err := parts(name, row); err != nil {
					rt.Fatalf("%v: %v", ask, err)
				}
			}
			shown := k.shownFigures()
			for i := range figuresEach {
				figure := k.figure(shown[((round-1)*figuresEach*3+turn%3*figuresEach+i)%len(shown)])
				opened[name+figure.name] = true
				// Of the whole, and of one of the rows.
				if err := f.checkReceipt(k, name, report.Totals[figure.name], figure, filters, i%4 > 0); err != nil {
					rt.Fatal(err)
				}
				if len(report.Rows) == 0 || len(by) == 0 {
					continue
				}
				row := rapid.SampledFrom(report.Rows).Draw(rt, "row")
				query := maps.Clone(filters)
				for _, d := range by {
					query.Add("at", d+":"+row[d].(string))
				}
				if err := f.checkReceipt(k, name, row[figure.name], figure, query, false); err != nil {
					rt.Fatal(err)
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
	for name, k := range map[string]*kind{"conversations": conversationReport, "touchpoints": touchpointReport} {
		for _, figure := range k.shownFigures() {
			if !opened[name+figure] && !t.Failed() {
				t.Errorf("no receipt of %s, %s was opened", name, figure)
			}
		}
	}
	t.Logf("%d rounds in %v", round, time.Since(started))
}

// parts holds the figures of a row against each other: what is one thing or another is all of them.
func parts(of string, row map[string]any) error {
	sum := func(names ...string) (out float64) {
		for _, name := range names {
			out += row[name].(float64)
		}
		return out
	}
	if of == "touchpoints" {
		switch all := row["touchpoints"]; {
		case sum("inbound", "outbound", "internal") != all:
			return fmt.Errorf("directions are not all: %v", row)
		case sum("by_customers", "by_agents", "by_bots", "by_systems") != all:
			return fmt.Errorf("actors are not all: %v", row)
		case sum("new_people", "returning_people") != row["people"]:
			return fmt.Errorf("new and returning people are not all: %v", row)
		}
		return nil
	}
	n := func(name string) float64 { return row[name].(map[string]any)["n"].(float64) }
	switch {
	case sum("open", "resolved") != row["count"]:
		return fmt.Errorf("open and settled are not all: %v", row)
	case sum("fcr_resolved", "fcr_not_resolved", "fcr_not_yet_known") > sum("resolved"):
		return fmt.Errorf("more is judged than settled: %v", row)
	case sum("waiting") > sum("open") || sum("waiting") != n("waiting_ms"):
		return fmt.Errorf("who waits: %v", row)
	case sum("bot_only") > sum("bot_answered") || sum("bot_answered") != n("first_bot_response_ms"):
		return fmt.Errorf("bots: %v", row)
	}
	return nil
}

// TestFirstContactsAreAllThatCustomersBegan holds what is known of first contacts against what is settled: each conversation that a customer began is one of
// three, and which one is told by its story.
func TestFirstContactsAreAllThatCustomersBegan(t *testing.T) {
	f := start(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 10 {
			return // each takes an insert; the conversations in one are many
		}
		account := fmt.Sprint("account", round)
		days := rapid.IntRange(1, 20).Draw(rt, "days")
		want := map[string]float64{"fcr_resolved": 0, "fcr_not_resolved": 0, "fcr_not_yet_known": 0}
		settled := 0.0
		var talks []talk
		for i := range rapid.IntRange(1, 40).Draw(rt, "conversations") {
			one := drawTalk(rt, fmt.Sprint(account, i))
			one.account = account
			talks = append(talks, one)
			if one.resolved == "" {
				continue
			}
			settled++
			known := at(one.resolved).AddDate(0, 0, days)
			switch {
			case one.contacts == 0:
				settled--
			case one.contacts > 1 || one.reopenings > 0 || one.next != "" && !at(one.next).After(known):
				want["fcr_not_resolved"]++
			case known.After(now):
				want["fcr_not_yet_known"]++
			default:
				want["fcr_resolved"]++
			}
		}
		f.talks(talks...)
		got := f.reportOf("conversations", q("account", account, "fcr_days", fmt.Sprint(days))).Totals
		sum := 0.0
		for name, n := range want {
			if got[name] != n {
				rt.Fatalf("%s: %v, want %v", name, got[name], n)
			}
			sum += got[name].(float64)
		}
		if sum != settled {
			rt.Fatalf("%v are judged, %v that customers began are settled", sum, settled)
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
		talk{id: "3", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"phone"}, state: "open", contacts: 0, rating: "csat:2 nps:0"},         // on two scales
		talk{id: "4", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"phone"}, state: "open", contacts: 0, rating: "csat:90 nps:-3 ces:8"}, // on none
	)
	r := f.report(t, "conversations", q()).Totals
	for name, want := range map[string]any{
		"customer_effort": 2.0, // two contacts more and two days in the first, nothing in the second; the third is ours
		"cost":            2*3.5 + 2*6.5, "cost_per_resolution": 2*3.5 + 6.5, "contacts_per_resolution": 3.0,
		"csat_answers": 2.0, "csat_share": 0.5, "nps_answers": 2.0, "nps": 0.0, "ces_answers": 0.0, "ces_mean": nil, "bot_answered": 0.0,
	} {
		if r[name] != want {
			t.Errorf("%s: %v, want %v", name, r[name], want)
		}
	}
	if phone := r["handling_ms"].(map[string]any); phone["n"] != 1.0 || phone["mean"] != 180_000.0 {
		t.Errorf("on the phone: %v", phone)
	}
}
