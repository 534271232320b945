package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/promise"
)

// promised are promises that a test changes.
type promised struct {
	mu     sync.Mutex
	policy *promise.Policy
}

func (p *promised) Promises(string) *promise.Policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.policy
}

func (p *promised) SetPromises(_ context.Context, _ string, v workspace.Promises) error {
	policy, err := promise.Parse([]byte(v.YAML))
	if err == nil {
		p.mu.Lock()
		p.policy = policy
		p.mu.Unlock()
	}
	return err
}

func startPromising(t testing.TB, yaml string) (*fixture, *promised) {
	p := &promised{}
	if err := p.SetPromises(t.Context(), "ours", workspace.Promises{YAML: yaml}); err != nil {
		t.Fatal(err)
	}
	return start(t, func(c *Config) { c.Promises = p }), p
}

func ms(s string) int64 { return at(s).UnixMilli() }

func TestPromises(t *testing.T) {
	f, _ := startPromising(t, "targets: [{first_response: 1h, resolution: 24h}]")
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "1", person: c, first: "2026-11-19T10:00:00Z", state: "waiting_for_us", contacts: 1, channels: []string{"email"}, intervals: conversation.Conversation{
			Waits: []conversation.Wait{{From: ms("2026-11-19T10:00:00Z"), Kind: conversation.FirstWait}},
		}},
		talk{id: "2", person: c, first: "2026-11-20T11:30:00Z", state: "waiting_for_customer", contacts: 1, channels: []string{"chat"}, intervals: conversation.Conversation{
			Waits:  []conversation.Wait{{From: ms("2026-11-20T11:30:00Z"), To: ms("2026-11-20T11:40:00Z"), Kind: conversation.FirstWait}},
			Pauses: []conversation.Pause{{From: ms("2026-11-20T11:40:00Z")}},
		}},
	)
	report := func() string {
		r := f.report(t, "conversations", q()).Totals
		return fmt.Sprint(r["first_response_kept"], r["first_response_missed"], r["first_response_running"], r["resolution_kept"], r["resolution_missed"], r["resolution_running"])
	}
	if got := report(); got != "1 1 0 0 1 1" {
		t.Errorf("kept, missed and running: %s", got)
	}
	detail := decode[struct {
		Promises []struct {
			Metric, Status string
			Left           *int64 `json:"left_ms"`
			Due            *string
		}
		Waits []waitAnswer
	}](t, f.get(200, "/v1/conversations/"+idOf("1")))
	if p := detail.Promises; len(p) != 2 || p[0].Status != "missed" || p[0].Due == nil || *p[0].Due != "2026-11-19T11:00:00.000Z" || p[1].Status != "missed" || *p[1].Left != -2*3600_000 {
		t.Errorf("promises about the first %+v", p)
	}
	if !slices.Equal(detail.Waits, []waitAnswer{{From: "2026-11-19T10:00:00.000Z", Kind: "first"}}) {
		t.Errorf("waits of the first %+v", detail.Waits)
	}
	waits := decode[struct{ Waits []waitAnswer }](t, f.get(200, "/v1/conversations/"+idOf("2"))).Waits
	if !slices.Equal(waits, []waitAnswer{{From: "2026-11-20T11:30:00.000Z", To: "2026-11-20T11:40:00.000Z", Kind: "first"}}) {
		t.Errorf("waits of the second %+v", waits)
	}
	open := decode[openAnswer](t, f.get(200, "/v1/promises/open"))
	if got := open.lines(); !slices.Equal(got, []string{
		idOf("1") + " first_response missed 2026-11-19T11:00:00.000Z", idOf("1") + " resolution missed 2026-11-20T10:00:00.000Z", idOf("2") + " resolution running -",
	}) || open.Counts["missed"] != 2 || open.Truncated {
		t.Errorf("open promises %q, %+v", got, open)
	}
	if got := decode[openAnswer](t, f.get(200, "/v1/promises/open?metric=resolution&status=running&limit=1")).lines(); len(got) != 1 {
		t.Errorf("running resolutions %q", got)
	}
	if got := decode[openAnswer](t, f.get(200, "/v1/promises/open?team=nobody")).lines(); len(got) != 0 {
		t.Errorf("of nobody's: %q", got)
	}
	f.get(400, "/v1/promises/open?status=kept")
	// Other promises show at once, about the past too.
	answer := f.do(http.MethodPut, "ours-key", "/v1/promises", strings.NewReader("targets: [{first_response: 48h}]"), "Content-Type", "application/yaml")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("PUT: %d", answer.StatusCode)
	}
	if got := report(); got != "1 0 1 0 0 0" {
		t.Errorf("after another promise: %s", got)
	}
	if got := string(f.get(200, "/v1/promises")); got != "targets: [{first_response: 48h}]" {
		t.Errorf("promises in force: %q", got)
	}
	for _, bad := range []string{"targets: [{}]", "{", "\xff"} {
		if answer := f.do(http.MethodPut, "ours-key", "/v1/promises", strings.NewReader(bad)); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, answer.StatusCode)
		}
	}
	if answer := f.do(http.MethodPut, "writer-key", "/v1/promises", strings.NewReader("targets: []")); answer.StatusCode != http.StatusForbidden {
		t.Errorf("without the scope: %d", answer.StatusCode)
	}
}

