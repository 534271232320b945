package conversation

import (
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Part is a stub that is a person's for a thread alone, while its anchor is somebody else's.
type Part struct {
	Stub   conversation.Stub
	Thread identity.Anchor
}

// Story is what a person's stubs come to.
type Story struct {
	Conversations []conversation.Conversation          // by their first touchpoint
	Members       map[touchpoint.Key]conversation.ID   // which of them a touchpoint is in; those that are in none are not there
	Of            map[conversation.ID][]touchpoint.Key // the touchpoints of each, in order
}

// Regroup computes the conversations that a person with these stubs has, all at once: what a home comes to that is given them
// one by one. The stubs may be in any order. A window of 0 means DefaultWindow.
func Regroup(r *registry.Registry, window time.Duration, person identity.PersonID, own []conversation.Stub, parts []Part) Story {
	h := NewHomes(r, window)
	adopt := func(anchor, thread identity.Anchor, stubs []conversation.Stub) {
		if len(stubs) > 0 {
			h.Apply(&conversation.Message{Adopt: &conversation.Adopt{
				Workspace: stubs[0].Workspace, Person: person, Anchor: anchor, Thread: thread, Hop: 1, Stubs: stubs,
			}})
		}
	}
	byAnchor := map[identity.Anchor][]conversation.Stub{}
	for _, s := range own {
		byAnchor[s.Anchor] = append(byAnchor[s.Anchor], s)
	}
	for anchor, stubs := range byAnchor {
		adopt(anchor, identity.Anchor{}, stubs)
	}
	// The anchor of a part is somebody else's, also if the person was named after it.
	type part struct{ home, thread identity.Anchor }
	byPart := map[part][]conversation.Stub{}
	for _, p := range parts {
		at := part{p.Stub.Anchor, p.Thread}
		byPart[at] = append(byPart[at], p.Stub)
	}
	for at, stubs := range byPart {
		h.Apply(&conversation.Message{Drop: &conversation.Drop{Workspace: stubs[0].Workspace, Person: person, Anchor: at.home, Hop: 1}})
		adopt(at.home, at.thread, stubs)
	}
	out := &regrouped{registry: r, of: map[touchpoint.Key]place{}, Story: Story{Members: map[touchpoint.Key]conversation.ID{}, Of: map[conversation.ID][]touchpoint.Key{}}}
	h.Flush(out)
	out.sort()
	return out.Story
}

// regrouped takes what a flush gives out.
type regrouped struct {
	Story
	registry *registry.Registry
	of       map[touchpoint.Key]place
}

func (*regrouped) Message(*Routed) {} // nobody has moved

func (s *regrouped) Conversation(c *conversation.Conversation) {
	if c.State == conversation.Superseded || c.State == conversation.Gone {
		return // by a touchpoint that was adopted later
	}
	one := *c
	one.Channels, one.Tags = slices.Clone(c.Channels), slices.Clone(c.Tags)
	one.Participants, one.LaterResponses, one.ChannelContacts = slices.Clone(c.Participants), slices.Clone(c.LaterResponses), slices.Clone(c.ChannelContacts)
	one.Ratings = slices.Clone(c.Ratings)
	one.Waits, one.Pauses, one.Turns, one.States = slices.Clone(c.Waits), slices.Clone(c.Pauses), slices.Clone(c.Turns), slices.Clone(c.States)
	for _, p := range []**int64{&one.FirstResponse, &one.FirstBotResponse, &one.ResolvedAt, &one.Resolution} {
		if *p != nil {
			v := **p
			*p = &v
		}
	}
	s.Conversations = append(s.Conversations, one)
}

func (s *regrouped) Member(m *conversation.Member) {
	if m.Conversation.IsZero() {
		return
	}
	s.of[m.Stub.Key] = place{time: m.Stub.Time, key: m.Stub.Key, turn: TurnOf(s.registry.EffectOf(m.Stub.Kind), m.Stub.Direction)}
	s.Members[m.Stub.Key] = m.Conversation
	s.Of[m.Conversation] = append(s.Of[m.Conversation], m.Stub.Key)
}

func (s *regrouped) sort() {
	order := func(a, b touchpoint.Key) int { return s.of[a].compare(s.of[b]) }
	for _, keys := range s.Of {
		slices.SortFunc(keys, order)
	}
	slices.SortFunc(s.Conversations, func(a, b conversation.Conversation) int { return order(a.ID, b.ID) })
}
