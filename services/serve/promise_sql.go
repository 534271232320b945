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
	promiseAtRisk   = "4"
)

const (
	farBack  = "-4000000000000" // ms: before all that can be stored
	farAhead = "20000000000000"
	nowMilli = "{now_ms:Int64}"
)

// columns are the expressions that a row of conversations is extended by: per metric its status, and how much counted.
//
// Each comes in a stage of its own: targets first, then what is computed with them. What was settled without an answer is judged with the first responses
// if nothing was answered before, else with the next ones, and only missed: see package promise.
func (p *promiseSQL) columns() (targets, computed []string, err error) {
	p.clocks, p.most = map[string]int{}, map[string]int{}
	p.params["now_ms"] = p.now.UnixMilli()
	computed = append(p.turns(), "arrayMap(t -> if(t = 0, "+nowMilli+", t), pause_to) AS pause_end", "arrayMap(t -> if(t = 0, "+nowMilli+", t), wait_to) AS wait_end",
		"arrayFirstIndex(k -> k = 1, wait_kind) AS first_wait", "arrayFirstIndex(k -> k != 3, wait_kind) AS answered",
		"arrayMap((k, i) -> multiIf(k != 3, k, answered = 0 OR i < answered, 3, 4), wait_kind, arrayEnumerate(wait_kind)) AS wait_sort",
		"if(empty(state_at), state_at, arrayPushBack(arrayPopFront(state_at), "+nowMilli+")) AS state_till",
		"arrayFilter((at, was) -> was = 'waiting_for_customer', state_at, state_was) AS theirs_from", "arrayFilter((till, was) -> was = 'waiting_for_customer', state_till, state_was) AS theirs_till",
		waitedIn(p.between(promise.Around, "a", "b"), p.overlapping(promise.Around, "a", "b", "theirs_from", "theirs_till"))+" AS waited", waitedIn(p.clock("", "a", "b"), p.overlapping("", "a", "b", "theirs_from", "theirs_till"))+" AS waited_counted")
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
		standing := func(counted string) string {
			return "if((" + within + " - " + counted + ") * " + strconv.Itoa(promise.RiskShare) + " <= " + within + ", " + promiseAtRisk + ", " + promiseRuns + ")"
		}
		switch m {
		case promise.FirstResponse:
			e := elapsed("arrayElement(wait_from, first_wait)", "arrayElement(wait_end, first_wait)")
			computed = append(computed,
				"if(first_wait = 0, NULL, "+e+") AS counted_first",
				"arrayFilter((f, k) -> k = 3, wait_from, wait_sort) AS unheard_from", "arrayFilter((t, k) -> k = 3, wait_end, wait_sort) AS unheard_till",
				"multiIf("+number+" = 0, "+nothingPromised+", ifNull(counted_first, 0) > "+within+" OR arrayExists((a, b) -> "+elapsed("a", "b")+" > "+within+", unheard_from, unheard_till), "+promiseMissed+
					", first_wait = 0, "+nothingPromised+", arrayElement(wait_to, first_wait) = 0, "+standing("assumeNotNull(counted_first)")+", "+promiseKept+") AS promised_first",
				"if(first_wait = 0 OR arrayElement(wait_to, first_wait) = 0, NULL, counted_first) AS first_response_counted")
		case promise.NextResponse:
			computed = append(computed,
				"arrayFilter((f, k) -> k IN (2, 4), wait_from, wait_sort) AS next_from", "arrayFilter((t, k) -> k IN (2, 4), wait_to, wait_sort) AS next_to",
				"arrayFilter((t, k) -> k IN (2, 4), wait_end, wait_sort) AS next_till", "arrayFilter(k -> k IN (2, 4), wait_sort) AS next_sort",
				"arrayMap((a, b) -> "+elapsed("a", "b")+", next_from, next_till) AS counted_next",
				"arrayFilter((e, t, k) -> k = 2 AND t != 0, counted_next, next_to, next_sort) AS later_counted",
				"multiIf("+number+" = 0, "+nothingPromised+", arrayExists(e -> e > "+within+", counted_next), "+promiseMissed+
					", NOT has(next_sort, 2), "+nothingPromised+", has(next_to, 0), "+standing("arrayElement(counted_next, -1)")+", "+promiseKept+") AS promised_next")
		case promise.Resolution:
			computed = append(computed,
				elapsed("toUnixTimestamp64Milli(begun)", nowMilli)+" AS counted_resolution",
				"multiIf("+number+" = 0 OR contacts = 0, "+nothingPromised+", counted_resolution > "+within+", "+promiseMissed+", NOT "+over+", "+standing("counted_resolution")+", "+promiseKept+") AS promised_resolution",
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
		return p.clock(name, a, b) + " - " + p.overlapping(name, a, b, "pause_from", "pause_end")
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

// overlapping is how much of some stretches counts between two instants. Most stretches lie elsewhere: those of a long conversation would else all be counted for each of
// its waits, by each turn of a team.
func (p *promiseSQL) overlapping(name, a, b, from, till string) string {
	some := func(which, what, other string) string {
		return "arrayFilter((" + what + ", " + other + ") -> f < " + b + " AND t > " + a + ", " + which + ")"
	}
	return "arraySum((f, t) -> " + p.clock(name, "greatest(f, "+a+")", "least(t, "+b+")") + ", " + some(from+", "+till, "f", "t") + ", " + some(till+", "+from, "t", "f") + ")"
}

// clock is the time between two instants by the calendar of that name; "" are those of the teams, each in its turn.
func (p *promiseSQL) clock(name, a, b string) string {
	if name != "" {
		return p.between(name, a, b)
	}
	if len(p.policy.Teams) == 0 {
		return p.between(p.policy.Calendar, a, b)
	}
	return "if((" + b + ") > (" + a + "), " + p.inTurn(b) + " - " + p.inTurn(a) + ", 0)"
}

// turns are the columns by which inTurn counts: of each turn, the first of which began before all, the number of its calendar (that of the policy is 0), and what
// is added to the time of that calendar before an instant to have the time of all turns before it. So no stretch of time is counted turn by turn.
func (p *promiseSQL) turns() []string {
	if len(p.policy.Teams) == 0 {
		return nil
	}
	var teams, numbers []string
	for _, team := range sortedKeys(p.policy.Teams) {
		teams = append(teams, team)
		numbers = append(numbers, strconv.Itoa(1+slices.Index(p.calendars(), p.policy.Teams[team])))
	}
	p.params["teams_with_hours"] = teams
	return []string{
		"arrayPushFront(turn_at, " + farBack + ") AS turn_from", "arrayPushBack(turn_at, " + farAhead + ") AS turn_till",
		"arrayPushFront(arrayMap(t -> arrayElement([0," + strings.Join(numbers, ",") + "], indexOf({teams_with_hours:Array(String)}, toString(t)) + 1), turn_team), 0) AS turn_clock",
		"arrayCumSum((f, t, c) -> " + p.byNumber("c", "t") + " - " + p.byNumber("c", "f") + ", turn_from, turn_till, turn_clock) AS turn_sum",
		"arrayMap((s, t, c) -> s - " + p.byNumber("c", "t") + ", turn_sum, turn_till, turn_clock) AS turn_base",
	}
}

// calendars are those of teams, each once.
func (p *promiseSQL) calendars() (names []string) {
	for _, team := range sortedKeys(p.policy.Teams) {
		if c := p.policy.Teams[team]; !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	return names
}

// byNumber is how much of the calendar of that number lies before an instant.
func (p *promiseSQL) byNumber(number, t string) string {
	cases := []string{}
	for i, c := range p.calendars() {
		cases = append(cases, number+" = "+strconv.Itoa(i+1), p.passed(c, t))
	}
	return "multiIf(" + strings.Join(append(cases, p.passed(p.policy.Calendar, t)), ", ") + ")"
}

// inTurn is how much time of the teams' calendars, each in its turn, lies before an instant.
func (p *promiseSQL) inTurn(t string) string {
	turn := "arrayCount(x -> x <= (" + t + "), turn_from)"
	return "(arrayElement(turn_base, " + turn + ") + " + p.byNumber("arrayElement(turn_clock, "+turn+")", t) + ")"
}

// between is the time of one calendar between two instants.
func (p *promiseSQL) between(name, a, b string) string {
	return "if((" + b + ") > (" + a + "), " + p.passed(name, b) + " - " + p.passed(name, a) + ", 0)"
}

// passed is how much time of one calendar lies before an instant.
func (p *promiseSQL) passed(name, t string) string {
	c, isCalendar := p.policy.Clock(name).(*calendar.Calendar)
	if !isCalendar {
		return "(" + t + ")"
	}
	return p.before(name, p.arrays(name, c), t)
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
