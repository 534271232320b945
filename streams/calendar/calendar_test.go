package calendar

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t testing.TB, s string) int64 {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UnixMilli()
}

const berlin = `
calendars:
  - name: desk
    versions:
      - zone: Europe/Berlin
        week: {mon-fri: ["08:00-12:00", "13:00-17:00"], sat: ["09:00-13:00"]}
        holidays: ["2026-12-24/2026-12-26"]
        days: {"2026-12-31": ["08:00-12:00"]}
      - from: 2026-07-01
        zone: Europe/Berlin
        week: {mon-fri: ["08:00-20:00"]}
        holidays: ["2026-12-24/2026-12-26"]
        days: {"2026-12-31": ["08:00-12:00"]}
`

func TestBusinessTime(t *testing.T) {
	calendars, err := Parse([]byte(berlin))
	if err != nil {
		t.Fatal(err)
	}
	desk := calendars["desk"]
	for _, c := range []struct {
		what, from, to string
		minutes        int64
	}{
		{"within a period", "2026-03-02T08:00:00+01:00", "2026-03-02T08:30:00+01:00", 30},
		{"over noon", "2026-03-02T11:30:00+01:00", "2026-03-02T13:30:00+01:00", 60},
		{"over night", "2026-03-02T16:00:00+01:00", "2026-03-03T09:00:00+01:00", 120},
		{"over a weekend with a Saturday", "2026-03-06T16:00:00+01:00", "2026-03-09T09:00:00+01:00", 60 + 240 + 60},
		{"over a change of clocks on a Sunday", "2026-03-27T16:00:00+01:00", "2026-03-30T09:00:00+02:00", 60 + 240 + 60},
		{"over the day from which the calendar is another", "2026-06-30T16:00:00+02:00", "2026-07-01T19:00:00+02:00", 60 + 11*60},
		{"over holidays", "2026-12-23T19:00:00+01:00", "2026-12-28T09:00:00+01:00", 120},
		{"a day with hours of its own", "2026-12-31T00:00:00+01:00", "2027-01-01T00:00:00+01:00", 240},
		{"backwards", "2026-03-02T09:00:00+01:00", "2026-03-02T08:00:00+01:00", 0},
	} {
		from, to := at(t, c.from), at(t, c.to)
		if got := desk.Between(from, to); got != c.minutes*minuteMillis {
			t.Errorf("%s: %d minutes, want %d", c.what, got/minuteMillis, c.minutes)
		}
		if c.minutes == 0 {
			continue
		}
		if got, ok := desk.After(from, c.minutes*minuteMillis); !ok || desk.Between(from, got) != c.minutes*minuteMillis || got > to {
			t.Errorf("%s: %d minutes later it is %s", c.what, c.minutes, time.UnixMilli(got).UTC())
		}
	}
	closed, err := Parse([]byte("calendars: [{name: a, versions: [{zone: UTC, until: 2026-01-01, week: {mon-sun: ['00:00-24:00']}}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := closed["a"].After(at(t, "2026-01-02T00:00:00Z"), 1); ok {
		t.Error("time passes in a calendar that has ended")
	}
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Asia/Kathmandu",
	"Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "Asia/Tehran", "Africa/Casablanca"}

func drawPeriods(t *rapid.T) (out []string) {
	cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, 24*60), 0, 6, rapid.ID).Draw(t, "cuts")
	slices.Sort(cuts)
	for i := 0; i+1 < len(cuts); i += 2 {
		out = append(out, fmt.Sprintf("%02d:%02d-%02d:%02d", cuts[i]/60, cuts[i]%60, cuts[i+1]/60, cuts[i+1]%60))
	}
	return out
}

// drawDocument draws a calendar around a day, with versions that begin and end and may lie in different zones.
func drawDocument(t *rapid.T, around int64) Document {
	date := func(offset int) string {
		return time.UnixMilli(around).UTC().AddDate(0, 0, offset).Format(time.DateOnly)
	}
	d := Document{Name: "a"}
	from := -20
	for i := range rapid.IntRange(1, 3).Draw(t, "versions") {
		v := DocumentVersion{Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Week: map[string][]string{}, Days: map[string][]string{}}
		if i > 0 || rapid.Bool().Draw(t, "begins") {
			from += rapid.IntRange(1, 14).Draw(t, "from")
			v.From = date(from)
			if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
				v.Until = date(from + rapid.IntRange(1, 20).Draw(t, "until"))
			}
		}
		for _, w := range weekdayNames {
			if rapid.IntRange(0, 3).Draw(t, "works") > 0 {
				v.Week[w] = drawPeriods(t)
			}
		}
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(-10, 10), 0, 4, rapid.ID).Draw(t, "special") {
			if rapid.Bool().Draw(t, "holiday") {
				v.Holidays = append(v.Holidays, date(n))
			} else {
				v.Days[date(n)] = drawPeriods(t)
			}
		}
		d.Versions = append(d.Versions, v)
	}
	return d
}

