package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// entryChannel is the channel that the customer came in by.
const entryChannel = "if(empty(channels), '', channels[1])"

// over is the condition of conversations that are settled.
const over = "(state IN ('resolved', 'closed'))"

// firstContact says of a settled conversation that the customer began whether that was all it took: 1 yes, 2 no, also because the same customer got in
// touch again about the same topic within the days, by whatever channel and past all filters, 3 too young to know.
const firstContact = `multiIf(NOT ` + over + ` OR contacts = 0, 0, contacts > 1 OR reopenings > 0 OR toUnixTimestamp64Milli(next_contact) > 0 AND next_contact <= settled_for_good, 2,
		settled_for_good > fromUnixTimestamp64Milli({now_ms:Int64}), 3, 1)`

// settledForGood is when nobody has to be waited for any more to say so.
const settledForGood = `assumeNotNull(resolved_at) + INTERVAL {fcr_days:UInt16} DAY`

// waitedIn adds up how long the customer waited for humans, in ended waits and the one that goes on: what counts between the instants a and b, without what
// of it the customer had the last word of a bot, or was asked for something.
func waitedIn(clock func(a, b string) string, from, till string) string {
	return "arraySum((a, b) -> " + clock("a", "b") + " - " + overlapping(clock, "a", "b", from, till) + ", wait_from, wait_end)"
}

