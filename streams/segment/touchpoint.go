package segment

import (
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// appendTouchpoint writes the touchpoint of a message; whole tells whether the message says all that its call needs.
func (m *message) appendTouchpoint(b []byte, r *Request, whole, sent bool) []byte {
	means := m.meaning()
	said := m.saying(means)
	if r.Good != nil {
		// What is no address or number is kept as it is, and must not refuse the whole message.
		if !said.email.empty() && !r.Good("email", said.email.plain) {
			said.email = text{}
		}
		if !said.phone.empty() && !r.Good("phone", said.phone.plain) {
			said.phone = text{}
		}
	}
	b = append(b, '{')
	b = appendText(b, `"id":`, m.id)
	b = appendText(b, `"time":`, m.timestamp)
	channel := means.channel
	if channel == "" {
		channel = m.channelName()
	}
	b = append(append(append(b, `"channel":"`...), channel...), `",`...)
	b = append(append(append(b, `"direction":"`...), means.direction...), `",`...)
	if whole {
		b = append(append(append(b, `"kind":"`...), means.kind...), `",`...)
	}
	b = append(append(append(b, `"actor":{"type":"`...), means.actor...), '"')
	if means.actor == touchpoint.Agent {
		b = appendMember(b, `,"id":`, said.actorID, touchpoint.MaxLabel)
		b = appendMember(b, `,"name":`, said.actorName, touchpoint.MaxLabel)
	} else if means.actor == touchpoint.Customer {
		b = appendMember(b, `,"name":`, said.name, touchpoint.MaxLabel)
	}
	b = append(b, `},`...)
	b = m.appendIdentifiers(b, &said)
	if !said.thread.empty() && utf8.RuneCountInString(said.thread.plain) < touchpoint.MaxThread-len(means.thread) {
		b = append(append(b, `"thread":["`...), means.thread...)
		b = append(append(append(b, ':'), said.thread.raw[1:]...), `],`...)
	}
	if !said.subject.empty() && utf8.RuneCountInString(said.subject.plain) <= touchpoint.MaxSubject {
		b = appendText(b, `"subject":`, said.subject)
	}
	b = appendText(b, `"text":`, said.words)
	if m.context.locale != "" {
		b = append(append(append(b, `"language":"`...), m.context.locale...), `",`...)
	}
	account := m.groupID
	if account.empty() {
		account = m.context.group
	}
	b = appendText(b, `"account":`, account)
	b = append(b, `"source":"`+Source+`","properties":`...)
	b = m.appendProperties(b, &said, means.textOf, sent)
	return append(b, '}')
}

// sayings are what a touchpoint has fields for and a message says among its properties or traits.
type sayings struct {
	email, phone, name text
	thread, words      text
	actorID, actorName text
	subject            text
}

func (m *message) saying(means meaning) (s sayings) {
	s.email, s.phone, s.name = m.context.email, m.context.phone, m.context.name
	switch m.call {
	case Identify:
		inside(m.traits, func(t member) {
			switch t.name {
			case "email":
				s.email = textOf(t.value)
			case "phone":
				s.phone = textOf(t.value)
			case "name":
				s.name = textOf(t.value)
			}
		})
	case Page, Screen:
		s.subject = m.name
		if s.subject.empty() {
			s.subject = m.context.title
		}
	case Track:
		if means.threadOf == "" {
			break
		}
		inside(m.properties, func(p member) {
			switch p.name {
			case means.threadOf:
				s.thread = idOf(p.value)
			case means.textOf:
				s.words = textOf(p.value)
			case means.actorID:
				s.actorID = idOf(p.value)
			case means.actorName:
				s.actorName = textOf(p.value)
			}
		})
	}
	return s
}

// appendIdentifiers writes who it was. The sender vouches for the ids that it gave; an address or a number is what somebody typed,
// unless the workspace's rules say otherwise of this source.
func (m *message) appendIdentifiers(b []byte, s *sayings) []byte {
	b = append(b, `"identifiers":[`...)
	from := len(b)
	add := func(typ string, value text, verified string) {
		if value.empty() {
			return
		}
		if len(b) > from {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"type":"`...), typ...), `","value":`...)
		b = append(append(append(b, value.raw...), verified...), '}')
	}
	const vouched = `,"verified":true`
	add("customer_id", m.userID, vouched)
	add("cookie", m.anonymousID, vouched)
	if m.call == Alias {
		switch previous := m.previousID.plain; {
		case previous == m.userID.plain || previous == m.anonymousID.plain:
		case isUUID(previous):
			add("cookie", m.previousID, vouched)
		default:
			add("customer_id", m.previousID, vouched)
		}
	}
	add("email", s.email, "")
	add("phone", s.phone, "")
	return append(b, `],`...)
}

// isUUID tells whether s is of the form of a UUID (RFC 9562).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if b != '-' {
				return false
			}
		} else if b-'0' > 9 && (b|0x20 < 'a' || b|0x20 > 'f') {
			return false
		}
	}
	return true
}

func appendText(b []byte, name string, t text) []byte {
	if t.empty() {
		return b
	}
	return append(append(append(b, name...), t.raw...), ',')
}

// appendMember writes a member that is left out when it is longer than a touchpoint has it.
func appendMember(b []byte, name string, t text, most int) []byte {
	if t.empty() || utf8.RuneCountInString(t.plain) > most {
		return b
	}
	return append(append(b, name...), t.raw...)
}
