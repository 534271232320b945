package serve

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// Two surveys are sent, one by mail and one by chat; the first is answered on two scales, by a form of its own channel.
func TestSurveysThatWereAnswered(t *testing.T) {
	f := start(t)
	score := func(scale string) *touchpoint.Rating { return &touchpoint.Rating{Scale: scale, Value: 4} }
	f.store(
		event{id: "asked", time: "2026-11-10T08:00:00Z", kind: "survey.requested", direction: "outbound", actor: "system", identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "csat", time: "2026-11-10T09:00:00Z", kind: "survey.answered", channel: "survey", rating: score("csat"), identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "nps", time: "2026-11-10T09:00:30Z", kind: "survey.answered", channel: "survey", rating: score("nps"), identifiers: ids("customer_id:C1"), conversation: "1"},
		event{id: "in vain", time: "2026-11-10T08:00:00Z", kind: "survey.requested", channel: "chat", direction: "outbound", actor: "system", identifiers: ids("customer_id:C2"), conversation: "2"},
		event{id: "unasked", time: "2026-11-09T09:00:00Z", kind: "survey.answered", channel: "survey", rating: score("csat"), identifiers: ids("customer_id:C2"), conversation: "2"},
	)
	figures := []string{"survey_requested", "survey_answered", "survey_response_rate"}
	if got := f.report(t, "touchpoints", q()).lines(figures...); !slices.Equal(got, []string{"2 3 0.5"}) {
		t.Errorf("in all: %q", got)
	}
	byChannel := f.report(t, "touchpoints", q("by", "channel")).lines(append([]string{"channel"}, figures...)...)
	if want := []string{"chat 1 0 0", "email 1 0 1", "survey 0 3 <nil>"}; !slices.Equal(byChannel, want) {
		t.Errorf("by channel: %q, want %q", byChannel, want)
	}
	// An answer counts whenever it comes; what was sent before the period does not.
	if got := f.report(t, "touchpoints", q("to", "2026-11-10T08:30:00Z")).lines(figures...); !slices.Equal(got, []string{"2 1 0.5"}) {
		t.Errorf("until half past: %q", got)
	}
	receipt, rows, sum := f.pages("touchpoints", q("cell", "survey_response_rate"), 1)
	if fmt.Sprint(receipt.Value) != "0.5" || rows != 2 || sum != 1 {
		t.Errorf("receipt of %v: %d rows, sum %v", receipt.Value, rows, sum)
	}
}

// What a complaint is, is said by the lower end of each scale, and by nothing outside of it.
func TestComplaintsOfEveryScale(t *testing.T) {
	f := start(t)
	var events []event
	for id, rating := range map[string]touchpoint.Rating{
		"csat 2": {Scale: "csat", Value: 2}, "csat 3": {Scale: "csat", Value: 3}, "ces 2": {Scale: "ces", Value: 2}, "ces 3": {Scale: "ces", Value: 3},
		"nps 0": {Scale: "nps", Value: 0}, "nps 7": {Scale: "nps", Value: 7}, "nps -3": {Scale: "nps", Value: -3}, "csat 0": {Scale: "csat", Value: 0},
	} {
		events = append(events, event{id: id, time: "2026-11-14T09:00:00Z", kind: "survey.answered", channel: "survey", rating: &rating, identifiers: ids("customer_id:" + id)})
	}
	f.store(events...)
	want := []string{"complaint_without_answer " + idOf("csat 2") + "  ", "complaint_without_answer " + idOf("ces 2") + "  ", "complaint_without_answer " + idOf("nps 0") + "  "}
	slices.Sort(want)
	if got := f.cracks(t, "").lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An answer of a closed period that comes late restates its response rate; one of a later period, received in time for that, does not.
func TestAnswersThatComeLate(t *testing.T) {
	f := start(t)
	said := func(id, time, kind, conversation string) event {
		return event{id: id, time: time, kind: kind, channel: "email", identifiers: ids("customer_id:" + conversation), conversation: conversation}
	}
	f.store(said("asked A", "2026-11-01T08:00:00Z", "survey.requested", "A"), said("asked B", "2026-11-01T08:00:00Z", "survey.requested", "B"), said("asked C", "2026-11-01T08:00:00Z", "survey.requested", "C"),
		said("asked D", "2026-11-01T08:00:00Z", "survey.requested", "D"), said("next week by B", "2026-11-08T09:00:00Z", "survey.answered", "B"), said("soon by C", "2026-11-01T09:00:00Z", "survey.answered", "C"))
	f.late("2026-11-05T00:00:00Z", said("late by A", "2026-11-01T09:00:00Z", "survey.answered", "A"))
	query := q("figures", "survey_response_rate", "from", "2026-11-01", "to", "2026-11-02", "restated", "true", "by", "channel")
	var out struct{ Rows []restatedRow }
	if err := json.Unmarshal(f.get(200, "/v1/reports/touchpoints?"+query.Encode()), &out); err != nil {
		t.Fatal(err)
	}
	if want := `[email 1 {"survey_response_rate":{"From":0.5,"To":0.75}}]`; fmt.Sprint(out.Rows) != want {
		t.Errorf("got %v, want %s", out.Rows, want)
	}
}
