package serve

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
)

type reportAnswer struct {
	From, To, TZ string
	By           []string
	Rows         []map[string]any
	Totals       map[string]any
	Groups       int
	AsOf         string `json:"as_of"`
	Freshness    struct {
		NewestVisible *string  `json:"newest_visible"`
		LagRecords    *int     `json:"lag_records"`
		LagSeconds    *float64 `json:"lag_seconds"`
	}
	Definitions map[string]string
	Previous    *Period
}

// lines writes rows as text: the values of the columns, separated by spaces.
func (a reportAnswer) lines(columns ...string) (out []string) {
	for _, r := range a.Rows {
		var values []string
		for _, c := range columns {
			values = append(values, fmt.Sprint(r[c]))
		}
		out = append(out, strings.Join(values, " "))
	}
	return out
}

func (f *fixture) report(t *testing.T, name string, query url.Values) reportAnswer {
	t.Helper()
	return f.reportOf(name, query)
}

func (f *fixture) reportOf(name string, query url.Values) reportAnswer {
	f.tb.Helper()
	return decode[reportAnswer](f.tb, f.get(200, "/v1/reports/"+name+"?"+query.Encode()))
}

func q(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func TestTouchpointReport(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", channel: "email", team: "a", tags: []string{"vip", "late"}, identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "2", time: "2026-11-01T10:00:00Z", channel: "chat", identifiers: ids("email:anna@example.com"), conversation: "1"},
		event{id: "3", time: "2026-11-02T09:00:00Z", channel: "email", direction: "outbound", actor: "agent", agent: "bob", team: "a", tags: []string{"vip"}, identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "4", time: "2026-11-02T09:30:00Z", channel: "email", identifiers: ids("customer_id:C2"), conversation: "4"},
		event{id: "5", time: "2026-10-01T09:30:00Z", channel: "email", identifiers: ids("customer_id:C3")},
		event{workspace: "theirs", id: "1", time: "2026-11-02T09:30:00Z", channel: "email", identifiers: ids("customer_id:C2"), conversation: "1"},
	)
	// A later version of a membership replaces the earlier.
	f.insert("conversation_touchpoints", row{"workspace": "ours", "key": keyOf("2"), "anchor": anchorOf("email:anna@example.com"), "time": at("2026-11-01T10:00:00Z"),
		"version": 2, "conversation": keyOf("2"), "direction": "inbound", "channel": "chat", "kind": "message"})
	measures := []string{"touchpoints", "people", "conversations"}

	all := f.report(t, "touchpoints", q())
	if got := all.lines(measures...); !slices.Equal(got, []string{"4 3 3"}) || fmt.Sprint(all.Totals) != fmt.Sprint(all.Rows[0]) {
		t.Errorf("without dimensions: %q, totals %v", got, all.Totals)
	}
	if all.From != "2026-10-21T12:00:00Z" || all.To != "2026-11-20T12:00:00Z" || all.TZ != "UTC" || all.AsOf != "2026-11-20T12:00:00.000Z" {
		t.Errorf("period %+v", all)
	}
	if all.Freshness.NewestVisible == nil || *all.Freshness.NewestVisible != "2026-11-02T09:30:01.000Z" || all.Freshness.LagRecords == nil || *all.Freshness.LagRecords != 0 || *all.Freshness.LagSeconds != 0 {
		t.Errorf("freshness %+v", all.Freshness)
	}
	byChannel := f.report(t, "touchpoints", q("by", "channel"))
	if got := byChannel.lines(append([]string{"channel"}, measures...)...); !slices.Equal(got, []string{"chat 1 1 1", "email 3 2 2"}) || byChannel.Totals["people"] != 3.0 {
		t.Errorf("by channel: %q, totals %v", got, byChannel.Totals)
	}
	for _, c := range []struct {
		query   url.Values
		columns []string
		want    []string
	}{
		{q("by", "tag"), []string{"tag", "touchpoints"}, []string{" 2", "late 1", "vip 2"}},
		{q("by", "tag", "tag", "late"), []string{"tag", "touchpoints"}, []string{"late 1", "vip 1"}},
		{q("by", "channel,day"), []string{"channel", "day", "touchpoints"}, []string{"chat 2026-11-01T00:00:00Z 1", "email 2026-11-01T00:00:00Z 1", "email 2026-11-02T00:00:00Z 2"}},
		{q("by", "agent,direction"), []string{"agent", "direction", "touchpoints"}, []string{" inbound 3", "bob outbound 1"}},
		{q("by", "channel", "order", "touchpoints"), []string{"channel"}, []string{"email", "chat"}},
		{q("by", "channel", "order", "touchpoints", "limit", "1"), []string{"channel"}, []string{"email"}},
		{q("by", "team", "channel", "email", "channel", "chat", "direction", "inbound"), []string{"team", "touchpoints"}, []string{" 2", "a 1"}},
		{q("by", "hour", "team", "a"), []string{"hour", "touchpoints"}, []string{"2026-11-01T09:00:00Z 1", "2026-11-02T09:00:00Z 1"}},
		{q("by", "month", "from", "2026-10-01"), []string{"month", "touchpoints"}, []string{"2026-10-01T00:00:00Z 1", "2026-11-01T00:00:00Z 4"}},
		{q("by", "week"), []string{"week", "touchpoints"}, []string{"2026-10-26T00:00:00Z 2", "2026-11-02T00:00:00Z 2"}},
		{q("by", "kind", "from", "2026-11-01T10:00:00Z", "to", "2026-11-02T09:30:00Z"), []string{"kind", "touchpoints"}, []string{"message 2"}},
		{q("by", "channel", "channel", "letter"), []string{"channel"}, nil},
		{q("by", "team", "channel", "email,chat", "direction", "inbound,internal"), []string{"team", "touchpoints"}, []string{" 2", "a 1"}},
	} {
		if got := f.report(t, "touchpoints", c.query).lines(c.columns...); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.query, got, c.want)
		}
	}
	if got := f.report(t, "touchpoints", q("by", "channel", "limit", "1")); got.Groups != 2 {
		t.Errorf("groups %d", got.Groups)
	}
	if got := f.report(t, "touchpoints", q("channel", "letter")).lines(measures...); !slices.Equal(got, []string{"0 0 0"}) {
		t.Errorf("nothing: %q", got)
	}
	for _, bad := range []url.Values{
		q("by", "chanel"), q("by", "channel,channel"), q("by", "channel", "by", "channel"), q("by", "channel,"), q("tz", "Mars/Base"), q("tz", "Local"), q("tz", "../etc/passwd"),
		q("from", "2026-11-02", "to", "2026-11-02"), q("from", "x"), q("order", "day"), q("limit", "0"), q("limit", "10001"), q("format", "xml"), q("direction", "up"),
		q("by", "channel,direction,kind,team,agent,topic,source"), q("state", "open"),
		q("channel", "fax"), q("channel", ""), q("channel", "email,"), q("direction", ""), q("kind", ""), q("channel", "email,fax"),
	} {
		f.get(400, "/v1/reports/touchpoints?"+bad.Encode())
	}
	for _, path := range []string{"/v1/reports/touchpoints", "/v1/reports/conversations", "/v1/conversations", "/v1/people/" + anchorOf("customer_id:C1").String() + "/timeline", "/v1/accounts/acme/timeline"} {
		if got := string(f.get(400, path+"?channel=fax")); !strings.Contains(got, `"field":"channel"`) || !strings.Contains(got, "want any of ") || !strings.Contains(got, "phone") || !strings.Contains(got, "is none") {
			t.Errorf("%s: %s", path, got)
		}
	}
	// A merge shows in every report once the dictionary has it.
	f.move("ours", anchorOf("email:anna@example.com"), anchorOf("email:anna@example.com"), anchorOf("customer_id:C1"), 1)
	if got := f.report(t, "touchpoints", q()).Totals["people"]; got != 2.0 {
		t.Errorf("after a merge: %v people", got)
	}
}

