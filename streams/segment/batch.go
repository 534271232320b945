package segment

import (
	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Batch is the body of a batch call; its messages are not looked into yet.
type Batch struct {
	SentAt   int64  // ms since 1970; 0: not said
	Context  []byte // JSON, of all messages that have none of their own
	messages []byte
}

// ReadBatch reads the frame of a batch call.
func ReadBatch(body []byte) (b Batch, err *touchpoint.FieldError) {
	c := strictjson.NewCursor(body)
	if c.Peek() != '{' {
		return b, broken(&c, "", "an object with a batch")
	}
	for c.Open('{'); c.More('}'); {
		switch name := c.Key(); name {
		case "batch":
			if b.messages != nil {
				return b, &touchpoint.FieldError{Field: name, Reason: "there twice; JSON does not say which one counts"}
			}
			if c.Peek() != '[' {
				return b, broken(&c, name, "an array of messages")
			}
			b.messages = c.Pass()
		case "sentAt":
			var t text
			if t, err = readText(&c, body, name); err != nil {
				return b, err
			}
			b.SentAt, _ = touchpoint.ParseTime(t.plain)
			b.SentAt = max(b.SentAt, 0)
		case "context":
			if b.Context, err = readObject(&c, name); err != nil {
				return b, err
			}
		default:
			c.Skip()
		}
	}
	if c.Err() == nil {
		c.End()
	}
	if err := c.Err(); err != nil {
		return b, &touchpoint.FieldError{Reason: err.Error(), Syntax: err.Syntax}
	}
	if b.messages == nil {
		return b, &touchpoint.FieldError{Field: "batch", Reason: "missing; want an array of messages"}
	}
	return b, nil
}

// Messages translates one message after the other and calls each with what became of it, until that returns false. A touchpoint is
// appended to dst, and is good until each returns. What stands between two messages must be a comma; where it is not, the rest is one
// message that cannot be read.
func (b *Batch) Messages(dst []byte, r Request, each func(message []byte, made Translation, why *touchpoint.FieldError) bool) {
	rest := b.messages[1 : len(b.messages)-1]
	for first := true; ; first = false {
		rest = skipSpace(rest)
		if len(rest) == 0 {
			return
		}
		if !first {
			if rest[0] != ',' {
				each(rest, Translation{}, &touchpoint.FieldError{Reason: "not JSON: want , between two messages", Syntax: true})
				return
			}
			rest = skipSpace(rest[1:])
		}
		made, n, why := translate(dst, rest, r)
		if !each(rest[:n], made, why) {
			return
		}
		if made.Touchpoint != nil {
			dst = made.Touchpoint[:len(dst)]
		}
		rest = rest[n:]
	}
}

// WriteKeyOf reads the write key that a body brings, empty when there is none to be read.
func WriteKeyOf(body []byte) string {
	c := strictjson.NewCursor(body)
	if c.Peek() != '{' {
		return ""
	}
	for c.Open('{'); c.More('}'); {
		if c.Key() == "writeKey" && c.Peek() == '"' {
			return c.String()
		}
		c.Pass()
	}
	return ""
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}
