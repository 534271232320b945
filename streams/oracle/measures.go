package oracle

import (
	"cmp"
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Measure measures all conversations of one person, as Group returns them, question by question; person, version and participants are the caller's.
func (n Conversations) Measure(groups [][]conversation.Stub) []conversation.Conversation {
	rows := make([]conversation.Conversation, len(groups))
	for i, stubs := range groups {
		rows[i] = n.measure(stubs)
	}
	for i := range rows {
		row := &rows[i]
		mine := n.words(groups[i])
		var settled *conversation.Stub // by what it was, if it is
		var all []*conversation.Stub
		for j := range groups[i] {
			all = append(all, &groups[i][j])
			if n.isSettled(all, j) && !n.isSettled(all, j-1) {
				settled = all[j]
			} else if !n.isSettled(all, j) {
				settled = nil
			}
		}
		for j := range rows {
			if i == j || rows[j].Topic != row.Topic || len(mine) == 0 {
				continue
			}
			for k, word := range n.words(groups[j]) {
				again := k == 0 && n.later(word, mine[0]) || settled != nil && n.later(word, settled)
				if again && (row.NextContact == 0 || word.Time < row.NextContact) {
					row.NextContact = word.Time
				}
			}
		}
	}
	return rows
}

// words are the stubs by which the customer got in touch.
func (n Conversations) words(stubs []conversation.Stub) (out []*conversation.Stub) {
	for i := range stubs {
		if n.asks(&stubs[i]) {
			out = append(out, &stubs[i])
		}
	}
	return out
}

func (n Conversations) later(a, b *conversation.Stub) bool { return n.compare(*a, *b) > 0 }

// measure measures one conversation.
func (n Conversations) measure(stubs []conversation.Stub) conversation.Conversation {
	first, last := &stubs[0], &stubs[len(stubs)-1]
	row := conversation.Conversation{
		Workspace: first.Workspace, ID: first.Key, Anchor: first.Anchor, First: first.Time, Last: last.Time, Latest: last.Key, Touchpoints: uint32(len(stubs)),
	}
	var spoken []*conversation.Stub
	for i := range stubs {
		switch stubs[i].Direction {
		case touchpoint.Inbound:
			row.Inbound++
		case touchpoint.Outbound:
			row.Outbound++
		default:
			row.Internal++
		}
		if n.speaks(&stubs[i]) {
			spoken = append(spoken, &stubs[i])
		}
	}
	for _, s := range spoken {
		if !slices.Contains(row.Channels, s.Channel) {
			row.Channels = append(row.Channels, s.Channel)
		}
		for _, tag := range s.Tags {
			if len(row.Tags) < conversation.MaxTags && !slices.Contains(row.Tags, tag) {
				row.Tags = append(row.Tags, tag)
			}
		}
		row.Team, row.Topic = cmp.Or(s.Team, row.Team), cmp.Or(s.Topic, row.Topic)
		row.Source, row.Account = cmp.Or(row.Source, s.Source), cmp.Or(row.Account, s.Account)
		if s.Actor == touchpoint.Agent {
			row.Agent = cmp.Or(s.ActorID, row.Agent)
		}
		if s.Rating != nil {
			at := slices.IndexFunc(row.Ratings, func(was touchpoint.Rating) bool { return was.Scale == s.Rating.Scale })
			if at < 0 && len(row.Ratings) < conversation.MaxRatings {
				at, row.Ratings = len(row.Ratings), append(row.Ratings, touchpoint.Rating{})
			}
			if at >= 0 {
				row.Ratings[at] = *s.Rating
			}
		}
	}
	row.Begun = spoken[0].Time
	n.settlements(spoken, &row)
	n.handOvers(spoken, &row)
	n.contacts(spoken, &row)
	waiting := n.responses(spoken, &row)
	n.pauses(spoken, &row)
	n.turns(spoken, &row)
	n.states(spoken, waiting, &row)
	n.channelContacts(spoken, &row)
	n.calls(spoken, &row)
	return row
}

// isSettled tells whether the conversation is settled after the i-th speaking stub (-1: before the first).
func (n Conversations) isSettled(spoken []*conversation.Stub, i int) bool {
	for ; i >= 0; i-- {
		if yes, says := n.saysSettled(spoken[i]); says {
			return yes
		}
	}
	return false
}

func (n Conversations) settlements(spoken []*conversation.Stub, row *conversation.Conversation) {
	for i, s := range spoken {
		before, after := n.isSettled(spoken, i-1), n.isSettled(spoken, i)
		if after && !before {
			row.ResolvedAt, row.Resolution = new(s.Time), new(s.Time-spoken[0].Time)
		}
		if before && !after {
			row.Reopenings++
		}
	}
}

func (n Conversations) asks(s *conversation.Stub) bool {
	switch n.effect(s) {
	case registry.Message, registry.Started, registry.Missed, registry.Reopen:
		return s.Direction == touchpoint.Inbound
	}
	return false
}

// answers tells whether the stub is an answer by an actor of that type, apart from calls that are answered at their
// start.
func (n Conversations) answers(s *conversation.Stub, actor touchpoint.ActorType) bool {
	switch n.effect(s) {
	case registry.Message:
		return s.Direction == touchpoint.Outbound && s.Actor == actor
	case registry.Started:
		return s.Direction == touchpoint.Outbound && s.Actor == actor ||
			s.Direction == touchpoint.Inbound && s.Actor == touchpoint.Agent && actor == touchpoint.Agent
	}
	return false
}

// answeredCall returns the start of the call that the i-th stub, an agent's hanging up, shows to have been taken.
func (n Conversations) answeredCall(spoken []*conversation.Stub, i int) (start int64, ok bool) {
	if n.effect(spoken[i]) != registry.Ended || spoken[i].Actor != touchpoint.Agent {
		return 0, false
	}
	for j := i - 1; j >= 0; j-- {
		s := spoken[j]
		switch {
		case n.effect(s) == registry.Ended, n.answers(s, touchpoint.Agent), n.isSettled(spoken, j) && !n.isSettled(spoken, j-1):
			return 0, false
		case n.effect(s) == registry.Started && s.Direction == touchpoint.Inbound:
			return s.Time, true
		}
	}
	return 0, false
}

func (n Conversations) human(spoken []*conversation.Stub, i int) (at int64, ok bool) {
	if n.answers(spoken[i], touchpoint.Agent) {
		return spoken[i].Time, true
	}
	return n.answeredCall(spoken, i)
}

// states asks after every stub where the conversation stands.
func (n Conversations) states(spoken []*conversation.Stub, waiting []bool, row *conversation.Conversation) {
	for i, s := range spoken {
		if now := n.state(spoken[:i+1], waiting[i]); now != row.State {
			row.State = now
			row.States = append(row.States, conversation.StateSince{At: s.Time, State: now})
		}
	}
	if most := conversation.MaxStates; len(row.States) > most+1 {
		row.States = append(row.States[:most], conversation.StateSince{At: row.States[most].At}, row.States[len(row.States)-1])
	}
}

// responses also tells of every stub whether the customer waits for any answer after it.
func (n Conversations) responses(spoken []*conversation.Stub, row *conversation.Conversation) (waits []bool) {
	type wait struct{ since, until int64 }
	var ended []wait
	var heard []conversation.Wait
	asked, waiting := int64(-1), int64(-1)
	rests, rest := []wait{}, int64(-1) // after an answer that was no human's, until the customer waits again
	end := func(t int64) {
		if waiting >= 0 {
			ended = append(ended, wait{waiting, t})
			rest = t
		}
		waiting = -1
	}
	again := func(t int64) {
		if waiting < 0 && rest >= 0 {
			rests = append(rests, wait{rest, t})
		}
	}
	for i, s := range spoken {
		if n.isSettled(spoken, i) && !n.isSettled(spoken, i-1) {
			end(s.Time)
			if asked >= 0 {
				heard = append(heard, conversation.Wait{From: asked, To: s.Time, Kind: conversation.Unheard})
			}
			asked = -1
		}
		if n.effect(s) == registry.Awaiting {
			end(s.Time)
		}
		if n.effect(s) == registry.HandOver && s.Actor == touchpoint.Bot && asked >= 0 {
			again(s.Time)
			waiting = asked
		}
		if n.asks(s) {
			again(s.Time)
			if asked < 0 {
				asked = s.Time
			}
			if waiting < 0 {
				waiting = s.Time
			}
		}
		if n.answers(s, touchpoint.Bot) {
			if waiting >= 0 && row.FirstBotResponse == nil {
				row.FirstBotResponse = new(s.Time - waiting)
			}
			end(s.Time)
		}
		if t, ok := n.human(spoken, i); ok {
			end(t)
			if asked >= 0 {
				kind := conversation.LaterWait
				if row.FirstResponse == nil {
					kind = conversation.FirstWait
				}
				heard = append(heard, conversation.Wait{From: asked, To: t, Kind: kind})
				if row.FirstResponse == nil {
					row.FirstResponse = new(t - asked)
				} else if len(row.LaterResponses) < conversation.MaxLaterResponses {
					row.LaterResponses = append(row.LaterResponses, t-asked)
				}
			}
			asked = -1
		}
		waits = append(waits, waiting >= 0)
	}
	for _, w := range ended {
		length := w.until - w.since
		for _, r := range rests {
			length -= max(0, min(r.until, w.until)-max(r.since, w.since))
		}
		row.LongestWait = max(row.LongestWait, length)
	}
	if waiting >= 0 {
		row.WaitingSince = waiting
	}
	row.Waits = heard[:min(len(heard), conversation.MaxWaits)]
	if asked >= 0 {
		kind := conversation.LaterWait
		if row.FirstResponse == nil {
			kind = conversation.FirstWait
		}
		row.Waits = append(row.Waits, conversation.Wait{From: asked, Kind: kind})
	}
	return waits
}

// isPaused tells whether nothing is up to us after the i-th speaking stub.
func (n Conversations) isPaused(spoken []*conversation.Stub, i int) bool {
	if n.isSettled(spoken, i) {
		return true
	}
	for ; i >= 0; i-- {
		s := spoken[i]
		_, taken := n.answeredCall(spoken, i)
		switch {
		case n.effect(s) == registry.Awaiting:
			return true
		case n.asks(s), taken, n.isSettled(spoken, i-1) && !n.isSettled(spoken, i):
			return false
		case n.effect(s) == registry.Started && s.Direction == touchpoint.Outbound:
			return false
		case n.effect(s) == registry.Message && n.answers(s, touchpoint.Agent):
			return true
		}
	}
	return false
}

func (n Conversations) pauses(spoken []*conversation.Stub, row *conversation.Conversation) {
	since := int64(-1)
	for i, s := range spoken {
		switch paused := n.isPaused(spoken, i); {
		case paused && since < 0:
			since = s.Time
		case !paused && since >= 0:
			if since != s.Time && len(row.Pauses) < conversation.MaxPauses {
				row.Pauses = append(row.Pauses, conversation.Pause{From: since, To: s.Time})
			}
			since = -1
		}
	}
	if since >= 0 {
		row.Pauses = append(row.Pauses, conversation.Pause{From: since})
	}
}

func (n Conversations) turns(spoken []*conversation.Stub, row *conversation.Conversation) {
	for i, s := range spoken {
		team := ""
		for _, before := range spoken[:i] {
			team = cmp.Or(before.Team, team)
		}
		if s.Team != "" && s.Team != team && len(row.Turns) < conversation.MaxTurns {
			row.Turns = append(row.Turns, conversation.Turn{At: s.Time, Team: s.Team})
		}
	}
}

func (n Conversations) state(spoken []*conversation.Stub, waiting bool) conversation.State {
	if i := len(spoken) - 1; n.isSettled(spoken, i) {
		for ; n.isSettled(spoken, i); i-- {
			if n.effect(spoken[i]) == registry.Close {
				return conversation.Closed
			}
		}
		return conversation.Resolved
	}
	if waiting {
		return conversation.WaitingForUs
	}
	// The last word decides.
	for i := len(spoken) - 1; i >= 0; i-- {
		s := spoken[i]
		_, human := n.human(spoken, i)
		switch {
		case n.effect(s) == registry.Awaiting:
			return conversation.WaitingForCustomer
		case n.effect(s) == registry.Started && (human || s.Direction == touchpoint.Outbound), human && n.effect(s) == registry.Ended:
			return conversation.Open
		case human, n.answers(s, touchpoint.Bot):
			return conversation.WaitingForCustomer
		case n.asks(s), n.isSettled(spoken, i-1):
			return conversation.Open
		}
	}
	return conversation.Open
}