func TestBucketsInZones(t *testing.T) {
	f := start(t)
	f.store(
		// The night in which Berlin's clocks go back: two o'clock comes twice.
		event{id: "1", time: "2026-10-24T21:59:59.999Z", identifiers: ids("customer_id:C1")}, // 23:59 on the 24th
		event{id: "2", time: "2026-10-24T22:00:00Z", identifiers: ids("customer_id:C1")},     // 00:00
		event{id: "3", time: "2026-10-25T00:30:00Z", identifiers: ids("customer_id:C1")},     // 02:30 summer
		event{id: "4", time: "2026-10-25T01:30:00Z", identifiers: ids("customer_id:C1")},     // 02:30 winter
		event{id: "5", time: "2026-10-25T22:59:59.999Z", identifiers: ids("customer_id:C1")}, // 23:59
		event{id: "6", time: "2026-10-25T23:00:00Z", identifiers: ids("customer_id:C1")},     // Monday
		// The day in which they went forward has no two o'clock.
		event{id: "7", time: "2026-03-29T00:59:00Z", identifiers: ids("customer_id:C1")}, // 01:59
		event{id: "8", time: "2026-03-29T01:00:00Z", identifiers: ids("customer_id:C1")}, // 03:00
		// The first days there are, west of Greenwich still in 1969.
		event{id: "9", time: "1970-01-01T00:00:00Z", identifiers: ids("customer_id:C1")},
	)
	for _, c := range []struct {
		by, tz, from, to string
		want             []string
	}{
		{"day", "Europe/Berlin", "2026-10-24", "2026-10-27", []string{"2026-10-24T00:00:00+02:00 1", "2026-10-25T00:00:00+02:00 4", "2026-10-26T00:00:00+01:00 1"}},
		{"hour", "Europe/Berlin", "2026-10-25", "2026-10-26", []string{"2026-10-25T00:00:00+02:00 1", "2026-10-25T02:00:00+02:00 1", "2026-10-25T02:00:00+01:00 1", "2026-10-25T23:00:00+01:00 1"}},
		{"week", "Europe/Berlin", "2026-10-24", "2026-10-27", []string{"2026-10-19T00:00:00+02:00 5", "2026-10-26T00:00:00+01:00 1"}},
		{"month", "Europe/Berlin", "2026-10-01", "2026-11-01", []string{"2026-10-01T00:00:00+02:00 6"}},
		{"hour", "Europe/Berlin", "2026-03-29", "2026-03-30", []string{"2026-03-29T01:00:00+01:00 1", "2026-03-29T03:00:00+02:00 1"}},
		{"hour", "Asia/Kolkata", "2026-03-29", "2026-03-30", []string{"2026-03-29T06:00:00+05:30 2"}},
		{"hour", "Asia/Kathmandu", "2026-03-29", "2026-03-30", []string{"2026-03-29T06:00:00+05:45 2"}},
		{"day", "America/New_York", "1970-01-01T00:00:00Z", "1970-01-02", []string{"1969-12-31T00:00:00-05:00 1"}},
		{"week", "UTC", "1970-01-01", "1970-01-02", []string{"1969-12-29T00:00:00Z 1"}},
		{"month", "America/New_York", "1970-01-01T00:00:00Z", "1970-01-02", []string{"1969-12-01T00:00:00-05:00 1"}},
		{"hour", "America/New_York", "1970-01-01T00:00:00Z", "1970-01-02", []string{"1969-12-31T19:00:00-05:00 1"}},
	} {
		got := f.report(t, "touchpoints", q("by", c.by, "tz", c.tz, "from", c.from, "to", c.to))
		if lines := got.lines(c.by, "touchpoints"); !slices.Equal(lines, c.want) {
			t.Errorf("%s in %s: %q, want %q", c.by, c.tz, lines, c.want)
		}
	}
}