// conversationReport measures conversations by when they began.
var conversationReport = &kind{
	name: "conversations",
	dimensions: slices.Concat([]dimension{
		text("channel", entryChannel), text("state", "state"), text("team", "team"), text("agent", "agent"), text("topic", "topic"),
		text("source", "source"), text("account", "account"), tag,
	}, buckets("first")),
	figures: slices.Concat([]figure{
		{name: "count"},
		{name: "open", of: "NOT " + over},
		{name: "waiting", of: "toUnixTimestamp64Milli(waiting_since) > 0"},
		{name: "waiting_ms", sort: statistics, of: "toUnixTimestamp64Milli(waiting_since) > 0", value: "toNullable(greatest(0, {now_ms:Int64} - toUnixTimestamp64Milli(waiting_since)))"},
		{name: "resolved", of: over},
		{name: "reopened", of: "reopenings > 0"},
		{name: "handed_over", of: "hand_overs > 0"},
		{name: "switched_channel", of: "channel_switches > 0"},
		{name: "one_contact", of: over + " AND contacts <= 1"},
		{name: "one_contact_share", sort: ratio, part: "one_contact", whole: "resolved"},
		{name: "fcr_resolved", of: "first_contact = 1"},
		{name: "fcr_not_resolved", of: "first_contact = 2"},
		{name: "fcr_not_yet_known", of: "first_contact = 3"},
		{name: "fcr_known", of: "first_contact IN (1, 2)", hidden: true},
		{name: "fcr_share", sort: ratio, part: "fcr_resolved", whole: "fcr_known"},
		{name: "contacts_of_resolved", sort: summed, of: over, value: "contacts", hidden: true},
		{name: "contacts_per_resolution", sort: ratio, part: "contacts_of_resolved", whole: "resolved"},
		{name: "effort_sum", sort: summed, of: "contacts > 0", value: effort, hidden: true},
		{name: "began_by_customer", of: "contacts > 0", hidden: true},
		{name: "customer_effort", sort: ratio, part: "effort_sum", whole: "began_by_customer"},
		{name: "cost", sort: summed, value: costs},
		{name: "cost_of_resolved", sort: summed, of: over, value: costs, hidden: true},
		{name: "cost_per_resolution", sort: ratio, part: "cost_of_resolved", whole: "resolved"},
		{name: "first_response_ms", sort: statistics, value: "first_response"},
		{name: "first_response_business_ms", sort: statistics, value: "first_response_counted"},
		{name: "later_response_ms", sort: statistics, each: true, value: "later_responses"},
		{name: "later_response_business_ms", sort: statistics, each: true, value: "later_counted"},
		{name: "slowest_later_response_ms", sort: statistics, of: "notEmpty(later_responses)", value: "toNullable(arrayMax(later_responses))"},
		{name: "slowest_later_response_business_ms", sort: statistics, of: "notEmpty(later_counted)", value: "toNullable(arrayMax(later_counted))"},
		{name: "longest_wait_ms", sort: statistics, of: "longest_wait > 0", value: "toNullable(longest_wait)"},
		{name: "waited_ms", sort: statistics, of: "notEmpty(wait_from)", value: "toNullable(waited)"},
		{name: "waited_business_ms", sort: statistics, of: "notEmpty(wait_from)", value: "toNullable(waited_counted)"},
		{name: "in_hand_ms", sort: statistics, of: over, value: "toNullable({now_ms:Int64} - toUnixTimestamp64Milli(begun) - arraySum((f, t) -> t - f, pause_from, pause_end))"},
		{name: "resolution_ms", sort: statistics, of: over, value: "resolution"},
		{name: "resolution_business_ms", sort: statistics, value: "resolution_counted"},
		{name: "bot_answered", of: "isNotNull(first_bot_response)"},
		{name: "bot_only", of: "isNotNull(first_bot_response) AND isNull(first_response) AND " + over},
		{name: "first_bot_response_ms", sort: statistics, value: "first_bot_response"},
		{name: "first_response_kept", of: "promised_first = " + promiseKept},
		{name: "first_response_missed", of: "promised_first = " + promiseMissed},
		{name: "first_response_running", of: "promised_first IN (" + promiseRuns + ", " + promiseAtRisk + ")"},
		{name: "first_response_at_risk", of: "promised_first = " + promiseAtRisk},
		{name: "first_response_judged", of: "promised_first IN (" + promiseKept + ", " + promiseMissed + ")", hidden: true},
		{name: "first_response_kept_share", sort: ratio, part: "first_response_kept", whole: "first_response_judged"},
		{name: "next_response_kept", of: "promised_next = " + promiseKept},
		{name: "next_response_missed", of: "promised_next = " + promiseMissed},
		{name: "next_response_running", of: "promised_next IN (" + promiseRuns + ", " + promiseAtRisk + ")"},
		{name: "next_response_at_risk", of: "promised_next = " + promiseAtRisk},
		{name: "next_response_judged", of: "promised_next IN (" + promiseKept + ", " + promiseMissed + ")", hidden: true},
		{name: "next_response_kept_share", sort: ratio, part: "next_response_kept", whole: "next_response_judged"},
		{name: "resolution_kept", of: "promised_resolution = " + promiseKept},
		{name: "resolution_missed", of: "promised_resolution = " + promiseMissed},
		{name: "resolution_running", of: "promised_resolution IN (" + promiseRuns + ", " + promiseAtRisk + ")"},
		{name: "resolution_at_risk", of: "promised_resolution = " + promiseAtRisk},
		{name: "resolution_judged", of: "promised_resolution IN (" + promiseKept + ", " + promiseMissed + ")", hidden: true},
		{name: "resolution_kept_share", sort: ratio, part: "resolution_kept", whole: "resolution_judged"},
		{name: "csat_answers", of: rated("csat", 1, 5)},
		{name: "csat_satisfied", of: rated("csat", 4, 5), hidden: true},
		{name: "csat_share", sort: ratio, part: "csat_satisfied", whole: "csat_answers"},
		{name: "nps_answers", of: rated("nps", 0, 10)},
		{name: "nps_promoters", of: rated("nps", 9, 10), hidden: true},
		{name: "nps_detractors", of: rated("nps", 0, 6), hidden: true},
		{name: "nps", sort: ratio, part: "nps_promoters", minus: "nps_detractors", whole: "nps_answers", scale: 100},
		{name: "ces_answers", of: rated("ces", 1, 7)},
		{name: "ces_sum", sort: summed, of: rated("ces", 1, 7), value: "arraySum((scale, value) -> if(scale = 'ces', value, 0.), rating_scales, rating_values)", hidden: true},
		{name: "ces_mean", sort: ratio, part: "ces_sum", whole: "ces_answers"},
		{name: "handling_ms", sort: statistics, of: "calls > 0", value: "toNullable(calls)"},
		{name: lateConversations, of: "has_late"},
	}, timeByState()),
	filters: map[string]string{
		"channel": entryChannel + " IN {channel:Array(String)}", "state": "state IN {state:Array(String)}",
		"team": "team IN {team:Array(String)}", "agent": "agent IN {agent:Array(String)}", "topic": "topic IN {topic:Array(String)}",
		"source": "source IN {source:Array(String)}", "account": "account IN {account:Array(String)}",
		"tag": "hasAny(tags, {tag:Array(String)})",
	},
	sql:     conversationSQL,
	receipt: conversationReceipt,
	prepare: (*Server).prepareConversations,
	late:    lateConversations, asClosed: conversationsAsClosed,
	numbers: func(q *query, r *reportQuery) { r.params["fcr_days"] = q.number("fcr_days", 7, 1, 90) },
}

// rated is the condition of conversations whose last rating on the scale is from least to most. What lies outside of a scale is counted nowhere: sources
// name the scale by what somebody called a question.
func rated(scale string, least, most int) string {
	return fmt.Sprintf("arrayExists((scale, value) -> scale = '%s' AND value BETWEEN %d AND %d, rating_scales, rating_values)", scale, least, most)
}

