package serve

import (
	"fmt"
	"slices"
	"testing"

	"github.com/throughline/throughline/schemas/measure"
)

// TestEveryFigureIsDefined holds the reports against the table of measures, both ways, and against the document.
func TestEveryFigureIsDefined(t *testing.T) {
	reports := map[string]*kind{"touchpoints": touchpointReport, "conversations": conversationReport}
	for name, k := range reports {
		var want []string
		for _, m := range measure.Table {
			if slices.Contains(m.Reports, name) {
				want = append(want, m.Name)
			}
		}
		got := k.shownFigures()
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: figures %q, table %q", name, got, want)
		}
		for i := range k.figures {
			f := &k.figures[i]
			m, _ := measure.Of(f.name)
			fits := map[how][]measure.Unit{
				counted: {measure.Count}, distinct: {measure.Count}, summed: {measure.Count, measure.Euro}, statistics: {measure.Milliseconds},
				ratio: {measure.Share, measure.Number, measure.Points, measure.Euro},
			}
			if !f.hidden && !slices.Contains(fits[f.sort], m.Unit) {
				t.Errorf("%s: %s is in %s", name, f.name, m.Unit)
			}
			if f.sort == ratio {
				for _, of := range []string{f.part, f.whole, f.minus} {
					if of != "" && k.figure(of) == nil {
						t.Errorf("%s: %s is of %s, which is no figure", name, f.name, of)
					}
				}
			}
		}
		schema := map[string]string{"touchpoints": "TouchpointFigures", "conversations": "ConversationFigures"}[name]
		properties, _, _ := walk(document(), "", "components", "schemas", schema, "properties")
		var described []string
		for p := range properties.(map[string]any) {
			described = append(described, p)
		}
		slices.Sort(described)
		if !slices.Equal(described, got) {
			t.Errorf("%s: document %q, figures %q", name, described, got)
		}
	}
}

func TestMeasures(t *testing.T) {
	f := start(t)
	table := decode[struct {
		Measures []struct {
			Name    string
			Meaning struct{ EN, DE string }
			Version int
		}
	}](t, f.get(200, "/v1/measures"))
	if len(table.Measures) != len(measure.Table) || table.Measures[0].Meaning.DE == "" {
		t.Errorf("%d measures, want %d", len(table.Measures), len(measure.Table))
	}
	m, _ := measure.Of("people")
	if got := f.report(t, "touchpoints", q("lang", "de")).Definitions["people"]; got != m.Meaning.DE {
		t.Errorf("people in German: %q", got)
	}
}

func TestComparisonWithThePeriodBefore(t *testing.T) {
	f := start(t)
	seen := func(id, time, channel string) event {
		return event{id: id, time: time, channel: channel, identifiers: ids("customer_id:C1")}
	}
	f.store(
		seen("1", "2026-10-24T12:00:00Z", "email"), // Saturday, and the clocks go back on the 25th
		seen("2", "2026-10-25T12:00:00Z", "chat"),
		seen("3", "2026-10-26T12:00:00Z", "email"),
		seen("4", "2026-10-27T12:00:00Z", "email"), seen("5", "2026-10-27T13:00:00Z", "email"),
		seen("6", "2026-09-01T12:00:00Z", "phone"),
	)
	lines := func(a reportAnswer, by string) (out []string) {
		for _, r := range a.Rows {
			before := "-"
			if p, ok := r["previous"].(map[string]any); ok {
				before = fmt.Sprint(p["touchpoints"])
			}
			out = append(out, fmt.Sprint(r[by], " ", r["touchpoints"], " ", before))
		}
		return out
	}
	two := f.report(t, "touchpoints", q("by", "channel", "from", "2026-10-26", "to", "2026-10-28", "tz", "Europe/Berlin", "compare", "previous"))
	if got := lines(two, "channel"); !slices.Equal(got, []string{"chat 0 1", "email 3 1"}) {
		t.Errorf("by channel: %q", got)
	}
	if two.Previous.From != "2026-10-24T00:00:00+02:00" || two.Previous.To != "2026-10-26T00:00:00+01:00" {
		t.Errorf("compared with %+v", two.Previous)
	}
	if p := two.Totals["previous"].(map[string]any); p["touchpoints"] != 2.0 {
		t.Errorf("totals before %v", p)
	}
	byDay := f.report(t, "touchpoints", q("by", "day", "from", "2026-10-26", "to", "2026-10-28", "tz", "Europe/Berlin", "compare", "previous"))
	if got := lines(byDay, "day"); !slices.Equal(got, []string{"2026-10-26T00:00:00+01:00 1 1", "2026-10-27T00:00:00+01:00 2 1"}) {
		t.Errorf("by day: %q", got)
	}
	byHour := f.report(t, "touchpoints", q("by", "hour", "from", "2026-10-26", "to", "2026-10-28", "tz", "Europe/Berlin", "compare", "previous"))
	// Twelve o'clock UTC was two in the afternoon before the change, and is one after it.
	if got := lines(byHour, "hour"); !slices.Equal(got, []string{"2026-10-26T13:00:00+01:00 1 -", "2026-10-26T14:00:00+01:00 0 1", "2026-10-27T13:00:00+01:00 1 1", "2026-10-27T14:00:00+01:00 1 -"}) {
		t.Errorf("by hour: %q", got)
	}
	byMonth := f.report(t, "touchpoints", q("by", "month", "from", "2026-10-01", "to", "2026-11-01", "compare", "previous"))
	if got := lines(byMonth, "month"); !slices.Equal(got, []string{"2026-10-01T00:00:00Z 5 1"}) {
		t.Errorf("by month: %q", got)
	}
	alone := f.report(t, "touchpoints", q("from", "2026-10-01", "to", "2026-11-01"))
	if _, there := alone.Rows[0]["previous"]; there || alone.Previous != nil {
		t.Error("a comparison that nobody asked for")
	}
	f.get(400, "/v1/reports/touchpoints?compare=next")
}

func TestSomeFigures(t *testing.T) {
	f := start(t)
	c := anchorOf("customer_id:C1")
	f.talks(talk{id: "1", person: c, first: "2026-11-01T00:00:00Z", channels: []string{"email"}, state: "resolved", contacts: 1})
	f.store(event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")})
	some := f.report(t, "conversations", q("figures", "open,one_contact_share", "by", "channel", "order", "resolved"))
	if got := fmt.Sprint(some.Rows); got != "[map[channel:email one_contact_share:1 open:0]]" {
		t.Errorf("two figures: %s", got)
	}
	if len(some.Definitions) != 2 {
		t.Errorf("definitions %v", some.Definitions)
	}
	for _, name := range conversationReport.shownFigures() { // each alone
		if got := f.report(t, "conversations", q("figures", name)).Totals; len(got) != 1 {
			t.Errorf("%s alone: %v", name, got)
		}
	}
	for _, name := range touchpointReport.shownFigures() {
		if got := f.report(t, "touchpoints", q("figures", name, "by", "channel")).Totals; len(got) != 1 {
			t.Errorf("%s alone: %v", name, got)
		}
	}
	f.get(400, "/v1/reports/conversations?figures=fcr_known")
	f.get(400, "/v1/reports/conversations?figures=open,")
}