func TestStartOfDay(t *testing.T) {
	for _, c := range []struct{ zone, date, want string }{
		{"UTC", "2026-10-25", "2026-10-25T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"}, // midnight is left out
		{"Africa/Cairo", "2023-04-28", "2023-04-28T01:00:00+03:00"},
		{"America/Havana", "2023-11-05", "2023-11-05T00:00:00-04:00"}, // midnight comes twice
		{"America/Asuncion", "2023-03-26", "2023-03-26T00:00:00-04:00"},
		{"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00"}, // the day before was left out
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		d, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := startOfDay(d.Year(), d.Month(), d.Day(), loc).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s starts %s, want %s", c.date, c.zone, got, c.want)
		}
	}
	// Any day of any zone: its start lies in it, and the millisecond before does not.
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Asia/Tehran", "Asia/Beirut", "Australia/Lord_Howe", "America/St_Johns", "Asia/Amman"}).Draw(t, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		day := time.Unix(int64(rapid.IntRange(0, 24_000).Draw(t, "day"))*86400, 0).UTC()
		got := startOfDay(day.Year(), day.Month(), day.Day(), loc)
		if !sameDate(got, day) || sameDate(got.Add(-time.Millisecond), day) {
			t.Fatalf("%s in %s starts %s", day.Format(time.DateOnly), name, got)
		}
	})
}

