package touchpoint

import (
	"math"
	"strconv"
	"time"

	"github.com/throughline/throughline/schemas/strictjson"
)

const wantTime = "want RFC 3339 with a zone such as 2026-03-01T09:30:00+01:00, or a whole number of milliseconds since 1970"

func parseTime(c *strictjson.Cursor, t *Touchpoint, s *said) *FieldError {
	switch b := c.Peek(); {
	case b == '"':
		s.time = c.String()
		if c.Err() != nil {
			return fieldError("time", c.Err())
		}
		if s.time == "" {
			return refuse("time", "empty; leave it out to have it filled, or %s", wantTime)
		}
		return nil
	case b == '-' || b-'0' <= 9:
		text := c.Number()
		if c.Err() != nil {
			return fieldError("time", c.Err())
		}
		return parseMillis(t, text)
	default:
		return wrongType(c, "time", "RFC 3339 text or a number", b)
	}
}

func parseMillis(t *Touchpoint, text []byte) *FieldError {
	ms, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		// 1.7e12 and 1700000000000.0 are whole numbers, too, as JSON and its schemas have it.
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return refuse("time", "%s is not a time; %s", shorten(string(text)), wantTime)
		}
		ms = int64(f)
	}
	t.Time = ms
	return nil
}

// ParseTime reads a time as a touchpoint's `time` is read when it is a text: RFC 3339 with a zone, to the millisecond.
func ParseTime(s string) (ms int64, ok bool) { return parseRFC3339(s) }

// validateTime makes milliseconds of the time's text and checks that it is after the beginning of 1970 and not in the future.
func validateTime(t *Touchpoint, s *said, o *Options) *FieldError {
	if !s.has(fieldTime) {
		return nil
	}
	if s.time != "" {
		ms, ok := parseRFC3339(s.time)
		if !ok {
			return refuse("time", "%q is not a time; %s", shorten(s.time), wantTime)
		}
		t.Time = ms
	}
	switch {
	case t.Time == 0: // what broken clients send; and among times 0 means that there is none
		return refuse("time", "1970-01-01T00:00:00Z is what broken clients send, and no time here; leave it out to have it filled")
	case t.Time < 0 || o.putRight(t.Time) <= 0:
		return refuse("time", "before 1970; %s", wantTime)
	}
	if at := o.putRight(t.Time); at > o.Now+MaxAhead.Milliseconds() {
		return refuse("time", "more than 24 hours ahead (%s); %s", rfc3339(at), wantTime)
	}
	return nil
}

// putRight is a time that was told, by the receiver's clock. What was told to lie behind the sending was not told by the clock
// that told when it was sent, and stays.
func (o *Options) putRight(told int64) int64 {
	if o.Carrier.Sent == 0 || told > o.Carrier.Sent {
		return told
	}
	return told + o.Now - o.Carrier.Sent
}

// rfc3339 shows a time that a reader may have meant otherwise, such as microseconds.
func rfc3339(ms int64) string {
	if at := time.UnixMilli(ms).UTC(); at.Year() <= 9999 {
		return at.Format(time.RFC3339)
	}
	return "beyond the year 9999"
}

// parseRFC3339 reads a time of RFC 3339 to the millisecond; what is finer is cut off. The zone is required: a time
// without one means something else at every reader.
func parseRFC3339(s string) (ms int64, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, ok1 := number(s[0:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	hour, ok4 := number(s[11:13])
	minute, ok5 := number(s[14:16])
	second, ok6 := number(s[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest := s[19:]
	milli := 0
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			if n <= 3 {
				milli = milli*10 + int(rest[n]-'0')
			}
			n++
		}
		if n == 1 {
			return 0, false
		}
		for i := n; i <= 3; i++ {
			milli *= 10
		}
		rest = rest[n:]
	}
	offset := 0
	switch {
	case len(rest) == 1 && rest[0]|0x20 == 'z':
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		h, okh := number(rest[1:3])
		m, okm := number(rest[4:6])
		if !okh || !okm || h > 23 || m > 59 {
			return 0, false
		}
		if offset = h*60 + m; rest[0] == '-' {
			offset = -offset
		}
	default:
		return 0, false
	}
	days := daysSince1970(year, month, day)
	return ((days*24+int64(hour))*60+int64(minute-offset))*60_000 + int64(second*1000+milli), true
}

// number reads decimal digits; ok is false when there is anything else.
func number(s string) (n int, ok bool) {
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int(d)
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts days in the proleptic Gregorian calendar, with the year starting in March so that the leap day
// is its last. It counts from 400 years earlier, where divisions of the years 0 to 9999 do not round upwards.
func daysSince1970(year, month, day int) int64 {
	year += 400
	if month <= 2 {
		year--
		month += 12
	}
	const days400 = 146_097
	return int64(365*year+year/4-year/100+year/400+(153*(month-3)+2)/5+day) - 719_469 - days400
}
