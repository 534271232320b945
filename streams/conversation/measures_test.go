package conversation

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/oracle"
)

const hour = int64(time.Hour / time.Millisecond)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).UnixMilli()

func threadOf(name, scheme string) conversation.Thread {
	return conversation.Thread{Scheme: scheme, Anchor: identity.AnchorOf("default", identity.ThreadType, scheme+":"+name)}
}

// stubAt draws a stub of a small world, in which everything meets everything.
func stubAt(t *rapid.T, id string, anchor identity.Anchor) conversation.Stub {
	s := conversation.Stub{
		Workspace: "default", Key: touchpoint.KeyOf("default", id), Anchor: anchor,
		Time:      start + rapid.Int64Range(0, 40).Draw(t, "hours")*6*hour,
		Channel:   rapid.SampledFrom([]string{"email", "chat", "phone"}).Draw(t, "channel"),
		Direction: rapid.SampledFrom([]touchpoint.Direction{touchpoint.Inbound, touchpoint.Inbound, touchpoint.Outbound, touchpoint.Internal}).Draw(t, "direction"),
		Actor:     rapid.SampledFrom([]touchpoint.ActorType{touchpoint.Customer, touchpoint.Agent, touchpoint.Bot, touchpoint.System}).Draw(t, "actor"),
		Kind: rapid.SampledFrom([]string{
			"message", "message", "message", "message", "page.viewed", "note", "call.started", "call.ended", "call.missed", "conversation.resolved",
			"conversation.closed", "conversation.reopened", "conversation.waiting_for_customer", "conversation.assigned", "bot.handed_over",
			"survey.answered", "survey.answered", "survey.requested", "unheard.of",
		}).Draw(t, "kind"),
		Team: rapid.SampledFrom([]string{"", "", "billing", "returns"}).Draw(t, "team"),
	}
	threads := []conversation.Thread{
		threadOf("1", "ticket"), threadOf("2", "ticket"), threadOf("1", "order"), threadOf("a", "session"), threadOf("b", "session"), threadOf("c", "call"),
	}
	if n := rapid.SampledFrom([]int{0, 0, 0, 1, 1, 1, 1, 1, 2, 3}).Draw(t, "carries"); n > 0 {
		s.Threads = rapid.Permutation(threads).Draw(t, "threads")[:n]
	}
	if s.Actor == touchpoint.Agent {
		s.ActorID = rapid.SampledFrom([]string{"", "a.becker", "t.klein"}).Draw(t, "agent")
	}
	if s.Kind == "survey.answered" {
		s.Rating = &touchpoint.Rating{Scale: rapid.SampledFrom([]string{"csat", "nps"}).Draw(t, "scale"), Value: float64(rapid.IntRange(1, 5).Draw(t, "rating"))}
	}
	if rapid.IntRange(0, 5).Draw(t, "labels") == 0 {
		s.Topic = rapid.SampledFrom([]string{"invoice", "delivery"}).Draw(t, "topic")
		s.Source, s.Account, s.Tags = "crm", "acme", []string{"vip"}
	}
	if n := rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4}).Draw(t, "ids"); n > 0 {
		ids := []conversation.Thread{
			threadOf("<a@b>", "message-id"), threadOf("<b@b>", "message-id"), threadOf("<c@b>", "message-id"), threadOf("<d@b>", "message-id"),
		}
		s.Threads = append(rapid.Permutation(ids).Draw(t, "message ids")[:n], s.Threads...)
		if rapid.IntRange(0, 3).Draw(t, "is a mail") > 0 {
			s.Source = "mail"
		}
	}
	return s
}

func history(t *rapid.T, anchor identity.Anchor, most int) []conversation.Stub {
	stubs := make([]conversation.Stub, rapid.IntRange(1, most).Draw(t, "stubs"))
	for i := range stubs {
		stubs[i] = stubAt(t, anchor.String()+"/"+string(rune('A'+i)), anchor)
	}
	return stubs
}

// byTime sorts stubs as conversations take them.
func byTime(stubs []conversation.Stub) []conversation.Stub {
	stubs = slices.Clone(stubs)
	slices.SortFunc(stubs, func(a, b conversation.Stub) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Key[:], b.Key[:]))
	})
	return stubs
}