var locations = map[string]*time.Location{}

func location(zone string) *time.Location {
	if locations[zone] == nil {
		locations[zone], _ = time.LoadLocation(zone)
	}
	return locations[zone]
}

// open is the naive clock: what the wall clocks show at an instant, and whether the document says that somebody works then.
func open(d Document, at int64) bool {
	for i, v := range d.Versions {
		now := time.UnixMilli(at).In(location(v.Zone))
		date, clock := now.Format(time.DateOnly), now.Format("15:04")
		if v.From != "" && date < v.From || v.Until != "" && date >= v.Until || i+1 < len(d.Versions) && date >= d.Versions[i+1].From {
			continue
		}
		periods := v.Week[strings.ToLower(now.Format("Mon"))]
		if special, ok := v.Days[date]; ok {
			periods = special
		}
		if slices.Contains(v.Holidays, date) {
			periods = nil
		}
		for _, p := range periods {
			if a, b, _ := strings.Cut(p, "-"); a <= clock && clock < b {
				return true
			}
		}
	}
	return false
}

// changes are days around which clocks changed or dates were left out.
var changes = []string{"2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2018-11-04", "2018-02-18", "2023-04-28", "2011-12-30", "2023-11-05", "2026-04-05", "2024-03-10", "2022-09-21", "2026-06-15"}

func drawAround(t *rapid.T) int64 {
	day, _ := time.Parse(time.DateOnly, rapid.SampledFrom(changes).Draw(t, "change"))
	return day.UnixMilli()
}

func compileOne(t *rapid.T, d Document) *Calendar {
	all, err := Compile([]Document{d})
	if err != nil {
		t.Fatal(err)
	}
	return all[d.Name]
}

// TestAgainstTheMinuteClock counts minute by minute what the wall clock shows.
func TestAgainstTheMinuteClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		around := drawAround(t)
		d := drawDocument(t, around)
		c := compileOne(t, d)
		from := around + int64(rapid.IntRange(-6*1440, 6*1440).Draw(t, "from"))*minuteMillis
		length := int64(rapid.IntRange(0, 5*1440).Draw(t, "minutes"))
		counted := int64(0)
		for m := range length {
			if open(d, from+m*minuteMillis) {
				counted++
			}
		}
		to := from + length*minuteMillis
		if got := c.Between(from, to); got != counted*minuteMillis {
			t.Fatalf("%s for %d minutes: %d ms, counted %d minutes", time.UnixMilli(from).UTC(), length, got, counted)
		}
		if counted == 0 {
			return
		}
		later, ok := c.After(from, counted*minuteMillis)
		if !ok || later > to || c.Between(from, later) != counted*minuteMillis || c.Between(from, later-1) >= counted*minuteMillis {
			t.Fatalf("%d minutes after %s: %s, %v", counted, time.UnixMilli(from).UTC(), time.UnixMilli(later).UTC(), ok)
		}
	})
}

