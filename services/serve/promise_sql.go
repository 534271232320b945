package serve

import (
	"fmt"
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
)

const (
	farBack  = "-4000000000000" // ms: before all that can be stored
	farAhead = "20000000000000"
	nowMilli = "{now_ms:Int64}"
)

// columns are the expressions that a row of conversations is extended by: per metric its status, and how much counted.
//
// Each comes in a stage of its own: targets first, then what is computed with them.
func (p *promiseSQL) columns() (targets, computed []string) {
	p.params["now_ms"] = p.now.UnixMilli()
	if len(p.policy.Teams) > 0 {
		targets = p.turns()
	}
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
	return targets, computed
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
	own, clocks := false, []string{byTeams} // of the targets; what nothing is promised about is counted by the hours of the teams
	for _, t := range p.policy.Targets {
		if t.Within[m] == 0 || t.Calendar == "" {
			clocks = append(clocks, byTeams)
			continue
		}
		own, clocks = true, append(clocks, p.openings.clock(t.Calendar))
	}
	without := func(clock func(a, b string) string) string {
		return clock(a, b) + " - arraySum((f, t) -> " + clock("greatest(f, "+a+")", "least(t, "+b+")") + ", pause_from, pause_end)"
	}
	teams := without(func(a, b string) string { return p.clock("", a, b) })
	if !own {
		return "(" + teams + ")"
	}
	clock := "arrayElement([" + strings.Join(clocks, ",") + "], " + number + " + 1)"
	return "if(" + clock + " = " + byTeams + ", " + teams + ", " + without(func(a, b string) string { return between(clock, a, b) }) + ")"
}

// byTeams says that no calendar is a target's own.
const byTeams = "-1"

// clock is the time between two instants by the calendar of that name; "" are those of the teams, each in its turn.
func (p *promiseSQL) clock(name, a, b string) string {
	if name != "" {
		return between(p.openings.clock(name), a, b)
	}
	otherwise := p.openings.clock(p.policy.Calendar)
	if len(p.policy.Teams) == 0 {
		return between(otherwise, a, b)
	}
	return "arraySum((turn_start, turn_end, turn_clock) -> " + between("turn_clock", "greatest(turn_start, "+a+")", "least(turn_end, "+b+")") + ", turn_starts, turn_ends, turn_clocks)"
}

// turns are the columns of who had a conversation when, by their calendars.
func (p *promiseSQL) turns() []string {
	otherwise := p.openings.clock(p.policy.Calendar)
	teams, clocks := sortedKeys(p.policy.Teams), []string{otherwise}
	for _, team := range teams {
		clocks = append(clocks, p.openings.clock(p.policy.Teams[team]))
	}
	p.params["teams_with_hours"] = teams
	return []string{
		"arrayPushFront(turn_at, " + farBack + ") AS turn_starts", "arrayPushBack(turn_at, " + farAhead + ") AS turn_ends",
		"arrayPushFront(arrayMap(t -> arrayElement([" + strings.Join(clocks, ",") + "], indexOf({teams_with_hours:Array(String)}, toString(t)) + 1), turn_team), " + otherwise + ") AS turn_clocks",
	}
}
