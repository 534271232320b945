package serve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/streams/calendar"
	"github.com/throughline/throughline/streams/promise"
)

// openingsSQL gives a statement the function open_between(clock, a, b): how much time a calendar has between two instants, as a difference of two look-ups.
// Calendars are numbers, so that an expression is as long with one of them as with many.
//
// The openings of a day of UTC are one of few patterns, since weeks are alike. So what is handed over is the number of the pattern of each day of
// each calendar, in one array; how much of all days before is open is added up by the store. The arrays are results of subqueries: constants would be
// written out in the name of every expression that they are in, which takes the store seconds to work through.
type openingsSQL struct {
	policy    *promise.Policy
	from      time.Time // nothing in question is earlier
	now       time.Time
	calendars []string
}

const openBetween = "open_between"

// maxOpenDays bounds the days of all calendars: the text of a statement may have a quarter of a megabyte, and each takes some three bytes of it.
const maxOpenDays = 40_000

// aroundTheClock is the number of what is always open.
const aroundTheClock = "0"

// between is the time of a calendar between two instants.
func between(clock, a, b string) string { return openBetween + "(" + clock + ", " + a + ", " + b + ")" }

// clock is the number of a calendar.
func (o *openingsSQL) clock(name string) string {
	if _, isCalendar := o.policy.Clock(name).(*calendar.Calendar); !isCalendar {
		return aroundTheClock
	}
	i := slices.Index(o.calendars, name)
	if i < 0 {
		i, o.calendars = len(o.calendars), append(o.calendars, name)
	}
	return strconv.Itoa(i + 1)
}

const dayMilli = 86_400_000

// pattern is what of a day of UTC is open: begins and ends since its midnight, by turns.
type pattern []int64

// with defines the function, and the constants that it takes.
func (o *openingsSQL) with() ([]string, error) {
	const always = "greatest(0, b - a)"
	if len(o.calendars) == 0 {
		return []string{"(clock, a, b) -> " + always + " AS " + openBetween}, nil
	}
	first, last := o.from.UnixMilli()/dayMilli-1, max(o.from.UnixMilli(), o.now.UnixMilli())/dayMilli+1
	days := last - first + 1
	if days*int64(len(o.calendars)) > maxOpenDays {
		return nil, &fieldError{"from", fmt.Sprintf("the calendars have too many days since then for one report; %d calendars take a from in the last %d days", len(o.calendars), maxOpenDays/len(o.calendars)-3)}
	}
	var patterns []pattern
	numbers := map[string]int{}
	var each []string // day of each calendar: the number of its pattern
	for _, name := range o.calendars {
		for _, p := range openDays(o.policy.Clock(name).(*calendar.Calendar), first, days) {
			key := fmt.Sprint(p)
			if _, known := numbers[key]; !known {
				patterns = append(patterns, p)
				numbers[key] = len(patterns)
			}
			each = append(each, strconv.Itoa(numbers[key]))
		}
	}
	most := 0
	for _, p := range patterns {
		most = max(most, len(p)/2)
	}
	var begins, ends, sums []string
	for _, p := range patterns {
		sum := int64(0)
		for i := range most {
			begin, end := int64(0), int64(0)
			if 2*i < len(p) {
				begin, end = p[2*i], p[2*i+1]
			}
			begins, ends, sum = append(begins, strconv.FormatInt(begin, 10)), append(ends, strconv.FormatInt(end, 10)), sum+end-begin
		}
		sums = append(sums, strconv.FormatInt(sum, 10))
	}
	array := func(values []string) string { return "[" + strings.Join(values, ",") + "]::Array(Int64)" }
	day := fmt.Sprintf("greatest(0, least(intDiv(t, %d) - %d, %d))", dayMilli, first, days-1)
	within := []string{"0"} // the day of the instant
	for i := 1; i <= most; i++ {
		at := fmt.Sprintf("%d * arrayElement(open_pattern, slot) - %d", most, most-i)
		within = append(within, "greatest(0, least(since, arrayElement(open_till, "+at+")) - arrayElement(open_from, "+at+"))")
	}
	return []string{
		"(SELECT " + array(each) + ") AS open_pattern",
		"(SELECT arrayPushFront(arrayCumSum(p -> arrayElement(" + array(sums) + ", p), open_pattern), 0)) AS open_sum", // differences alone are looked at, so that calendars may follow each other
		"(SELECT " + array(begins) + ") AS open_from", "(SELECT " + array(ends) + ") AS open_till",
		"(slot, since) -> arrayElement(open_sum, slot) + " + strings.Join(within, " + ") + " AS open_in",
		"(clock, t, day) -> open_in(" + fmt.Sprintf("(clock - 1) * %d + day + 1, t - (day + %d) * %d", days, first, dayMilli) + ") AS open_on",
		"(clock, t) -> open_on(clock, t, " + day + ") AS open_before",
		"(clock, a, b) -> if(clock = " + aroundTheClock + ", " + always + ", greatest(0, open_before(clock, b) - open_before(clock, a))) AS " + openBetween,
	}, nil
}

// openDays are the patterns of days of UTC of a calendar.
func openDays(c *calendar.Calendar, first, days int64) []pattern {
	out := make([]pattern, days)
	for _, o := range c.Openings(first*dayMilli, (first+days)*dayMilli) {
		for at := max(o.Start, first*dayMilli); at < min(o.End, (first+days)*dayMilli); {
			day := at / dayMilli
			end := min(o.End, (day+1)*dayMilli)
			out[day-first] = append(out[day-first], at-day*dayMilli, end-day*dayMilli)
			at = end
		}
	}
	return out
}
