package identify

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/throughline/throughline/schemas/conversation"
	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

var rules = identity.DefaultRules()

// envelope makes the record that collect would append.
func envelope(tb testing.TB, workspace string, t touchpoint.Touchpoint, content byte) *kafka.Record {
	tb.Helper()
	if t.Kind == "" {
		t.Channel, t.Direction, t.Kind, t.Actor.Type = "chat", touchpoint.Inbound, "message", touchpoint.Customer
	}
	payload, err := t.AppendJSON(nil)
	if err != nil {
		tb.Fatal(err)
	}
	e := touchpoint.Envelope{Workspace: workspace, ID: t.ID, Time: t.Time, Payload: payload}
	e.Anchor = rules.AnchorOf(workspace, touchpoint.KeyOf(workspace, t.ID), &t).Anchor
	e.Content[0] = content
	return &kafka.Record{Topic: string(topic.Touchpoints), Key: touchpoint.RecordKey(workspace, t.ID), Value: e.Append(nil)}
}

// company makes touchpoints of customers who use several identifiers and threads, with duplicates and conflicts.
func company(tb testing.TB, seed uint64, n int) []*kafka.Record {
	tb.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]*kafka.Record, 0, n)
	for i := range n {
		who := r.IntN(1 + n/8)
		t := touchpoint.Touchpoint{ID: fmt.Sprint("t", i), Time: int64(r.IntN(1000))}
		all := []touchpoint.Identifier{
			{Type: "customer_id", Value: fmt.Sprint("C", who/2), Verified: true},
			{Type: "email", Value: fmt.Sprint("c", who, "@example.com"), Verified: r.IntN(5) > 0},
			{Type: "cookie", Value: fmt.Sprint("k", r.IntN(n)), Verified: true},
			{Type: "email", Value: "noreply@example.com", Verified: true},
		}
		for _, id := range all {
			if r.IntN(3) == 0 {
				t.Identifiers = append(t.Identifiers, id)
			}
		}
		for _, scheme := range []string{"session", "ticket"} {
			if r.IntN(3) == 0 || len(t.Identifiers) == 0 && scheme == "ticket" {
				t.Thread = append(t.Thread, fmt.Sprint(scheme, ":", r.IntN(1+n/6)))
			}
		}
		record := envelope(tb, []string{"default", "other"}[who%2], t, 0)
		out = append(out, record)
		switch r.IntN(10) {
		case 0:
			out = append(out, copyOf(record))
		case 1:
			out = append(out, envelope(tb, []string{"default", "other"}[who%2], t, 1)) // other content
		case 2:
			out = append(out, copyOf(out[r.IntN(len(out))]))
		}
	}
	return out
}

func copyOf(r *kafka.Record) *kafka.Record {
	return &kafka.Record{Topic: r.Topic, Partition: r.Partition, Key: append([]byte(nil), r.Key...), Value: append([]byte(nil), r.Value...)}
}

// written is what a test finds in the outputs, each thing as often as it is there.
type written struct {
	stubs   map[words.Anchor]int // by touchpoint key
	moved   map[string]int
	moves   map[string]int
	edges   map[string]int
	letters map[string]int // reason, by id
}

func read(tb testing.TB, records []*kafka.Record) written {
	tb.Helper()
	w := written{map[words.Anchor]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}}
	for _, r := range records {
		switch topic.Name(r.Topic) {
		case topic.ByPerson:
			m, err := conversation.DecodeMessage(r.Value)
			if err != nil {
				tb.Fatal(err)
			}
			switch {
			case m.Stub != nil:
				if string(r.Key) != string(m.Stub.Anchor[:]) {
					tb.Fatalf("stub of %s is keyed %x", m.Stub.Anchor, r.Key)
				}
				w.stubs[m.Stub.Key]++
			case m.Moved != nil:
				if string(r.Key) != string(m.Moved.Home[:]) {
					tb.Fatalf("move for %s is keyed %x", m.Moved.Home, r.Key)
				}
				w.moved[fmt.Sprint(*m.Moved)]++
			}
		case topic.Moves:
			m, err := words.Decode[words.Move](r.Value)
			if err != nil || string(r.Key) != string(m.Anchor[:]) {
				tb.Fatalf("move %+v is keyed %x, %v", m, r.Key, err)
			}
			w.moves[string(r.Value)]++
		case topic.Edges:
			w.edges[string(r.Value)]++
		case topic.Rejected:
			letter, err := touchpoint.DecodeRejected(r.Value)
			if err != nil {
				tb.Fatal(err)
			}
			w.letters[letter.ID+" "+letter.Reason]++
		}
	}
	return w
}

// same compares what there is, and not how often: what is written twice is one.
func same[K comparable](tb testing.TB, what string, got, want map[K]int) {
	tb.Helper()
	for k := range want {
		if got[k] == 0 {
			tb.Fatalf("%s: %v is missing", what, k)
		}
	}
	for k := range got {
		if want[k] == 0 {
			tb.Fatalf("%s: %v is too much", what, k)
		}
	}
}

// firsts are the keys of the touchpoints that count: the first of each id.
func firsts(tb testing.TB, records []*kafka.Record) map[words.Anchor]int {
	tb.Helper()
	out := map[words.Anchor]int{}
	for _, r := range records {
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			tb.Fatal(err)
		}
		out[touchpoint.KeyOf(e.Workspace, e.ID)]++
	}
	return out
}

// people follows the moves of links, with nothing in between.
func people(tb testing.TB, links []*kafka.Record) (moves, edges map[string]int) {
	tb.Helper()
	resolvers := map[string]*identity.Resolver{}
	moves, edges = map[string]int{}, map[string]int{}
	for _, r := range links {
		var l words.Link
		if words.DecodeLink(r.Value, &l) != nil {
			continue
		}
		if resolvers[l.Workspace] == nil {
			resolvers[l.Workspace] = identity.NewResolver(l.Workspace, rules)
		}
		var out identity.Outcome
		resolvers[l.Workspace].Apply(r.Offset, r.Timestamp.UnixMilli(), &l, &out)
		for _, m := range out.Moves {
			text, err := words.Append(nil, &m)
			if err != nil {
				tb.Fatal(err)
			}
			moves[string(text)]++
		}
		for _, e := range out.Edges {
			text, err := words.Append(nil, &e)
			if err != nil {
				tb.Fatal(err)
			}
			edges[string(text)]++
		}
	}
	return moves, edges
}
