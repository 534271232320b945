package serve

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/calendar"
	"github.com/throughline/throughline/streams/promise"
)

// promiseSQL writes what package promise decides as expressions over rows of conversations, so that a report counts promises where the
// rows are. A calendar becomes constant arrays of its openings: how much of it lies before an instant is then a look-up, and
// between two instants a difference.
type promiseSQL struct {
	policy *promise.Policy
	params clickhouse.Params
	from   time.Time // nothing in question is earlier
	now    time.Time
	with   []string       // constants
	clocks map[string]int // by name of the calendar: the number of its arrays
	most   map[string]int // openings that begin within one day of UTC
	size   int            // openings of all calendars
}

// maxOpenings bounds the constants of a statement.
const maxOpenings = 5000

// How a promise stands, in the columns named after a metric.
const (
	nothingPromised = "0"
	promiseKept     = "1"
	promiseMissed   = "2"
	promiseRuns     = "3"
)

const (
	farBack  = "-4000000000000" // ms: before all that can be stored
	farAhead = "20000000000000"
	nowMilli = "{now_ms:Int64}"
)

// columns are the expressions that a row of conversations is extended by: per metric its status, and how much counted.
//
// Each comes in a stage of its own: targets first, then what is computed with them.
func (p *promiseSQL) columns() (targets, computed []string, err error) {
	p.clocks, p.most = map[string]int{}, map[string]int{}
	p.params["now_ms"] = p.now.UnixMilli()
	computed = append(computed, "arrayMap(t -> if(t = 0, "+nowMilli+", t), pause_to) AS pause_end", "arrayMap(t -> if(t = 0, "+nowMilli+", t), wait_to) AS wait_end",
		"arrayFirstIndex(k -> k = 1, wait_kind) AS first_wait",
		"if(empty(state_at), state_at, arrayPushBack(arrayPopFront(state_at), "+nowMilli+")) AS state_till")
	for _, s := range standings {
		computed = append(computed, timeIn(s.states, p.clock("", "at", "till"))+" AS counted_"+s.name)
	}
	for i, m := range promise.Metrics {
		number := fmt.Sprintf("target_%s", m)
		targets = append(targets, p.target(i, m)+" AS "+number)
		var millis []string
		for _, t := range p.policy.Targets {
			millis = append(millis, strconv.FormatInt(t.Within[m], 10))
		}
		within := "arrayElement([" + strings.Join(append([]string{"0"}, millis...), ",") + "], " + number + " + 1)"
		elapsed := func(a, b string) string { return p.elapsed(m, number, a, b) }
		switch m {
		case promise.FirstResponse:
			e := elapsed("arrayElement(wait_from, first_wait)", "arrayElement(wait_end, first_wait)")
			computed = append(computed,
				"if(first_wait = 0, NULL, "+e+") AS counted_first",
				"if(first_wait = 0 OR "+number+" = 0, "+nothingPromised+", multiIf(assumeNotNull(counted_first) > "+within+", "+promiseMissed+", arrayElement(wait_to, first_wait) = 0, "+promiseRuns+", "+promiseKept+")) AS promised_first",
				"if(first_wait = 0 OR arrayElement(wait_to, first_wait) = 0, NULL, counted_first) AS first_response_counted")
		case promise.NextResponse:
			computed = append(computed,
				"arrayMap((a, b) -> "+elapsed("a", "b")+", arrayFilter((f, k) -> k = 2, wait_from, wait_kind), arrayFilter((t, k) -> k = 2, wait_end, wait_kind)) AS counted_next",
				"multiIf("+number+" = 0 OR empty(counted_next), "+nothingPromised+", arrayExists(e -> e > "+within+", counted_next), "+promiseMissed+
					", arrayExists((t, k) -> k = 2 AND t = 0, wait_to, wait_kind), "+promiseRuns+", "+promiseKept+") AS promised_next")
		case promise.Resolution:
			computed = append(computed,
				elapsed("toUnixTimestamp64Milli(begun)", nowMilli)+" AS counted_resolution",
				"multiIf("+number+" = 0, "+nothingPromised+", counted_resolution > "+within+", "+promiseMissed+", NOT "+over+", "+promiseRuns+", "+promiseKept+") AS promised_resolution",
				"if("+over+", counted_resolution, NULL) AS resolution_counted")
		}
	}
	if p.size > maxOpenings {
		return nil, nil, &fieldError{"from", "the calendars open too often since then for one report; want a later from"}
	}
	return targets, computed, nil
}

