package segment

import "github.com/throughline/throughline/schemas/touchpoint"

// meaning is what a call says beyond that it happened.
type meaning struct {
	kind      string
	channel   string // empty: where the call was made
	direction touchpoint.Direction
	actor     touchpoint.ActorType
	thread    string // scheme of the thread that a property names, and that property
	threadOf  string
	textOf    string // properties that hold the words, and who spoke
	actorID   string
	actorName string
}

// done is something that the customer did.
func done(kind string) meaning {
	return meaning{kind: kind, direction: touchpoint.Inbound, actor: touchpoint.Customer}
}

// calls are the kinds of the calls that have one kind.
var calls = map[Call]meaning{
	Identify: done("profile.updated"),
	Page:     done("page.viewed"),
	Screen:   done("screen.viewed"),
	Group:    done("account.updated"),
	Alias:    done("profile.linked"),
}

// events are the names that Segment's specs give to events which mean something here: of the specs of e-commerce (V2), mobile,
// B2B SaaS, e-mail and live chat. In lower case.
var events = map[string]meaning{
	"order completed":    ordered("order.placed"),
	"order cancelled":    ordered("order.cancelled"),
	"application opened": done("app.opened"),
	"signed in":          done("login"),
	"email opened":       {kind: "email.opened", channel: "email", direction: touchpoint.Inbound, actor: touchpoint.Customer},
	"email delivered":    {kind: "email.delivered", channel: "email", direction: touchpoint.Outbound, actor: touchpoint.System},
	"email bounced":      {kind: "email.bounced", channel: "email", direction: touchpoint.Outbound, actor: touchpoint.System},
	"live chat message sent": {kind: "message", channel: "chat", direction: touchpoint.Inbound, actor: touchpoint.Customer,
		thread: "session", threadOf: "conversation_id", textOf: "message_body"},
	"live chat message received": {kind: "message", channel: "chat", direction: touchpoint.Outbound, actor: touchpoint.Agent,
		thread: "session", threadOf: "conversation_id", textOf: "message_body", actorID: "agent_id", actorName: "agent_name"},
}

// longestEvent has room for the longest of these names.
const longestEvent = 32

func ordered(kind string) meaning {
	m := done(kind)
	m.thread, m.threadOf = "order", "order_id"
	return m
}

// meaning of the message.
func (m *message) meaning() meaning {
	if m.call != Track {
		if known, ok := calls[m.call]; ok {
			return known
		}
		return done("")
	}
	if found, ok := known(m.event.plain); ok {
		return found
	}
	return done("track" + slug(m.event.plain))
}

// maxSlug keeps a kind well under touchpoint.MaxKind.
const maxSlug = 96

// slug is "." and the name in lower case, with _ for everything that is neither letter nor digit of ASCII; empty when nothing is
// left of the name.
func slug(name string) string {
	out := make([]byte, 1, 1+len(name))
	out[0] = '.'
	gap := false
	for i := 0; i < len(name) && len(out) <= maxSlug; i++ {
		b := name[i]
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		if (b < 'a' || b > 'z') && b-'0' > 9 {
			gap = len(out) > 1
			continue
		}
		if gap {
			out = append(out, '_')
			gap = false
		}
		out = append(out, b)
	}
	if len(out) == 1 {
		return ""
	}
	return string(out)
}

// known finds the event of a name, whose letters of ASCII may be in any case.
func known(name string) (meaning, bool) {
	var room [longestEvent]byte
	if len(name) > len(room) {
		return meaning{}, false
	}
	lower := room[:len(name)]
	for i := range len(name) {
		lower[i] = name[i]
		if b := name[i]; b >= 'A' && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	found, ok := events[string(lower)]
	return found, ok
}
