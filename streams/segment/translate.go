// Package segment makes touchpoints of the calls of Segment's HTTP API: track, identify, page, screen, group and alias, alone or
// in a batch. It follows Segment's documentation of the API (HTTP API source) and of the calls (Spec).
//
// A message becomes the JSON of a touchpoint, which the door then judges as it judges every other. What the touchpoint has a field
// for goes there; all the rest is kept in its properties.
//
// # What is not obvious
//
//   - What changes from one attempt of a client to the next (sentAt, the write key, notes about retries) is in no touchpoint:
//     the same message sent again must be the same touchpoint.
//   - A track call's kind is "track." and the event's name, so that an event which somebody calls "Message" or "Conversation
//     Resolved" opens and closes no conversation. Only events that Segment's own specs define mean more (events.go).
//   - previousId of an alias may be either sort of id, and the message does not say which. Segment's libraries make anonymous
//     ids that are UUIDs: those are cookies, everything else is a user's id.
package segment

import (
	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Source is what `source` says of a touchpoint that came by these calls.
const Source = "segment"

// Call is what a message is.
type Call string

// The six calls.
const (
	Track    Call = "track"
	Identify Call = "identify"
	Page     Call = "page"
	Screen   Call = "screen"
	Group    Call = "group"
	Alias    Call = "alias"
)

// Calls are all calls.
func Calls() []Call { return []Call{Track, Identify, Page, Screen, Group, Alias} }

// Request is what a message does not say itself: it stands in the path, or once for the whole batch.
type Request struct {
	Call    Call   // empty: the message's own type
	SentAt  int64  // ms since 1970; 0: the message's own, if it has one
	Context []byte // JSON, of messages that have none
	// Good tells whether a value is one of an identifier's type, which is email or phone; nil: it is.
	Good func(typ, value string) bool
}

// Translation is what became of a message.
type Translation struct {
	Touchpoint []byte // JSON, as touchpoint.Decode reads it; nil when nothing could be made of the message
	SentAt     int64  // ms since 1970, by the client's clock; 0: not known
}

// Translate appends to dst the touchpoint that a message is. The error names the message's field, and what it does not find the
// judgement of the touchpoint does. After an error about what is missing the touchpoint is there all the same, without what is missing
// and without a kind: to be kept, repaired and sent again.
func Translate(dst, data []byte, r Request) (Translation, *touchpoint.FieldError) {
	made, n, why := translate(dst, data, r)
	if n = len(data) - len(skipSpace(data[n:])); n < len(data) && (why == nil || made.Touchpoint != nil) {
		return Translation{}, &touchpoint.FieldError{Reason: "not JSON: want nothing behind the value", Syntax: true}
	}
	return made, why
}

// translate is Translate of the message that data begins with, and says how many bytes that has. One that cannot be read ends where its
// quotes and brackets say.
func translate(dst, data []byte, r Request) (made Translation, n int, why *touchpoint.FieldError) {
	var m message
	if n, why = m.parse(data); why != nil {
		if n, ok := strictjson.Extent(data); ok {
			return made, n, why
		}
		return made, len(data), why
	}
	if r.Call != "" {
		m.call = r.Call
	}
	if len(m.context.raw) == 0 && len(r.Context) > 0 {
		c := strictjson.NewCursor(r.Context)
		if err := m.context.read(&c, r.Context); err != nil {
			return made, n, err
		}
	}
	if made.SentAt = r.SentAt; made.SentAt == 0 {
		made.SentAt, _ = touchpoint.ParseTime(m.sentAt)
	}
	made.SentAt = max(made.SentAt, 0)
	why = m.check()
	made.Touchpoint = m.appendTouchpoint(dst, &r, why == nil, made.SentAt != 0)
	return made, n, why
}
