package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/conversation"
)

// grouped stores the events with the conversations that they come to; each anchor is a person. Those of late are received at that time.
func (f *fixture) grouped(late map[string]string, events ...event) {
	f.tb.Helper()
	stubs := map[identity.Anchor][]words.Stub{}
	for _, e := range events {
		key := touchpoint.KeyOf("ours", e.id)
		stubs[e.anchor()] = append(stubs[e.anchor()], words.StubOf("ours", key, e.anchor(), e.touchpoint()))
	}
	in := map[touchpoint.Key]words.ID{}
	var talks []words.Conversation
	for person, of := range stubs {
		story := conversation.Regroup(f.server.config.Registry, 0, person, of, nil)
		maps.Copy(in, story.Members)
		talks = append(talks, story.Conversations...)
	}
	f.conversations(talks...)
	var members []row
	received := map[string][]event{}
	for _, e := range events {
		received[late[e.id]] = append(received[late[e.id]], e)
		if id, ok := in[keyOf(e.id)]; ok {
			members = append(members, row{"workspace": "ours", "key": keyOf(e.id), "anchor": e.anchor(), "time": at(e.time), "channel": or(e.channel, "email"),
				"conversation": id, "person": e.anchor(), "version": 1})
		}
	}
	for at, some := range received {
		f.receive = at
		f.store(some...)
	}
	f.receive = ""
	if len(members) > 0 {
		f.insert("conversation_touchpoints", members...)
	}
}

type restatedConversations struct {
	Rows     []map[string]any
	Totals   map[string]any
	Groups   int
	Restated *struct {
		Late     int
		Receipt  string
		Compared bool
	}
}

func (f *fixture) restatedConversations(pairs ...string) (out restatedConversations) {
	f.tb.Helper()
	query := q(append([]string{"from", "2026-11-01", "to", "2026-11-02", "restated", "true"}, pairs...)...)
	if err := json.Unmarshal(f.get(200, "/v1/reports/conversations?"+query.Encode()), &out); err != nil {
		f.tb.Fatal(err)
	}
	return out
}

func TestRestatedConversations(t *testing.T) {
	f := start(t)
	who := ids("customer_id:C1")
	f.grouped(map[string]string{"2": "2026-11-09T00:00:00Z", "4": "2026-11-09T00:00:00Z"},
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: who, topic: "delivery"},
		event{id: "2", time: "2026-11-01T10:00:00Z", identifiers: who, direction: "outbound", actor: "agent", agent: "bob", topic: "refund"},
		event{id: "3", time: "2026-11-01T12:00:00Z", identifiers: who, direction: "outbound", actor: "agent", agent: "eva"},
		event{id: "4", time: "2026-11-01T15:00:00Z", identifiers: ids("customer_id:C2"), channel: "chat", topic: "delivery"},
		event{id: "5", time: "2026-11-01T15:00:00Z", identifiers: ids("customer_id:C3"), topic: "prices"},
	)
	got := f.restatedConversations("figures", "count,first_response_ms,late_conversations")
	if got.Restated == nil || !got.Restated.Compared || got.Restated.Late != 2 {
		t.Fatalf("%+v", got.Restated)
	}
	changed := got.Totals["restated"].(map[string]any)
	if count := changed["count"].(map[string]any); count["from"] != 2.0 || count["to"] != 3.0 {
		t.Errorf("conversations: %v", count) // the chat is new
	}
	response := changed["first_response_ms"].(map[string]any)
	if from, to := response["from"].(map[string]any)["p50"], response["to"].(map[string]any)["p50"]; from != 3*3_600_000.0 || to != 3_600_000.0 {
		t.Errorf("first response: from %v to %v", from, to)
	}
	if all := decode[receiptAnswer](t, f.get(200, got.Restated.Receipt)); all.Total != 2 {
		t.Errorf("which were changed: %+v", all)
	}
	// The mail is about refunds since somebody said so late; about deliveries there is the chat in its place.
	rows := f.restatedConversations("by", "channel,topic", "figures", "count").lines("channel", "topic", "count", "restated")
	want := "[chat delivery 1 map[count:map[from:0 to:1]] email prices 1 map[] email refund 1 map[count:map[from:0 to:1]] email delivery 0 map[count:map[from:1 to:0]]]"
	if fmt.Sprint(rows) != want {
		t.Errorf("by topic: %v, want %s", rows, want)
	}
	body := string(f.get(200, "/v1/reports/conversations?format=csv&by=topic&figures=count&from=2026-11-01&to=2026-11-02&restated=true"))
	if want := "topic,count,closed_count\r\ndelivery,1,1\r\nprices,1,1\r\nrefund,1,0\r\n"; body != want {
		t.Errorf("as CSV %q", body)
	}
}

func (r restatedConversations) lines(columns ...string) []string {
	return reportAnswer{Rows: r.Rows}.lines(columns...)
}

