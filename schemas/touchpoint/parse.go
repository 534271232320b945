package touchpoint

import (
	"fmt"
	"math"
	"strconv"

	"github.com/throughline/throughline/schemas/strictjson"
)

// parse reads the object into t as it is, and notes what was there.
func parse(c *strictjson.Cursor, t *Touchpoint, s *said) *FieldError {
	if b := c.Peek(); b != '{' {
		return wrongType(c, "", "a touchpoint, which is an object", b)
	}
	for c.Open('{'); c.More('}'); {
		name := c.Key()
		if c.Err() != nil {
			break
		}
		f, ok := fieldOf(name)
		if !ok {
			if s.newer && name == "notes" {
				if err := parseNotes(c, t); err != nil {
					return err
				}
				continue
			}
			if s.newer {
				c.Skip()
				continue
			}
			return unknownField("", name, fieldNames[:])
		}
		if s.has(f) {
			return refuse(name, "there twice; JSON does not say which one counts")
		}
		s.fields |= 1 << f
		if err := parseField(c, f, t, s); err != nil {
			return err
		}
	}
	if c.Err() != nil {
		return fieldError("", c.Err())
	}
	return nil
}

func fieldOf(name string) (field, bool) {
	switch name {
	case "id":
		return fieldID, true
	case "time":
		return fieldTime, true
	case "channel":
		return fieldChannel, true
	case "direction":
		return fieldDirection, true
	case "kind":
		return fieldKind, true
	case "actor":
		return fieldActor, true
	case "identifiers":
		return fieldIdentifiers, true
	case "thread":
		return fieldThread, true
	case "subject":
		return fieldSubject, true
	case "text":
		return fieldText, true
	case "language":
		return fieldLanguage, true
	case "topic":
		return fieldTopic, true
	case "team":
		return fieldTeam, true
	case "tags":
		return fieldTags, true
	case "account":
		return fieldAccount, true
	case "source":
		return fieldSource, true
	case "rating":
		return fieldRating, true
	case "properties":
		return fieldProperties, true
	}
	return 0, false
}

func parseField(c *strictjson.Cursor, f field, t *Touchpoint, s *said) *FieldError {
	name := fieldNames[f]
	switch f {
	case fieldTime:
		return parseTime(c, t, s)
	case fieldActor:
		return parseActor(c, &t.Actor)
	case fieldIdentifiers:
		return parseIdentifiers(c, t, s)
	case fieldThread:
		return parseTexts(c, name, MaxThreads, &t.Thread)
	case fieldTags:
		return parseTexts(c, name, MaxTags, &t.Tags)
	case fieldRating:
		t.Rating = new(Rating)
		return parseRating(c, t.Rating)
	case fieldProperties:
		if b := c.Peek(); b != '{' {
			return wrongType(c, name, "an object", b)
		}
		if t.Properties = c.Skip(); c.Err() != nil {
			return fieldError(name, c.Err())
		}
		return nil
	}
	text, err := parseText(c, name)
	if err != nil {
		return err
	}
	switch f {
	case fieldID:
		t.ID = text
	case fieldChannel:
		t.Channel = text
	case fieldDirection:
		t.Direction = Direction(text)
	case fieldKind:
		t.Kind = text
	case fieldSubject:
		t.Subject = text
	case fieldText:
		t.Text = text
	case fieldLanguage:
		t.Language = text
	case fieldTopic:
		t.Topic = text
	case fieldTeam:
		t.Team = text
	case fieldAccount:
		t.Account = text
	case fieldSource:
		t.Source = text
	}
	return nil
}

func parseText(c *strictjson.Cursor, field string) (string, *FieldError) {
	if b := c.Peek(); b != '"' {
		return "", wrongType(c, field, "a string", b)
	}
	text := c.String()
	if c.Err() != nil {
		return "", fieldError(field, c.Err())
	}
	return text, nil
}

func parseTexts(c *strictjson.Cursor, field string, most int, to *[]string) *FieldError {
	if b := c.Peek(); b != '[' {
		return wrongType(c, field, "an array of strings", b)
	}
	var room [4]string
	texts := room[:0]
	for c.Open('['); c.More(']'); {
		if len(texts) == most {
			return refuse(field, "more than %d of them", most)
		}
		if c.Peek() != '"' { // the name is only made when it is needed
			return wrongType(c, element(field, len(texts)), "a string", c.Peek())
		}
		texts = append(texts, c.String())
		if c.Err() != nil {
			return fieldError(element(field, len(texts)-1), c.Err())
		}
	}
	if c.Err() != nil {
		return fieldError(field, c.Err())
	}
	*to = append([]string(nil), texts...)
	return nil
}

func parseActor(c *strictjson.Cursor, a *Actor) *FieldError {
	const field = "actor"
	if b := c.Peek(); b != '{' {
		return wrongType(c, field, "an object with type, id and name", b)
	}
	var seen uint8
	for c.Open('{'); c.More('}'); {
		name := c.Key()
		if c.Err() != nil {
			break
		}
		var bit uint8
		var to *string
		switch name {
		case "type":
			bit, to, name = 1, (*string)(&a.Type), "actor.type"
		case "id":
			bit, to, name = 2, &a.ID, "actor.id"
		case "name":
			bit, to, name = 4, &a.Name, "actor.name"
		default:
			return unknownField(field, name, []string{"type", "id", "name"})
		}
		if seen&bit != 0 {
			return refuse(name, "there twice; JSON does not say which one counts")
		}
		seen |= bit
		text, err := parseText(c, name)
		if err != nil {
			return err
		}
		*to = text
	}
	if c.Err() != nil {
		return fieldError(field, c.Err())
	}
	return nil
}

