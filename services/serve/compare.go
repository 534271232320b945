package serve

import (
	"maps"
	"strings"
	"time"
)

// previous is the same report over the period before: as long, in days or in months if it is made of whole ones, so that a day with
// a change of clocks is compared with a day.
func (r *reportQuery) previous() *reportQuery {
	p := *r
	p.params = maps.Clone(r.params)
	p.from, p.to = r.back(r.from), r.from
	p.params["from"], p.params["to"] = moment(ceilMilli(p.from)), moment(ceilMilli(p.to))
	p.params["closed"] = moment(ceilMilli(p.closing()))
	p.order, p.limit = "by", maxReportRows // whichever rows there are to compare with
	p.params["limit"] = p.limit
	return &p
}

// wholeMonths and wholeDays are how many the period is made of; 0 when it is not.
func (r *reportQuery) wholeMonths() int {
	from, to := r.from.In(r.loc), r.to.In(r.loc)
	if r.wholeDays() == 0 || from.Day() != 1 || to.Day() != 1 {
		return 0
	}
	return 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
}

func (r *reportQuery) wholeDays() int {
	from, to := r.from.In(r.loc), r.to.In(r.loc)
	if !startsDay(from, r.loc) || !startsDay(to, r.loc) {
		return 0
	}
	return int(dateOf(to).Sub(dateOf(from)) / (24 * time.Hour))
}

func startsDay(t time.Time, loc *time.Location) bool {
	return startOfDay(t.Year(), t.Month(), t.Day(), loc).Equal(t)
}

// dateOf is the date of t, as a time of UTC.
func dateOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// back and forth move a time by the length of the period.
func (r *reportQuery) back(t time.Time) time.Time  { return r.moved(t, -1) }
func (r *reportQuery) forth(t time.Time) time.Time { return r.moved(t, 1) }

func (r *reportQuery) moved(t time.Time, by int) time.Time {
	months, days := r.wholeMonths(), r.wholeDays()
	if days == 0 {
		return t.Add(time.Duration(by) * r.to.Sub(r.from))
	}
	d := dateOf(t.In(r.loc))
	if months > 0 && d.Day() == 1 {
		d = d.AddDate(0, by*months, 0)
	} else {
		d = d.AddDate(0, 0, by*days)
	}
	if startsDay(t.In(r.loc), r.loc) {
		return startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
	}
	hour, minute, second := t.In(r.loc).Clock()
	return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, second, t.Nanosecond(), r.loc)
}

// placeOfRow tells rows apart.
func placeOfRow(by []string) string { return strings.Join(by, "\x00") }

// match gives every row the figures that the period before has in its place: the same values of the dimensions, and the stretch of
// time that lies as far from the start. Groups that are not in the period itself are not listed.
func (r *reportQuery) match(rows, before []reportRow) error {
	places := make(map[string]*reportRow, len(before))
	for i := range before {
		row := &before[i]
		by := append([]string{}, row.by...)
		for i, d := range r.by {
			if !d.time {
				continue
			}
			at, err := time.Parse(time.RFC3339, by[i])
			if err != nil {
				return err
			}
			by[i] = r.forth(at).In(r.loc).Format(time.RFC3339)
		}
		places[placeOfRow(by)] = row
	}
	for i := range rows {
		rows[i].previous = places[placeOfRow(rows[i].by)]
	}
	return nil
}