type openAnswer struct {
	Promises []struct {
		Conversation, Metric, Status string
		Due                          *string
	}
	Counts    map[string]int
	Truncated bool
}

type waitAnswer struct{ From, To, Kind string } // To is empty while it goes on

func (a openAnswer) lines() (out []string) {
	for _, p := range a.Promises {
		due := "-"
		if p.Due != nil {
			due = *p.Due
		}
		out = append(out, p.Conversation+" "+p.Metric+" "+p.Status+" "+due)
	}
	return out
}

// drawPolicy draws promises over calendars of the kinds that there are.
func drawPolicy(t *rapid.T) string {
	names := []string{"always", "one", "two"}
	var b strings.Builder
	b.WriteString("calendars:\n")
	for _, name := range names[1:] {
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}).Draw(t, "zone")
		fmt.Fprintf(&b, "  - name: %s\n    versions:\n      - {zone: %s, week: {mon-fri: [\"08:00-12:00\", \"13:00-17:30\"], sat: [\"00:00-24:00\"]}, holidays: [\"2026-10-26\"]}\n", name, zone)
		if rapid.Bool().Draw(t, "changes") {
			fmt.Fprintf(&b, "      - {from: 2026-11-%02d, zone: %s, week: {mon-sun: [\"06:15-06:20\", \"22:00-24:00\"]}}\n", rapid.IntRange(1, 20).Draw(t, "day"), zone)
		}
	}
	calendar := rapid.SampledFrom(names)
	if rapid.Bool().Draw(t, "default") {
		fmt.Fprintf(&b, "calendar: %s\n", calendar.Draw(t, "calendar"))
	}
	if rapid.Bool().Draw(t, "teams") {
		fmt.Fprintf(&b, "teams: {a: %s, b: %s}\n", calendar.Draw(t, "a"), calendar.Draw(t, "b"))
	}
	b.WriteString("targets:\n")
	for range rapid.IntRange(1, 4).Draw(t, "targets") {
		var parts []string
		if rapid.Bool().Draw(t, "channel") {
			parts = append(parts, "channels: [email]")
		}
		if rapid.Bool().Draw(t, "priority") {
			parts = append(parts, "priorities: [urgent]")
		}
		if rapid.IntRange(0, 3).Draw(t, "topic") == 0 {
			parts = append(parts, "topics: [invoice]")
		}
		if rapid.Bool().Draw(t, "own calendar") {
			parts = append(parts, "calendar: "+calendar.Draw(t, "calendar"))
		}
		parts = append(parts, fmt.Sprintf("%s: %dm", rapid.SampledFrom(promise.Metrics).Draw(t, "metric"), rapid.IntRange(1, 6000).Draw(t, "within")))
		if rapid.Bool().Draw(t, "both") && !strings.Contains(parts[len(parts)-1], "resolution") {
			parts = append(parts, "resolution: 20h")
		}
		b.WriteString("  - {" + strings.Join(parts, ", ") + "}\n")
	}
	return b.String()
}

