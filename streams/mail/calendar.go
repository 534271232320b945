package mail

import (
	"strings"
)

// Calendar is what an invitation or its answer says (RFC 5545, 5546).
type Calendar struct {
	Method   string `json:"method,omitempty"` // such as REQUEST, REPLY or CANCEL
	UID      string `json:"uid,omitempty"`
	Summary  string `json:"summary,omitempty"`
	Start    string `json:"start,omitempty"` // as it is written: the zone's definition is in the file
	Zone     string `json:"zone,omitempty"`
	End      string `json:"end,omitempty"`
	Status   string `json:"status,omitempty"`
	Answer   string `json:"answer,omitempty"` // of the first attendee in a reply: ACCEPTED, DECLINED or TENTATIVE
	Location string `json:"location,omitempty"`
}

// readCalendar takes the first event of a calendar. Six properties are wanted of it, as text, and no library is needed
// to find the colon.
func readCalendar(text string) *Calendar {
	const most = 500
	c := &Calendar{}
	within := ""
	for _, line := range strings.Split(strings.NewReplacer("\n ", "", "\n\t", "").Replace(text), "\n") {
		name, value, ok := cutProperty(strings.TrimRight(line, "\r"))
		if !ok {
			continue
		}
		name, params, _ := strings.Cut(name, ";")
		name, value = strings.ToUpper(name), oneLine(unescape.Replace(value))
		if len(value) > most {
			value = strings.ToValidUTF8(value[:most], "")
		}
		switch {
		case name == "BEGIN":
			if within == "VEVENT" && value != "VEVENT" {
				return c // an alarm: what follows is not about the event
			}
			within = value
		case name == "METHOD":
			c.Method = value
		case name == "END" && value == "VEVENT":
			return c
		case within != "VEVENT":
		default:
			c.set(name, params, value)
		}
	}
	return c
}

func (c *Calendar) set(name, params, value string) {
	switch name {
	case "UID":
		c.UID = value
	case "SUMMARY":
		c.Summary = value
	case "LOCATION":
		c.Location = value
	case "STATUS":
		c.Status = value
	case "DTSTART":
		c.Start, c.Zone = value, parameter(params, "TZID")
	case "DTEND":
		c.End = value
	case "ATTENDEE":
		if c.Method == "REPLY" && c.Answer == "" {
			c.Answer = parameter(params, "PARTSTAT")
		}
	}
}

// cutProperty parts a property at the first colon that is not within quotes.
func cutProperty(line string) (name, value string, ok bool) {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return line[:i], line[i+1:], true
			}
		}
	}
	return "", "", false
}

func parameter(params, name string) string {
	for p := range strings.SplitSeq(params, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, name) {
			return oneLine(strings.Trim(v, `"`))
		}
	}
	return ""
}

var unescape = strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`)
