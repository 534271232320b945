package touchpoint

import (
	"strings"

	"github.com/throughline/throughline/schemas/strictjson"
)

// What a Note is about.
const (
	AboutPrivacy  = "privacy"  // Rule changed Field before the log had it
	AboutContract = "contract" // Field is not what the contract Rule says
)

// MaxNotes is how many notes one touchpoint keeps.
const MaxNotes = 32

// Note is what the door found at a touchpoint and wrote down with it. It is no part of what was said: neither does a client
// send it, nor does it make another content.
type Note struct {
	About  string `json:"about"`
	Rule   string `json:"rule"`             // card, iban, drop, hash or mask; or kind@version of a contract
	Field  string `json:"field"`            // such as text or properties.amount
	Detail string `json:"detail,omitempty"` // what is wrong, without the value
}

// Annotate adds a note, unless it is there already or there are as many as may be.
func (t *Touchpoint) Annotate(n Note) {
	if len(t.Notes) >= MaxNotes {
		return
	}
	for _, have := range t.Notes {
		if have.About == n.About && have.Rule == n.Rule && have.Field == n.Field {
			return
		}
	}
	t.Notes = append(t.Notes, n)
}

func appendNotes(b []byte, notes []Note) []byte {
	for i, n := range notes {
		if i == 0 {
			b = append(b, `,"notes":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(append(b, `{"about":`...), n.About)
		b = appendQuoted(append(b, `,"rule":`...), n.Rule)
		b = appendQuoted(append(b, `,"field":`...), n.Field)
		b = appendMember(b, `,"detail":`, n.Detail)
		b = append(b, '}')
	}
	if len(notes) > 0 {
		b = append(b, ']')
	}
	return b
}

// parseNotes reads what appendNotes wrote, and passes over members that a newer version may have added.
func parseNotes(c *strictjson.Cursor, t *Touchpoint) *FieldError {
	const field = "notes"
	if b := c.Peek(); b != '[' {
		return wrongType(c, field, "an array", b)
	}
	for c.Open('['); c.More(']'); {
		if b := c.Peek(); b != '{' {
			return wrongType(c, field, "objects", b)
		}
		var n Note
		for c.Open('{'); c.More('}'); {
			var to *string
			switch c.Key() {
			case "about":
				to = &n.About
			case "rule":
				to = &n.Rule
			case "field":
				to = &n.Field
			case "detail":
				to = &n.Detail
			default:
				c.Skip()
				continue
			}
			text, err := parseText(c, field)
			if err != nil {
				return err
			}
			*to = text
		}
		t.Notes = append(t.Notes, n)
	}
	if c.Err() != nil {
		return fieldError(field, c.Err())
	}
	return nil
}

// String is about:rule:field.
func (n Note) String() string { return strings.Join([]string{n.About, n.Rule, n.Field}, ":") }
