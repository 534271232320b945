package rehearse

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// A company that let a person have three addresses asks what becomes of it when it is one, and back.
func TestWhatNewRulesWouldChange(t *testing.T) {
	w := newWorld(t)
	w.link("customer_id:C1", "email:anna@x.example", now.AddDate(0, -2, 0))
	w.link("customer_id:C1", "email:anna@work.example", now.AddDate(0, -1, 0))
	w.link("customer_id:C2", "email:ben@x.example", now)
	w.link("customer_id:C2", "email:ben@work.example", now)
	w.link("customer_id:C3", "email:cleo@x.example", now)
	w.add(&schema.Link{Workspace: "others", Kind: schema.LinkVerified, A: node("customer_id:C1"), B: node("email:anna@x.example")})
	w.produce()
	w.touchpoints("email:anna@work.example", "email", now.AddDate(0, -1, 0), 3)
	w.touchpoints("email:anna@work.example", "chat", now, 2)
	w.touchpoints("customer_id:C1", "chat", now, 4)
	w.touchpoints("email:ben@work.example", "chat", now.AddDate(0, -3, 0), 1)
	w.touchpoints("customer_id:C3", "chat", now, 1)

	d := w.rehearse(rulesWith(3), rulesWith(1), 0)
	if d.Links != 5 || d.PersonsBefore != 3 || d.PersonsAfter != 5 || d.Parted != 2 || d.Joined != 0 || d.Moved != 2 || d.Refused != 2 || d.NoLongerRefused != 0 {
		t.Errorf("difference %+v", d)
	}
	if want := []rehearsal.Cell{{Channel: "chat", Touchpoints: 7, Moved: 2, PeopleBefore: 3, PeopleAfter: 3}}; d.Month != "2026-11" || len(d.Report) != 1 || d.Report[0].Moved != want[0].Moved || d.Report[0].PeopleAfter-d.Report[0].PeopleBefore != 1 {
		t.Errorf("report of %s: %+v", d.Month, d.Report)
	}
	if len(d.Examples) != 2 {
		t.Fatalf("examples %+v", d.Examples)
	}
	anna := d.Examples[0]
	if anna.Touchpoints != 5 || len(anna.Before) != 1 || len(anna.After) != 2 || d.Examples[1].Touchpoints != 1 {
		t.Errorf("the example with the biggest effect is %+v", anna)
	}
	var called []string
	for _, n := range anna.Before[0].Identifiers {
		called = append(called, n.Type+":"+n.Value)
	}
	if want := []string{"customer_id:C1", "email:anna@work.example", "email:anna@x.example"}; !slices.Equal(called, want) {
		t.Errorf("anna is %v, want %v", called, want)
	}
	if len(anna.Evidence) != 1 {
		t.Fatalf("evidence %+v", anna.Evidence)
	}
	e := anna.Evidence[0]
	if e.Before != schema.Joined || e.After != rehearsal.NotJoined || !strings.Contains(e.Rule, "email") || e.Touchpoint != "customer_id:C1+email:anna@work.example" || e.Source != "shop" {
		t.Errorf("evidence %+v", e)
	}

	back := w.rehearse(rulesWith(1), rulesWith(3), 0)
	if back.Joined != 4 || back.Parted != 0 || back.PersonsAfter != 3 || back.NoLongerRefused != 2 || back.Refused != 0 || len(back.Examples) != 2 || back.Examples[0].Evidence[0].After != schema.Joined {
		t.Errorf("back: %+v", back)
	}
	if none := w.rehearse(rulesWith(3), rulesWith(3), 0); none.Joined+none.Parted+none.Moved+none.Refused+len(none.Examples)+len(none.Report) != 0 {
		t.Errorf("the same rules make a difference: %+v", none)
	}
	// Since a month only anna was here.
	if d := w.rehearse(rulesWith(3), rulesWith(1), now.AddDate(0, -2, 0).UnixMilli()); d.Parted != 1 || len(d.Examples) != 1 {
		t.Errorf("since two months: %+v", d)
	}
}

// The log has the last word about which rules are in force.
func TestRulesOnTheLogAreInForce(t *testing.T) {
	w := newWorld(t)
	w.link("customer_id:C1", "email:anna@x.example", now)
	w.add(&schema.Link{Workspace: "ours", Kind: schema.LinkRules, Rules: rulesWith(1)})
	w.add(&schema.Link{Workspace: "ours", Kind: schema.LinkRules, Rules: "bad"})
	w.link("customer_id:C1", "email:anna@work.example", now)
	w.produce()
	if d := w.rehearse(rulesWith(3), rulesWith(1), 0); d.Parted != 0 || d.PersonsBefore != 2 {
		t.Errorf("rules that are in force make a difference: %+v", d)
	}
}

