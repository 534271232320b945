package serve

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zoneOf(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// bucketStarts are when the stretches of time begin that have an instant of the report's period, found by going through it.
func bucketStarts(r *reportQuery, dimension string) (out []time.Time) {
	date := time.Time{}
	for t := r.from; t.Before(r.to); t = t.Add(15 * time.Minute) {
		local := t.In(r.loc)
		var start time.Time
		switch {
		case dimension == "hour":
			start = startOfHour(local)
		case dateOf(local).Equal(date):
			continue
		case dimension == "day":
			start = startOfDay(local.Year(), local.Month(), local.Day(), r.loc)
		case dimension == "week":
			d := mondayOf(local)
			start = startOfDay(d.Year(), d.Month(), d.Day(), r.loc)
		case dimension == "month":
			start = startOfDay(local.Year(), local.Month(), 1, r.loc)
		}
		date = dateOf(local)
		if len(out) == 0 || out[len(out)-1].Before(start) {
			out = append(out, start)
		}
	}
	return out
}

var wideZones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham"}

// drawPeriod draws a period of whole months, of whole days that begin at any time, or of any length.
func drawPeriod(t *rapid.T, loc *time.Location) (from, to time.Time) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "day"))
	start := func(d time.Time) time.Time { return startOfDay(d.Year(), d.Month(), d.Day(), loc) }
	switch rapid.IntRange(0, 3).Draw(t, "sort") {
	case 0:
		first := day.AddDate(0, 0, 1-day.Day())
		return start(first), start(first.AddDate(0, rapid.IntRange(1, 3).Draw(t, "months"), 0))
	case 1:
		return start(day), start(day.AddDate(0, 0, rapid.IntRange(1, 40).Draw(t, "days")))
	case 2:
		from = time.Date(day.Year(), day.Month(), day.Day(), rapid.IntRange(0, 23).Draw(t, "hour"), 15*rapid.IntRange(0, 3).Draw(t, "quarter"), 0, 0, loc)
		return from, from.AddDate(0, 0, rapid.IntRange(1, 40).Draw(t, "days"))
	}
	from = start(day).Add(time.Duration(rapid.IntRange(0, 95).Draw(t, "quarters")) * 15 * time.Minute)
	return from, from.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "length")) * 15 * time.Minute)
}

// TestPositions holds for any period of any zone: its stretches of time have different positions, each is found again at its own, and the period
// before ends where it begins.
func TestPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &reportQuery{loc: zoneOf(t, rapid.SampledFrom(wideZones).Draw(t, "zone"))}
		r.from, r.to = drawPeriod(t, r.loc)
		before := &reportQuery{loc: r.loc, from: r.back(), to: r.from}
		if !before.from.Before(before.to) {
			t.Fatalf("%v to %v is compared with nothing", r.from, r.to)
		}
		if days := r.wholeDays(); days > 0 && r.wholeMonths() == 0 && before.wholeDays() != days && timeOfDay(before.from.In(r.loc)) == timeOfDay(r.from.In(r.loc)) {
			t.Fatalf("%d days are compared with %d", days, before.wholeDays())
		}
		if before.wholeMonths() != r.wholeMonths() {
			t.Fatalf("%d months are compared with %d", r.wholeMonths(), before.wholeMonths())
		}
		dimension := rapid.SampledFrom([]string{"hour", "day", "week", "month"}).Draw(t, "dimension")
		seen := map[position]time.Time{}
		for _, start := range bucketStarts(r, dimension) {
			p := r.positionOf(dimension, start)
			if other, twice := seen[p]; twice {
				t.Fatalf("%v and %v are both at %+v", other, start, p)
			}
			seen[p] = start
			if dimension == "hour" && r.loc.String() == "Australia/Lord_Howe" {
				continue // its clocks change by half an hour: some hours of it begin where others end
			}
			if got, ok := r.at(dimension, p); !ok || !got.Equal(start) {
				t.Fatalf("at %+v is %v (%v), want %v", p, got, ok, start)
			}
		}
		for _, start := range bucketStarts(before, dimension) {
			if r.loc.String() == "Australia/Lord_Howe" {
				break
			}
			if got, ok := r.at(dimension, before.positionOf(dimension, start)); ok && seen[r.positionOf(dimension, got)].IsZero() {
				t.Fatalf("%v is compared with %v, which the period does not have", start, got)
			}
		}
	})
}
