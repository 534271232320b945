package serve

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/touchpoint"
)

type crackAnswer struct {
	Kind, Label, Person, Channel string
	Conversation                 *string
	Customer                     *struct{ Type, Value string }
	Owner                        struct{ Team, Agent string }
	Promise                      *struct{ Metric, Status string }
	Evidence                     []struct{ Type, ID, Said string }
	Mended                       *struct{ Type, ID, Said, Time string }
}

type cracksAnswer struct {
	Cracks, Mended []crackAnswer
	Counts         map[string]int
	Truncated      []string
}

// lines are the cracks as kind, evidence, team and agent.
func (a cracksAnswer) lines() (out []string) {
	for _, c := range a.Cracks {
		out = append(out, fmt.Sprint(c.Kind, " ", c.Evidence[len(c.Evidence)-1].ID, " ", c.Owner.Team, " ", c.Owner.Agent))
	}
	slices.Sort(out)
	return out
}

func equalSorted(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func (f *fixture) cracks(t *testing.T, query string) cracksAnswer {
	t.Helper()
	answer := f.get(200, "/v1/cracks"+query)
	few := fewOpeners
	fewOpeners = 0 // it is the same however many have gaps
	defer func() { fewOpeners = few }()
	if many := f.get(200, "/v1/cracks"+query); !bytes.Equal(answer, many) {
		t.Errorf("%s: of few %s\nof many %s", query, answer, many)
	}
	return decode[cracksAnswer](t, answer)
}

func TestCracks(t *testing.T) {
	f, _ := startPromising(t, "targets: [{channels: [email], first_response: 4h}]")
	customer := func(n int) string { return fmt.Sprint("customer_id:C", n) }
	said := func(id string, who int, time, kind string, more ...func(*event)) event {
		e := event{id: id, time: time, kind: kind, identifiers: ids(customer(who)), direction: "outbound", actor: "system"}
		for _, m := range more {
			m(&e)
		}
		return e
	}
	by := func(actor, direction string) func(*event) {
		return func(e *event) { e.actor, e.direction = actor, direction }
	}
	in := func(conversation string) func(*event) { return func(e *event) { e.conversation = conversation } }
	order := func(n string) func(*event) { return func(e *event) { e.thread = []string{"order:" + n} } }
	rated := func(scale string, value float64) func(*event) {
		return func(e *event) { e.rating = &touchpoint.Rating{Scale: scale, Value: value} }
	}
	f.store(
		said("handed", 1, "2026-11-20T09:00:00Z", "bot.handed_over", by("bot", "internal"), in("t-handed")),
		said("handed and taken", 2, "2026-11-20T09:00:00Z", "bot.handed_over", by("bot", "internal")),
		said("taken", 2, "2026-11-20T09:05:00Z", "conversation.assigned", by("agent", "internal")),
		said("a note that is no taking over", 1, "2026-11-20T09:05:00Z", "note", by("agent", "internal")),
		said("a robot that asks how it was", 1, "2026-11-18T12:00:00Z", "call.started", by("bot", "outbound")),
		said("handed just now", 3, "2026-11-20T11:55:00Z", "bot.handed_over", by("bot", "internal")),
		said("handed, then closed", 4, "2026-11-20T09:00:00Z", "bot.handed_over", by("bot", "internal"), in("t-closed")),
		said("call back", 1, "2026-11-18T09:00:00Z", "callback.promised", by("agent", "internal")),
		said("call back, made", 2, "2026-11-18T09:00:00Z", "callback.promised", by("agent", "internal")),
		said("made", 2, "2026-11-18T15:00:00Z", "call.started", by("agent", "outbound")),
		said("call back by yesterday", 5, "2026-11-10T09:00:00Z", "callback.promised", by("agent", "internal"), func(e *event) { e.properties = `{"by":"2026-11-19T09:00:00Z"}` }),
		said("call back by tomorrow", 6, "2026-11-10T09:00:00Z", "callback.promised", by("agent", "internal"), func(e *event) { e.properties = `{"by":"2026-11-21T09:00:00Z"}` }),
		said("ready", 1, "2026-11-10T09:00:00Z", "pickup.ready", order("A")),
		said("ready and collected", 1, "2026-11-10T09:00:00Z", "pickup.ready", order("B")),
		said("collected", 1, "2026-11-12T09:00:00Z", "pickup.collected", order("B")),
		said("ready since yesterday", 1, "2026-11-19T09:00:00Z", "pickup.ready", order("C")),
		said("transfer", 13, "2026-11-15T09:00:00Z", "transfer.offered", by("agent", "outbound")),
		said("transfer opened", 8, "2026-11-15T09:00:00Z", "transfer.offered", by("agent", "outbound")),
		said("opened", 8, "2026-11-15T09:10:00Z", "transfer.opened", by("customer", "inbound")),
		said("bad", 7, "2026-11-14T09:00:00Z", "survey.answered", by("customer", "inbound"), rated("csat", 1)),
		said("bad and answered", 8, "2026-11-14T09:00:00Z", "survey.answered", by("customer", "inbound"), rated("nps", 3)),
		said("sorry", 8, "2026-11-14T10:00:00Z", "message", by("agent", "outbound")),
		said("good", 9, "2026-11-14T09:00:00Z", "survey.answered", by("customer", "inbound"), rated("csat", 5)),
		said("long ago", 9, "2026-06-14T09:00:00Z", "survey.answered", by("customer", "inbound"), rated("csat", 1)),
		event{workspace: "theirs", id: "theirs", time: "2026-11-14T09:00:00Z", kind: "pickup.ready", identifiers: ids(customer(1))},
	)
	waits := func(from, to string, kind conversation.WaitKind) conversation.Conversation {
		w := conversation.Wait{From: ms(from), Kind: kind}
		if to != "" {
			w.To = ms(to)
		}
		return conversation.Conversation{Waits: []conversation.Wait{w}}
	}
	// settled is how a conversation that was asked in and settled stood, and then stood again.
	settled := func(from, to string, then ...conversation.StateSince) conversation.Conversation {
		c := waits(from, to, conversation.Unheard)
		c.States = append([]conversation.StateSince{{At: ms(from), State: "waiting_for_us"}, {At: ms(to), State: "resolved"}}, then...)
		return c
	}
	answeredByBot := settled("2026-11-19T05:00:00Z", "2026-11-19T08:00:00Z")
	answeredByBot.States = slices.Insert(answeredByBot.States, 1, conversation.StateSince{At: ms("2026-11-19T05:01:00Z"), State: "waiting_for_customer"})
	f.talks(
		talk{id: "shut after a bot's answer", person: anchorOf(customer(11)), first: "2026-11-19T05:00:00Z", last: "2026-11-19T08:00:00Z", state: "resolved", resolved: "2026-11-19T08:00:00Z", channels: []string{"email"}, intervals: answeredByBot},
		talk{id: "t-handed", person: anchorOf(customer(1)), first: "2026-11-20T08:00:00Z", state: "open", team: "desk", agent: "bob", channels: []string{"chat"}},
		talk{id: "t-closed", person: anchorOf(customer(4)), first: "2026-11-20T08:00:00Z", state: "closed", resolved: "2026-11-20T09:40:00Z", team: "desk", channels: []string{"chat"}},
		talk{id: "late", person: anchorOf(customer(10)), first: "2026-11-20T05:00:00Z", state: "waiting_for_us", waiting: "2026-11-20T05:00:00Z", team: "desk", channels: []string{"email"}, intervals: waits("2026-11-20T05:00:00Z", "", conversation.FirstWait)},
		talk{id: "in time", person: anchorOf(customer(10)), first: "2026-11-20T10:00:00Z", state: "waiting_for_us", waiting: "2026-11-20T10:00:00Z", channels: []string{"email"}, topic: "x", intervals: waits("2026-11-20T10:00:00Z", "", conversation.FirstWait)},
		talk{id: "shut", person: anchorOf(customer(11)), first: "2026-11-19T05:00:00Z", last: "2026-11-19T08:00:00Z", state: "resolved", resolved: "2026-11-19T08:00:00Z", channels: []string{"email"}, intervals: settled("2026-11-19T05:00:00Z", "2026-11-19T08:00:00Z")},
		talk{id: "shut, then answered", person: anchorOf(customer(11)), first: "2026-11-19T05:00:00Z", last: "2026-11-19T09:00:00Z", state: "resolved", resolved: "2026-11-19T08:00:00Z", channels: []string{"email"}, intervals: settled("2026-11-19T05:00:00Z", "2026-11-19T08:00:00Z")},
		talk{id: "asked by mail", person: anchorOf(customer(12)), first: "2026-11-20T10:00:00Z", state: "waiting_for_us", waiting: "2026-11-20T10:00:00Z", topic: "invoice", channels: []string{"email"}, team: "mail", intervals: waits("2026-11-20T10:00:00Z", "", conversation.FirstWait)},
		talk{id: "asked by chat", person: anchorOf(customer(12)), first: "2026-11-20T10:30:00Z", state: "resolved", response: "60000", topic: "invoice", channels: []string{"chat"}},
		talk{id: "asked something else", person: anchorOf(customer(12)), first: "2026-11-20T10:30:00Z", state: "waiting_for_us", waiting: "2026-11-20T10:30:00Z", topic: "parcel", channels: []string{"web"}},
	)
	f.store(event{id: "answer to the shut", time: "2026-11-19T08:30:00Z", direction: "outbound", actor: "agent", identifiers: ids(customer(11)), conversation: "shut, then answered"})
	all := f.cracks(t, "")
	want := []string{
		"asked_twice_answered_once " + idOf("asked by mail") + " mail ",
		"bot_handed_over_to_nobody " + idOf("handed") + " desk bob",
		"callback_not_made " + idOf("call back") + "  ",
		"callback_not_made " + idOf("call back by yesterday") + "  ",
		"closed_while_waiting " + idOf("shut") + "  ",
		"complaint_without_answer " + idOf("bad") + "  ",
		"not_collected " + idOf("ready") + "  ",
		"transfer_not_opened " + idOf("transfer") + "  ",
		"waiting_past_target " + idOf("late") + " desk ",
	}
	slices.Sort(want)
	if got := all.lines(); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	// What is open is the same, whether what is mended is asked for or not.
	if got := f.cracks(t, "?mended_days=90").lines(); !slices.Equal(got, want) {
		t.Errorf("with those that are mended: %q", got)
	}
	for i, c := range f.cracks(t, "?customers=true").Cracks {
		known := false
		for n := range 14 {
			known = known || c.Person == anchorOf(customer(n)).String() && *c.Customer == struct{ Type, Value string }{"customer_id", fmt.Sprint("C", n)}
		}
		// Of late and asked by mail only conversations are stored, and nothing that says who it was.
		if unsaid := c.Evidence[0].Type == "conversation" && c.Customer.Type == unnamed; !known && !unsaid || all.Cracks[i].Customer != nil {
			t.Errorf("%s is of %+v", c.Kind, c.Customer)
		}
	}
	if all.Counts["callback_not_made"] != 2 || len(all.Truncated) != 0 {
		t.Errorf("%v, %v", all.Counts, all.Truncated)
	}
	for _, c := range all.Cracks {
		if c.Kind == waitingPastTarget && (c.Promise == nil || c.Promise.Metric != "first_response" || c.Promise.Status != "missed") {
			t.Errorf("promise %+v", c.Promise)
		}
	}
	if got := f.cracks(t, "?team=desk&kind=waiting_past_target&kind=not_collected").lines(); len(got) != 1 {
		t.Errorf("of a team: %q", got)
	}
	if got := f.cracks(t, "?channel=chat&topic=invoice"); len(got.Cracks) != 0 || len(f.cracks(t, "?channel=email&topic=invoice").Cracks) != 1 {
		t.Errorf("of a channel and a topic: %q", got.lines())
	}
	if got := f.cracks(t, "?agent=nobody&limit=1"); len(got.Cracks)+len(got.Truncated) != 0 {
		t.Errorf("of nobody: %+v", got)
	}
	if got := f.cracks(t, "?kind=callback_not_made&limit=1"); len(got.Cracks) != 1 || !slices.Equal(got.Truncated, []string{"callback_not_made"}) {
		t.Errorf("one of two: %+v", got)
	}
	for _, query := range []string{"", "?team=desk", "?limit=1", "?kind=not_collected&kind=bot_handed_over_to_nobody", "?mended_days=90"} {
		list := f.cracks(t, query)
		counted := f.cracks(t, query+map[bool]string{true: "?", false: "&"}[query == ""]+"counts_only=true")
		if !maps.Equal(counted.Counts, list.Counts) || !slices.Equal(counted.Truncated, list.Truncated) || len(counted.Cracks)+len(counted.Mended) != 0 {
			t.Errorf("%s: counted %v %q, listed %v %q", query, counted.Counts, counted.Truncated, list.Counts, list.Truncated)
		}
	}
	if got := f.cracks(t, "?kind=complaint_without_answer&days=300"); len(got.Cracks) != 2 {
		t.Errorf("further back: %+v", got)
	}
	// What is mended is gone.
	f.store(
		said("collected at last", 1, "2026-11-20T11:00:00Z", "pickup.collected", order("A")),
		said("called at last", 1, "2026-11-20T11:00:00Z", "call.started", by("agent", "outbound")),
		said("called them too", 5, "2026-11-20T11:00:00Z", "call.started", by("agent", "outbound")),
		said("wrote again", 13, "2026-11-20T11:00:00Z", "message", by("customer", "inbound")),
		said("turned to them", 7, "2026-11-20T11:10:00Z", "message", by("agent", "outbound")),
	)
	f.talks(
		talk{id: "late", version: 2, person: anchorOf(customer(10)), first: "2026-11-20T05:00:00Z", state: "waiting_for_customer", channels: []string{"email"}, intervals: waits("2026-11-20T05:00:00Z", "2026-11-20T11:00:00Z", conversation.FirstWait)},
		talk{id: "shut", version: 2, person: anchorOf(customer(11)), first: "2026-11-19T05:00:00Z", last: "2026-11-20T10:00:00Z", state: "open", channels: []string{"email"}, intervals: settled("2026-11-19T05:00:00Z", "2026-11-19T08:00:00Z", conversation.StateSince{At: ms("2026-11-20T10:00:00Z"), State: "open"})},
		talk{id: "asked by mail", version: 2, person: anchorOf(customer(12)), first: "2026-11-20T10:00:00Z", state: "resolved", resolved: "2026-11-20T11:30:00Z", topic: "invoice", channels: []string{"email"}, intervals: waits("2026-11-20T10:00:00Z", "2026-11-20T11:20:00Z", conversation.FirstWait)},
	)
	if got := f.cracks(t, "").lines(); len(got) != 0 {
		t.Errorf("after all was mended: %q", got)
	}
	gone := f.cracks(t, "?mended_days=2&lang=de")
	got := []string{}
	for _, c := range gone.Mended {
		got = append(got, fmt.Sprint(c.Label, ": ", c.Evidence[0].Said, "; ", c.Mended.Said, " ", c.Mended.Time[5:16]))
	}
	if want := []string{
		"Beschwerde in Umfrage ohne Antwort: Umfrage beantwortet; Nachricht 11-20T11:10",
		"Wartet länger als versprochen: der Kunde wartet; es wurde beantwortet 11-20T11:00",
		"Versprochener Rückruf fehlt: Rückruf versprochen; Anruf begonnen 11-20T11:00",
		"Bereit und nicht abgeholt: Abholbereit; Abgeholt 11-20T11:00",
		"Weiterleitung nie geöffnet: Wechsel angeboten; Nachricht 11-20T11:00",
		"Versprochener Rückruf fehlt: Rückruf versprochen; Anruf begonnen 11-20T11:00",
		"Vom Bot an niemanden übergeben: Bot hat übergeben; Anruf begonnen 11-20T11:00",
		"Geschlossen, während der Kunde wartet: der Kunde hat gefragt; es wurde wieder aufgenommen 11-20T10:00",
		"Geschlossen, während der Kunde wartet: der Kunde hat gefragt; es wurde beantwortet 11-19T08:30",
		"Vom Bot an niemanden übergeben: Bot hat übergeben; es wurde erledigt 11-20T09:40",
		"Auf zwei Kanälen gefragt, auf einem beantwortet: es wurde beantwortet über Chat; es wurde beantwortet 11-20T11:20",
	}; !equalSorted(got, want) || len(gone.Cracks) != 0 {
		t.Errorf("mended\n%q\nwant\n%q", got, want)
	}
	if got := f.cracks(t, "?mended_days=90&kind=callback_not_made").Mended; len(got) != 2 || got[0].Mended.ID != idOf("called at last") && got[1].Mended.ID != idOf("called at last") {
		t.Errorf("calls that were made too late: %+v", got)
	}
	f.get(400, "/v1/cracks?kind=wall")
	f.get(400, "/v1/cracks?lang=fr")
	f.get(400, "/v1/cracks?days=0")
}

// TestCracksBehindWhatIsSettled: what is settled takes no place on a list that ends after the first few.
func TestCracksBehindWhatIsSettled(t *testing.T) {
	f := start(t)
	var events []event
	var talks []talk
	for n := range 30 {
		who, talked := anchorOf(fmt.Sprint("customer_id:C", n)), fmt.Sprint("t", n)
		events = append(events, event{id: fmt.Sprint("offered", n), time: fmt.Sprintf("2026-11-%02dT09:00:%02dZ", 2+n/10, n), kind: "transfer.offered", direction: "outbound", actor: "agent", identifiers: ids(fmt.Sprint("customer_id:C", n)), conversation: talked})
		one := talk{id: talked, person: who, first: "2026-11-01T08:00:00Z", state: "closed", resolved: "2026-11-02T10:00:00Z", channels: []string{"chat"}}
		if n >= 28 {
			one.state, one.resolved = "open", ""
		}
		talks = append(talks, one)
	}
	f.store(events...)
	f.talks(talks...)
	for limit, want := range map[int]int{1: 1, 2: 2, 3: 2, 40: 2} {
		for _, counted := range []string{"", "&counts_only=true"} {
			got := f.cracks(t, fmt.Sprint("?kind=transfer_not_opened&limit=", limit, counted))
			if got.Counts[transferNotOpened] != want || (len(got.Truncated) > 0) != (limit < 2) {
				t.Errorf("limit %d%s: %v, truncated %q", limit, counted, got.Counts, got.Truncated)
			}
		}
	}
}