func TestConversationReport(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	f.talks(
		talk{id: "1", person: c, first: "2026-11-01T00:00:00Z", channels: []string{"email", "chat"}, state: "resolved", contacts: 1, response: "1000", resolution: "5000", team: "a", tags: []string{"vip"}},
		talk{id: "2", person: c, first: "2026-11-02T00:00:00Z", channels: []string{"email"}, state: "closed", contacts: 3, response: "2000", resolution: "7001", reopenings: 1, team: "a"},
		talk{id: "3", person: c, first: "2026-11-03T00:00:00Z", channels: []string{"chat"}, state: "waiting_for_us", contacts: 1, team: "b"},
		talk{id: "4", person: c, first: "2026-11-03T00:00:00Z", channels: []string{"chat"}, state: "gone"},
		talk{id: "5", person: c, first: "2026-01-03T00:00:00Z", channels: []string{"chat"}},
		talk{workspace: "theirs", id: "1", person: c, first: "2026-11-03T00:00:00Z", channels: []string{"chat"}},
	)
	counts := []string{"count", "open", "resolved", "reopened", "one_contact", "one_contact_share"}
	all := f.report(t, "conversations", q())
	if got := all.lines(counts...); !slices.Equal(got, []string{"3 1 2 1 1 0.5"}) {
		t.Errorf("all: %q", got)
	}
	stats := all.Rows[0]["first_response_ms"].(map[string]any)
	if stats["n"] != 2.0 || stats["mean"] != 1500.0 || stats["p50"] != 1500.0 || stats["p99"] != 1990.0 {
		t.Errorf("first response %v", stats)
	}
	byChannel := f.report(t, "conversations", q("by", "channel"))
	if got := byChannel.lines(append([]string{"channel"}, counts...)...); !slices.Equal(got, []string{"chat 1 1 0 0 0 <nil>", "email 2 0 2 1 1 0.5"}) {
		t.Errorf("by channel: %q", got)
	}
	if none := byChannel.Rows[0]["resolution_ms"].(map[string]any); none["n"] != 0.0 || none["mean"] != nil || none["p50"] != nil {
		t.Errorf("nothing resolved: %v", none)
	}
	for _, c := range []struct {
		query   url.Values
		columns []string
		want    []string
	}{
		{q("by", "state"), []string{"state", "count"}, []string{"closed 1", "resolved 1", "waiting_for_us 1"}},
		{q("by", "day,team", "state", "resolved", "state", "closed"), []string{"day", "team", "count"}, []string{"2026-11-01T00:00:00Z a 1", "2026-11-02T00:00:00Z a 1"}},
		{q("by", "tag"), []string{"tag", "count"}, []string{" 2", "vip 1"}},
		{q("by", "team", "order", "count"), []string{"team"}, []string{"a", "b"}},
		{q("by", "team", "order", "resolution_ms"), []string{"team"}, []string{"a", "b"}},
		{q("by", "team", "order", "open"), []string{"team"}, []string{"b", "a"}},
		{q("by", "channel", "channel", "chat"), []string{"channel", "count"}, []string{"chat 1"}},
		{q("by", "month", "tz", "America/New_York"), []string{"month", "count"}, []string{"2026-10-01T00:00:00-04:00 1", "2026-11-01T00:00:00-04:00 2"}},
	} {
		if got := f.report(t, "conversations", c.query).lines(c.columns...); !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.query, got, c.want)
		}
	}
	f.get(400, "/v1/reports/conversations?by=direction")
	f.get(400, "/v1/reports/conversations?state=superseded")
}

