package segment

import (
	"fmt"

	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// text is a string of the message: as it was written, with its quotes, and what it says.
type text struct {
	raw   []byte
	plain string
}

func (t text) empty() bool { return t.plain == "" }

// member is a member of an object as it was written: name, colon and value.
type member struct {
	name  string
	raw   []byte // `"name": value`
	value []byte
}

// message is one call, read and not yet judged.
type message struct {
	call                             Call
	event, name, category            text
	userID, anonymousID              text
	previousID, groupID              text
	id, timestamp                    text
	channel                          text
	sentAt                           string
	properties, traits, integrations []byte
	context                          context
	others                           []member // what these calls do not define
	seen                             uint32   // bit per field
}

// fields of a message.
var fields = [...]string{"type", "event", "name", "category", "userId", "anonymousId", "previousId", "groupId", "messageId", "timestamp",
	"originalTimestamp", "sentAt", "receivedAt", "writeKey", "_metadata", "channel", "properties", "traits", "integrations", "context"}

// parse reads the message that data begins with, which has n bytes.
func (m *message) parse(data []byte) (n int, err *touchpoint.FieldError) {
	c := strictjson.NewCursor(data)
	if c.Peek() != '{' {
		return 0, broken(&c, "", "a message, which is an object")
	}
	for c.Open('{'); c.More('}'); {
		c.Peek()
		start := c.Offset()
		name := c.Key()
		if c.Err() != nil {
			break
		}
		known := false
		for i, f := range fields {
			if f == name {
				if m.seen&(1<<i) != 0 {
					return 0, &touchpoint.FieldError{Field: name, Reason: "there twice; JSON does not say which one counts"}
				}
				m.seen |= 1 << i
				known = true
				break
			}
		}
		if !known {
			value := c.Pass()
			m.others = append(m.others, member{name: name, raw: data[start:c.Offset()], value: value})
			continue
		}
		if err := m.field(&c, data, name); err != nil {
			return 0, err
		}
	}
	if err := c.Err(); err != nil {
		return 0, &touchpoint.FieldError{Reason: err.Error(), Syntax: err.Syntax}
	}
	return c.Offset(), nil
}

func (m *message) field(c *strictjson.Cursor, data []byte, name string) (err *touchpoint.FieldError) {
	var t text
	switch name {
	case "type":
		t, err = readText(c, data, name)
		m.call = Call(t.plain)
	case "event":
		m.event, err = readText(c, data, name)
	case "name":
		m.name, err = readText(c, data, name)
	case "category":
		m.category, err = readText(c, data, name)
	case "userId":
		m.userID, err = readText(c, data, name)
	case "anonymousId":
		m.anonymousID, err = readText(c, data, name)
	case "previousId":
		m.previousID, err = readText(c, data, name)
	case "groupId":
		m.groupID, err = readText(c, data, name)
	case "messageId":
		m.id, err = readText(c, data, name)
	case "timestamp":
		m.timestamp, err = readText(c, data, name)
	case "originalTimestamp":
		if t, err = readText(c, data, name); m.timestamp.empty() {
			m.timestamp = t
		}
	case "sentAt":
		t, err = readText(c, data, name)
		m.sentAt = t.plain
	case "channel":
		m.channel, err = readText(c, data, name)
	case "properties":
		m.properties, err = readObject(c, name)
	case "traits":
		m.traits, err = readObject(c, name)
	case "integrations":
		m.integrations, err = readObject(c, name)
	case "context":
		err = m.context.read(c, data)
	default: // receivedAt, writeKey and _metadata are of the way, and not of what happened
		c.Skip()
	}
	return err
}

// check looks at what each call needs.
func (m *message) check() *touchpoint.FieldError {
	switch {
	case m.call == "":
		return &touchpoint.FieldError{Field: "type", Reason: "missing; want track, identify, page, screen, group or alias"}
	case m.call == Track && m.event.empty():
		return &touchpoint.FieldError{Field: "event", Reason: "missing; a track call has the name of what happened"}
	case m.call == Group && m.groupID.empty():
		return &touchpoint.FieldError{Field: "groupId", Reason: "missing; a group call has the id of the group"}
	case m.call == Alias && m.previousID.empty():
		return &touchpoint.FieldError{Field: "previousId", Reason: "missing; an alias joins previousId and userId"}
	case m.call == Alias && m.userID.empty():
		return &touchpoint.FieldError{Field: "userId", Reason: "missing; an alias joins previousId and userId"}
	case m.userID.empty() && m.anonymousID.empty():
		return &touchpoint.FieldError{Field: "userId", Reason: "neither userId nor anonymousId; give at least one"}
	}
	for _, call := range Calls() {
		if m.call == call {
			return nil
		}
	}
	return &touchpoint.FieldError{Field: "type", Reason: fmt.Sprintf("%.60q is not one of track, identify, page, screen, group and alias", string(m.call))}
}

// readText reads a string; null counts as absent, and a number as its digits: ids of users are often numbers.
func readText(c *strictjson.Cursor, data []byte, name string) (t text, err *touchpoint.FieldError) {
	b := c.Peek()
	start := c.Offset()
	switch {
	case b == '"':
		t.plain = c.String()
		t.raw = data[start:c.Offset()]
	case b == 'n':
		c.Skip()
	case b == '-' || b-'0' <= 9:
		t.plain = string(c.Number())
		t.raw = []byte(`"` + t.plain + `"`)
	default:
		return t, broken(c, name, "a string")
	}
	return t, nil
}

// readObject reads an object; null counts as absent.
func readObject(c *strictjson.Cursor, name string) ([]byte, *touchpoint.FieldError) {
	switch c.Peek() {
	case '{':
		return c.Pass(), nil // the judgement of the touchpoint looks into it
	case 'n':
		c.Skip()
		return nil, nil
	}
	return nil, broken(c, name, "an object")
}

// broken is a value of the wrong sort, or no JSON at all.
func broken(c *strictjson.Cursor, field, want string) *touchpoint.FieldError {
	c.Skip()
	if err := c.Err(); err != nil {
		return &touchpoint.FieldError{Reason: err.Error(), Syntax: err.Syntax}
	}
	return &touchpoint.FieldError{Field: field, Reason: "want " + want}
}