// effort is what a conversation asked of the customer: contacts after the first, changes of channel, stories told again to somebody
// else, and whole days of waiting.
const effort = `toInt64(contacts) - 1 + channel_switches + hand_overs + intDiv(waited, 86400000)`

// costs is what a conversation cost: each contact by its channel.
const costs = `arraySum((channel, n) -> n * transform(channel, {cost_channels:Array(String)}, {costs:Array(Float64)}, 0.), channels, arrayResize(channel_contacts, length(channels)))`

// standings are the states whose time is measured.
var standings = []struct {
	name   string
	states string // as a list
}{
	{"open", "('open')"}, {"waiting_for_us", "('waiting_for_us')"}, {"waiting_for_customer", "('waiting_for_customer')"}, {"settled", "('resolved', 'closed')"},
}

// timeByState are the figures of how long conversations were in each state, around the clock and by the calendars.
func timeByState() (figures []figure) {
	for _, s := range standings {
		of := "arrayExists(was -> was IN " + s.states + ", state_was)"
		figures = append(figures,
			figure{name: "time_" + s.name + "_ms", sort: statistics, of: of, value: "toNullable(" + timeIn(s.states, "till - at") + ")"},
			figure{name: "time_" + s.name + "_business_ms", sort: statistics, of: of, value: "toNullable(counted_" + s.name + ")"})
	}
	return figures
}

// timeIn adds up what the stretches from at till till in the states count.
func timeIn(states, counts string) string {
	return "arraySum((at, till, was) -> if(was IN " + states + ", toInt64(" + counts + "), 0), state_at, state_till, state_was)"
}

// prepareConversations adds what the figures are computed with to the report's parameters and to its rows.
func (s *Server) prepareConversations(c *call, r *reportQuery, now time.Time) error {
	var channels []string
	var costs []float64
	for _, channel := range s.config.Channels.Registry(c.workspace).Channels {
		channels, costs = append(channels, channel.Name), append(costs, channel.Cost)
	}
	r.params["cost_channels"], r.params["costs"] = channels, costs
	policy := s.config.Promises.Promises(c.workspace)
	promises := &promiseSQL{policy: policy, params: r.params, now: now, openings: openingsSQL{policy: policy, from: r.from, now: now}}
	targets, computed := promises.columns()
	names := r.names()
	computed = needed(names, append(computed, settledForGood+" AS settled_for_good", firstContact+" AS first_contact"))
	targets = needed(names, append(targets, hasLate(c)+" AS has_late"))
	with := ""
	if names[openBetween] {
		functions, err := promises.openings.with()
		if err != nil {
			return err
		}
		with = "WITH " + strings.Join(functions, ",\n\t")
	}
	r.rows = `(
	` + with + `
	SELECT ` + strings.Join(append([]string{"*"}, computed...), ",\n\t\t") + `
	FROM (
		SELECT ` + strings.Join(append([]string{"*"}, targets...), ",\n\t\t") + `
		FROM ` + r.conversations(c, "first >= {from:DateTime64(3, 'UTC')} AND first < {to:DateTime64(3, 'UTC')}") + `
		WHERE ` + strings.Join(append([]string{"state NOT IN " + hidden}, r.where...), " AND ") + `
	)
)`
	return nil
}

// hasLate tells whether a touchpoint of the period in the conversation was received after the period was closed.
func hasLate(c *call) string {
	return `id IN (
			SELECT conversation FROM ` + c.tables.Members + ` FINAL` + lateMembers(c) + `
		)`
}

// lateMembers is the condition of memberships of touchpoints that were received after the period was closed. Which touchpoints these are
// does not change, so that FINAL may look at their memberships alone.
func lateMembers(c *call) string {
	const period = ` PREWHERE workspace = {workspace:String} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}`
	return period + ` AND key IN (
				SELECT key FROM ` + c.tables.Touchpoints + period + ` WHERE received >= {closed:DateTime64(3, 'UTC')}
			)`
}

func conversationSQL(c *call, r *reportQuery) string {
	return `SELECT ` + r.shown() + r.outer(func(column string) string { return column }) + `, all_rows AS is_total, count() OVER () AS groups
FROM (
	SELECT ` + r.selected() + r.inner(factual) + `, ` + r.total() + `
	FROM ` + r.rows + r.perTag() + ` ` + r.grouped() + `
) ` + r.ordered()
}

// getConversationReport answers GET /v1/reports/conversations.
func (s *Server) getConversationReport(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.report(w, r, c, conversationReport)
}