// drawIntervals draws what a conversation waited, paused, and who had it.
func drawIntervals(t *rapid.T, begun int64) (c conversation.Conversation) {
	minute := func(name string) int64 { return int64(rapid.IntRange(1, 6000).Draw(t, name)) * 60_000 }
	c.Begun, c.Contacts = begun, uint32(rapid.IntRange(0, 2).Draw(t, "contacts"))
	nowMilli := now.UnixMilli()
	last := begun
	for i := range rapid.IntRange(0, 4).Draw(t, "waits") {
		w := conversation.Wait{From: last, To: last + minute("wait"), Kind: conversation.LaterWait}
		if i == 0 {
			w.Kind = rapid.SampledFrom([]conversation.WaitKind{conversation.FirstWait, conversation.FirstWait, conversation.Unheard, conversation.LaterWait}).Draw(t, "kind")
		} else if rapid.IntRange(0, 2).Draw(t, "settled") == 0 {
			w.Kind = conversation.Unheard
		}
		if w.To > nowMilli || rapid.IntRange(0, 3).Draw(t, "waits now") == 0 && w.Kind != conversation.Unheard {
			w.To = 0
			c.Waits = append(c.Waits, w)
			break
		}
		c.Waits = append(c.Waits, w)
		p := conversation.Pause{From: w.To, To: w.To + minute("pause")}
		if p.To > nowMilli {
			p.To = 0
			c.Pauses = append(c.Pauses, p)
			break
		}
		c.Pauses = append(c.Pauses, p)
		last = p.To
	}
	at := begun
	for range rapid.IntRange(0, 2).Draw(t, "turns") {
		at = min(at+minute("turn"), nowMilli)
		c.Turns = append(c.Turns, conversation.Turn{At: at, Team: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "team")})
	}
	return c
}

// TestReportsCountPromises compares the counts of the store with package promise, conversation by conversation.
func TestReportsCountPromises(t *testing.T) {
	f, promises := startPromising(t, "targets: [{first_response: 1h}]")
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		if round++; round > 12 {
			return // each takes an insert; the conversations in one are many
		}
		yaml := drawPolicy(t)
		if err := promises.SetPromises(context.Background(), "ours", workspace.Promises{YAML: yaml}); err != nil {
			t.Fatalf("%v: %s", err, yaml)
		}
		account := fmt.Sprint("account", round)
		want := map[string]float64{}
		var talks []talk
		for i := range rapid.IntRange(1, 25).Draw(t, "conversations") {
			first := now.Add(-time.Duration(rapid.IntRange(1, 29*1440).Draw(t, "age")) * time.Minute)
			c := drawIntervals(t, first.UnixMilli())
			state := rapid.SampledFrom([]string{"open", "resolved", "waiting_for_us"}).Draw(t, "state")
			one := talk{
				id: fmt.Sprint(account, "-", i), person: identity.Anchor{1}, account: account, first: first.Format(time.RFC3339Nano), state: state,
				channels: []string{rapid.SampledFrom([]string{"email", "chat"}).Draw(t, "channel")}, topic: rapid.SampledFrom([]string{"", "invoice"}).Draw(t, "topic"), contacts: int(c.Contacts), intervals: c,
			}
			if rapid.Bool().Draw(t, "urgent") {
				one.tags = []string{"vip", "priority:urgent"}
			}
			c.State, c.Channels, c.Topic, c.Tags, c.Account = conversation.State(state), one.channels, one.topic, one.tags, account
			for _, p := range promises.policy.Of(&c, now.UnixMilli()) {
				status := p.Status
				if status == promise.AtRisk { // which runs
					want[string(p.Metric)+"_at_risk"]++
					status = promise.Running
				}
				want[string(p.Metric)+"_"+string(status)]++
			}
			talks = append(talks, one)
		}
		f.talks(talks...)
		got := f.reportOf("conversations", q("account", account)).Totals
		for _, m := range promise.Metrics {
			for _, s := range []promise.Status{promise.Kept, promise.Missed, promise.Running, promise.AtRisk} {
				name := string(m) + "_" + string(s)
				if got[name] != want[name] {
					t.Fatalf("%s: %v, want %v by\n%s", name, got[name], want[name], yaml)
				}
			}
		}
	})
}