func asJSON(t interface{ Fatal(...any) }, v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// collected is what an Output was told, the highest version of each.
type collected struct {
	rows     map[conversation.ID]conversation.Conversation
	members  map[touchpoint.Key]conversation.Member
	messages []Routed
	versions map[string]string // id and version -> content
	clash    string            // one version said two things
}

func collect() *collected {
	return &collected{
		rows: map[conversation.ID]conversation.Conversation{}, members: map[touchpoint.Key]conversation.Member{}, versions: map[string]string{},
	}
}

func (c *collected) Message(m *Routed) {
	data := m.Message.Append(nil) // through the log, as everything
	copied, err := conversation.DecodeMessage(data)
	if err != nil {
		panic(err)
	}
	c.messages = append(c.messages, Routed{Key: m.Key, Message: copied})
}

func (c *collected) Conversation(row *conversation.Conversation) {
	data, _ := row.Append(nil)
	c.same("row", row.ID, row.Version, data)
	copied, err := conversation.Decode(data)
	if err != nil {
		panic(err)
	}
	if have, ok := c.rows[row.ID]; !ok || have.Version <= row.Version {
		c.rows[row.ID] = copied
	}
}

func (c *collected) Member(m *conversation.Member) {
	data := m.Append(nil)
	c.same("member", m.Stub.Key, m.Version, data)
	copied, err := conversation.DecodeMember(data)
	if err != nil {
		panic(err)
	}
	if have, ok := c.members[m.Stub.Key]; !ok || have.Version <= m.Version {
		c.members[m.Stub.Key] = copied
	}
}

func (c *collected) same(what string, id identity.Anchor, version uint64, data []byte) {
	key := what + id.String() + string(identity.FromHalves(version, 0).String())
	if have, ok := c.versions[key]; ok && have != string(data) {
		c.clash = what + " of one version:\n" + have + "\n" + string(data)
	}
	c.versions[key] = string(data)
}

// live are the rows in force, in order; version, person and participants left out.
func (c *collected) live() (rows []conversation.Conversation) {
	for _, row := range c.rows {
		if row.State != conversation.Superseded && row.State != conversation.Gone {
			row.Version, row.Person, row.Participants = 0, identity.PersonID{}, nil
			rows = append(rows, row)
		}
	}
	sortRows(rows)
	return rows
}

func sortRows(rows []conversation.Conversation) {
	slices.SortFunc(rows, func(a, b conversation.Conversation) int {
		return cmp.Or(cmp.Compare(a.First, b.First), bytes.Compare(a.ID[:], b.ID[:]))
	})
}

// One person, any order, any batches, repetitions: the conversations are those of the definition.
func TestConversationsOfOnePerson(t *testing.T) {
	reg := registry.Default()
	naive := oracle.Conversations{Registry: reg, Window: DefaultWindow}
	rapid.Check(t, func(t *rapid.T) {
		anchor := identity.AnchorOf("default", "email", "anna@example.com")
		stubs := history(t, anchor, 14)
		arrivals := rapid.Permutation(stubs).Draw(t, "arrivals")
		if rapid.Bool().Draw(t, "in order") {
			arrivals = byTime(stubs)
		}
		h, out := NewHomes(reg, 0), collect()
		h.longFold = rapid.SampledFrom([]uint32{2, longFold}).Draw(t, "long")
		for i := range arrivals {
			h.Apply(&conversation.Message{Stub: &arrivals[i]})
			if rapid.Bool().Draw(t, "again") {
				h.Apply(&conversation.Message{Stub: &arrivals[rapid.IntRange(0, i).Draw(t, "which")]})
			}
			if rapid.Bool().Draw(t, "flush") {
				h.Flush(out)
			}
		}
		h.Flush(out)

		var want []conversation.Conversation
		in := map[touchpoint.Key]conversation.ID{}
		groups := naive.Group(stubs)
		for i, row := range naive.Measure(groups) {
			want = append(want, row)
			for _, s := range groups[i] {
				in[s.Key] = row.ID
			}
		}
		sortRows(want)
		if got, want := asJSON(t, out.live()), asJSON(t, want); got != want {
			t.Fatalf("conversations\n got %s\nwant %s", got, want)
		}
		for _, s := range stubs {
			if got := out.members[s.Key].Conversation; got != in[s.Key] {
				t.Fatalf("touchpoint %s is in %s, want %s", s.Key, got, in[s.Key])
			}
		}
		if out.clash != "" {
			t.Fatal(out.clash)
		}
	})
}