// target is the number of the first target that applies, from 1 on; 0 for none.
func (p *promiseSQL) target(metric int, m promise.Metric) string {
	var cases []string
	for i, t := range p.policy.Targets {
		if t.Within[m] == 0 {
			continue
		}
		conditions := []string{}
		names := func(what, column string, list []string) {
			if len(list) > 0 {
				name := fmt.Sprintf("t%d_%s", i, what)
				p.params[name] = list
				conditions = append(conditions, "has({"+name+":Array(String)}, "+column+")")
			}
		}
		names("c", entryChannel, t.Channels)
		names("a", "account", t.Accounts)
		names("t", "topic", t.Topics)
		if len(t.Priorities) > 0 {
			name := fmt.Sprintf("t%d_p", i)
			tags := make([]string, len(t.Priorities))
			for j, priority := range t.Priorities {
				tags[j] = promise.PriorityTag + priority
			}
			p.params[name] = tags
			conditions = append(conditions, "hasAny(tags, {"+name+":Array(String)})")
		}
		if len(conditions) == 0 {
			conditions = []string{"1"}
		}
		cases = append(cases, strings.Join(conditions, " AND "), strconv.Itoa(i+1))
	}
	if len(cases) == 0 {
		return "0"
	}
	return "multiIf(" + strings.Join(cases, ", ") + ", 0)"
}

// elapsed is the time that counts between two instants: by the target's calendar, without pauses.
func (p *promiseSQL) elapsed(m promise.Metric, number, a, b string) string {
	byClock := map[string][]string{} // numbers of targets by the clock that they go by
	var names []string
	for i, t := range p.policy.Targets {
		if t.Within[m] == 0 {
			continue
		}
		if _, seen := byClock[t.Calendar]; !seen {
			names = append(names, t.Calendar)
		}
		byClock[t.Calendar] = append(byClock[t.Calendar], strconv.Itoa(i+1))
	}
	if !slices.Contains(names, "") {
		names = append(names, "") // what nothing is promised about is counted by the hours of the teams
	}
	by := func(name string) string {
		return p.clock(name, a, b) + " - arraySum((f, t) -> " + p.clock(name, "greatest(f, "+a+")", "least(t, "+b+")") + ", pause_from, pause_end)"
	}
	if len(names) == 1 {
		return "(" + by("") + ")"
	}
	var cases []string
	for _, name := range names {
		if name != "" {
			cases = append(cases, number+" IN ("+strings.Join(byClock[name], ", ")+")", by(name))
		}
	}
	return "multiIf(" + strings.Join(cases, ", ") + ", " + by("") + ")"
}

// clock is the time between two instants by the calendar of that name; "" are those of the teams, each in its turn.
func (p *promiseSQL) clock(name, a, b string) string {
	if name != "" {
		return p.between(name, a, b)
	}
	if len(p.policy.Teams) == 0 {
		return p.between(p.policy.Calendar, a, b)
	}
	// Teams by their calendars; that of the policy is 0.
	var teams, numbers, calendars []string
	for _, team := range sortedKeys(p.policy.Teams) {
		c := p.policy.Teams[team]
		if !slices.Contains(calendars, c) {
			calendars = append(calendars, c)
		}
		teams = append(teams, team)
		numbers = append(numbers, strconv.Itoa(1+slices.Index(calendars, c)))
	}
	p.params["teams_with_hours"] = teams
	cases := []string{}
	start, end := "greatest(turn_start, "+a+")", "least(turn_end, "+b+")"
	for i, c := range calendars {
		cases = append(cases, "turn_clock = "+strconv.Itoa(i+1), p.between(c, start, end))
	}
	cases = append(cases, p.between(p.policy.Calendar, start, end))
	return "arraySum((turn_start, turn_end, turn_clock) -> multiIf(" + strings.Join(cases, ", ") + "), arrayPushFront(turn_at, " + farBack + "), arrayPushBack(turn_at, " + farAhead + "), " +
		"arrayPushFront(arrayMap(t -> arrayElement([0," + strings.Join(numbers, ",") + "], indexOf({teams_with_hours:Array(String)}, toString(t)) + 1), turn_team), 0))"
}

