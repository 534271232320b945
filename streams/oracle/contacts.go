package oracle

import (
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

func (n Conversations) contacts(spoken []*conversation.Stub, row *conversation.Conversation) {
	var before *conversation.Stub
	for i, s := range spoken {
		if !n.asks(s) {
			continue
		}
		if before != nil && before.Channel != s.Channel {
			row.ChannelSwitches++
		}
		if n.contact(spoken, i) {
			row.Contacts++
		}
		before = s
	}
}

// contact tells whether the i-th stub, by which the customer asks, is another contact and not more of the last.
func (n Conversations) contact(spoken []*conversation.Stub, i int) bool {
	since := i - 1
	for since >= 0 && !n.asks(spoken[since]) {
		since--
	}
	if since < 0 {
		return true
	}
	answered, unsettled := false, false
	for j := since; j <= i; j++ {
		_, human := n.human(spoken, j)
		if j < i && (human || n.answers(spoken[j], touchpoint.Bot)) {
			answered = true
		}
		if n.isSettled(spoken, j-1) && !n.isSettled(spoken, j) && j > since {
			unsettled = true
		}
	}
	session := false
	for _, t := range n.carried(spoken[i], nil, false) {
		session = session || slices.Contains(n.carried(spoken[since], nil, false), t)
	}
	return unsettled || !session && (answered || !n.turnedTo(spoken, i))
}

// turnedTo tells whether the customer has asked by the channel of the i-th stub since the last answer or settlement before it.
func (n Conversations) turnedTo(spoken []*conversation.Stub, i int) bool {
	for j := i - 1; j >= 0; j-- {
		_, human := n.human(spoken, j)
		if human || n.answers(spoken[j], touchpoint.Bot) || n.isSettled(spoken, j) {
			return false
		}
		if n.asks(spoken[j]) && spoken[j].Channel == spoken[i].Channel {
			return true
		}
	}
	return false
}

// channelContacts counts a contact where the customer begins one, and where the customer or an agent goes on by another channel.
func (n Conversations) channelContacts(spoken []*conversation.Stub, row *conversation.Conversation) {
	row.ChannelContacts = make([]uint32, len(row.Channels))
	by := ""
	for i, s := range spoken {
		switch {
		case n.asks(s) && (n.contact(spoken, i) || s.Channel != by):
		case s.Direction == touchpoint.Outbound && n.answers(s, touchpoint.Agent) && s.Channel != by:
		default:
			continue
		}
		by = s.Channel
		row.ChannelContacts[slices.Index(row.Channels, by)]++
	}
}

// calls adds up the calls that an agent began or ended.
func (n Conversations) calls(spoken []*conversation.Stub, row *conversation.Conversation) {
	for i, end := range spoken {
		if n.effect(end) != registry.Ended {
			continue
		}
		for _, s := range slices.Backward(spoken[:i]) {
			if n.effect(s) == registry.Started && (s.Actor == touchpoint.Agent || end.Actor == touchpoint.Agent) {
				row.Calls += end.Time - s.Time
			}
			if n.effect(s) == registry.Started || n.effect(s) == registry.Ended {
				break
			}
		}
	}
}