// TestWaitsThatCount tells a chat that a bot answered on Friday and people on Monday, and a question that was settled unheard.
func TestWaitsThatCount(t *testing.T) {
	f, _ := startPromising(t, `
calendars: [{name: desk, versions: [{zone: Europe/Berlin, week: {mon-fri: ["08:00-12:00", "13:00-17:00"]}}]}]
calendar: desk
targets: [{first_response: 4h, next_response: 2h}]`)
	c := anchorOf("customer_id:C1")
	f.talks(
		// Asked on Friday at 16:00 in Berlin, answered by the bot at 16:30, which hands over on Monday at 8:30; people answer at 9:00, and later after 2 and 1 business hours.
		talk{id: "1", person: c, first: "2026-11-06T15:00:00Z", state: "waiting_for_customer", contacts: 1, channels: []string{"chat"}, intervals: conversation.Conversation{
			Waits: []conversation.Wait{
				{From: ms("2026-11-06T15:00:00Z"), To: ms("2026-11-09T08:00:00Z"), Kind: conversation.FirstWait},
				{From: ms("2026-11-10T10:00:00Z"), To: ms("2026-11-10T13:00:00Z"), Kind: conversation.LaterWait},
				{From: ms("2026-11-11T15:00:00Z"), To: ms("2026-11-12T07:00:00Z"), Kind: conversation.LaterWait},
			},
			LaterResponses: []int64{3 * hourMilli, 16 * hourMilli},
			States: []conversation.StateSince{
				{At: ms("2026-11-06T15:00:00Z"), State: conversation.WaitingForUs}, {At: ms("2026-11-06T15:30:00Z"), State: conversation.WaitingForCustomer},
				{At: ms("2026-11-09T07:30:00Z"), State: conversation.WaitingForUs}, {At: ms("2026-11-09T08:00:00Z"), State: conversation.WaitingForCustomer},
				{At: ms("2026-11-10T10:00:00Z"), State: conversation.WaitingForUs}, {At: ms("2026-11-10T13:00:00Z"), State: conversation.WaitingForCustomer},
				{At: ms("2026-11-11T15:00:00Z"), State: conversation.WaitingForUs}, {At: ms("2026-11-12T07:00:00Z"), State: conversation.WaitingForCustomer},
			},
		}},
		// A bot has answered, nobody has asked for people, and time goes by.
		talk{id: "2", person: c, first: "2026-10-30T08:00:00Z", state: "waiting_for_customer", contacts: 1, account: "bot", channels: []string{"chat"}, intervals: conversation.Conversation{
			Waits: []conversation.Wait{{From: ms("2026-10-30T08:00:00Z"), Kind: conversation.FirstWait}},
			States: []conversation.StateSince{
				{At: ms("2026-10-30T08:00:00Z"), State: conversation.WaitingForUs}, {At: ms("2026-10-30T08:00:02Z"), State: conversation.WaitingForCustomer},
			},
		}},
	)
	mean := func(totals map[string]any, name string) any { return totals[name].(map[string]any)["mean"] }
	r := f.report(t, "conversations", q("account", "")).Totals
	for name, want := range map[string]float64{
		"waited_ms": 1 + 3 + 16, "waited_business_ms": 1 + 2 + 1, "slowest_later_response_ms": 16, "slowest_later_response_business_ms": 2,
		"later_response_ms": (3 + 16) / 2., "later_response_business_ms": (2 + 1) / 2.,
	} {
		if got := mean(r, name); got != want*hourMilli {
			t.Errorf("%s: %v, want %v h", name, got, want)
		}
	}
	r = f.report(t, "conversations", q("account", "bot")).Totals
	if mean(r, "waited_ms") != 2000.0 || mean(r, "waited_business_ms") != 2000.0 || r["customer_effort"] != 0.0 || r["first_response_missed"] != 1.0 {
		t.Errorf("a bot's answer: waited %v, counted %v, effort %v, missed %v", mean(r, "waited_ms"), mean(r, "waited_business_ms"), r["customer_effort"], r["first_response_missed"])
	}
}

