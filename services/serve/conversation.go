package serve

import (
	"math/big"
	"time"

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

	anchor                    identity.Anchor // of the first touchpoint
	first, last, waitingSince time.Time
	supersededBy              identity.Anchor
}

// hidden are the states of rows that only say that a name is not a conversation any more.
const hidden = `('superseded', 'gone')`

// conversationColumns are read of a row in force; the person is the one that it belongs to now, whoever that was
// when the row was written.
func (c *call) conversationColumns() string {
	return `id, ` + c.tables.PersonOf("person") + `, anchor, state, superseded_by, first, last,
touchpoints, inbound, outbound, internal, contacts, channels, team, agent, topic, source, account, tags, participants,
waiting_since, first_response, first_bot_response, later_responses, longest_wait, resolved_at, resolution, reopenings,
hand_overs, channel_switches, rating_scale, rating_value`
}

// scanConversation reads conversationColumns, and what further columns follow them into more.
func scanConversation(r *clickhouse.Rows, more ...any) (c Conversation, err error) {
	var (
		id, person, of, by wide
		participants       []*big.Int
		resolved           *time.Time
		scale              string
		rating             float64
	)
	err = r.Scan(append([]any{&id, &person, &of, &c.State, &by, &c.first, &c.last,
		&c.Touchpoints, &c.Inbound, &c.Outbound, &c.Internal, &c.Contacts, &c.Channels, &c.Team, &c.Agent, &c.Topic, &c.Source,
		&c.Account, &c.Tags, &participants,
		&c.waitingSince, &c.FirstResponse, &c.FirstBotResponse, &c.LaterResponses, &c.LongestWait, &resolved, &c.Resolution, &c.Reopenings,
		&c.HandOvers, &c.ChannelSwitches, &scale, &rating}, more...)...)
	if err != nil {
		return c, err
	}
	c.ID, c.Person, c.anchor, c.supersededBy = asAnchor(&id), asAnchor(&person), asAnchor(&of), asAnchor(&by)
	c.First, c.Last = Time(c.first), Time(c.last)
	c.Participants = anchorsOf(participants)
	if c.waitingSince.UnixMilli() > 0 {
		t := Time(c.waitingSince)
		c.WaitingSince = &t
	}
	if resolved != nil {
		t := Time(*resolved)
		c.ResolvedAt = &t
	}
	if scale != "" {
		c.Rating = &touchpoint.Rating{Scale: scale, Value: rating}
	}
	if c.Channels == nil {
		c.Channels = []string{}
	}
	if c.Tags == nil {
		c.Tags = []string{}
	}
	if c.LaterResponses == nil {
		c.LaterResponses = []int64{}
	}
	return c, nil
}