// TestPercentilesAreExact compares with the definition: sort, and interpolate linearly between the two nearest.
func TestPercentilesAreExact(t *testing.T) {
	f := start(t)
	i := 0
	rapid.Check(t, func(rt *rapid.T) {
		if i++; i > 10 {
			return // each takes an insert; the values within one are many
		}
		values := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 400).Draw(rt, "values")
		team := fmt.Sprint("team", i)
		var talks []talk
		for j, v := range values {
			talks = append(talks, talk{id: fmt.Sprint(team, "-", j), person: identity.Anchor{1}, first: "2026-11-01T00:00:00Z", team: team, response: strconv.FormatInt(v, 10)})
		}
		f.talks(talks...)
		got := f.report(t, "conversations", q("team", team)).Totals["first_response_ms"].(map[string]any)
		slices.Sort(values)
		sum := 0.0
		for _, v := range values {
			sum += float64(v)
		}
		want := map[string]float64{"n": float64(len(values)), "mean": sum / float64(len(values))}
		for name, p := range map[string]float64{"p50": .5, "p75": .75, "p90": .9, "p95": .95, "p99": .99} {
			h := p * float64(len(values)-1)
			low, high := values[int(math.Floor(h))], values[int(math.Ceil(h))]
			want[name] = float64(low) + (h-math.Floor(h))*float64(high-low)
		}
		for name, w := range want {
			if math.Abs(got[name].(float64)-w) > 1e-9*max(1, w) {
				rt.Fatalf("%s of %d values: %v, want %v", name, len(values), got[name], w)
			}
		}
	})
}

func TestReportAsCSV(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", channel: "email", team: `the "a, b" team`, identifiers: ids("customer_id:C1")},
		event{id: "2", time: "2026-11-01T09:00:00Z", channel: "chat", identifiers: ids("customer_id:C1")},
	)
	f.talks(talk{id: "1", person: anchorOf("customer_id:C1"), first: "2026-11-01T09:00:00Z"})
	for _, ask := range []struct{ target, accept string }{
		{"/v1/reports/touchpoints?by=team,channel&format=csv", ""},
		{"/v1/reports/touchpoints?by=team,channel", "text/csv"},
	} {
		answer := f.do(http.MethodGet, "ours-key", ask.target, nil, "Accept", ask.accept)
		rows, err := csv.NewReader(answer.Body).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"[team channel touchpoints people conversations]", "[ chat 1 1 0]", `[the "a, b" team email 1 1 0]`} {
			if got := fmt.Sprint(rows[i][:5]); got != want || len(rows) != 3 {
				t.Errorf("%s: %s, want %s", ask.target, got, want)
			}
		}
		if answer.Header.Get("Throughline-As-Of") == "" {
			t.Error("when was it made?")
		}
		if got := answer.Header.Get("Content-Disposition"); got != `attachment; filename="touchpoints_2026-10-21_2026-11-20.csv"` {
			t.Errorf("of which days is it? %s", got)
		}
	}
	answer := f.do(http.MethodGet, "ours-key", "/v1/reports/conversations?format=csv", nil)
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("conversations: %v %q", err, rows)
	}
	for column, want := range map[string]string{"count": "1", "first_response_n": "0", "first_response_mean_ms": "", "first_response_max_ms": "", "fcr_share": ""} {
		if i := slices.Index(rows[0], column); i < 0 || rows[1][i] != want {
			t.Errorf("column %s of %q: %q", column, rows[0], rows[1])
		}
	}
	if answer := f.do(http.MethodGet, "ours-key", "/v1/reports/touchpoints?format=json", nil, "Accept", "text/csv"); answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("format does not win over Accept: %s", answer.Header.Get("Content-Type"))
	}
}