// TestResolutionsInForce leaves out what was opened again, and promises no resolution of what nobody asked for.
func TestResolutionsInForce(t *testing.T) {
	f, _ := startPromising(t, "targets: [{resolution: 24h}]")
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "settled", person: c, first: "2026-11-10T08:00:00Z", state: "closed", contacts: 1, resolution: "3600000", resolved: "2026-11-10T09:00:00Z", intervals: conversation.Conversation{
			Pauses: []conversation.Pause{{From: ms("2026-11-10T09:00:00Z")}},
		}},
		talk{id: "open again", person: c, first: "2026-11-10T08:00:00Z", state: "waiting_for_us", contacts: 2, reopenings: 1, resolution: "7200000", resolved: "2026-11-10T10:00:00Z"},
		talk{id: "ours alone", person: c, first: "2026-11-10T08:00:00Z", state: "open"},
	)
	r := f.report(t, "conversations", q()).Totals
	if got := r["resolution_ms"].(map[string]any); got["n"] != 1.0 || got["max"] != 1.0*hourMilli {
		t.Errorf("resolutions %v", got)
	}
	if got := fmt.Sprint(r["resolution_kept"], r["resolution_missed"], r["resolution_running"]); got != "1 1 0" {
		t.Errorf("promises of a resolution: kept, missed, running %s", got)
	}
}

const hourMilli = 3_600_000

// TestLongConversationsInReports asks about conversations that are as long as they are kept, by the calendars of teams in turn.
func TestLongConversationsInReports(t *testing.T) {
	f, _ := startPromising(t, `
calendars:
  - {name: desk, versions: [{zone: Europe/Berlin, week: {mon-fri: ["08:00-12:00", "13:00-17:00"]}}]}
  - {name: owls, versions: [{zone: Europe/Berlin, week: {mon-sun: ["00:00-08:00", "17:00-24:00"]}}]}
calendar: desk
teams: {owls: owls, desk: desk}
targets: [{first_response: 4h, next_response: 2h, resolution: 20h}]`)
	const many, half, asked = 2, hourMilli / 2, hourMilli / 6
	var talks []talk
	begun := ms("2026-11-02T08:00:00Z")
	for i := range many {
		var c conversation.Conversation
		for n := range int64(conversation.MaxWaits) {
			from, kind := begun+n*half, conversation.LaterWait
			if n == 0 {
				kind = conversation.FirstWait
			}
			c.Waits = append(c.Waits, conversation.Wait{From: from, To: from + asked, Kind: kind})
			c.Pauses = append(c.Pauses, conversation.Pause{From: from + asked, To: from + half})
			c.States = append(c.States, conversation.StateSince{At: from, State: conversation.WaitingForUs}, conversation.StateSince{At: from + asked, State: conversation.WaitingForCustomer})
			if n < conversation.MaxTurns {
				c.Turns = append(c.Turns, conversation.Turn{At: from, Team: []string{"owls", "desk"}[n%2]})
			}
		}
		talks = append(talks, talk{id: fmt.Sprint(i), person: anchorOf("customer_id:C1"), first: "2026-11-02T08:00:00Z", state: "waiting_for_customer", contacts: 1, channels: []string{"chat"}, intervals: c})
	}
	f.talks(talks...)
	r := f.report(t, "conversations", q("figures", "next_response_kept,waited_ms,time_waiting_for_us_business_ms")).Totals
	if waited := r["waited_ms"].(map[string]any); r["next_response_kept"] != float64(many) || waited["mean"] != float64(conversation.MaxWaits*asked) {
		t.Errorf("kept %v, waited %v", r["next_response_kept"], waited)
	}
}
