package touchpoint

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/throughline/throughline/schemas/strictjson"
)

// ErrBadPayload is returned when an envelope's payload is not what AppendJSON writes.
var ErrBadPayload = errors.New("touchpoint: bad payload")

// AppendJSON writes the touchpoint as the payload of its envelope: fields in one order, absent ones left out,
// properties byte for byte. It fails only for a rating that is no number.
func (t *Touchpoint) AppendJSON(dst []byte) ([]byte, error) {
	if t.Rating != nil && (math.IsNaN(t.Rating.Value) || math.IsInf(t.Rating.Value, 0)) {
		return dst, fmt.Errorf("touchpoint: encode: rating.value is %v", t.Rating.Value)
	}
	b := appendQuoted(append(dst, `{"id":`...), t.ID)
	b = strconv.AppendInt(append(b, `,"time":`...), t.Time, 10)
	b = appendQuoted(append(b, `,"channel":`...), t.Channel)
	b = appendQuoted(append(b, `,"direction":`...), string(t.Direction))
	b = appendQuoted(append(b, `,"kind":`...), t.Kind)
	b = appendQuoted(append(b, `,"actor":{"type":`...), string(t.Actor.Type))
	b = appendMember(b, `,"id":`, t.Actor.ID)
	b = appendMember(b, `,"name":`, t.Actor.Name)
	b = append(b, '}')
	for i, id := range t.Identifiers {
		if i == 0 {
			b = append(b, `,"identifiers":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"type":`...), id.Type)
		b = appendQuoted(append(b, `,"value":`...), id.Value)
		b = strconv.AppendBool(append(b, `,"verified":`...), id.Verified)
		b = append(b, '}')
	}
	if len(t.Identifiers) > 0 {
		b = append(b, ']')
	}
	b = appendList(b, `,"thread":`, t.Thread)
	b = appendMember(b, `,"subject":`, t.Subject)
	b = appendMember(b, `,"text":`, t.Text)
	b = appendMember(b, `,"language":`, t.Language)
	b = appendMember(b, `,"topic":`, t.Topic)
	b = appendMember(b, `,"team":`, t.Team)
	b = appendList(b, `,"tags":`, t.Tags)
	b = appendMember(b, `,"account":`, t.Account)
	b = appendMember(b, `,"source":`, t.Source)
	if t.Rating != nil {
		b = appendQuoted(append(b, `,"rating":{"scale":`...), t.Rating.Scale)
		b = strconv.AppendFloat(append(b, `,"value":`...), t.Rating.Value, 'g', -1, 64)
		b = append(b, '}')
	}
	if len(t.Properties) > 0 {
		b = append(append(b, `,"properties":`...), t.Properties...)
	}
	b = appendNotes(b, t.Notes)
	return append(b, '}'), nil
}

// DecodePayload reads what AppendJSON wrote into t, whose former content is gone. Strings of t alias payload, which
// must therefore outlive it. It trusts the payload's values, which were judged by Decode, and passes over top-level
// fields that a newer version may have added.
func DecodePayload(payload []byte, t *Touchpoint) error {
	*t = Touchpoint{}
	c := strictjson.NewCursor(payload)
	s := said{newer: true}
	if err := parse(&c, t, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrBadPayload, err)
	}
	if c.End(); c.Err() != nil {
		return fmt.Errorf("%w: %w", ErrBadPayload, c.Err())
	}
	return nil
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendQuoted(append(b, name...), value)
}

func appendList(b []byte, name string, values []string) []byte {
	for i, v := range values {
		if i == 0 {
			b = append(append(b, name...), '[')
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(b, v)
	}
	if len(values) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendQuoted writes a string that is valid UTF-8 as JSON.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(append(b, s[from:i]...), '\\')
		switch c {
		case '"', '\\':
			b = append(b, c)
		case '\n':
			b = append(b, 'n')
		case '\r':
			b = append(b, 'r')
		case '\t':
			b = append(b, 't')
		default:
			const digits = "0123456789abcdef"
			b = append(b, 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}
