package simulate

import (
	"math"
	"math/rand/v2"
	"time"
)

// When customers get in touch: shares of the hours of a day, and of the days of a week from Sunday.
var (
	hours = [24]float64{0.3, 0.2, 0.1, 0.1, 0.1, 0.3, 1, 2.5, 5, 7, 7.5, 7, 6, 5.5, 5.5, 6, 6.5, 7, 7, 6.5, 6, 5, 3, 1.2}
	days  = [7]float64{0.6, 1.3, 1.15, 1.1, 1.05, 1, 0.8}
)

// startOn draws the moment on the day, given by its midnight, at which somebody gets in touch.
func startOn(r *rand.Rand, midnight time.Time) time.Time {
	total := 0.0
	for _, share := range hours {
		total += share
	}
	at, hour := r.Float64()*total, 0
	for hour < 23 && at >= hours[hour] {
		at -= hours[hour]
		hour++
	}
	y, m, d := midnight.Date()
	return time.Date(y, m, d, hour, r.IntN(60), r.IntN(60), r.IntN(1000)*int(time.Millisecond), midnight.Location())
}

// poisson draws a number of events of which mean are expected.
func poisson(r *rand.Rand, mean float64) int {
	if mean > 50 { // near enough to the normal distribution
		return max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n, p, limit := 0, r.Float64(), math.Exp(-mean)
	for p > limit {
		p *= r.Float64()
		n++
	}
	return n
}

// spread makes of a usual wait what really passes: mostly near it, sometimes a few times as much.
func spread(r *rand.Rand, usual time.Duration) time.Duration {
	f := math.Exp(0.5 * r.NormFloat64())
	return time.Duration(float64(usual) * min(max(f, 0.5), 4))
}

// awake moves a moment at night to the morning after it.
func awake(r *rand.Rand, t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	if h := l.Hour(); h >= 7 && h < 23 {
		return t
	}
	y, m, d := l.Date()
	if l.Hour() >= 23 {
		d++
	}
	return time.Date(y, m, d, 7, r.IntN(120), r.IntN(60), 0, zone)
}

// open moves a moment outside the team's hours into the first hour and a half of the next day it works.
func (tm *team) open(r *rand.Rand, t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	for range 8 {
		h := tm.Weekdays
		switch l.Weekday() {
		case time.Saturday:
			h = tm.Saturday
		case time.Sunday:
			h = tm.Sunday
		}
		if len(h) == 2 && l.Hour() < h[1] {
			if l.Hour() >= h[0] {
				return l
			}
			y, m, d := l.Date()
			return time.Date(y, m, d, h[0], r.IntN(90), r.IntN(60), 0, zone)
		}
		y, m, d := l.Date()
		l = time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	}
	return t // a team that never works
}