func parseIdentifiers(c *strictjson.Cursor, t *Touchpoint, s *said) *FieldError {
	const field = "identifiers"
	if b := c.Peek(); b != '[' {
		return wrongType(c, field, "an array of objects with type, value and verified", b)
	}
	for c.Open('['); c.More(']'); {
		n := len(t.Identifiers)
		if n == MaxIdentifiers {
			return refuse(field, "more than %d of them", MaxIdentifiers)
		}
		if b := c.Peek(); b != '{' {
			return wrongType(c, element(field, n), "an object with type, value and verified", b)
		}
		if t.Identifiers == nil {
			t.Identifiers = make([]Identifier, 0, 4)
		}
		t.Identifiers = append(t.Identifiers, Identifier{})
		if err := parseIdentifier(c, n, &t.Identifiers[n], s); err != nil {
			return err
		}
	}
	if c.Err() != nil {
		return fieldError(field, c.Err())
	}
	return nil
}

func parseIdentifier(c *strictjson.Cursor, n int, id *Identifier, s *said) *FieldError {
	const list = "identifiers"
	var seen uint8
	for c.Open('{'); c.More('}'); {
		name := c.Key()
		if c.Err() != nil {
			break
		}
		var bit uint8
		switch name {
		case "type":
			bit = 1
		case "value":
			bit = 2
		case "verified":
			bit = 4
		default:
			return unknownField(element(list, n), name, []string{"type", "value", "verified"})
		}
		if seen&bit != 0 {
			return refuse(element(list, n)+"."+name, "there twice; JSON does not say which one counts")
		}
		seen |= bit
		b := c.Peek()
		switch {
		case bit == 4 && b != 't' && b != 'f':
			return wrongType(c, element(list, n)+"."+name, "true or false", b)
		case bit == 4:
			id.Verified = c.Bool()
			s.verified |= 1 << n
		case b != '"':
			return wrongType(c, element(list, n)+"."+name, "a string", b)
		case bit == 1:
			id.Type = c.String()
		default:
			id.Value = c.String()
		}
		if c.Err() != nil {
			return fieldError(element(list, n)+"."+name, c.Err())
		}
	}
	if c.Err() != nil {
		return fieldError(element(list, n), c.Err())
	}
	return nil
}

func parseRating(c *strictjson.Cursor, r *Rating) *FieldError {
	const field = "rating"
	if b := c.Peek(); b != '{' {
		return wrongType(c, field, "an object with scale and value", b)
	}
	var seen uint8
	for c.Open('{'); c.More('}'); {
		name := c.Key()
		if c.Err() != nil {
			break
		}
		var bit uint8
		switch name {
		case "scale":
			bit = 1
		case "value":
			bit = 2
		default:
			return unknownField(field, name, []string{"scale", "value"})
		}
		if seen&bit != 0 {
			return refuse(field+"."+name, "there twice; JSON does not say which one counts")
		}
		seen |= bit
		var err *FieldError
		if bit == 1 {
			r.Scale, err = parseText(c, "rating.scale")
		} else {
			r.Value, err = parseFloat(c, "rating.value")
		}
		if err != nil {
			return err
		}
	}
	if c.Err() != nil {
		return fieldError(field, c.Err())
	}
	if seen != 3 {
		return refuse(field, "want both scale (such as csat) and value (a number)")
	}
	return nil
}

func parseFloat(c *strictjson.Cursor, field string) (float64, *FieldError) {
	if b := c.Peek(); b != '-' && b-'0' > 9 {
		return 0, wrongType(c, field, "a number", b)
	}
	text := c.Number()
	if c.Err() != nil {
		return 0, fieldError(field, c.Err())
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, refuse(field, "%s is beyond what a 64-bit number holds", text)
	}
	return v, nil
}

// wrongType says what came instead; when that is no JSON, the cursor says so better.
func wrongType(c *strictjson.Cursor, field, want string, b byte) *FieldError {
	got := ""
	switch {
	case b == '{':
		got = "an object"
	case b == '[':
		got = "an array"
	case b == '"':
		got = "a string"
	case b == 't' || b == 'f':
		got = "true or false"
	case b == 'n' && field == "":
		got = "null"
	case b == 'n':
		got = "null; leave the field out"
	case b == '-' || b-'0' <= 9:
		got = "a number"
	}
	if b != '{' && b != '[' {
		if c.Skip(); c.Err() != nil {
			return fieldError(field, c.Err())
		}
	}
	return refuse(field, "want %s, got %s", want, got)
}

func unknownField(parent, name string, known []string) *FieldError {
	field := name
	if parent != "" {
		field = parent + "." + name
	}
	return refuse(shorten(field), "unknown field%s Own data belongs into properties", didYouMean(name, known))
}

func element(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }
