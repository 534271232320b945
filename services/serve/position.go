package serve

import "time"

// position is where in a report's period a stretch of time lies. Stretches of a period have different ones, and those of two periods are compared
// when theirs are the same:
//
//   - months and weeks are counted from the one that the period begins in, so that the n-th is compared with the n-th;
//   - so are days, but where the period is of whole months: there a day is known by its month and its date, so that the 1st is compared with the 1st, and
//     a 31st with nothing where the month before has 30 days;
//   - hours are those of their day by the clock on the wall, so that ten o'clock is compared with ten o'clock, and the hour that is left out or comes
//     twice when clocks change with nothing; but where the period is not of whole days they are counted as they follow each other.
type position struct {
	month, count int           // count is of weeks, of days, or the date
	clock        time.Duration // on the wall
	again        bool          // for the second time, because clocks went back
	since        time.Duration // the first hour began
}

// positionOf is where a stretch of time of the report lies, by when it begins.
func (r *reportQuery) positionOf(dimension string, t time.Time) position {
	from, t := r.from.In(r.loc), t.In(r.loc)
	switch dimension {
	case "month":
		return position{month: months(from, t)}
	case "week":
		return position{count: days(mondayOf(from), mondayOf(t)) / 7}
	case "hour":
		if r.wholeDays() == 0 {
			return position{since: t.Sub(startOfHour(from))}
		}
		p := r.positionOf("day", t)
		p.clock, p.again = timeOfDay(t), comesAgain(t)
		return p
	}
	if r.wholeMonths() > 0 {
		return position{month: months(from, t), count: t.Day()}
	}
	return position{count: days(dateOf(from), dateOf(t))}
}

// at is when the stretch of time at a position begins; false where the period has none there.
func (r *reportQuery) at(dimension string, p position) (time.Time, bool) {
	from := r.from.In(r.loc)
	candidates := []time.Time{startOfHour(from).Add(p.since)}
	switch dimension {
	case "month":
		d := time.Date(from.Year(), from.Month()+time.Month(p.month), 1, 0, 0, 0, 0, time.UTC)
		candidates[0] = startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
	case "week":
		d := mondayOf(from).AddDate(0, 0, 7*p.count)
		candidates[0] = startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
	case "day":
		d := r.dateAt(p)
		candidates[0] = startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
	case "hour":
		if r.wholeDays() == 0 {
			break
		}
		wall := r.dateAt(p).Add(p.clock)
		candidates = nil
		for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} { // by the offsets that the zone may have then
			_, offset := wall.Add(near).In(r.loc).Zone()
			candidates = append(candidates, wall.Add(-time.Duration(offset)*time.Second))
		}
	}
	for _, t := range candidates {
		if t.Before(r.to) && r.positionOf(dimension, t) == p {
			return t, true
		}
	}
	return time.Time{}, false
}

// dateAt is the date of a day's position.
func (r *reportQuery) dateAt(p position) time.Time {
	from := dateOf(r.from.In(r.loc))
	if r.wholeMonths() > 0 {
		return time.Date(from.Year(), from.Month()+time.Month(p.month), p.count, 0, 0, 0, 0, time.UTC)
	}
	return from.AddDate(0, 0, p.count)
}

// months are those that begin between two times.
func months(from, to time.Time) int {
	return 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
}

// mondayOf is the date of the Monday of t's week.
func mondayOf(t time.Time) time.Time {
	return dateOf(t).AddDate(0, 0, -(int(t.Weekday())+6)%7)
}

func startOfHour(t time.Time) time.Time {
	_, minute, second := t.Clock()
	return t.Add(-time.Duration(minute)*time.Minute - time.Duration(second)*time.Second - time.Duration(t.Nanosecond()))
}

// comesAgain tells whether the clock on the wall said the same once before, because it was put back.
func comesAgain(t time.Time) bool {
	since, _ := t.ZoneBounds()
	if since.IsZero() {
		return false
	}
	_, before := since.Add(-time.Nanosecond).Zone()
	_, now := t.Zone()
	return t.Sub(since) < time.Duration(before-now)*time.Second
}
