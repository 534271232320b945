package conversation

import (
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// measure reads a conversation's stubs in order and keeps its row up to date. It is a machine of three questions:
//
//   - Is it settled? See settled. A touchpoint that unsettles it counts as a reopening.
//   - Is the customer waiting for any answer (WaitingSince), and for a human's (asked)? An inbound message starts both. A
//     human's answer ends both and is the first or a later response, timed from the first message that no human had
//     answered. A bot's answer ends only the first; when the bot hands over, the customer waits again, since the message
//     that no human has answered, and the time in between is no part of the longest wait. Settling ends both without a response, and so does awaiting the first.
//   - Whose turn is it, for the state, and for contacts: an inbound message counts as one if it is the first, or follows
//     an answer in another session or call, or a settlement, or if the customer turns by it, in another session or call, to a
//     channel that they have not turned to since the last answer.
//
// A human's answer is an outbound message or call by an agent, unless nobody took the call. An inbound call that an agent takes (the actor of its
// start is an agent) is a contact answered at once; one that the customer or a system reports is answered by what an agent
// says in it, or, if that is only its end, at its start. Automatic messages (actor system) answer nothing. Silent stubs
// count among the touchpoints and span First to Last; they mean nothing more.
type measure struct {
	t   *tables
	row conversation.Conversation // what is known so far

	spoken   bool  // a speaking stub was there
	isAsked  bool  // a message waits for a human's answer, the first of them
	asked    int64 // since then
	waits    bool  // for any answer, since row.WaitingSince
	rested   int64 // while nobody waited for us, though no human had answered: the ball was with the customer
	restedAt int64 // of that, what was before row.WaitingSince
	restAt   int64 // when the last wait for any answer ended
	inCall   bool  // an inbound call goes on that nobody has been seen to take
	callAt   int64 // since then
	callRest int64 // rested, then
	theirs   bool  // the ball is with the customer
	settled  bool
	closed   bool
	turn     bool     // the next inbound message is a contact, unless in the same session
	contact  uint32   // threads of the last inbound message
	channel  uint32   // of the last inbound message
	turned   []uint32 // channels of those since the last answer
	reached  bool     // there was one
	holder   uint32   // the agent who answered last, since the last hand-over
	byBot    bool     // a bot had it last
	handing  bool     // a bot's word handed it over, and nobody has taken it
	team     uint32
	agent    uint32
	topic    uint32
	source   uint32
	account  uint32
	channels []uint32
	tags     []uint32
	turns    []turn
	paused   bool   // nothing is up to us
	pausedAt int64  // since then
	exchange uint32 // channel of the last contact, the customer's or an agent's
	calling  bool   // a call goes on
	agentOn  bool   // an agent began it
	calledAt int64
	now      conversation.StateSince // the state it is in
}

// turn says which team had the matter from an instant on.
type turn struct {
	at   int64
	team uint32
}

// start makes the measure ready for another conversation; its lists are reused.
func (m *measure) start(t *tables) {
	*m = measure{t: t, channels: m.channels[:0], turned: m.turned[:0], tags: m.tags[:0], turns: m.turns[:0], row: conversation.Conversation{
		LaterResponses: m.row.LaterResponses[:0], Participants: m.row.Participants[:0], Waits: m.row.Waits[:0], Pauses: m.row.Pauses[:0],
		States: m.row.States[:0], ChannelContacts: m.row.ChannelContacts[:0], Ratings: m.row.Ratings[:0],
	}}
}

func (m *measure) add(s *stub) {
	row, a := &m.row, &m.t.acts.values[s.act]
	if row.Touchpoints == 0 {
		row.ID, row.First = s.key, s.time
	}
	row.Last, row.Latest = s.time, s.key
	row.Touchpoints++
	switch a.direction {
	case touchpoint.Inbound:
		row.Inbound++
	case touchpoint.Outbound:
		row.Outbound++
	case touchpoint.Internal:
		row.Internal++
	}
	if !m.t.speaks(s) {
		return
	}
	if !m.spoken {
		m.spoken, row.Begun = true, s.time
	}
	effect := m.t.effect(s)
	m.settle(s.time, effect, a.direction)
	m.hand(s, a, effect)
	m.label(s, a)
	m.converse(s, a, effect)
	m.stand(s.time)
}

// state is where the conversation stands.
func (m *measure) state() conversation.State {
	switch {
	case m.closed:
		return conversation.Closed
	case m.settled:
		return conversation.Resolved
	case m.waits:
		return conversation.WaitingForUs
	case m.theirs:
		return conversation.WaitingForCustomer
	}
	return conversation.Open
}

// stand follows the states that it comes through.
func (m *measure) stand(time int64) {
	now := m.state()
	if now == m.now.State {
		return
	}
	switch n := len(m.row.States); {
	case m.now.State == "":
	case n < conversation.MaxStates:
		m.row.States = append(m.row.States, m.now)
	case n == conversation.MaxStates: // no figure may take what comes for the state before
		m.row.States = append(m.row.States, conversation.StateSince{At: m.now.At})
	}
	m.now = conversation.StateSince{At: time, State: now}
}

// settle follows whether the matter is settled.
func (m *measure) settle(time int64, effect registry.Effect, direction touchpoint.Direction) {
	row := &m.row
	switch after := settled(m.settled, effect, direction); {
	case after && !m.settled:
		m.settled = true
		m.endWait(time)
		m.heard(time, conversation.Unheard)
		m.inCall = false
		m.pause(time)
		row.ResolvedAt, row.Resolution = new(time), new(time-row.Begun)
	case !after && m.settled:
		m.settled, m.closed, m.theirs = false, false, false
		m.turn, m.contact = true, 0
		row.Reopenings++
		if effect != registry.Awaiting {
			m.proceed(time)
		}
	}
	m.closed = m.closed || effect == registry.Close
}

// hand counts hand-overs: another team appears; another agent answers than the one before; or a bot had the matter, and it or who
// assigns says that it is handed over. Who takes it after that word, a team and then one of its agents, does so by the same hand-over.
// An assignment that names no other team says nothing by itself: whether another agent has the matter shows when one answers.
func (m *measure) hand(s *stub, a *act, effect registry.Effect) {
	l, word, bot := &m.t.labels.values[s.label], effect == registry.HandOver, a.actor == touchpoint.Bot
	agent := uint32(0)
	if a.actor == touchpoint.Agent && a.direction != touchpoint.Internal {
		switch effect {
		case registry.Message, registry.Started, registry.Ended:
			agent = l.agent
		}
	}
	m.byBot = m.byBot || bot
	// A bot's own team, or that of the inbox, may be on whatever comes before somebody takes it.
	taken := agent != 0 || l.team != 0 && (l.team != m.team || word && !bot)
	switch {
	case m.handing:
		m.handing, m.byBot = !taken, false
	case word && m.byBot:
		m.row.HandOvers++
		m.handing, m.byBot, m.holder = !taken, false, 0
	case l.team != 0 && m.team != 0 && l.team != m.team, agent != 0 && m.holder != 0 && agent != m.holder:
		m.row.HandOvers++
		m.holder = 0
	}
	if agent != 0 {
		m.holder = agent
	}
	m.byBot = m.byBot && a.actor != touchpoint.Agent
	if word && bot && m.isAsked {
		m.resume(s.time)
		m.row.WaitingSince, m.restedAt = m.asked, 0
	}
}

// label follows the dimensions of reports.
func (m *measure) label(s *stub, a *act) {
	last := func(to *uint32, v uint32) {
		if v != 0 {
			*to = v
		}
	}
	first := func(to *uint32, v uint32) {
		if *to == 0 {
			*to = v
		}
	}
	l := &m.t.labels.values[s.label]
	if l.team != 0 && l.team != m.team && len(m.turns) < conversation.MaxTurns {
		m.turns = append(m.turns, turn{s.time, l.team})
	}
	last(&m.team, l.team)
	if a.actor == touchpoint.Agent {
		last(&m.agent, l.agent)
	}
	last(&m.topic, l.topic)
	first(&m.source, a.source)
	first(&m.account, l.account)
	if !slices.Contains(m.channels, a.channel) {
		m.channels, m.row.ChannelContacts = append(m.channels, a.channel), append(m.row.ChannelContacts, 0)
	}
	m.t.eachTag(l.tags, func(tag uint32) {
		if len(m.tags) < conversation.MaxTags && !slices.Contains(m.tags, tag) {
			m.tags = append(m.tags, tag)
		}
	})
	if r := m.t.ratingOf(l); r != nil {
		m.rate(r)
	}
}

// rate keeps the last rating on each scale.
func (m *measure) rate(r *touchpoint.Rating) {
	at := slices.IndexFunc(m.row.Ratings, func(was touchpoint.Rating) bool { return was.Scale == r.Scale })
	switch {
	case at >= 0:
		m.row.Ratings[at] = *r
	case len(m.row.Ratings) < conversation.MaxRatings:
		m.row.Ratings = append(m.row.Ratings, *r)
	}
}

// write puts the row as of now into row, whose lists are reused or shared: more can be added afterwards.
func (m *measure) write(row *conversation.Conversation) {
	names := m.t.names.values
	channels, tags := row.Channels[:0], row.Tags[:0]
	waits, pauses, turns, states := row.Waits[:0], row.Pauses[:0], row.Turns[:0], row.States[:0]
	*row = m.row
	row.State = m.state()
	row.Team, row.Agent, row.Topic = names[m.team], names[m.agent], names[m.topic]
	row.Source, row.Account = names[m.source], names[m.account]
	for _, n := range m.channels {
		channels = append(channels, names[n])
	}
	for _, n := range m.tags {
		tags = append(tags, names[n])
	}
	row.Channels, row.Tags = channels, tags
	// What goes on is written behind what has ended: the lists that are added to must not hold it.
	if waits = append(waits, m.row.Waits...); m.isAsked {
		waits = append(waits, conversation.Wait{From: m.asked, Kind: m.waitKind()})
	}
	if pauses = append(pauses, m.row.Pauses...); m.paused {
		pauses = append(pauses, conversation.Pause{From: m.pausedAt})
	}
	for _, t := range m.turns {
		turns = append(turns, conversation.Turn{At: t.at, Team: names[t.team]})
	}
	if states = append(states, m.row.States...); m.now.State != "" {
		states = append(states, m.now)
	}
	row.Waits, row.Pauses, row.Turns, row.States = waits, pauses, turns, states
}
