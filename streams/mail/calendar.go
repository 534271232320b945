package mail

import (
	"strings"

	ics "github.com/arran4/golang-ical"
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

// Bounds of a calendar: its lines, and the bytes of one, beyond which a line is passed over.
const (
	maxCalendarLines = 10_000
	maxCalendarLine  = 8 << 10
)

// readCalendar takes the first event of a calendar. The library reads line by line; its reader of whole calendars gives
// up at the first line that is broken, and nests as deep as a calendar likes.
func readCalendar(text string) *Calendar {
	c, within := &Calendar{}, ""
	lines := ics.NewCalendarStream(strings.NewReader(text))
	for range maxCalendarLines {
		line, end := lines.ReadLine()
		if line != nil && len(*line) <= maxCalendarLine {
			if p, err := ics.ParseProperty(*line); err == nil && p != nil && !c.take(p, &within) {
				return c
			}
		}
		if end != nil {
			return c
		}
	}
	return c
}

// take reads one property; within is the component that it stands in. It returns false behind what is about the event.
func (c *Calendar) take(p *ics.BaseProperty, within *string) bool {
	value := clip(oneLine(p.Value), 500)
	switch name := strings.ToUpper(p.IANAToken); {
	case name == "BEGIN":
		if *within == "VEVENT" && value != "VEVENT" {
			return false // an alarm, which has times of its own
		}
		*within = value
	case name == "END" && value == "VEVENT":
		return false
	case name == "METHOD":
		c.Method = value
	case *within == "VEVENT":
		c.set(name, value, p.ICalParameters)
	}
	return true
}

func (c *Calendar) set(name, value string, parameters map[string][]string) {
	parameter := func(name string) string {
		if values := parameters[name]; len(values) > 0 {
			return clip(oneLine(values[0]), 100)
		}
		return ""
	}
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
		c.Start, c.Zone = value, parameter("TZID")
	case "DTEND":
		c.End = value
	case "ATTENDEE":
		if c.Method == "REPLY" && c.Answer == "" {
			c.Answer = parameter("PARTSTAT")
		}
	}
}