// between is the time of one calendar between two instants.
func (p *promiseSQL) between(name, a, b string) string {
	c, isCalendar := p.policy.Clock(name).(*calendar.Calendar)
	if !isCalendar {
		return "greatest(0, (" + b + ") - (" + a + "))"
	}
	n := p.arrays(name, c)
	return "if((" + b + ") > (" + a + "), " + p.before(name, n, b) + " - " + p.before(name, n, a) + ", 0)"
}

// before is how much of a calendar's time lies before an instant, since some instant before all.
//
// opens_day says for each day of UTC how many openings begin at its begin or before; those that begin within the day are compared one
// by one. opens_at, opens_till and opens_sum are, by opening, its begin, its end, and the time of all before it.
func (p *promiseSQL) before(name string, n int, t string) string {
	day := fmt.Sprintf("arrayElement(opens_day%d, toInt64(least(greatest(intDiv((%s), 86400000) - opens_first%d, 0), length(opens_day%d) - 1)) + 1)", n, t, n, n)
	at := day
	for i := range p.most[name] {
		at += fmt.Sprintf(" + (arrayElement(opens_at%d, %s + %d) <= (%s))", n, day, i+1, t)
	}
	return fmt.Sprintf("(arrayElement(opens_sum%d, %s) + least((%s), arrayElement(opens_till%d, %s)) - arrayElement(opens_at%d, %s))", n, at, t, n, at, n, at)
}

const dayMilli = 86_400_000

// arrays writes the constants of a calendar, once.
func (p *promiseSQL) arrays(name string, c *calendar.Calendar) int {
	if n, ok := p.clocks[name]; ok {
		return n
	}
	n := len(p.clocks)
	p.clocks[name] = n
	first, last := p.from.UnixMilli()/dayMilli-1, p.now.UnixMilli()/dayMilli+1
	var openings []calendar.Opening
	if !p.from.After(p.now) {
		openings = c.Openings(first*dayMilli, (last+1)*dayMilli)
	}
	p.size += len(openings)
	at, till, sum := []string{farBack}, []string{farBack}, []string{"0"}
	passed := int64(0)
	for _, o := range openings {
		at, till, sum = append(at, strconv.FormatInt(o.Start, 10)), append(till, strconv.FormatInt(o.End, 10)), append(sum, strconv.FormatInt(passed, 10))
		passed += o.End - o.Start
	}
	var days []string
	i := 0
	for day := first; day == first || day <= last; day++ {
		for i < len(openings) && openings[i].Start <= day*dayMilli {
			i++
		}
		days = append(days, strconv.Itoa(i+1)) // the first, which is nothing, always began
		within := 0
		for j := i; j < len(openings) && openings[j].Start < (day+1)*dayMilli; j++ {
			within++
		}
		p.most[name] = max(p.most[name], within)
	}
	for range p.most[name] {
		at = append(at, farAhead)
	}
	for _, a := range []struct {
		name   string
		values []string
	}{{"opens_at", at}, {"opens_till", till}, {"opens_sum", sum}, {"opens_day", days}} {
		p.with = append(p.with, fmt.Sprintf("[%s]::Array(Int64) AS %s%d", strings.Join(a.values, ","), a.name, n))
	}
	p.with = append(p.with, fmt.Sprintf("%d AS opens_first%d", first, n))
	return n
}