// TestReportsAgreeWithCounting compares reports over random touchpoints with counting them one by one.
func TestReportsAgreeWithCounting(t *testing.T) {
	f := start(t)
	i := 0
	rapid.Check(t, func(rt *rapid.T) {
		if i++; i > 8 {
			return
		}
		account := fmt.Sprint("account", i) // keeps this round's apart from the others'
		var events []event
		for n := range rapid.IntRange(1, 60).Draw(rt, "touchpoints") {
			e := event{
				id: fmt.Sprint(account, "-", n), account: account,
				time:        now.Add(-time.Duration(rapid.IntRange(1, 20*24*3600).Draw(rt, "age")) * time.Second).Format(time.RFC3339),
				channel:     rapid.SampledFrom([]string{"email", "chat", "phone"}).Draw(rt, "channel"),
				direction:   rapid.SampledFrom(directions).Draw(rt, "direction"),
				identifiers: ids(fmt.Sprint("customer_id:", rapid.IntRange(1, 9).Draw(rt, "customer"))),
			}
			if c := rapid.IntRange(0, 9).Draw(rt, "conversation"); c > 0 {
				e.conversation = fmt.Sprint(account, "-", c)
			}
			events = append(events, e)
		}
		f.store(events...)
		type group struct {
			touchpoints           int
			people, conversations map[string]bool
		}
		groups := map[string]*group{}
		for _, e := range events {
			key := e.channel + " " + e.direction + " " + e.time[:10] + "T00:00:00Z"
			if groups[key] == nil {
				groups[key] = &group{people: map[string]bool{}, conversations: map[string]bool{}}
			}
			g := groups[key]
			g.touchpoints++
			g.people[e.identifiers[0].Value] = true
			if e.conversation != "" {
				g.conversations[e.conversation] = true
			}
		}
		var want []string
		for key, g := range groups {
			want = append(want, fmt.Sprint(key, " ", g.touchpoints, " ", len(g.people), " ", len(g.conversations)))
		}
		slices.Sort(want)
		got := f.report(t, "touchpoints", q("account", account, "by", "channel,direction,day")).lines("channel", "direction", "day", "touchpoints", "people", "conversations")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestCaps(t *testing.T) {
	f := start(t, func(c *Config) { c.Report.MaxMemory = 1 << 18 })
	var events []event
	for i := range 20_000 {
		events = append(events, event{id: fmt.Sprint(i), time: "2026-11-01T09:00:00Z", identifiers: ids(fmt.Sprint("customer_id:C", i)), account: fmt.Sprint(i)})
	}
	f.store(events...)
	body := f.get(422, "/v1/reports/touchpoints?by=account")
	var problem struct{ Detail string }
	if err := json.Unmarshal(body, &problem); err != nil || !strings.Contains(problem.Detail, "narrow it down") {
		t.Errorf("%v: %s", err, body)
	}
	// Look-ups have caps of their own and go on.
	f.get(200, "/v1/people?identifier=customer_id:C1")
}

func TestTooManyQueries(t *testing.T) {
	f := start(t, func(c *Config) { c.Reports, c.Wait = 1, time.Millisecond })
	leave, err := f.server.store.report.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.get(503, "/v1/reports/touchpoints")
	leave()
	f.get(200, "/v1/conversations")
}
