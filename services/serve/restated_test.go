package serve

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// late stores an event that is received at a time.
func (f *fixture) late(received string, e event) {
	f.tb.Helper()
	f.receive = received
	f.store(e)
	f.receive = ""
}

type restatedRow struct {
	Channel  string
	Restated map[string]struct{ From, To *float64 }
	Late     *struct {
		Count   int
		Receipt string
	}
}

func (r restatedRow) String() string {
	data, _ := json.Marshal(r.Restated)
	late := 0
	if r.Late != nil {
		late = r.Late.Count
	}
	return fmt.Sprint(r.Channel, " ", late, " ", string(data))
}

func TestRestated(t *testing.T) {
	f := start(t)
	seen := func(id, who, time, channel string) event {
		return event{id: id, time: time, channel: channel, identifiers: ids("customer_id:" + who)}
	}
	f.store(seen("1", "A", "2026-11-01T09:00:00Z", "email"), seen("2", "B", "2026-11-01T10:00:00Z", "email"), seen("3", "C", "2026-11-01T11:00:00Z", "chat"))
	f.late("2026-11-02T23:59:59Z", seen("4", "A", "2026-11-01T12:00:00Z", "email")) // in time
	ask := func(more ...string) (out struct {
		Rows     []restatedRow
		Totals   restatedRow
		Restated *struct {
			Closed  string
			Late    int
			Receipt string
		}
	}) {
		t.Helper()
		query := q(append([]string{"by", "channel", "figures", "touchpoints,people", "from", "2026-11-01", "to", "2026-11-02", "restated", "true"}, more...)...)
		if err := json.Unmarshal(f.get(200, "/v1/reports/touchpoints?"+query.Encode()), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := ask(); got.Restated == nil || got.Restated.Closed != "2026-11-03T00:00:00.000Z" || fmt.Sprint(got.Rows, got.Totals) != "[chat 0 {} email 0 {}]  0 {}" {
		t.Errorf("nothing was late: %+v %v", got.Restated, got.Rows)
	}
	f.late("2026-11-05T00:00:00Z", seen("5", "D", "2026-11-01T13:00:00Z", "email"))
	f.late("2026-11-05T00:00:00Z", seen("6", "D", "2026-11-01T13:00:00Z", "phone"))
	f.move("ours", anchorOf("customer_id:B"), anchorOf("customer_id:B"), anchorOf("customer_id:A"), 1) // when it is closed
	got := ask()
	if want := `[chat 0 {} email 1 {"touchpoints":{"From":3,"To":4}} phone 1 {"people":{"From":0,"To":1},"touchpoints":{"From":0,"To":1}}]`; fmt.Sprint(got.Rows) != want {
		t.Errorf("late: %v, want %s", got.Rows, want) // of mails, one person more came late, and two turned out to be one
	}
	if want := ` 0 {"touchpoints":{"From":4,"To":6}}`; got.Totals.String() != want || got.Restated.Late != 2 {
		t.Errorf("totals %v, %+v", got.Totals, got.Restated)
	}
	listed := decode[receiptAnswer](t, f.get(200, got.Rows[1].Late.Receipt))
	if listed.Total != 1 || listed.Rows[0].ID != idOf("5") {
		t.Errorf("which mails were late: %+v", listed)
	}
	if all := decode[receiptAnswer](t, f.get(200, got.Restated.Receipt)); all.Total != 2 {
		t.Errorf("which were late: %+v", all)
	}
	if got := ask("grace", "96"); got.Restated.Late != 0 && got.Restated.Closed != "2026-11-06T00:00:00.000Z" {
		t.Errorf("with more patience: %+v", got.Restated)
	}
	if got := ask("grace", "8760"); got.Restated != nil {
		t.Errorf("not closed yet: %+v", got.Restated)
	}
	got = ask("limit", "1", "order", "touchpoints")
	if want := `[email 1 {"touchpoints":{"From":3,"To":4}}]`; fmt.Sprint(got.Rows) != want {
		t.Errorf("the greatest row: %v, want %s", got.Rows, want) // whichever comes first among those of before
	}
	table, err := csv.NewReader(bytes.NewReader(f.get(200, "/v1/reports/touchpoints?format=csv&by=channel&figures=touchpoints,conversations&from=2026-11-01&to=2026-11-02&restated=true"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "[[channel touchpoints conversations closed_touchpoints] [chat 1 0 1] [email 4 0 3] [phone 1 0 0]]"; fmt.Sprint(table) != want {
		t.Errorf("as CSV: %v, want %s", table, want)
	}
}

// What a report is compared with may be restated, too, whether or not its own period is closed.
func TestPreviousRestated(t *testing.T) {
	f := start(t)
	seen := func(id, time, channel string) event {
		return event{id: id, time: time, channel: channel, identifiers: ids("customer_id:A")}
	}
	f.store(seen("1", "2026-11-01T09:00:00Z", "email"), seen("2", "2026-11-02T10:00:00Z", "email"), seen("3", "2026-11-02T11:00:00Z", "chat"))
	f.late("2026-11-05T00:00:00Z", seen("4", "2026-11-01T13:00:00Z", "email"))
	type row struct {
		restatedRow
		Day      string
		Previous *restatedRow
	}
	ask := func(more string) (out struct {
		Rows     []row
		Totals   row
		Previous struct {
			Restated *struct {
				Late    int
				Receipt string
			}
		}
		Restated *struct{ Late int }
	}) {
		t.Helper()
		body := f.get(200, "/v1/reports/touchpoints?figures=touchpoints&from=2026-11-02&to=2026-11-03&restated=true&compare=previous"+more)
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := ask("&by=channel")
	if want := ` 0 {"touchpoints":{"From":1,"To":2}}`; got.Totals.Previous.String() != want || got.Totals.String() != " 0 {}" {
		t.Errorf("totals: %v, before %v, want %s", got.Totals, got.Totals.Previous, want)
	}
	if len(got.Rows) != 2 || got.Rows[0].Previous != nil || got.Rows[1].Previous.String() != ` 1 {"touchpoints":{"From":1,"To":2}}` || got.Rows[1].String() != "email 0 {}" {
		t.Errorf("by channel: %+v", got.Rows)
	}
	if got.Restated == nil || got.Restated.Late != 0 || got.Previous.Restated == nil || got.Previous.Restated.Late != 1 {
		t.Errorf("%+v, before %+v", got.Restated, got.Previous.Restated)
	}
	byDay := ask("&by=day")
	for _, receipt := range []string{got.Previous.Restated.Receipt, got.Rows[1].Previous.Late.Receipt, byDay.Rows[0].Previous.Late.Receipt} {
		if listed := decode[receiptAnswer](t, f.get(200, receipt)); listed.Total != 1 || listed.Rows[0].ID != idOf("4") {
			t.Errorf("%s lists %+v", receipt, listed)
		}
	}
	if got := ask("&by=channel&grace=8760"); got.Restated != nil || got.Previous.Restated != nil || got.Totals.Previous.Restated != nil {
		t.Errorf("nothing is closed yet: %+v", got)
	}
	table, err := csv.NewReader(bytes.NewReader(f.get(200, "/v1/reports/touchpoints?format=csv&by=channel&figures=touchpoints&from=2026-11-02&to=2026-11-03&restated=true&compare=previous"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := "[[channel touchpoints previous_touchpoints closed_touchpoints previous_closed_touchpoints] [chat 1  1 ] [email 1 2 1 1]]"; fmt.Sprint(table) != want {
		t.Errorf("as CSV: %v, want %s", table, want)
	}
}

// History that a workspace begins with restates no report, since there was none.
func TestFirstImportRestatesNothing(t *testing.T) {
	f := start(t)
	f.late("2026-11-09T00:00:00Z", event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:A")})
	for _, of := range []string{"touchpoints", "conversations"} {
		if body := f.get(200, "/v1/reports/"+of+"?from=2026-11-01&to=2026-11-02&restated=true"); strings.Contains(string(body), `"restated"`) {
			t.Errorf("%s: %s", of, body)
		}
	}
}

// TestRestatedIsWhatTheReportSaid asks a report when its period is closed, and again when much has come late and people were merged: what the
// figures were is what the report said.
func TestRestatedIsWhatTheReportSaid(t *testing.T) {
	f := start(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 4 {
			return // each takes several inserts
		}
		account := fmt.Sprint("account", round)
		customer := func() string {
			return fmt.Sprintf("customer_id:%s-%d", account, rapid.IntRange(1, 5).Draw(rt, "customer"))
		}
		draw := func(n int, prefix string) (events []event) {
			for i := range n {
				events = append(events, event{
					id: fmt.Sprint(account, prefix, i), time: fmt.Sprintf("2026-11-01T%02d:00:00Z", rapid.IntRange(0, 23).Draw(rt, "hour")), account: account,
					channel: rapid.SampledFrom([]string{"email", "chat"}).Draw(rt, "channel"), direction: rapid.SampledFrom(directions).Draw(rt, "direction"), identifiers: ids(customer()),
				})
			}
			return events
		}
		f.store(draw(rapid.IntRange(1, 12).Draw(rt, "in time"), "a")...)
		query := q("by", "channel", "account", account, "from", "2026-11-01", "to", "2026-11-02")
		figures := []string{"touchpoints", "people", "inbound", "new_people", "returning_people", "by_customers"}
		query.Set("figures", strings.Join(figures, ","))
		said := f.reportOf("touchpoints", query)
		f.receive = "2026-11-09T00:00:00Z"
		f.store(draw(rapid.IntRange(1, 6).Draw(rt, "late"), "b")...)
		f.receive = ""
		from, to := verified(customer()), verified(customer())
		if a, b := anchor(from), anchor(to); a != b {
			f.move("ours", a, a, b, round)
		}
		query.Set("restated", "true")
		var now struct {
			Rows   []map[string]any
			Totals map[string]any
		}
		if err := json.Unmarshal(f.get(200, "/v1/reports/touchpoints?"+query.Encode()), &now); err != nil {
			rt.Fatal(err)
		}
		was := map[string]map[string]any{}
		for _, row := range said.Rows {
			was[row["channel"].(string)] = row
		}
		compare := func(row, before map[string]any) {
			changed := row["restated"].(map[string]any)
			for _, name := range figures {
				want := 0.0
				if before != nil {
					want = before[name].(float64)
				}
				got := row[name]
				if c, ok := changed[name].(map[string]any); ok {
					got = c["from"]
				}
				if got != want {
					rt.Fatalf("%s of %v: the report said %v, now it says that it said %v", name, row["channel"], want, got)
				}
			}
		}
		for _, row := range now.Rows {
			compare(row, was[row["channel"].(string)])
		}
		compare(now.Totals, said.Totals)
	})
}

func anchor(id touchpoint.Identifier) identity.Anchor {
	return identity.AnchorOf("ours", id.Type, id.Value)
}

func TestLateConversations(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "1", person: c, first: "2026-11-01T09:00:00Z", channels: []string{"email"}}, talk{id: "2", person: c, first: "2026-11-01T10:00:00Z", channels: []string{"email"}},
	)
	mail := func(id, time, in string) event {
		return event{id: id, time: time, identifiers: ids("customer_id:C1"), conversation: in}
	}
	f.store(mail("1", "2026-11-01T09:00:00Z", "1"), mail("2", "2026-11-01T10:00:00Z", "2"))
	f.late("2026-11-09T00:00:00Z", mail("3", "2026-11-01T12:00:00Z", "1"))
	f.late("2026-11-09T00:00:00Z", mail("4", "2026-11-08T12:00:00Z", "2")) // of another period
	query := url.Values{"from": {"2026-11-01"}, "to": {"2026-11-02"}, "cell": {"late_conversations"}}
	receipt, rows, _ := f.pages("conversations", query, 10)
	if rows != 1 || receipt.Rows[0].ID != idOf("1") {
		t.Errorf("changed late: %+v", receipt)
	}
}