// TestClocksInTurnAndPaused counts minute by minute which calendar has its turn, and what is a pause.
func TestClocksInTurnAndPaused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		around := drawAround(t)
		var turns InTurn
		var documents []Document
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(-2*1440, 2*1440), 1, 3, rapid.ID).Draw(t, "turns")
		slices.Sort(minutes)
		for _, m := range minutes {
			d := drawDocument(t, around)
			documents = append(documents, d)
			turns = append(turns, Turn{around + int64(m)*minuteMillis, compileOne(t, d)})
		}
		var pauses []Opening
		cuts := rapid.SliceOfNDistinct(rapid.IntRange(-2*1440, 2*1440), 0, 6, rapid.ID).Draw(t, "pauses")
		slices.Sort(cuts)
		for i := 0; i+1 < len(cuts); i += 2 {
			pauses = append(pauses, Opening{around + int64(cuts[i])*minuteMillis, around + int64(cuts[i+1])*minuteMillis})
		}
		clock := Paused{turns, pauses}
		from := around + int64(rapid.IntRange(-3*1440, 3*1440).Draw(t, "from"))*minuteMillis
		to := from + int64(rapid.IntRange(0, 3*1440).Draw(t, "minutes"))*minuteMillis
		counted := int64(0)
		for m := from; m < to; m += minuteMillis {
			turn := 0
			for i := range turns {
				if turns[i].From <= m {
					turn = i
				}
			}
			paused := slices.ContainsFunc(pauses, func(o Opening) bool { return o.Start <= m && m < o.End })
			if open(documents[turn], m) && !paused {
				counted++
			}
		}
		if got := clock.Between(from, to); got != counted*minuteMillis {
			t.Fatalf("%d ms, counted %d minutes", got, counted)
		}
		if counted > 0 {
			if later, ok := clock.After(from, counted*minuteMillis); !ok || later > to || clock.Between(from, later) != counted*minuteMillis {
				t.Fatalf("%d minutes later: %s, %v", counted, time.UnixMilli(later).UTC(), ok)
			}
		}
	})
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"calendars: [{name: '', versions: [{zone: UTC}]}]", "calendars[0].name"},
		{"calendars: [{name: a, versions: []}]", "calendars[0].versions"},
		{"calendars: [{name: a, versions: [{zone: Mars/Base}]}]", "versions[0].zone"},
		{"calendars: [{name: a, versions: [{zone: Local}]}]", "versions[0].zone"},
		{"calendars: [{name: a, versions: [{zone: UTC, week: {mon: ['9:00-12:00']}}]}]", "week.mon"},
		{"calendars: [{name: a, versions: [{zone: UTC, week: {mon: ['22:00-06:00']}}]}]", "week.mon"},
		{"calendars: [{name: a, versions: [{zone: UTC, week: {mon: ['09:00-12:00', '11:00-13:00']}}]}]", "week.mon"},
		{"calendars: [{name: a, versions: [{zone: UTC, week: {mon: [], mon-fri: []}}]}]", "week.mon-fri"},
		{"calendars: [{name: a, versions: [{zone: UTC, week: {monday: []}}]}]", "monday"},
		{"calendars: [{name: a, versions: [{zone: UTC, holidays: [2026-13-01]}]}]", "holidays[0]"},
		{"calendars: [{name: a, versions: [{zone: UTC, holidays: [2026-12-02/2026-12-01]}]}]", "holidays[0]"},
		{"calendars: [{name: a, versions: [{zone: UTC, holidays: ['1970-01-01/2199-01-01']}]}]", "holidays[0]"},
		{"calendars: [{name: a, versions: [{zone: UTC}, {zone: UTC}]}]", "versions[1].from"},
		{"calendars: [{name: a, versions: [{zone: UTC, from: 2026-01-01}, {zone: UTC, from: 2025-01-01}]}]", "versions[1].from"},
		{"calendars: [{name: a, versions: [{zone: UTC, until: 2026-01-01, from: 2026-01-01}]}]", "versions[0].until"},
		{"calendars: [{name: a, zones: 1}]", "zones"},
	} {
		if _, err := Parse([]byte(c.yaml)); !errors.Is(err, ErrBadCalendar) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that names %s", c.yaml, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(berlin))
	f.Add([]byte("calendars: [{name: a, versions: [{zone: Asia/Kathmandu, from: 2026-01-01, days: {2026-02-01: ['00:00-24:00']}}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrBadCalendar) {
				t.Fatal(err)
			}
			return
		}
		for c := range maps.Values(all) {
			last := int64(0)
			for _, o := range c.Openings(1_770_000_000_000, 1_775_000_000_000) {
				if o.End <= o.Start || o.Start < last {
					t.Fatalf("openings out of order: %+v", o)
				}
				last = o.End
			}
		}
	})
}

func BenchmarkBetween(b *testing.B) {
	calendars, err := Parse([]byte(berlin))
	if err != nil {
		b.Fatal(err)
	}
	from := at(b, "2026-03-02T11:30:00+01:00")
	for b.Loop() {
		calendars["desk"].Between(from, from+3*dayMillis)
	}
}
