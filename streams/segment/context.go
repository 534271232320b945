package segment

import (
	"strings"

	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// context is where a call was made: what is read of it, and all of it as it came.
type context struct {
	raw          []byte
	page, mobile bool   // says something of a page, of an app or a device
	title        text   // of the page
	locale       string // as a language tag; empty when it is none
	group        text
	campaign     []member
	email, phone text // of traits
	name         text
}

// read reads the object that comes next in data; null counts as absent.
func (x *context) read(c *strictjson.Cursor, data []byte) *touchpoint.FieldError {
	switch c.Peek() {
	case 'n':
		c.Skip()
		return nil
	case '{':
	default:
		return broken(c, "context", "an object")
	}
	start := c.Offset()
	each(c, data, func(m member) {
		switch m.name {
		case "page":
			x.page = true
			inside(m.value, func(m member) {
				if m.name == "title" {
					x.title = textOf(m.value)
				}
			})
		case "app", "device":
			x.mobile = true
		case "locale":
			x.locale = languageTag(textOf(m.value).plain)
		case "groupId":
			x.group = textOf(m.value)
		case "campaign":
			inside(m.value, func(m member) {
				if !textOf(m.value).empty() {
					x.campaign = append(x.campaign, m)
				}
			})
		case "traits":
			inside(m.value, func(m member) {
				switch m.name {
				case "email":
					x.email = textOf(m.value)
				case "phone":
					x.phone = textOf(m.value)
				case "name":
					x.name = textOf(m.value)
				}
			})
		}
	})
	x.raw = data[start:c.Offset()]
	return nil
}

// channelName is where the call came from, web or app. A call from a server says nothing of it, and counts as one of the web.
func (m *message) channelName() string {
	switch {
	case m.call == Page || m.context.page && m.call != Screen:
		return "web"
	case m.call == Screen || m.context.mobile || m.channel.plain == "mobile":
		return "app"
	}
	return "web"
}

// each calls f for the members of the object that comes next in data.
func each(c *strictjson.Cursor, data []byte, f func(member)) {
	for c.Open('{'); c.More('}'); {
		c.Peek()
		start := c.Offset()
		name := c.Key()
		c.Peek()
		value := c.Pass()
		if c.Err() != nil {
			return
		}
		f(member{name: name, raw: data[start:c.Offset()], value: value})
	}
}

// inside calls f for the members of a value, which has none when it is no object.
func inside(value []byte, f func(member)) {
	if c := strictjson.NewCursor(value); c.Peek() == '{' {
		each(&c, value, f)
	}
}

// textOf is a value that is a string; empty for any other: what is only looked at must not refuse the message.
func textOf(value []byte) (t text) {
	c := strictjson.NewCursor(value)
	if c.Peek() != '"' {
		return t
	}
	return text{raw: value, plain: c.String()}
}

// idOf is a value that is a string or a whole number; empty for any other.
func idOf(value []byte) text {
	for _, b := range value {
		if b-'0' > 9 {
			return textOf(value)
		}
	}
	return text{raw: []byte(`"` + string(value) + `"`), plain: string(value)}
}

// languageTag makes a language tag (BCP 47) of a locale such as en_US; empty when it is not of that shape.
func languageTag(locale string) string {
	if locale == "" || len(locale) > touchpoint.MaxLanguage {
		return ""
	}
	tag := strings.ReplaceAll(locale, "_", "-")
	first := true
	for part := range strings.SplitSeq(tag, "-") {
		if len(part) < 1 || len(part) > 8 || first && len(part) < 2 {
			return ""
		}
		for j := range len(part) {
			if letter := part[j]|0x20 >= 'a' && part[j]|0x20 <= 'z'; !letter && (first || part[j]-'0' > 9) {
				return ""
			}
		}
		first = false
	}
	return tag
}
