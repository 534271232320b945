package serve

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// beside are the rows of a report as text, each with the figure that it is compared with, and what that is of.
func beside(a reportAnswer, by, figure string) (out []string) {
	for _, r := range a.Rows {
		line := fmt.Sprint(r[by], " ", r[figure])
		if p, ok := r["previous"].(map[string]any); ok {
			line += fmt.Sprint(" <- ", p[figure])
			if p[by] != nil {
				line += fmt.Sprint(" of ", p[by])
			}
		}
		out = append(out, line)
	}
	return out
}

func TestDaysOfMonthsAreCompared(t *testing.T) {
	f := start(t)
	var events []event
	seen := func(date string, n int) {
		for i := range n {
			events = append(events, event{id: fmt.Sprint(date, i), time: date + "T12:00:00Z", identifiers: ids("customer_id:M")})
		}
	}
	seen("2026-01-31", 6)
	seen("2026-02-01", 1)
	seen("2026-02-02", 2)
	seen("2026-02-03", 3)
	seen("2026-02-28", 4)
	for _, day := range []string{"01", "02", "05", "28", "31"} {
		seen("2026-03-"+day, 1)
	}
	f.store(events...)
	march := q("figures", "touchpoints", "from", "2026-03-01", "to", "2026-04-01", "compare", "previous")
	for by, want := range map[string][]string{
		"day": {
			"2026-03-01T00:00:00Z 1 <- 1 of 2026-02-01T00:00:00Z", "2026-03-02T00:00:00Z 1 <- 2 of 2026-02-02T00:00:00Z", "2026-03-03T00:00:00Z 0 <- 3 of 2026-02-03T00:00:00Z",
			"2026-03-05T00:00:00Z 1", "2026-03-28T00:00:00Z 1 <- 4 of 2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z 1",
		},
		"week": { // each begins with a Sunday
			"2026-02-23T00:00:00Z 1 <- 1 of 2026-01-26T00:00:00Z", "2026-03-02T00:00:00Z 2 <- 5 of 2026-02-02T00:00:00Z", "2026-03-23T00:00:00Z 1 <- 4 of 2026-02-23T00:00:00Z",
			"2026-03-30T00:00:00Z 1",
		},
		"month": {"2026-03-01T00:00:00Z 5 <- 10 of 2026-02-01T00:00:00Z"},
	} {
		march.Set("by", by)
		if got := beside(f.report(t, "touchpoints", march), by, "touchpoints"); !slices.Equal(got, want) {
			t.Errorf("by %s: %q, want %q", by, got, want)
		}
	}
	february := f.report(t, "touchpoints", q("figures", "touchpoints", "from", "2026-02-01", "to", "2026-03-01", "compare", "previous", "by", "day"))
	if got, want := beside(february, "day", "touchpoints"), "<nil> 0 <- 6 of 2026-01-31T00:00:00Z"; got[len(got)-1] != want || february.Groups != 5 {
		t.Errorf("what February has no counterpart of: %q of %d, want %q last", got, february.Groups, want)
	}
	table := string(f.get(200, "/v1/reports/touchpoints?figures=touchpoints&from=2026-02-01&to=2026-03-01&compare=previous&by=day&format=csv"))
	if !strings.HasPrefix(table, "day,touchpoints,previous_day,previous_touchpoints\r\n2026-02-01T00:00:00Z,1,,\r\n") || !strings.HasSuffix(table, "\r\n,0,2026-01-31T00:00:00Z,6\r\n") {
		t.Errorf("as CSV:\n%s", table)
	}
}

func TestThirtyDaysAreComparedAcrossClockChanges(t *testing.T) {
	f := start(t)
	var events []event
	for i := range 60 {
		events = append(events, event{id: fmt.Sprint(i), time: now.AddDate(0, 0, -i).Add(-6 * time.Hour).Format(time.RFC3339), identifiers: ids("customer_id:Q")})
	}
	f.store(events...)
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York"} {
		for _, by := range []string{"day", "week", "month"} {
			r := f.report(t, "touchpoints", q("figures", "touchpoints", "tz", zone, "by", by, "compare", "previous"))
			if r.Totals["touchpoints"] != 30.0 || r.Totals["previous"].(map[string]any)["touchpoints"] != 30.0 {
				t.Errorf("%s: %v", zone, r.Totals)
			}
			for _, row := range r.Rows {
				if row["previous"] == nil || row[by] == nil {
					t.Errorf("%s by %s: %v", zone, by, row)
				}
			}
		}
	}
}

