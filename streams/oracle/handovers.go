package oracle

import (
	"cmp"
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

func (n Conversations) handOvers(spoken []*conversation.Stub, row *conversation.Conversation) {
	offers := n.offers(spoken)
	for i := range spoken {
		if n.handsOver(spoken, offers, i) {
			row.HandOvers++
		}
	}
}

// handsOver tells whether the i-th stub gives the matter to somebody else: a bot to people, by word; one team to another, or one agent to another.
func (n Conversations) handsOver(spoken []*conversation.Stub, offers []offer, i int) bool {
	s := spoken[i]
	team := teamBefore(spoken, i)
	switch {
	case i > 0 && offers[i-1].untaken:
		return false // it was handed over already
	case offers[i].last == i, s.Team != "" && team != "" && s.Team != team:
		return true
	}
	for j := i - 1; j >= 0 && n.attends(s) != ""; j-- {
		if before := n.attends(spoken[j]); before != "" {
			return before != n.attends(s)
		}
		if n.handsOver(spoken, offers, j) {
			return false
		}
	}
	return false
}

func teamBefore(spoken []*conversation.Stub, i int) (team string) {
	for _, before := range spoken[:i] {
		team = cmp.Or(before.Team, team)
	}
	return team
}

// attends is the agent who speaks with the customer in a stub.
func (n Conversations) attends(s *conversation.Stub) string {
	with := slices.Contains([]registry.Effect{registry.Message, registry.Started, registry.Ended}, n.effect(s)) && s.Direction != touchpoint.Internal
	if s.Actor != touchpoint.Agent || !with {
		return ""
	}
	return s.ActorID
}

// takes tells whether with the i-th stub somebody has the matter who was not said to before.
func (n Conversations) takes(spoken []*conversation.Stub, i int) bool {
	s := spoken[i]
	assigned := n.effect(s) == registry.HandOver && s.Actor != touchpoint.Bot
	return n.attends(s) != "" || s.Team != "" && (assigned || s.Team != teamBefore(spoken, i))
}

// offer says, of the moment after a stub, which stub last said, or learned, that people have what a bot had (-1: none), and whether somebody has still to take it.
type offer struct {
	last    int
	untaken bool
}

func (n Conversations) offers(spoken []*conversation.Stub) []offer {
	out := make([]offer, len(spoken))
	now := offer{last: -1}
	for i, s := range spoken {
		botHadIt := s.Actor == touchpoint.Bot
		for j := i - 1; j > now.last && !botHadIt && spoken[j].Actor != touchpoint.Agent; j-- {
			botHadIt = spoken[j].Actor == touchpoint.Bot
		}
		if now.untaken || botHadIt && n.effect(s) == registry.HandOver {
			now = offer{last: i, untaken: !n.takes(spoken, i)}
		}
		out[i] = now
	}
	return out
}
