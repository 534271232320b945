package serve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// previous is the same report over the period before: as many months or days if it is made of whole ones, so that a day with a change of clocks
// is compared with a day, and else as long.
func (r *reportQuery) previous() *reportQuery {
	p := *r
	p.params = maps.Clone(r.params)
	p.from, p.to = r.back(), r.from
	p.params["from"], p.params["to"] = moment(ceilMilli(p.from)), moment(ceilMilli(p.to))
	p.params["closed"] = moment(ceilMilli(p.closing()))
	return &p
}

// whole months and days are how many the period is made of; 0 when it is not. A day of it may begin at any time, if the period ends at the
// same time of a day.
func (r *reportQuery) wholeMonths() int {
	from, to := r.from.In(r.loc), r.to.In(r.loc)
	if !startsDay(from, r.loc) || !startsDay(to, r.loc) || from.Day() != 1 || to.Day() != 1 {
		return 0
	}
	return 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
}

func (r *reportQuery) wholeDays() int {
	from, to := r.from.In(r.loc), r.to.In(r.loc)
	if timeOfDay(from) != timeOfDay(to) && (!startsDay(from, r.loc) || !startsDay(to, r.loc)) {
		return 0
	}
	return days(dateOf(from), dateOf(to))
}

func startsDay(t time.Time, loc *time.Location) bool {
	return startOfDay(t.Year(), t.Month(), t.Day(), loc).Equal(t)
}

// timeOfDay is what the clock on the wall says, since midnight.
func timeOfDay(t time.Time) time.Duration {
	hour, minute, second := t.Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
}

// dateOf is the date of t, as a time of UTC.
func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// days are those between two dates.
func days(from, to time.Time) int { return int(to.Sub(from) / (24 * time.Hour)) }

// back is when the period before begins.
func (r *reportQuery) back() time.Time {
	months, whole := r.wholeMonths(), r.wholeDays()
	if whole == 0 {
		return r.from.Add(-r.to.Sub(r.from))
	}
	from := r.from.In(r.loc)
	d := dateOf(from).AddDate(0, 0, -whole)
	if months > 0 {
		d = dateOf(from).AddDate(0, -months, 0)
	}
	if startsDay(from, r.loc) {
		return startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
	}
	hour, minute, second := from.Clock()
	return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, second, from.Nanosecond(), r.loc)
}

// placeOfRow tells rows apart.
func placeOfRow(by []string) string { return strings.Join(by, "\x00") }

// placeInPeriod tells rows apart by their groups, and by where in the period of the report their stretches of time lie.
func (r *reportQuery) placeInPeriod(by []string) (string, error) {
	by = slices.Clone(by)
	for i, d := range r.by {
		if !d.time || by[i] == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, by[i])
		if err != nil {
			return "", err
		}
		by[i] = fmt.Sprint(r.positionOf(d.name, at))
	}
	return placeOfRow(by), nil
}

// match gives every row the figures that the period before has in its place: the same values of the dimensions, and the stretches of time
// at the same positions. What only the period before has becomes a row with nothing in it, so that what the rows were adds up to what
// the whole was; a stretch of time that the period itself has no counterpart of is none there.
func (now *statement) match(before *statement) error {
	if uint64(len(now.rows)) < now.groups || uint64(len(before.rows)) < before.groups {
		return fmt.Errorf("serve: report: groups to compare: %w", clickhouse.ErrTooLarge)
	}
	r := now.query
	places := make(map[string]*reportRow, len(before.rows))
	for i := range before.rows {
		place, err := before.query.placeInPeriod(before.rows[i].by)
		if err != nil {
			return err
		}
		places[place] = &before.rows[i]
	}
	matched := make(map[*reportRow]bool, len(before.rows))
	for i := range now.rows {
		place, err := r.placeInPeriod(now.rows[i].by)
		if err != nil {
			return err
		}
		if row := places[place]; row != nil {
			now.rows[i].previous = row
			matched[row] = true
		}
	}
	for i := range before.rows {
		if row := &before.rows[i]; !matched[row] {
			gone, err := now.gone(before, row)
			if err != nil {
				return err
			}
			now.rows = append(now.rows, gone)
			now.groups++
		}
	}
	now.totals.previous = &before.totals
	if r.order == "by" {
		slices.SortStableFunc(now.rows, func(a, b reportRow) int { return r.compareBy(a.by, b.by) })
	}
	now.rows = now.rows[:min(len(now.rows), r.most)]
	return nil
}

// gone is the row of a group that only the period before has.
func (now *statement) gone(before *statement, row *reportRow) (reportRow, error) {
	r := now.query
	out := reportRow{by: slices.Clone(row.by), figures: newFigures(r.kind), previous: row}
	if now.totals.closed != nil {
		out.closed = newFigures(now.totals.closed.kind)
	}
	for i, d := range r.by {
		if !d.time || row.by[i] == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, row.by[i])
		if err != nil {
			return out, err
		}
		out.by[i] = ""
		if here, ok := r.at(d.name, before.query.positionOf(d.name, at)); ok {
			out.by[i] = here.In(r.loc).Format(time.RFC3339)
		}
	}
	return out, nil
}

// compareBy orders rows by their dimensions as the store does; stretches of time that the period does not have come last.
func (r *reportQuery) compareBy(a, b []string) int {
	for i, d := range r.by {
		c := strings.Compare(a[i], b[i])
		switch {
		case c == 0:
			continue
		case !d.time:
		case a[i] == "" || b[i] == "":
			c = -c
		default:
			at, _ := time.Parse(time.RFC3339, a[i]) // they were parsed before
			other, _ := time.Parse(time.RFC3339, b[i])
			c = at.Compare(other)
		}
		return c
	}
	return 0
}
