package conversation

import (
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// converse follows who waits for whom.
func (m *measure) converse(s *stub, a *act, effect registry.Effect) {
	agent, bot := a.actor == touchpoint.Agent, a.actor == touchpoint.Bot
	switch effect {
	case registry.Message, registry.Missed, registry.Reopen:
		switch {
		case a.direction == touchpoint.Inbound:
			m.ask(s, a.channel)
		case a.direction == touchpoint.Outbound && effect == registry.Message:
			m.reply(s.time, agent, bot)
			if agent {
				m.turnTo(a.channel)
				m.pause(s.time)
			}
		}
	case registry.Started:
		m.calling, m.agentOn, m.calledAt = true, agent, s.time
		switch {
		case a.direction == touchpoint.Inbound:
			m.ask(s, a.channel)
			m.inCall, m.callAt, m.callRest = !agent, s.time, m.rested
			if agent {
				m.reply(s.time, true, false)
				m.theirs = false
			}
		case a.direction == touchpoint.Outbound:
			m.reply(s.time, agent, bot)
			if agent {
				m.turnTo(a.channel)
			}
			m.theirs = false
			m.proceed(s.time)
		}
	case registry.Ended:
		if m.calling && (m.agentOn || agent) {
			m.row.Calls += s.time - m.calledAt
		}
		m.calling = false
		if m.inCall && agent {
			m.rested = m.callRest
			m.reply(m.callAt, true, false)
			m.theirs = false
			m.proceed(s.time)
		}
		m.inCall = false
	case registry.Awaiting:
		m.endWait(s.time)
		m.theirs = true
		m.pause(s.time)
	}
}

// pause begins a stretch in which nothing is up to us, proceed ends it.
func (m *measure) pause(time int64) {
	if !m.paused {
		m.paused, m.pausedAt = true, time
	}
}

func (m *measure) proceed(time int64) {
	if m.settled {
		return
	}
	if m.paused && m.pausedAt != time && len(m.row.Pauses) < conversation.MaxPauses {
		m.row.Pauses = append(m.row.Pauses, conversation.Pause{From: m.pausedAt, To: time})
	}
	m.paused = false
}

// heard ends the wait for a human's answer.
func (m *measure) heard(time int64, kind conversation.WaitKind) {
	if m.isAsked && len(m.row.Waits) < conversation.MaxWaits {
		m.row.Waits = append(m.row.Waits, conversation.Wait{From: m.asked, To: time, Kind: kind})
	}
	m.isAsked = false
}

// waitKind is what kind of answer the customer waits for.
func (m *measure) waitKind() conversation.WaitKind {
	if m.row.FirstResponse == nil {
		return conversation.FirstWait
	}
	return conversation.LaterWait
}

// ask is an inbound message or call: the customer waits.
func (m *measure) ask(s *stub, channel uint32) {
	if m.reached && channel != m.channel {
		m.row.ChannelSwitches++
	}
	if m.turn {
		m.turned = m.turned[:0]
	}
	if !slices.Contains(m.turned, channel) {
		m.turned = append(m.turned, channel)
		if !m.reached || !m.sameSession(s) {
			m.row.Contacts++
			m.exchange = 0
		}
	}
	m.turnTo(channel)
	m.reached, m.turn, m.theirs = true, false, false
	m.proceed(s.time)
	m.channel, m.contact = channel, s.threads
	if !m.isAsked {
		m.isAsked, m.asked = true, s.time
		m.rested, m.restAt = 0, s.time
	}
	if !m.waits {
		m.resume(s.time)
		m.row.WaitingSince, m.restedAt = s.time, m.rested
	}
}

// resume says that the customer waits, again if no human has answered what was asked before.
func (m *measure) resume(time int64) {
	if !m.waits {
		m.waits = true
		m.rested += time - m.restAt
	}
}

// turnTo counts a contact in its channel, unless it is the one that went on there.
func (m *measure) turnTo(channel uint32) {
	if channel != m.exchange {
		m.exchange = channel
		m.row.ChannelContacts[slices.Index(m.channels, channel)]++
	}
}

// sameSession tells whether the stub carries a tie that the last inbound message carried.
func (m *measure) sameSession(s *stub) bool {
	if m.contact == 0 || s.threads == 0 {
		return false
	}
	if s.threads == m.contact && s.threads&listed == 0 {
		return !m.t.scheme(s.threads).apart
	}
	before := stub{threads: m.contact}
	for _, n := range slices.Clone(m.t.threadsOf(s)) {
		if !m.t.scheme(n).apart && m.t.carries(&before, n) {
			return true
		}
	}
	return false
}

// reply is an answer by an agent or a bot, or somebody's word that answers nothing.
func (m *measure) reply(time int64, agent, bot bool) {
	if !agent && !bot {
		return
	}
	row := &m.row
	if bot && m.waits && row.FirstBotResponse == nil {
		row.FirstBotResponse = new(time - row.WaitingSince)
	}
	m.endWait(time)
	m.turn, m.theirs = true, true
	if bot || !m.isAsked {
		return
	}
	m.heard(time, m.waitKind())
	m.inCall = false
	switch wait := time - m.asked; {
	case row.FirstResponse == nil:
		row.FirstResponse = new(wait)
	case len(row.LaterResponses) < conversation.MaxLaterResponses:
		row.LaterResponses = append(row.LaterResponses, wait)
	}
}

func (m *measure) endWait(time int64) {
	if m.waits {
		m.row.LongestWait = max(m.row.LongestWait, time-m.row.WaitingSince-(m.rested-m.restedAt))
		m.waits, m.row.WaitingSince, m.restAt = false, 0, time
	}
}
