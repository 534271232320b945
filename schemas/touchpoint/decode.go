package touchpoint

import (
	"fmt"
	"strings"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/strictjson"
)

// FieldError says which field of a touchpoint was refused and what would be right.
type FieldError struct {
	Field  string // such as "identifiers[0].value"; empty when it is about the whole
	Reason string
	Syntax bool // the text is not JSON at all
	Quiet  bool // Reason quotes nothing of what was said
	// Carried: the field was left out, and what the carrier says in its stead is refused.
	Carried bool
}

// Error is "field: reason".
func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Options is what decoding depends on besides the text.
type Options struct {
	Now       int64 // ms since 1970: fills an absent time, judges the future
	Registry  *registry.Registry
	Normalise func(Identifier) (Identifier, error)   // nil: values stay as they are
	Verified  func(typ, channel, source string) bool // default of an absent `verified`; nil: not verified
	NewID     func() string                          // for a touchpoint with neither id nor time
	Carrier   Carrier
	// Guard, when not nil, is asked about what is good so far, before anything is made of it: it may refuse it, write notes down,
	// and take out what must not be kept; an identifier leaves when its value is emptied. Not even a hash of what it took out is
	// left: neither content nor id are made of it.
	Guard func(*Touchpoint) *FieldError
}

// Carrier is what the thing that carried the touchpoint (a CloudEvent, a record of the log) says of it. It fills what
// the touchpoint itself leaves out, and counts as said by the client.
type Carrier struct {
	ID     string
	Time   string // RFC 3339, or ms since 1970
	Source string
	// Sent is when it was sent, ms since 1970, by the clock that told the touchpoint's time; 0: not known. What Options.Now differs
	// from it is what that clock is wrong by, and the time is put right by as much. Content stays that of the time as it was told,
	// so that the same touchpoint sent again later, with another Sent, is the same.
	Sent int64
}

// Decode reads exactly one touchpoint from outside, strictly: a field that is unknown, there twice, of the wrong type or
// over its limit is refused. The touchpoint comes back normalised, with absent fields filled. Its strings alias data.
// After an error it is empty; IDOf may still find its id.
// Content is of what was said: before normalising, and without what was filled from the clock, so that it is the same
// whenever the touchpoint is delivered and whatever the rules then are.
func Decode(data []byte, o *Options) (Touchpoint, Content, *FieldError) {
	if len(data) > MaxSize {
		return Touchpoint{}, Content{}, tooLarge(len(data))
	}
	c := strictjson.NewCursor(data)
	t, content, err := decode(&c, o)
	if err == nil {
		if c.End(); c.Err() != nil {
			err = fieldError("", c.Err())
		}
	}
	if err != nil {
		return Touchpoint{}, Content{}, err
	}
	return t, content, nil
}

// DecodeNext reads one touchpoint off the front of data and returns how many bytes it took. After an error that is 0:
// strictjson.Extent finds where the next one may start.
func DecodeNext(data []byte, o *Options) (Touchpoint, Content, int, *FieldError) {
	c := strictjson.NewCursor(data)
	t, content, err := decode(&c, o)
	if err == nil && c.Offset() > MaxSize {
		err = tooLarge(c.Offset())
	}
	if err != nil {
		return Touchpoint{}, Content{}, 0, err
	}
	return t, content, c.Offset(), nil
}

// IDOf reads the id of a touchpoint that was refused, empty when there is none to be read.
func IDOf(data []byte) string {
	c := strictjson.NewCursor(data)
	if c.Peek() != '{' {
		return ""
	}
	for c.Open('{'); c.More('}'); {
		if c.Key() == "id" && c.Peek() == '"' {
			if id := c.String(); validateID(id) == nil {
				return id
			}
			return ""
		}
		c.Skip()
	}
	return ""
}

func decode(c *strictjson.Cursor, o *Options) (t Touchpoint, content Content, err *FieldError) {
	var s said
	if err = parse(c, &t, &s); err != nil {
		return t, content, err
	}
	own := s.fields
	if err = s.carry(&t, o.Carrier); err == nil {
		err = validate(&t, &s, o)
	}
	if err != nil {
		if f, known := fieldOf(err.Field); known {
			err.Carried = (s.fields&^own)&(1<<f) != 0
		}
		return t, content, err
	}
	if o.Guard != nil {
		if err = o.Guard(&t); err != nil {
			return t, content, err
		}
		s.leave(&t)
	}
	content = contentOf(&t, &s)
	if t.ID == "" {
		if s.has(fieldTime) {
			t.ID = idOf(content)
		} else {
			t.ID = o.NewID()
		}
	}
	if s.has(fieldTime) {
		t.Time = o.putRight(t.Time)
	} else {
		t.Time = o.Now
	}
	for i := range t.Identifiers {
		id := &t.Identifiers[i]
		if s.verified&(1<<i) == 0 && o.Verified != nil {
			id.Verified = o.Verified(id.Type, t.Channel, t.Source)
		}
		if o.Normalise == nil {
			continue
		}
		plain, nerr := o.Normalise(*id)
		if nerr != nil {
			return t, content, refuse(fmt.Sprintf("identifiers[%d].value", i), "%v", nerr)
		}
		*id = plain
	}
	return t, content, nil
}

// field is a top-level field of a touchpoint.
type field uint8

const (
	fieldID field = iota
	fieldTime
	fieldChannel
	fieldDirection
	fieldKind
	fieldActor
	fieldIdentifiers
	fieldThread
	fieldSubject
	fieldText
	fieldLanguage
	fieldTopic
	fieldTeam
	fieldTags
	fieldAccount
	fieldSource
	fieldRating
	fieldProperties
	fieldCount
)

var fieldNames = [fieldCount]string{"id", "time", "channel", "direction", "kind", "actor", "identifiers", "thread",
	"subject", "text", "language", "topic", "team", "tags", "account", "source", "rating", "properties"}

// said remembers what the client said, where the touchpoint alone cannot tell it from what was filled.
type said struct {
	fields   uint32 // bit per field
	verified uint32 // bit per identifier whose `verified` is there
	time     string // of a time in RFC 3339, to be parsed
	newer    bool   // fields that are not known may be there
}

func (s *said) has(f field) bool { return s.fields&(1<<f) != 0 }

// leave takes the identifiers out whose values a Guard emptied.
func (s *said) leave(t *Touchpoint) {
	kept, verified := t.Identifiers[:0], uint32(0)
	for i, id := range t.Identifiers {
		if id.Value == "" {
			continue
		}
		verified |= s.verified >> i & 1 << len(kept)
		kept = append(kept, id)
	}
	t.Identifiers, s.verified = kept, verified
}

// carry fills what is absent from the carrier.
func (s *said) carry(t *Touchpoint, c Carrier) *FieldError {
	if c.ID != "" && !s.has(fieldID) {
		t.ID = c.ID
		s.fields |= 1 << fieldID
	}
	if c.Source != "" && !s.has(fieldSource) {
		t.Source = c.Source
		s.fields |= 1 << fieldSource
	}
	if c.Time == "" || s.has(fieldTime) {
		return nil
	}
	s.fields |= 1 << fieldTime
	if strings.ContainsAny(c.Time, "-:") {
		s.time = c.Time
		return nil
	}
	return parseMillis(t, []byte(c.Time))
}

func refuse(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func fieldError(field string, e *strictjson.Error) *FieldError {
	return &FieldError{Field: field, Reason: e.Error(), Syntax: e.Syntax}
}

func tooLarge(n int) *FieldError {
	return refuse("", "%d bytes; a touchpoint has at most %d: keep attachments elsewhere and name them in properties", n, MaxSize)
}
