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
		talk{id: "1", person: c, first: "2026-11-19T10:00:00Z", state: "waiting_for_us", channels: []string{"email"}, intervals: conversation.Conversation{
			Waits: []conversation.Wait{{From: ms("2026-11-19T10:00:00Z"), Kind: conversation.FirstWait}},
		}},
		talk{id: "2", person: c, first: "2026-11-20T11:30:00Z", state: "waiting_for_customer", channels: []string{"chat"}, intervals: conversation.Conversation{
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
	c.Begun = begun
	nowMilli := now.UnixMilli()
	last := begun
	for i := range rapid.IntRange(0, 3).Draw(t, "waits") {
		w := conversation.Wait{From: last, To: last + minute("wait"), Kind: conversation.LaterWait}
		if i == 0 {
			w.Kind = rapid.SampledFrom([]conversation.WaitKind{conversation.FirstWait, conversation.FirstWait, conversation.Unheard, conversation.LaterWait}).Draw(t, "kind")
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
				channels: []string{rapid.SampledFrom([]string{"email", "chat"}).Draw(t, "channel")}, topic: rapid.SampledFrom([]string{"", "invoice"}).Draw(t, "topic"), intervals: c,
			}
			if rapid.Bool().Draw(t, "urgent") {
				one.tags = []string{"vip", "priority:urgent"}
			}
			c.State, c.Channels, c.Topic, c.Tags, c.Account = conversation.State(state), one.channels, one.topic, one.tags, account
			for _, p := range promises.policy.Of(&c, now.UnixMilli()) {
				status := p.Status
				if status == promise.AtRisk {
					status = promise.Running
				}
				if p.Metric == promise.NextResponse && status == promise.Kept && slices.ContainsFunc(c.Waits, func(w conversation.Wait) bool { return w.Kind == conversation.LaterWait && w.To == 0 }) {
					status = promise.Running
				}
				want[string(p.Metric)+"_"+string(status)]++
			}
			talks = append(talks, one)
		}
		f.talks(talks...)
		got := f.reportOf("conversations", q("account", account)).Totals
		for _, m := range promise.Metrics {
			for _, s := range []promise.Status{promise.Kept, promise.Missed, promise.Running} {
				name := string(m) + "_" + string(s)
				if got[name] != want[name] {
					t.Fatalf("%s: %v, want %v by\n%s", name, got[name], want[name], yaml)
				}
			}
		}
	})
}
