package serve

import (
	"fmt"
	"time"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Conversation is a conversation with its measures. Durations are milliseconds; null while the thing has not happened.
type Conversation struct {
	ID               identity.Anchor    `json:"id"`
	Person           identity.PersonID  `json:"person"`
	State            string             `json:"state"`
	First            Time               `json:"first"`
	Last             Time               `json:"last"`
	Touchpoints      uint32             `json:"touchpoints"`
	Inbound          uint32             `json:"inbound"`
	Outbound         uint32             `json:"outbound"`
	Internal         uint32             `json:"internal"`
	Contacts         uint32             `json:"contacts"`
	Channels         []string           `json:"channels"`
	Team             string             `json:"team,omitempty"`
	Agent            string             `json:"agent,omitempty"`
	Topic            string             `json:"topic,omitempty"`
	Source           string             `json:"source,omitempty"`
	Account          string             `json:"account,omitempty"`
	Tags             []string           `json:"tags"`
	Participants     []identity.Anchor  `json:"participants"`
	WaitingSince     *Time              `json:"waiting_since"`
	FirstResponse    *int64             `json:"first_response_ms"`
	FirstBotResponse *int64             `json:"first_bot_response_ms"`
	LaterResponses   []int64            `json:"later_responses_ms"`
	LongestWait      int64              `json:"longest_wait_ms"`
	ResolvedAt       *Time              `json:"resolved_at"`
	Resolution       *int64             `json:"resolution_ms"`
	Reopenings       uint32             `json:"reopenings"`
	HandOvers        uint32             `json:"hand_overs"`
	ChannelSwitches  uint32             `json:"channel_switches"`
	Rating           *touchpoint.Rating `json:"rating,omitempty"`

	Opening *Opening `json:"opening,omitempty"` // where it was asked for
	Promise *Promise `json:"promise,omitempty"` // about the answer that the customer waits for, with the opening

	row words.Conversation // as it is stored
}

// hidden are the states of rows that only say that a name is not a conversation any more.
const hidden = `('superseded', 'gone')`

// conversationColumns are read of a row by anchor; the person is the one that it belongs to now, whoever that was
// when the row was written.
func (c *call) conversationColumns() string { return c.tables.PersonOf("person") + ", payload" }

// scanConversation reads conversationColumns, and what further columns follow them into more.
func scanConversation(r *clickhouse.Rows, more ...any) (Conversation, error) {
	var person wide
	var payload string
	if err := r.Scan(append([]any{&person, &payload}, more...)...); err != nil {
		return Conversation{}, err
	}
	row, err := words.Decode([]byte(payload))
	if err != nil {
		return Conversation{}, fmt.Errorf("serve: read a conversation: %w", err)
	}
	row.Person = asAnchor(&person)
	return conversationOf(&row), nil
}

// conversationOf is a conversation in the form of answers.
func conversationOf(v *words.Conversation) Conversation {
	c := Conversation{
		ID: v.ID, Person: v.Person, State: string(v.State), First: timeOf(v.First), Last: timeOf(v.Last), Touchpoints: v.Touchpoints,
		Inbound: v.Inbound, Outbound: v.Outbound, Internal: v.Internal, Contacts: v.Contacts, Channels: orNone(v.Channels), Team: v.Team, Agent: v.Agent,
		Topic: v.Topic, Source: v.Source, Account: v.Account, Tags: orNone(v.Tags), Participants: orNone(v.Participants),
		FirstResponse: v.FirstResponse, FirstBotResponse: v.FirstBotResponse, LaterResponses: orNone(v.LaterResponses), LongestWait: v.LongestWait,
		Resolution: v.Resolution, Reopenings: v.Reopenings, HandOvers: v.HandOvers, ChannelSwitches: v.ChannelSwitches, Rating: v.Rating,
		row: *v,
	}
	if v.WaitingSince > 0 {
		t := timeOf(v.WaitingSince)
		c.WaitingSince = &t
	}
	if v.ResolvedAt != nil {
		t := timeOf(*v.ResolvedAt)
		c.ResolvedAt = &t
	}
	return c
}

// timeOf is an instant of the log, ms since 1970.
func timeOf(ms int64) Time { return Time(time.UnixMilli(ms).UTC()) }

// orNone is a list that is shown as empty and not as null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// inForce tells whether the row is a conversation, and does not only say that a name is none any more.
func (c *Conversation) inForce() bool {
	return c.row.State != words.Superseded && c.row.State != words.Gone
}

// over tells whether the matter is settled.
func (c *Conversation) over() bool {
	return c.row.State == words.Resolved || c.row.State == words.Closed
}
