package calendar

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a bare machine has no time zones

	"github.com/goccy/go-yaml"
)

// ErrBadCalendar is wrapped by the errors of Parse and Compile, which name the field.
var ErrBadCalendar = errors.New("bad calendar")

// Limits of what a document may say.
const (
	MaxCalendars = 50
	MaxVersions  = 50
	MaxPeriods   = 12   // of a day
	MaxDays      = 2000 // with hours of their own
)

// Document is a calendar as people write it down.
type Document struct {
	Name     string            `yaml:"name"`
	Versions []DocumentVersion `yaml:"versions"`
}

// DocumentVersion is what a calendar says for a while. Periods are such as 09:00-12:30, of the wall clock; a day ends at 24:00.
type DocumentVersion struct {
	From     string              `yaml:"from"`     // the first date; may be left out of the first version
	Until    string              `yaml:"until"`    // the first date that is not meant; at the latest, and if absent, the next version's from
	Zone     string              `yaml:"zone"`     // IANA, such as Europe/Berlin
	Week     map[string][]string `yaml:"week"`     // mon to sun, or mon-fri
	Holidays []string            `yaml:"holidays"` // dates, or first/last
	Days     map[string][]string `yaml:"days"`     // dates, or first/last, with hours of their own
}

// Parse reads a file of calendars: a list under the key calendars.
func Parse(data []byte) (map[string]*Calendar, error) {
	var file struct {
		Calendars []Document `yaml:"calendars"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadCalendar, err)
	}
	return Compile(file.Calendars)
}

// Compile makes calendars by name of what a document says.
func Compile(documents []Document) (map[string]*Calendar, error) {
	if len(documents) > MaxCalendars {
		return nil, bad("calendars", "at most %d", MaxCalendars)
	}
	out := map[string]*Calendar{}
	for i, d := range documents {
		field := fmt.Sprintf("calendars[%d]", i)
		if d.Name == "" || len(d.Name) > 64 || out[d.Name] != nil {
			return nil, bad(field+".name", "%q is empty, longer than 64 bytes, or there twice", d.Name)
		}
		c, err := compile(field, d)
		if err != nil {
			return nil, err
		}
		out[d.Name] = c
	}
	return out, nil
}

func bad(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrBadCalendar, field, fmt.Sprintf(format, args...))
}

const (
	noDay   = -1 << 40
	lastDay = 1 << 40
)

func compile(field string, d Document) (*Calendar, error) {
	if len(d.Versions) == 0 || len(d.Versions) > MaxVersions {
		return nil, bad(field+".versions", "want 1 to %d", MaxVersions)
	}
	c := &Calendar{Name: d.Name}
	for i, dv := range d.Versions {
		field := fmt.Sprintf("%s.versions[%d]", field, i)
		v, err := compileVersion(field, dv, i > 0)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			before := &c.versions[i-1]
			if v.from <= before.from {
				return nil, bad(field+".from", "want a date after that of the version before")
			}
			before.until = min(before.until, v.from)
		}
		c.versions = append(c.versions, v)
	}
	return c, nil
}

func compileVersion(field string, d DocumentVersion, later bool) (v version, err error) {
	v = version{from: noDay, until: lastDay, days: map[int][]period{}}
	if d.From != "" || later {
		if v.from, err = day(d.From); err != nil {
			return v, bad(field+".from", "%v", err)
		}
	}
	if d.Until != "" {
		if v.until, err = day(d.Until); err != nil || v.until <= v.from {
			return v, bad(field+".until", "want a date after from, such as 2026-12-31")
		}
	}
	if d.Zone == "" || d.Zone == "Local" {
		return v, bad(field+".zone", "want an IANA time zone, such as Europe/Berlin")
	}
	if v.zone, err = time.LoadLocation(d.Zone); err != nil {
		return v, bad(field+".zone", "want an IANA time zone, such as Europe/Berlin")
	}
	set := [7]bool{}
	for _, name := range sortedKeys(d.Week) {
		periods, err := parsePeriods(d.Week[name])
		if err != nil {
			return v, bad(field+".week."+name, "%v", err)
		}
		days, err := weekdays(name)
		if err != nil {
			return v, bad(field+".week", "%v", err)
		}
		for _, w := range days {
			if set[w] {
				return v, bad(field+".week."+name, "names a day that another entry names")
			}
			set[w], v.week[w] = true, periods
		}
	}
	special := func(name string, periods []period) error {
		first, last, err := days(name)
		if err != nil {
			return err
		}
		for n := first; n <= last; n++ {
			if _, twice := v.days[n]; twice {
				return errors.New("is there twice")
			}
			if v.days[n] = periods; len(v.days) > MaxDays {
				return fmt.Errorf("at most %d days with hours of their own", MaxDays)
			}
		}
		return nil
	}
	for i, name := range d.Holidays {
		if err := special(name, nil); err != nil {
			return v, bad(fmt.Sprintf("%s.holidays[%d]", field, i), "%v", err)
		}
	}
	for _, name := range sortedKeys(d.Days) {
		periods, err := parsePeriods(d.Days[name])
		if err == nil {
			err = special(name, periods)
		}
		if err != nil {
			return v, bad(field+".days."+name, "%v", err)
		}
	}
	return v, nil
}

var weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekdays reads mon, or mon-fri.
func weekdays(name string) (out []time.Weekday, err error) {
	first, last, ranged := strings.Cut(name, "-")
	if !ranged {
		last = first
	}
	from, to := slices.Index(weekdayNames, first), slices.Index(weekdayNames, last)
	if from < 0 || to < 0 {
		return nil, fmt.Errorf("%q: want mon to sun, or such as mon-fri", name)
	}
	for d := from; ; d = (d + 1) % 7 {
		if out = append(out, time.Weekday(d)); d == to {
			return out, nil
		}
	}
}

// day reads a date as days since 1970.
func day(s string) (int, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return 0, fmt.Errorf("%q: want a date from 1970 to 2200, such as 2026-12-31", s)
	}
	return int(t.Unix() / 86_400), nil
}

// days reads a date, or first/last.
func days(s string) (first, last int, err error) {
	a, b, ranged := strings.Cut(s, "/")
	if !ranged {
		b = a
	}
	if first, err = day(a); err != nil {
		return 0, 0, err
	}
	if last, err = day(b); err != nil {
		return 0, 0, err
	}
	if last < first {
		return 0, 0, fmt.Errorf("%q ends before it begins", s)
	}
	if last-first > MaxDays {
		return 0, 0, fmt.Errorf("%q has more than %d days", s, MaxDays)
	}
	return first, last, nil
}

func parsePeriods(list []string) (out []period, err error) {
	if len(list) > MaxPeriods {
		return nil, fmt.Errorf("at most %d periods a day", MaxPeriods)
	}
	for _, s := range list {
		a, b, ok := strings.Cut(s, "-")
		p := period{clock(a), clock(b)}
		if !ok || p.start < 0 || p.end <= p.start {
			return nil, fmt.Errorf("%q: want a period such as 09:00-12:30; a day ends at 24:00", s)
		}
		if n := len(out); n > 0 && p.start < out[n-1].end {
			return nil, fmt.Errorf("%q begins before the period before it ends", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// clock reads a time of day as minutes; -1 if it is none.
func clock(s string) int {
	if len(s) != 5 || s[2] != ':' {
		return -1
	}
	h, errH := strconv.ParseUint(s[:2], 10, 8)
	m, errM := strconv.ParseUint(s[3:], 10, 8)
	if errH != nil || errM != nil || m > 59 || h*60+m > 24*60 {
		return -1
	}
	return int(h*60 + m)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