// TestTooMuchLate tells that figures are not compared where too many customers are concerned.
func TestTooMuchLate(t *testing.T) {
	f := start(t)
	f.store(event{id: "first", time: "2026-10-01T09:00:00Z"}) // there was a report
	var events []event
	late := map[string]string{}
	for i := range maxRetold + 1 {
		id := fmt.Sprint("m", i)
		events = append(events, event{id: id, time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:" + id), conversation: id})
		late[id] = "2026-11-09T00:00:00Z"
	}
	f.receive = "2026-11-09T00:00:00Z"
	f.store(events...)
	f.receive = ""
	f.talks(talk{id: "m0", person: events[0].anchor(), first: "2026-11-01T09:00:00Z", channels: []string{"email"}})
	got := f.restatedConversations("by", "channel", "figures", "count")
	if got.Restated.Compared || got.Restated.Late != 1 || got.Totals["restated"] != nil || got.Rows[0]["late"] == nil {
		t.Errorf("%+v", got)
	}
}

// TestMuchLate tells as much anew as fits into a statement, whatever its texts are.
func TestMuchLate(t *testing.T) {
	f := start(t)
	var events []event
	late := map[string]string{}
	for i := range maxRetold {
		who := ids(fmt.Sprint("customer_id:m", i))
		answer := fmt.Sprint("answer", i)
		events = append(events,
			event{id: fmt.Sprint("m", i), time: "2026-11-01T09:00:00Z", identifiers: who, topic: strings.Repeat("ä\"\\", 40)},
			event{id: answer, time: "2026-11-01T10:00:00Z", identifiers: who, direction: "outbound", actor: "agent", agent: "eva"})
		late[answer] = "2026-11-09T00:00:00Z"
	}
	f.grouped(late, events...)
	got := f.restatedConversations("by", "topic", "figures", "count,waiting,first_response_ms")
	if !got.Restated.Compared || got.Restated.Late != maxRetold || len(got.Rows) != 1 {
		t.Fatalf("%+v, %d rows", got.Restated, len(got.Rows))
	}
	changed := got.Rows[0]["restated"].(map[string]any)
	if waiting, ok := changed["waiting"].(map[string]any); !ok || waiting["from"] != float64(maxRetold) || waiting["to"] != 0.0 || changed["count"] != nil {
		t.Errorf("%v", changed)
	}
}

// TestRestatedIsWithoutTheLate compares with a company to which the late touchpoints never came.
func TestRestatedIsWithoutTheLate(t *testing.T) {
	f := start(t)
	f.store(event{id: "first", time: "2026-10-01T09:00:00Z"}) // there was a report
	kinds := []event{
		{}, {}, {direction: "outbound", actor: "agent", agent: "bob", team: "first"}, {direction: "outbound", actor: "agent", agent: "eva", team: "second"},
		{direction: "outbound", actor: "bot"}, {direction: "internal", actor: "agent", agent: "bob", kind: "conversation.resolved"}, {channel: "chat"},
		{kind: "survey.answered", rating: &touchpoint.Rating{Scale: "csat", Value: 4}}, {direction: "internal", actor: "system", kind: "page.viewed", channel: "web"},
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 3 {
			return // each takes several inserts
		}
		var all, inTime []event
		late := map[string]string{}
		whole, without := fmt.Sprint("whole", round), fmt.Sprint("without", round)
		for i := range rapid.IntRange(1, 25).Draw(rt, "events") {
			e := rapid.SampledFrom(kinds).Draw(rt, "kind")
			minute := rapid.IntRange(0, 3*1440).Draw(rt, "minute")
			e.time = at("2026-10-31T00:00:00Z").Add(time.Duration(minute) * time.Minute).Format(time.RFC3339)
			customer := rapid.IntRange(1, 4).Draw(rt, "customer")
			if rapid.IntRange(0, 3).Draw(rt, "ticket") == 0 {
				e.thread = []string{fmt.Sprintf("ticket:%s-%d-%d", whole, customer, rapid.IntRange(1, 2).Draw(rt, "number"))}
			}
			e.topic = rapid.SampledFrom([]string{"", "delivery", "it's \\ \"odd\""}).Draw(rt, "topic")
			e.id, e.account, e.identifiers = fmt.Sprint(whole, "-", i), whole, ids(fmt.Sprintf("customer_id:%s-%d", whole, customer))
			all = append(all, e)
			if rapid.IntRange(0, 2).Draw(rt, "late") == 0 && minute >= 1440 && minute < 2*1440 {
				late[e.id] = "2026-11-09T00:00:00Z"
				continue
			}
			e.id, e.account, e.identifiers = fmt.Sprint(without, "-", i), without, ids(fmt.Sprintf("customer_id:%s-%d", without, customer))
			if e.thread != nil {
				e.thread = []string{strings.Replace(e.thread[0], whole, without, 1)}
			}
			inTime = append(inTime, e)
		}
		f.grouped(late, all...)
		f.grouped(nil, inTime...)
		now := f.restatedConversations("account", whole)
		want := f.restatedConversations("account", without)
		for name, v := range want.Totals {
			if name == "restated" || name == lateConversations {
				continue
			}
			got := now.Totals[name]
			if c, ok := now.Totals["restated"].(map[string]any)[name].(map[string]any); ok {
				got = c["from"]
			}
			if !near(got, v) {
				rt.Fatalf("%s: without the late it would be %v, and is said to be %v", name, v, got)
			}
		}
		if len(want.Totals["restated"].(map[string]any)) > 0 {
			rt.Fatalf("restated without anything late: %v", want.Totals["restated"])
		}
	})
}

// near compares values that sums of floating point are in.
func near(a, b any) bool {
	if x, ok := a.(map[string]any); ok {
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !near(x[k], y[k]) {
				return false
			}
		}
		return true
	}
	x, isNumber := a.(float64)
	y, both := b.(float64)
	if isNumber && both {
		return math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
	}
	return reflect.DeepEqual(a, b)
}
