package serve

import "time"

// startOfDay is the first instant of the date in loc. That is not always midnight: where clocks go forward at
// midnight the day starts at one, and where they go back over it, midnight comes twice and the first counts.
func startOfDay(year int, month time.Month, day int, loc *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, loc)
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if !sameDate(t, want) {
		// Go may answer with the offset before the gap, which is still the day before: the day starts with the gap's end.
		_, t = t.ZoneBounds()
		return t
	}
	for earlier := t.Add(-time.Minute); sameDate(earlier.In(loc), want); earlier = earlier.Add(-time.Minute) {
		t = earlier
	}
	return t
}

func sameDate(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}
