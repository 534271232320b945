// Package touchpoint holds the one fact the platform is made of: at a time, through a channel, in a direction, an
// actor did something that concerns a customer; with its JSON form, its limits and its envelope on the log.
package touchpoint

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/identity"
)

// Limits of one touchpoint. Sizes are in bytes of JSON, lengths in characters.
const (
	MaxSize        = 256 << 10
	MaxProperties  = 64 << 10
	MaxIdentifiers = 32
	MaxThreads     = 16
	MaxTags        = 64
	MaxID          = 128
	MaxKind        = 128
	MaxName        = 64  // of an identifier type, a thread scheme, a rating scale
	MaxValue       = 512 // of an identifier
	MaxThread      = 1024
	MaxTag         = 128
	MaxLabel       = 256 // of actor.id, actor.name, topic, team, account and source
	MaxSubject     = 2048
	MaxLanguage    = 35
	MaxAhead       = 24 * time.Hour // how far a time may lie in the future
)

// Direction says who spoke to whom.
type Direction string

// The three directions, seen from the company.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
	Internal Direction = "internal"
)

// ActorType says what sort of actor did it.
type ActorType string

// The four actor types.
const (
	Customer ActorType = "customer"
	Agent    ActorType = "agent"
	Bot      ActorType = "bot"
	System   ActorType = "system"
)

// Touchpoint is one immutable fact, normalised: what Decode returns and what the log's payload says.
type Touchpoint struct {
	ID          string          `json:"id"`
	Time        int64           `json:"time"` // ms since 1970; on the way in also RFC 3339 with a zone
	Channel     string          `json:"channel"`
	Direction   Direction       `json:"direction"`
	Kind        string          `json:"kind"`
	Actor       Actor           `json:"actor"`
	Identifiers []Identifier    `json:"identifiers,omitempty"`
	Thread      []string        `json:"thread,omitempty"` // scheme:value
	Subject     string          `json:"subject,omitempty"`
	Text        string          `json:"text,omitempty"`
	Language    string          `json:"language,omitempty"` // BCP 47
	Topic       string          `json:"topic,omitempty"`
	Team        string          `json:"team,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Account     string          `json:"account,omitempty"`
	Source      string          `json:"source,omitempty"`
	Rating      *Rating         `json:"rating,omitempty"`
	Properties  json.RawMessage `json:"properties,omitempty"` // a JSON object, byte for byte as it came but for what privacy takes out

	// Notes are the door's, and only on the log.
	Notes []Note `json:"notes,omitempty"`
}

// Actor is who did it.
type Actor struct {
	Type ActorType `json:"type"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name,omitempty"`
}

// Identifier points at the customer. A verified identifier joins with the touchpoint's others, a claimed one
// only suggests.
type Identifier struct {
	Type     string `json:"type"`
	Value    string `json:"value"` // normalised
	Verified bool   `json:"verified"`
}

// ClaimedPrefix marks what nobody verified, where type and value are written as one text.
const ClaimedPrefix = "claimed:"

// String is type:value, or claimed:type:value.
func (i Identifier) String() string {
	if i.Verified {
		return i.Type + ":" + i.Value
	}
	return ClaimedPrefix + i.Type + ":" + i.Value
}

// IdentifierOf is the inverse of String.
func IdentifierOf(text string) (i Identifier) {
	text, claimed := strings.CutPrefix(text, ClaimedPrefix)
	i.Type, i.Value, _ = strings.Cut(text, ":")
	i.Verified = !claimed
	return i
}

// Rating is a customer's answer on a scale such as csat (1 to 5), nps (0 to 10) or ces (1 to 7). A value outside of its scale is kept and counted nowhere: sources take
// the name of a scale from what somebody called a question.
type Rating struct {
	Scale string  `json:"scale"`
	Value float64 `json:"value"`
}

// Key identifies a touchpoint everywhere behind the log: 128 bits of the hash of (workspace, id).
type Key = identity.Anchor

// KeyOf returns the key of the touchpoint id in the workspace.
func KeyOf(workspace, id string) Key { return identity.AnchorOf(workspace, "touchpoint", id) }