func TestHoursAreComparedByTheClockOnTheWall(t *testing.T) {
	f := start(t)
	var events []event
	for i, at := range []string{"07T06:30", "07T07:30", "07T07:31", "07T14:30", "08T06:30", "08T07:30", "08T13:30"} {
		events = append(events, event{id: fmt.Sprint(i), time: "2026-03-" + at + ":00Z", identifiers: ids("customer_id:NY")})
	}
	f.store(events...)
	r := f.report(t, "touchpoints", q("figures", "touchpoints", "tz", "America/New_York", "from", "2026-03-08", "to", "2026-03-09", "by", "hour", "compare", "previous"))
	want := []string{
		"2026-03-08T01:00:00-05:00 1 <- 1 of 2026-03-07T01:00:00-05:00",
		"2026-03-08T03:00:00-04:00 1",
		"2026-03-08T09:00:00-04:00 1 <- 1 of 2026-03-07T09:00:00-05:00",
		"<nil> 0 <- 2 of 2026-03-07T02:00:00-05:00", // two o'clock is left out
	}
	if got := beside(r, "hour", "touchpoints"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// An hour is compared with the one before.
	r = f.report(t, "touchpoints", q("figures", "touchpoints", "from", "2026-03-08T07:00:00Z", "to", "2026-03-08T08:00:00Z", "by", "hour", "compare", "previous"))
	if got := beside(r, "hour", "touchpoints"); !slices.Equal(got, []string{"2026-03-08T07:00:00Z 1 <- 1 of 2026-03-08T06:00:00Z"}) {
		t.Errorf("an hour: %q", got)
	}
}

func TestWhatOnlyThePeriodBeforeHas(t *testing.T) {
	f := start(t)
	seen := func(id, day, channel string) event {
		return event{id: id, time: "2026-11-" + day + "T09:00:00Z", channel: channel, identifiers: ids("customer_id:A")}
	}
	f.store(seen("1", "01", "chat"), seen("2", "01", "phone"), seen("3", "01", "phone"), seen("4", "02", "email"), seen("5", "02", "whatsapp"), seen("6", "02", "whatsapp"))
	ask := func(more ...string) reportAnswer {
		t.Helper()
		return f.report(t, "touchpoints", q(append([]string{"figures", "touchpoints,survey_response_rate", "by", "channel", "from", "2026-11-02", "to", "2026-11-03", "compare", "previous"}, more...)...))
	}
	byName := []string{"chat 0 <- 1", "email 1", "phone 0 <- 2", "whatsapp 2"}
	byFigure := []string{"whatsapp 2", "email 1", "phone 0 <- 2", "chat 0 <- 1"}
	for _, c := range []struct {
		more []string
		want []string
	}{
		{nil, byName}, {[]string{"limit", "3"}, byName[:3]}, {[]string{"order", "touchpoints"}, byFigure}, {[]string{"order", "touchpoints", "limit", "1"}, byFigure[:1]},
	} {
		r := ask(c.more...)
		if got := beside(r, "channel", "touchpoints"); !slices.Equal(got, c.want) || r.Groups != 4 {
			t.Errorf("%v: %q of %d, want %q", c.more, got, r.Groups, c.want)
		}
	}
	if chat := ask().Rows[0]; chat["survey_response_rate"] != nil {
		t.Errorf("of nothing: %v", chat)
	}
	nothing := decode[receiptAnswer](t, f.get(200, "/v1/reports/touchpoints/receipt?cell=touchpoints&at=channel:chat&from=2026-11-02&to=2026-11-03"))
	if nothing.Total != 0 || nothing.Value != 0.0 {
		t.Errorf("what it is made of: %+v", nothing)
	}
}

func TestTooManyGroupsToCompare(t *testing.T) {
	f := start(t, func(c *Config) { c.Report.MaxRows = 4 })
	seen := func(id, day string) event {
		return event{id: id, time: "2026-11-" + day + "T09:00:00Z", account: id, identifiers: ids("customer_id:A")}
	}
	f.store(seen("1", "01"), seen("2", "01"), seen("3", "01"), seen("4", "01"), seen("5", "02"))
	ask := "/v1/reports/touchpoints?by=account&figures=touchpoints&to=2026-11-03&limit=1&compare=previous&from=2026-11-0"
	f.get(422, ask+"2")
	f.get(422, ask+"1")
	if got := f.report(t, "touchpoints", q("by", "account", "figures", "touchpoints", "from", "2026-11-02", "to", "2026-11-03", "compare", "previous", "account", "1", "account", "5")); len(got.Rows) != 2 {
		t.Errorf("of two: %v", got.Rows)
	}
}

// TestComparedReports holds for any history, zone, period and dimensions: what the rows of a comparison were is the report of the earlier period, row by row, nothing
// of it is missing or there twice, and what they are is the report that is not compared.
func TestComparedReports(t *testing.T) {
	f := start(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		if round++; round > 25 {
			return // each takes an insert and asks some questions
		}
		account := fmt.Sprint("account", round)
		zone := rapid.SampledFrom(wideZones).Draw(rt, "zone")
		from, to := drawPeriod(rt, zoneOf(rt, zone))
		span := to.Sub(from)
		var events []event
		for i := range rapid.IntRange(1, 60).Draw(rt, "touchpoints") {
			at := from.Add(-span - 36*time.Hour + time.Duration(rapid.Int64Range(0, int64(2*span+72*time.Hour)).Draw(rt, "at"))).Truncate(time.Second)
			events = append(events, event{
				id: fmt.Sprint(account, "-", i), account: account, time: at.UTC().Format(time.RFC3339), channel: rapid.SampledFrom([]string{"email", "chat", "phone"}).Draw(rt, "channel"),
				direction: rapid.SampledFrom(directions).Draw(rt, "direction"), team: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "team"),
				actor: rapid.SampledFrom([]string{"customer", "bot", "agent", "system"}).Draw(rt, "actor"), identifiers: ids(fmt.Sprint("customer_id:", rapid.IntRange(1, 5).Draw(rt, "customer"))),
			})
		}
		f.store(events...)
		by := rapid.Permutation([]string{"channel", "direction", "team", "hour", "day", "week", "month"}).Draw(rt, "by")[:rapid.IntRange(0, 3).Draw(rt, "dimensions")]
		ask := q("account", account, "tz", zone, "figures", "touchpoints,people,inbound,by_systems", "from", from.Format(time.RFC3339), "to", to.Format(time.RFC3339))
		if order := rapid.SampledFrom([]string{"by", "touchpoints", "inbound"}).Draw(rt, "order"); order != "by" {
			ask.Set("order", order)
		}
		if len(by) > 0 {
			ask.Set("by", strings.Join(by, ","))
		}
		plain := f.reportOf("touchpoints", ask)
		with := url.Values(maps.Clone(ask))
		with.Set("compare", "previous")
		compared := f.reportOf("touchpoints", with)
		ask.Set("from", compared.Previous.From)
		ask.Set("to", compared.Previous.To)
		earlier := f.reportOf("touchpoints", ask)

		var are, were []map[string]any
		for _, row := range compared.Rows {
			before, _ := row["previous"].(map[string]any)
			delete(row, "previous")
			if before != nil {
				for _, d := range by {
					if before[d] == nil {
						before[d] = row[d]
					}
				}
				were = append(were, before)
			}
			if row["touchpoints"] != 0.0 || len(by) == 0 {
				are = append(are, row)
			} else if before == nil {
				rt.Fatalf("a row of nothing: %v", row)
			}
		}
		if !sameRows(are, plain.Rows) {
			rt.Fatalf("by %v the rows are %v, without comparison %v", by, are, plain.Rows)
		}
		if slices.Sort(by); !sameRows(sortedRows(were, by), sortedRows(earlier.Rows, by)) {
			rt.Fatalf("%v: by %v the rows were %v, the earlier report says %v", with, by, were, earlier.Rows)
		}
		totals := compared.Totals["previous"].(map[string]any)
		if !reflect.DeepEqual(totals, earlier.Totals) {
			rt.Fatalf("the totals were %v, the earlier report says %v", totals, earlier.Totals)
		}
		for _, figure := range []string{"touchpoints", "inbound", "by_systems"} {
			sum := 0.0
			for _, row := range were {
				sum += row[figure].(float64)
			}
			if sum != totals[figure] {
				rt.Fatalf("%s by %v: the rows were %v, the totals %v", figure, by, sum, totals[figure])
			}
		}
		if compared.Groups != len(compared.Rows) {
			rt.Fatalf("%d groups, %d rows", compared.Groups, len(compared.Rows))
		}
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		with.Set("limit", fmt.Sprint(limit))
		few := f.reportOf("touchpoints", with)
		if few.Groups != compared.Groups || len(few.Rows) != min(limit, len(compared.Rows)) || !sameRows(labelled(few.Rows, by), labelled(compared.Rows[:len(few.Rows)], by)) {
			rt.Fatalf("the first %d by %v: %v of %d, want of %v", limit, by, few.Rows, few.Groups, compared.Rows)
		}
	})
}

func sameRows(a, b []map[string]any) bool {
	return slices.EqualFunc(a, b, func(a, b map[string]any) bool { return reflect.DeepEqual(a, b) })
}

func sortedRows(rows []map[string]any, by []string) []map[string]any {
	key := func(row map[string]any) string { return fmt.Sprint(labelled([]map[string]any{row}, by)) }
	return slices.SortedFunc(slices.Values(rows), func(a, b map[string]any) int { return strings.Compare(key(a), key(b)) })
}

// labelled are the dimensions of rows alone.
func labelled(rows []map[string]any, by []string) (out []map[string]any) {
	for _, row := range rows {
		labels := map[string]any{}
		for _, d := range by {
			labels[d] = row[d]
		}
		out = append(out, labels)
	}
	return out
}
