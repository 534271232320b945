package serve

import (
	"encoding/json"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
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

	anchor identity.Anchor
	time   time.Time
}

const touchpointColumns = `id, key, anchor, time, received, channel, toString(direction), kind, toString(actor_type), actor_id, actor_name,
identifier_types, identifier_values, identifier_verified, thread, subject, text, language, topic, team, tags, account, source,
rating_scale, rating_value, properties`

// scanTouchpoint reads touchpointColumns, and what further columns follow them into more.
func scanTouchpoint(r *clickhouse.Rows, more ...any) (t Touchpoint, err error) {
	var (
		key, of       wide
		received      time.Time
		types, values []string
		verified      []bool
		actor, scale  string
		rating        float64
		properties    string
	)
	err = r.Scan(append([]any{&t.ID, &key, &of, &t.time, &received, &t.Channel, &t.Direction, &t.Kind, &actor, &t.Actor.ID, &t.Actor.Name,
		&types, &values, &verified, &t.Thread, &t.Subject, &t.Text, &t.Language, &t.Topic, &t.Team, &t.Tags, &t.Account, &t.Source,
		&scale, &rating, &properties}, more...)...)
	if err != nil {
		return t, err
	}
	t.Key, t.anchor = asAnchor(&key), asAnchor(&of)
	t.Time, t.Received = Time(t.time), Time(received)
	t.Actor.Type = touchpoint.ActorType(actor)
	t.Identifiers = make([]touchpoint.Identifier, 0, len(types))
	for i := range min(len(types), len(values), len(verified)) {
		t.Identifiers = append(t.Identifiers, touchpoint.Identifier{Type: types[i], Value: values[i], Verified: verified[i]})
	}
	if scale != "" {
		t.Rating = &touchpoint.Rating{Scale: scale, Value: rating}
	}
	if properties != "" {
		t.Properties = json.RawMessage(properties)
	}
	if t.Thread == nil {
		t.Thread = []string{}
	}
	if t.Tags == nil {
		t.Tags = []string{}
	}
	return t, nil
}