func TestARehearsalIsPromotedOrDiscarded(t *testing.T) {
	w := newWorld(t)
	w.link("customer_id:C1", "email:anna@x.example", now)
	w.link("customer_id:C1", "email:anna@work.example", now)
	w.produce()
	rules := &directory{rules: map[string]*identity.Rules{"ours": parsed(t, rulesWith(3))}}
	desk := w.desk(rules)
	if _, err := desk.Start(t.Context(), "ours", "regions: [nowhere]", "eva", 0); !errors.Is(err, identity.ErrBadRules) {
		t.Errorf("bad rules: %v", err)
	}
	started, err := desk.Start(t.Context(), "ours", rulesWith(1), "eva", 0)
	if err != nil {
		t.Fatal(err)
	}
	done := finished(t, desk, started.ID)
	if done.Status != rehearsal.Done || done.Difference.Parted != 1 || done.User != "eva" {
		t.Fatalf("%+v: %+v", done, done.Difference)
	}
	// Another process knows it too, and other workspaces do not.
	other := w.desk(rules)
	if again, err := other.Get(t.Context(), "ours", done.ID); err != nil || !reflect.DeepEqual(again, done) {
		t.Errorf("another process has %+v, %v", again, err)
	}
	if _, err := other.Get(t.Context(), "theirs", done.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("another workspace: %v", err)
	}

	word := &schema.Link{Workspace: "ours", Kind: schema.LinkRules, Rules: done.Rules, User: "eva", Reason: "one address each", Rule: "promoted"}
	version, err := other.Promote(t.Context(), done, word)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.set) != 1 || rules.set[0].YAML != rulesWith(1) || rules.set[0].Version != version {
		t.Errorf("the directory has %+v, want version %d", rules.set, version)
	}
	all := w.cluster.Records(t, string(topic.Links))
	at := slices.IndexFunc(all, func(r *kafka.Record) bool { return uint64(r.Offset)+1 == version && string(r.Key) == "ours" })
	var l schema.Link
	if err := schema.DecodeLink(all[at].Value, &l); err != nil || l.Kind != schema.LinkRules || l.Rules != rulesWith(1) || l.User != "eva" {
		t.Errorf("the log has %+v, %v", l, err)
	}
	promoted, err := desk.Get(t.Context(), "ours", done.ID)
	if err != nil || promoted.Status != rehearsal.Promoted || promoted.Version != version {
		t.Errorf("promoted: %+v, %v", promoted, err)
	}
	if err := desk.Discard(t.Context(), promoted); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Get(t.Context(), "ours", done.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("a discarded rehearsal: %v", err)
	}
}

func TestOneRehearsalAtATime(t *testing.T) {
	w := newWorld(t)
	held := make(chan struct{})
	desk := w.desk(&directory{}, func(c *DeskConfig) { c.Log = slowLog{c.Log, held} })
	first, err := desk.Start(t.Context(), "ours", rulesWith(1), "eva", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Start(t.Context(), "ours", rulesWith(1), "eva", 0); !errors.Is(err, ErrBusy) {
		t.Errorf("a second of the workspace: %v", err)
	}
	if _, err := desk.Start(t.Context(), "theirs", rulesWith(1), "eva", 0); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if err := desk.Discard(t.Context(), first); !errors.Is(err, ErrNotDone) {
		t.Errorf("discard of one that runs: %v", err)
	}
	if _, err := desk.Promote(t.Context(), first, &schema.Link{}); !errors.Is(err, ErrNotDone) {
		t.Errorf("promotion of one that runs: %v", err)
	}
	close(held)
	if r := finished(t, desk, first.ID); r.Status != rehearsal.Done {
		t.Errorf("%+v", r)
	}
}

// Examples that do not fit into a record are left out; the figures are not.
func TestAResultFitsIntoARecord(t *testing.T) {
	w := newWorld(t)
	desk := w.desk(&directory{})
	long := schema.Node{Type: "email", Value: strings.Repeat("x", 1000)}
	r := &rehearsal.Record{ID: newID(), Workspace: "ours", Status: rehearsal.Done, Difference: &rehearsal.Difference{Parted: 7}}
	for range rehearsal.MaxExamples {
		e := rehearsal.Example{}
		for range rehearsal.MaxPersons {
			e.Before = append(e.Before, rehearsal.Person{Identifiers: slices.Repeat([]schema.Node{long}, rehearsal.MaxIdentifiers)})
		}
		r.Difference.Examples = append(r.Difference.Examples, e)
	}
	if err := desk.conclude(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got, err := desk.Get(t.Context(), "ours", r.ID); err != nil || got.Difference.Parted != 7 || len(got.Difference.Examples) == 0 || len(got.Difference.Examples) == rehearsal.MaxExamples {
		t.Errorf("%d examples, %v", len(got.Difference.Examples), err)
	}
}

// Whoever asks for a rehearsal whose process was killed is told.
func TestARehearsalEndsWithItsProcess(t *testing.T) {
	w := newWorld(t)
	desk := w.desk(&directory{})
	r := &rehearsal.Record{ID: newID(), Workspace: "ours", Status: rehearsal.Running, Updated: now.Add(-time.Hour).UnixMilli()}
	if err := desk.write(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got, err := desk.Get(t.Context(), "ours", r.ID); err != nil || got.Status != rehearsal.Failed || got.Error == "" {
		t.Errorf("%+v, %v", got, err)
	}
	closing := w.desk(&directory{}, func(c *DeskConfig) { c.Log = slowLog{c.Log, nil} })
	started, err := closing.Start(t.Context(), "ours", rulesWith(1), "eva", 0)
	if err != nil {
		t.Fatal(err)
	}
	closing.Close()
	if got, err := desk.Get(t.Context(), "ours", started.ID); err != nil || got.Status != rehearsal.Failed {
		t.Errorf("%+v, %v", got, err)
	}
}

// While the log is away whoever asks for a rehearsal is told so, and does not wait for ever.
func TestTheLogIsAway(t *testing.T) {
	admin, err := kafka.NewAdmin(kafka.Config{Brokers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	desk := newWorld(t).desk(&directory{}, func(c *DeskConfig) { c.Log = admin })
	began := time.Now()
	if _, err := desk.Get(t.Context(), "ours", newID()); !errors.Is(err, kafka.ErrUnavailable) {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*kafka.FollowPatience {
		t.Errorf("it took %v", took)
	}
}
