package conversation

import (
	"errors"
	"fmt"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// ID names a conversation: it is the key of the conversation's first touchpoint. So a name that a late touchpoint
// or a merge has overtaken still leads, through that touchpoint, to the conversation it belongs to now.
type ID = touchpoint.Key

// State is where a conversation stands.
type State string

// The states. The last two are not conversations any more: their rows only hide what an earlier version said.
const (
	Open               State = "open" // nobody waits
	WaitingForUs       State = "waiting_for_us"
	WaitingForCustomer State = "waiting_for_customer"
	Resolved           State = "resolved"
	Closed             State = "closed"
	Superseded         State = "superseded" // joined another, older one
	Gone               State = "gone"       // its touchpoints went to another person
)

// Bounds of the lists in a row, so that no conversation, however long, outgrows a record: all of them full make some 120 KB, and
// with the longest names below the 1 MB that a record may have. Of what is beyond, the first are kept; what goes on now is always
// there. People do not ask five hundred times about one matter; of machines that do, figures of intervals tell the first five
// hundred. More would be dear for whoever asks: reports compare the waits of a conversation with its pauses.
const (
	MaxLaterResponses = 1000
	MaxTags           = 256
	MaxParticipants   = 256
	MaxWaits          = 500 // that have ended
	MaxPauses         = 500 // that have ended
	MaxTurns          = 100
	MaxStates         = 1000 // that have ended
	MaxRatings        = 16   // scales
)

// WaitKind says what the customer waited for, or waits for.
type WaitKind int

// The kinds of waits.
const (
	FirstWait WaitKind = iota + 1 // a human's first answer
	LaterWait                     // a later one
	Unheard                       // one that never came: the matter was settled without it
)

// Wait is a stretch of time in which the customer waited for a human's answer, from the first message that none had.
type Wait struct {
	From int64    `json:"from"`
	To   int64    `json:"to,omitempty"` // 0: the customer waits now
	Kind WaitKind `json:"kind"`
}

// Pause is a stretch of time in which nothing was up to us: the customer had an agent's answer or was asked for something, or the
// matter was settled.
type Pause struct {
	From int64 `json:"from"`
	To   int64 `json:"to,omitempty"` // 0: it goes on
}

// Turn says which team had the matter from an instant on.
type Turn struct {
	At   int64  `json:"at"`
	Team string `json:"team"`
}

// StateSince says into which state a conversation came, and when. Of what is beyond MaxStates it says when that began, and no State.
type StateSince struct {
	At    int64 `json:"at"`
	State State `json:"state"`
}

// Conversation is a record of topic conversations: the whole of one conversation as its person's owner computed it.
// The highest Version per ID is in force. Times are ms since 1970, durations ms; a pointer is nil while the thing
// has not happened.
type Conversation struct {
	Workspace    string            `json:"workspace"`
	ID           ID                `json:"id"`
	Version      uint64            `json:"version"`
	Person       identity.PersonID `json:"person"`
	Anchor       identity.Anchor   `json:"anchor"` // of the first touchpoint
	State        State             `json:"state"`
	SupersededBy ID                `json:"superseded_by,omitzero"`

	First       int64  `json:"first"`
	Last        int64  `json:"last"`
	Begun       int64  `json:"begun"`           // first touchpoint of a kind with an effect
	Latest      ID     `json:"latest,omitzero"` // key of its last touchpoint
	Touchpoints uint32 `json:"touchpoints"`
	Inbound     uint32 `json:"inbound"`
	Outbound    uint32 `json:"outbound"`
	Internal    uint32 `json:"internal"`
	Contacts    uint32 `json:"contacts"` // times the customer got in touch: inbound at the start, after an answer or a resolution, or by a further channel before any

	Channels     []string          `json:"channels"` // in order of first use
	Team         string            `json:"team,omitempty"`
	Agent        string            `json:"agent,omitempty"` // last human that touched it
	Topic        string            `json:"topic,omitempty"`
	Source       string            `json:"source,omitempty"`
	Account      string            `json:"account,omitempty"`
	Tags         []string          `json:"tags,omitempty"`
	Participants []identity.Anchor `json:"participants,omitempty"` // anchors in it that are not its person's

	WaitingSince     int64   `json:"waiting_since,omitempty"` // first unanswered customer message; 0 when we owe nothing
	FirstResponse    *int64  `json:"first_response,omitempty"`
	FirstBotResponse *int64  `json:"first_bot_response,omitempty"`
	LaterResponses   []int64 `json:"later_responses,omitempty"`
	LongestWait      int64   `json:"longest_wait,omitempty"`
	NextContact      int64   `json:"next_contact,omitempty"` // when the customer got in touch in another conversation about the same topic: for the first time there, if that was after the first time here, or again after this was settled; 0: never
	ResolvedAt       *int64  `json:"resolved_at,omitempty"`  // last resolution still in force, or the last one before a reopening
	Resolution       *int64  `json:"resolution,omitempty"`   // from the first touchpoint of a kind with an effect to ResolvedAt
	Reopenings       uint32  `json:"reopenings"`
	HandOvers        uint32  `json:"hand_overs"`
	ChannelSwitches  uint32  `json:"channel_switches"`

	// The intervals that all durations are measured by, in the order in which they ended; what goes on is last.
	Waits  []Wait       `json:"waits,omitempty"`
	Pauses []Pause      `json:"pauses,omitempty"`
	Turns  []Turn       `json:"turns,omitempty"`
	States []StateSince `json:"states,omitempty"`

	// ChannelContacts says how many contacts went by each of Channels, in its order: those of Contacts, and what went on by another
	// channel, because the customer changed or an agent did.
	ChannelContacts []uint32 `json:"channel_contacts"`
	Calls           int64    `json:"calls,omitempty"` // how long agents were on the phone

	Ratings []touchpoint.Rating `json:"ratings,omitempty"` // the last one on each scale, in the order of the first
}

// Member is a record of topic conversations.members: the conversation a touchpoint belongs to, with the dimensions
// that reports group by. The highest Version per Key is in force; a zero Conversation means none.
type Member struct {
	Stub         Stub
	Conversation ID
	Person       identity.PersonID
	Version      uint64
}

// ErrIncomplete is wrapped when a record is JSON and no conversation: no stage wrote it.
var ErrIncomplete = errors.New("it lacks workspace, id, state or version")

// Decode reads a conversation from the log.
func Decode(data []byte) (c Conversation, err error) {
	if err = json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("conversation: decode: %w", err)
	}
	if c.Workspace == "" || c.ID.IsZero() || c.State == "" || c.Version == 0 {
		return c, fmt.Errorf("conversation: decode: %w", ErrIncomplete)
	}
	return c, nil
}

// Append writes the conversation as JSON to the end of dst.
func (c *Conversation) Append(dst []byte) ([]byte, error) {
	out, err := json.Append(dst, c, 0)
	if err != nil {
		return dst, fmt.Errorf("conversation: encode: %w", err)
	}
	return out, nil
}
