// Package calendar counts business time: how much of it lies between two instants, and when a given amount of it will have passed.
//
// A calendar says at which times of the wall clock of a zone somebody works. So an hour that comes twice, when clocks go back,
// counts twice, and one that is left out does not count. Instants and durations are in milliseconds, as on the log; the time is
// never asked for.
package calendar

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Clock counts some of the time that passes.
type Clock interface {
	// Between is the time that counts from one instant to another, in ms; 0 when to is not after from.
	Between(from, to int64) int64
	// After is the earliest instant by which amount ms that count have passed since from; ok is false when that does not
	// happen within Horizon.
	After(from, amount int64) (at int64, ok bool)
}

// Horizon is how far After looks ahead, in ms: beyond lies a calendar that is never open again.
const Horizon = int64(10 * 366 * dayMillis)

const (
	minuteMillis = int64(60_000)
	dayMillis    = 24 * 60 * minuteMillis
)

// Always counts all time: the calendar of those who never close.
var Always Clock = always{}

type always struct{}

func (always) Between(from, to int64) int64           { return max(0, to-from) }
func (always) After(from, amount int64) (int64, bool) { return from + max(0, amount), true }

// Calendar is when somebody works. It is made by Parse, and never changes: it is safe for concurrent use.
type Calendar struct {
	Name     string
	versions []version
}

// version is what a calendar says from one date until before another.
type version struct {
	from, until int // days since 1970 in the zone; until is not included
	zone        *time.Location
	week        [7][]period // by time.Weekday
	days        map[int][]period
}

// period is a part of a day, in minutes of the wall clock.
type period struct{ start, end int }

// Opening is a stretch of time in which somebody works, in ms since 1970; End is not included.
type Opening struct{ Start, End int64 }

// on are the periods of a date.
func (v *version) on(day int) []period {
	if day < v.from || day >= v.until {
		return nil
	}
	if special, ok := v.days[day]; ok {
		return special
	}
	return v.week[((day+4)%7+7)%7] // 1970 began on a Thursday
}

// Openings are those that have any time in from..to, whole, in order and apart from each other.
func (c *Calendar) Openings(from, to int64) []Opening {
	if to <= from {
		return nil
	}
	var out []Opening
	for i := range c.versions {
		out = c.versions[i].openings(out, from, to)
	}
	slices.SortFunc(out, func(a, b Opening) int { return cmp.Compare(a.Start, b.Start) })
	merged := out[:0]
	for _, o := range out {
		if n := len(merged); n > 0 && o.Start <= merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, o.End)
			continue
		}
		merged = append(merged, o)
	}
	return merged
}

// openings appends those of the version. A date of a zone lies within a day and a half of the same date of UTC.
func (v *version) openings(out []Opening, from, to int64) []Opening {
	first := max(int(floor(from, dayMillis))-2, v.from)
	last := min(int(floor(to, dayMillis))+2, v.until-1)
	if first > last {
		return out
	}
	offset, until := v.offsetAt(int64(first)*dayMillis - 2*dayMillis)
	for day := first; day <= last; day++ {
		periods := v.on(day)
		if len(periods) == 0 {
			continue
		}
		midnight := int64(day) * dayMillis
		at := midnight - 2*dayMillis // the stretches of one offset that the date may lie in
		if until <= at {
			offset, until = v.offsetAt(at)
		}
		for o, end := offset, until; at < midnight+3*dayMillis; {
			for _, p := range periods {
				start := max(midnight+int64(p.start)*minuteMillis-o, at)
				stop := min(midnight+int64(p.end)*minuteMillis-o, end)
				if start < stop && start < to && stop > from {
					out = append(out, Opening{start, stop})
				}
			}
			if at = end; at < midnight+3*dayMillis {
				o, end = v.offsetAt(at)
			}
		}
	}
	return out
}

// offsetAt is by how much the zone's clocks are ahead of UTC at an instant, in ms, and until when.
func (v *version) offsetAt(at int64) (offset, until int64) {
	t := time.UnixMilli(at).In(v.zone)
	_, seconds := t.Zone()
	_, end := t.ZoneBounds()
	if end.IsZero() {
		return int64(seconds) * 1000, 1 << 62
	}
	return int64(seconds) * 1000, end.UnixMilli()
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Between implements Clock.
func (c *Calendar) Between(from, to int64) (sum int64) {
	for _, o := range c.Openings(from, to) {
		sum += min(o.End, to) - max(o.Start, from)
	}
	return sum
}

// After implements Clock. It looks further and further ahead, because most of what is asked for lies in the next days.
func (c *Calendar) After(from, amount int64) (at int64, ok bool) {
	if amount <= 0 {
		return from, true
	}
	for at, step := from, 4*dayMillis; at < from+Horizon; step *= 2 {
		to := min(at+step, from+Horizon)
		for _, o := range c.Openings(at, to) {
			start, end := max(o.Start, at), min(o.End, to)
			if amount <= end-start {
				return start + amount, true
			}
			amount -= end - start
		}
		at = to
	}
	return 0, false
}

// Turn says that a clock counts from an instant on, until the next turn.
type Turn struct {
	From  int64
	Clock Clock
}

// InTurn are several clocks of which each counts in its turn: a matter that goes from one team to another is measured by the hours
// of whoever has it. Turns are in the order of time; the first also counts before it begins.
type InTurn []Turn

// Between implements Clock.
func (t InTurn) Between(from, to int64) (sum int64) {
	first := sort.Search(len(t), func(i int) bool { _, end := t.bounds(i); return end > from })
	for i := first; i < len(t); i++ {
		start, end := t.bounds(i)
		if start, end = max(from, start), min(to, end); start >= end {
			break
		}
		sum += t[i].Clock.Between(start, end)
	}
	return sum
}

// After implements Clock.
func (t InTurn) After(from, amount int64) (at int64, ok bool) {
	for i := range t {
		start, end := t.bounds(i)
		if start = max(from, start); start >= end {
			continue
		}
		if at, ok := t[i].Clock.After(start, amount); ok && at <= end {
			return at, true
		}
		if end == 1<<62 {
			return 0, false
		}
		amount -= t[i].Clock.Between(start, end)
	}
	return 0, false
}

func (t InTurn) bounds(i int) (start, end int64) {
	start, end = t[i].From, 1<<62
	if i == 0 {
		start = -1 << 62
	}
	if i+1 < len(t) {
		end = t[i+1].From
	}
	return start, end
}

// Paused is a clock that stands still during some stretches of time.
type Paused struct {
	Clock  Clock
	Pauses []Opening // in order and apart from each other
}

// Between implements Clock.
func (p Paused) Between(from, to int64) int64 {
	sum := p.Clock.Between(from, to)
	for _, o := range p.Pauses {
		if o.Start < to && o.End > from {
			sum -= p.Clock.Between(max(o.Start, from), min(o.End, to))
		}
	}
	return sum
}

// After implements Clock.
func (p Paused) After(from, amount int64) (at int64, ok bool) {
	for _, o := range p.Pauses {
		if o.End <= from {
			continue
		}
		if o.Start > from {
			counts := p.Clock.Between(from, o.Start)
			if counts >= amount {
				return p.Clock.After(from, amount)
			}
			amount -= counts
		}
		from = o.End
	}
	return p.Clock.After(from, amount)
}
