package serve

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/conversation"
)

// Touchpoint is a stored touchpoint in an answer.
type Touchpoint struct {
	ID           string                  `json:"id"`
	Key          touchpoint.Key          `json:"key"`
	Time         Time                    `json:"time"`
	Received     Time                    `json:"received"`
	Conversation *identity.Anchor        `json:"conversation"` // null: none
	Channel      string                  `json:"channel"`
	Direction    string                  `json:"direction"`
	Kind         string                  `json:"kind"`
	Actor        touchpoint.Actor        `json:"actor"`
	Identifiers  []touchpoint.Identifier `json:"identifiers"`
	Thread       []string                `json:"thread"`
	Subject      string                  `json:"subject,omitempty"`
	Text         string                  `json:"text,omitempty"`
	Language     string                  `json:"language,omitempty"`
	Topic        string                  `json:"topic,omitempty"`
	Team         string                  `json:"team,omitempty"`
	Tags         []string                `json:"tags"`
	Account      string                  `json:"account,omitempty"`
	Source       string                  `json:"source,omitempty"`
	Rating       *touchpoint.Rating      `json:"rating,omitempty"`
	Properties   json.RawMessage         `json:"properties,omitempty"`
	Notes        []touchpoint.Note       `json:"notes,omitempty"` // of the door

	anchor identity.Anchor
	time   time.Time
}

const touchpointColumns = `key, anchor, time, received, payload`

// scanTouchpoint reads touchpointColumns, and what further columns follow them into more.
func scanTouchpoint(r *clickhouse.Rows, more ...any) (t Touchpoint, err error) {
	var (
		key, of  wide
		received time.Time
		payload  []byte
		said     touchpoint.Touchpoint
	)
	if err = r.Scan(append([]any{&key, &of, &t.time, &received, &payload}, more...)...); err != nil {
		return t, err
	}
	if err = touchpoint.DecodePayload(payload, &said); err != nil {
		return t, err
	}
	t = Touchpoint{
		ID: said.ID, Key: asAnchor(&key), Time: Time(t.time), Received: Time(received),
		Channel: said.Channel, Direction: string(said.Direction), Kind: said.Kind, Actor: said.Actor,
		Identifiers: said.Identifiers, Thread: said.Thread, Subject: said.Subject, Text: said.Text, Language: said.Language,
		Topic: said.Topic, Team: said.Team, Tags: said.Tags, Account: said.Account, Source: said.Source, Rating: said.Rating,
		Properties: json.RawMessage(said.Properties), Notes: said.Notes, anchor: asAnchor(&of), time: t.time,
	}
	if t.Identifiers == nil {
		t.Identifiers = []touchpoint.Identifier{}
	}
	if t.Thread == nil {
		t.Thread = []string{}
	}
	if t.Tags == nil {
		t.Tags = []string{}
	}
	return t, nil
}

// inTurn puts touchpoints of one millisecond into the order by which conversations are measured: the customer speaks first, then who answers, and
// what settles comes last. By time they are in order already, oldest first or newest first.
func (s *Server) inTurn(list []Touchpoint, newestFirst bool) {
	turn := func(t *Touchpoint) int {
		turn := int(conversation.TurnOf(s.config.Registry.EffectOf(t.Kind), touchpoint.Direction(t.Direction)))
		if newestFirst {
			return -turn
		}
		return turn
	}
	slices.SortStableFunc(list, func(a, b Touchpoint) int {
		if !a.time.Equal(b.time) {
			byTime := a.time.Compare(b.time)
			if newestFirst {
				byTime = -byTime
			}
			return byTime
		}
		return cmp.Compare(turn(&a), turn(&b))
	})
}
