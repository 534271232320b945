package serve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/promise"
)

// promiseSQL writes what package promise decides as expressions over rows of conversations, so that a report counts promises where the
// rows are.
type promiseSQL struct {
	policy   *promise.Policy
	params   clickhouse.Params
	now      time.Time
	openings openingsSQL // of the calendars that count
}

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
func (p *promiseSQL) columns() (targets, computed []string) {
	p.params["now_ms"] = p.now.UnixMilli()
	if len(p.policy.Teams) > 0 {
		targets = p.turns()
	}
	computed = append(computed, "arrayMap(t -> if(t = 0, "+nowMilli+", t), pause_to) AS pause_end", "arrayMap(t -> if(t = 0, "+nowMilli+", t), wait_to) AS wait_end",
		"arrayFirstIndex(k -> k = 1, wait_kind) AS first_wait", "arrayFirstIndex(k -> k != 3, wait_kind) AS answered",
		"arrayMap((k, i) -> multiIf(k != 3, k, answered = 0 OR i < answered, 3, 4), wait_kind, arrayEnumerate(wait_kind)) AS wait_sort",
		"if(empty(state_at), state_at, arrayPushBack(arrayPopFront(state_at), "+nowMilli+")) AS state_till",
		"arrayFilter((at, was) -> was = 'waiting_for_customer', state_at, state_was) AS theirs_from", "arrayFilter((till, was) -> was = 'waiting_for_customer', state_till, state_was) AS theirs_till",
		waitedIn(always, "theirs_from", "theirs_till")+" AS waited", waitedIn(p.byTurns, "theirs_from", "theirs_till")+" AS waited_counted")
	for _, s := range standings {
		computed = append(computed, timeIn(s.states, p.byTurns("at", "till"))+" AS counted_"+s.name)
	}
	for _, m := range promise.Metrics {
		number := fmt.Sprintf("target_%s", m)
		targets = append(targets, p.target(m)+" AS "+number)
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
	return targets, computed
}

// target is the number of the first target that applies, from 1 on; 0 for none.
func (p *promiseSQL) target(m promise.Metric) string {
	if channels, numbers, otherwise, ok := p.byChannel(m); ok {
		p.params[string(m)+"_channels"], p.params[string(m)+"_targets"] = channels, numbers
		return fmt.Sprintf("transform(%s, {%s_channels:Array(String)}, {%s_targets:Array(Int64)}, %d)", entryChannel, m, m, otherwise)
	}
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

// byChannel is target where no target looks at anything else than the channel, as the registry's do: the number for each channel that is named, and for
// all others. One look-up is worked through sooner than a condition for each target.
func (p *promiseSQL) byChannel(m promise.Metric) (channels []string, numbers []int64, otherwise int, ok bool) {
	for i, t := range p.policy.Targets {
		if t.Within[m] == 0 {
			continue
		}
		if len(t.Accounts)+len(t.Topics)+len(t.Priorities) > 0 {
			return nil, nil, 0, false
		}
		for _, channel := range t.Channels {
			if !slices.Contains(channels, channel) {
				channels, numbers = append(channels, channel), append(numbers, int64(i)+1)
			}
		}
		if len(t.Channels) == 0 {
			otherwise = i + 1
			break
		}
	}
	return channels, numbers, otherwise, len(channels) > 0
}

// elapsed is the time that counts between two instants: by the target's calendar, without pauses.
func (p *promiseSQL) elapsed(m promise.Metric, number, a, b string) string {
	own, clocks := false, []string{byTeams} // of the targets; what nothing is promised about is counted by the hours of the teams
	for _, t := range p.policy.Targets {
		if t.Within[m] == 0 || t.Calendar == "" {
			clocks = append(clocks, byTeams)
			continue
		}
		own, clocks = true, append(clocks, p.openings.clock(t.Calendar))
	}
	without := func(clock func(a, b string) string) string {
		return clock(a, b) + " - " + overlapping(clock, a, b, "pause_from", "pause_end")
	}
	if !own {
		return "(" + without(p.byTurns) + ")"
	}
	clock := "arrayElement([" + strings.Join(clocks, ",") + "], " + number + " + 1)"
	return "if(" + clock + " = " + byTeams + ", " + without(p.byTurns) + ", " + without(func(a, b string) string { return between(clock, a, b) }) + ")"
}

// byTeams says that no calendar is a target's own.
const byTeams = "-1"

// overlapping is how much of some stretches counts between two instants. Most stretches lie elsewhere: by a calendar, which takes look-ups, those of a long
// conversation would else all be counted for each of its waits.
func overlapping(clock func(a, b string) string, a, b, from, till string) string {
	counted := "arraySum((f, t) -> " + clock("greatest(f, "+a+")", "least(t, "+b+")") + ", "
	if clock("a", "b") == always("a", "b") {
		return counted + from + ", " + till + ")"
	}
	some := func(which, what, other string) string {
		return "arrayFilter((" + what + ", " + other + ") -> f < " + b + " AND t > " + a + ", " + which + ")"
	}
	return counted + some(from+", "+till, "f", "t") + ", " + some(till+", "+from, "t", "f") + ")"
}

// always is all time between two instants.
func always(a, b string) string { return between(aroundTheClock, a, b) }

// byTurns is the time between two instants by the calendars of the teams, each in its turn.
func (p *promiseSQL) byTurns(a, b string) string {
	if len(p.policy.Teams) == 0 {
		return between(p.openings.clock(p.policy.Calendar), a, b)
	}
	return "if((" + b + ") > (" + a + "), " + inTurn(b) + " - " + inTurn(a) + ", 0)"
}

// turns are the columns by which inTurn counts: of each turn, the first of which began before all, its calendar, and what is added to the time of that
// calendar before an instant to have the time of all turns before it. So no stretch of time is counted turn by turn.
func (p *promiseSQL) turns() []string {
	otherwise := p.openings.clock(p.policy.Calendar)
	teams, clocks := slices.Sorted(maps.Keys(p.policy.Teams)), []string{otherwise}
	for _, team := range teams {
		clocks = append(clocks, p.openings.clock(p.policy.Teams[team]))
	}
	p.params["teams_with_hours"] = teams
	return []string{
		"arrayPushFront(turn_at, " + farBack + ") AS turn_from", "arrayPushBack(turn_at, " + farAhead + ") AS turn_till",
		"arrayPushFront(arrayMap(t -> arrayElement([" + strings.Join(clocks, ",") + "], indexOf({teams_with_hours:Array(String)}, toString(t)) + 1), turn_team), " + otherwise + ") AS turn_clock",
		"arrayCumSum((f, t, c) -> " + between("c", "f", "t") + ", turn_from, turn_till, turn_clock) AS turn_sum",
		"arrayMap((s, t, c) -> s - " + passed("c", "t") + ", turn_sum, turn_till, turn_clock) AS turn_base",
	}
}

// inTurn is how much time of the teams' calendars, each in its turn, lies before an instant.
func inTurn(t string) string {
	turn := "arrayCount(x -> x <= (" + t + "), turn_from)"
	return "(arrayElement(turn_base, " + turn + ") + " + passed("arrayElement(turn_clock, "+turn+")", t) + ")"
}

// passed is how much time of a calendar lies before an instant.
func passed(clock, t string) string { return between(clock, farBack, t) }
