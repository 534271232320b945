package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeFormat is one way to write a time.
type timeFormat struct {
	name   string // as the mapping file says it
	layout string // of package time; empty for epochs
	unit   int64  // of an epoch, in ms; 0 for layouts
	div    int64  // of an epoch finer than ms
}

// named are the formats that have a name; every other is a strftime pattern.
var named = map[string]timeFormat{
	"rfc3339":  {layout: time.RFC3339},
	"epoch_s":  {unit: 1000, div: 1},
	"epoch_ms": {unit: 1, div: 1},
	"epoch_us": {unit: 1, div: 1000},
}

// directives translates those of strftime (ISO C). Day, month and hour may have one digit or two; a
// fraction of the second is read wherever seconds are.
var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "1", 'd': "2", 'e': "_2", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
	'H': "15", 'I': "3", 'p': "PM", 'M': "04", 'S': "05", 'z': "-0700", '%': "%",
}

func parseTimeFormat(s string) (timeFormat, error) {
	if f, ok := named[s]; ok {
		f.name = s
		return f, nil
	}
	if !strings.Contains(s, "%") {
		return timeFormat{}, fmt.Errorf("%q is none of rfc3339, epoch_s, epoch_ms, epoch_us and no strftime pattern", s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && strings.HasPrefix(s[i:], "%:z"):
			b.WriteString("-07:00")
			i += 2
		case c == '%':
			if i++; i == len(s) {
				return timeFormat{}, fmt.Errorf("%q ends in the middle of a directive", s)
			}
			d, ok := directives[s[i]]
			if !ok {
				return timeFormat{}, fmt.Errorf("%q: there is no directive %%%c; known are %%Y %%y %%m %%d %%e %%b %%B %%a %%A %%H %%I %%p %%M %%S %%z %%:z", s, s[i])
			}
			b.WriteString(d)
		case c >= '0' && c <= '9', c == '_', c >= 'A' && c <= 'Z' && c != 'T' && c != 'Z', strings.HasPrefix(s[i:], "pm"):
			// Package time would take such letters for parts of the time.
			return timeFormat{}, fmt.Errorf("%q: %q cannot stand between directives", s, c)
		default:
			b.WriteByte(c)
		}
	}
	return timeFormat{name: s, layout: b.String()}, nil
}

// parse reads s as ms since 1970.
func (f timeFormat) parse(s string, zone *time.Location) (ms int64, ok bool) {
	if f.unit == 0 {
		t, err := time.ParseInLocation(f.layout, s, zone)
		return t.UnixMilli(), err == nil
	}
	whole, fraction, dotted := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > 1<<53 || n < -1<<53 {
		return 0, false
	}
	ms = n * f.unit / f.div
	if dotted && f.unit == 1000 {
		frac, err := strconv.ParseUint((fraction + "000")[:3], 10, 16)
		if err != nil {
			return 0, false
		}
		ms += int64(frac)
	}
	return ms, true
}

// time evaluates to a time, in ms since 1970.
func (r *Run) time(v *value) (ms int64, err error) {
	if s, ok := r.quick(v); ok && s.kind != nothing {
		return r.parseTime(s.text)
	}
	out, err := r.eval(v)
	if err != nil {
		return 0, err
	}
	switch x := out.(type) {
	case nil:
		return 0, errors.New("is missing")
	case time.Time:
		return x.UnixMilli(), nil
	}
	s, err := asText(out)
	if err != nil {
		return 0, err
	}
	return r.parseTime(s)
}

// parseTime tries the mapping's formats in their order. A clock time that a zone has twice, in the night when summer
// time ends, is one of the two, always the same.
func (r *Run) parseTime(s string) (int64, error) {
	for _, f := range r.m.formats {
		if ms, ok := f.parse(s, r.zone); ok {
			return ms, nil
		}
	}
	names := make([]string, len(r.m.formats))
	for i, f := range r.m.formats {
		names[i] = f.name
	}
	return 0, fmt.Errorf("%q is not a time in any of the formats %s", clip(s), strings.Join(names, ", "))
}

// LoadZone finds a time zone by its IANA name. "Local" is refused: what a mapping means must not depend on where it runs.
func LoadZone(name string) (*time.Location, error) {
	if name == "Local" || name == "" {
		return nil, errors.New("want the IANA name of a time zone, such as Europe/Berlin")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not an IANA time zone, such as Europe/Berlin", name)
	}
	return zone, nil
}

// clip shortens a foreign value for an error message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
