package serve

import (
	"net/http"
	"slices"
)

// touchpointReport counts facts, the people behind them and the conversations they belong to.
var touchpointReport = &kind{
	name: "touchpoints",
	dimensions: slices.Concat([]dimension{
		text("channel", "channel"), text("direction", "direction"), text("kind", "kind"), text("team", "team"), text("agent", "agent"),
		text("topic", "topic"), text("source", "source"), text("account", "account"), tag,
	}, buckets("time")),
	figures: []figure{
		{name: "touchpoints"},
		{name: "people", sort: distinct, value: "person_now"},
		{name: "conversations", sort: distinct, value: "conversation", source: membership},
		{name: "inbound", of: "direction = 'inbound'"},
		{name: "outbound", of: "direction = 'outbound'"},
		{name: "internal", of: "direction = 'internal'"},
		{name: "by_customers", of: "actor_type = 'customer'"},
		{name: "by_agents", of: "actor_type = 'agent'"},
		{name: "by_bots", of: "actor_type = 'bot'"},
		{name: "by_systems", of: "actor_type = 'system'"},
		{name: "survey_requested", of: "kind = 'survey.requested'"},
		{name: "survey_answered", of: "kind = 'survey.answered'"},
		{name: "survey_heard", of: "kind = 'survey.requested' AND heard", hidden: true},
		{name: "survey_response_rate", sort: ratio, part: "survey_heard", whole: "survey_requested"},
		{name: "new_people", sort: distinct, of: "NOT known_before", value: "person_now"},
		{name: "returning_people", sort: distinct, of: "known_before", value: "person_now"},
		{name: lateTouchpoints, of: "received >= {closed:DateTime64(3, 'UTC')}"},
	},
	filters: map[string]string{
		"channel": "channel IN {channel:Array(String)}", "direction": "direction IN {direction:Array(String)}",
		"kind": "kind IN {kind:Array(String)}", "team": "team IN {team:Array(String)}", "agent": "agent IN {agent:Array(String)}",
		"topic": "topic IN {topic:Array(String)}", "source": "source IN {source:Array(String)}",
		"account": "account IN {account:Array(String)}", "tag": "hasAny(tags, {tag:Array(String)})",
	},
	sql:      touchpointSQL,
	receipt:  touchpointReceipt,
	always:   []string{"touchpoints"},
	late:     lateTouchpoints,
	asClosed: touchpointsAsClosed,
}

// answerCame tells of a request for a rating whether an answer came after it in its conversation. Of a period as it was closed, its answers that were received
// later are left out; those of later periods are not: they restate nothing.
func answerCame(c *call, r *reportQuery) string {
	const kinds = ` FINAL PREWHERE workspace = {workspace:String} AND time >= {from:DateTime64(3, 'UTC')} AND kind = `
	late := ""
	if r.closed {
		late = ` AND key NOT IN (
					SELECT key FROM ` + c.tables.Touchpoints + ` PREWHERE workspace = {workspace:String} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
					AND kind = 'survey.answered' AND received >= {closed:DateTime64(3, 'UTC')}
				)`
	}
	return `key IN (
			SELECT asked.key FROM (
				SELECT key, time, conversation FROM ` + c.tables.Members + kinds + `'survey.requested' AND time < {to:DateTime64(3, 'UTC')} WHERE conversation != 0
			) AS asked INNER JOIN (
				SELECT max(time) AS latest, conversation FROM ` + c.tables.Members + kinds + `'survey.answered' WHERE conversation != 0` + late + ` GROUP BY conversation
			) AS answered USING conversation WHERE answered.latest >= asked.time
		) AS heard`
}

// facts are the touchpoints of the report, each with the person that it belongs to, and whether that one was there before, where that is asked: now, or as
// it was known when the report's period was closed.
func facts(c *call, r *reportQuery) string {
	names, more := r.names(), ""
	if names["heard"] {
		more = ", " + answerCame(c, r)
	}
	const before = `PREWHERE workspace = {workspace:String} AND time < {from:DateTime64(3, 'UTC')}`
	if !r.closed {
		person := c.tables.PersonOf("anchor")
		if names["known_before"] {
			more += `, person_now IN (SELECT ` + person + ` FROM (SELECT DISTINCT anchor FROM ` + c.tables.Touchpoints + ` ` + before + `)) AS known_before`
		}
		return `(SELECT *, ` + person + ` AS person_now` + more + `
		FROM ` + c.tables.Touchpoints + ` ` + r.inside("time") + `)`
	}
	moved := `(
			SELECT anchor, argMax(person, version) AS moved_to FROM ` + c.tables.IdentityLog + `
			WHERE workspace = {workspace:String} AND at < {closed:DateTime64(3, 'UTC')} AND thread = 0 GROUP BY anchor
		) AS m USING anchor`
	const person = `if(moved_to = 0, anchor, moved_to)`
	if names["known_before"] {
		more += `, person_now IN (
			SELECT ` + person + ` FROM (SELECT DISTINCT anchor FROM ` + c.tables.Touchpoints + ` ` + before + ` AND received < {closed:DateTime64(3, 'UTC')}) AS b LEFT ANY JOIN ` + moved + `
		) AS known_before`
	}
	return `(SELECT *, ` + person + ` AS person_now` + more + `
		FROM (SELECT * FROM ` + c.tables.Touchpoints + ` ` + r.inside("time", "received < {closed:DateTime64(3, 'UTC')}") + `) AS t LEFT ANY JOIN ` + moved + `)`
}

// memberships say which conversations the touchpoints of the report belong to now.
func memberships(c *call, r *reportQuery) string {
	return `(SELECT * FROM ` + c.tables.Members + ` FINAL ` + r.inside("time", "conversation != 0") + `)`
}

// touchpointSQL counts facts without FINAL, because the loader lets no touchpoint in twice, and conversations in the table of
// memberships, which has the same dimensions. A membership may be stored before its fact: groups without facts are left out.
func touchpointSQL(c *call, r *reportQuery) string {
	members := ""
	if r.kind.uses(membership) {
		members = `
	UNION ALL
	SELECT ` + r.selected() + r.inner(membership) + `, ` + r.total() + `
	FROM ` + memberships(c, r) + r.perTag() + ` ` + r.grouped()
	}
	group, having := "", ""
	if len(r.by) > 0 {
		group, having = "GROUP BY all_rows, "+r.columns(), "HAVING all_rows OR touchpoints_v > 0"
	}
	return `SELECT ` + r.shown() + r.outer(func(column string) string { return "sum(" + column + ") AS " + column }) + `, any(all_rows) AS is_total, count() OVER () AS groups
FROM (
	SELECT ` + r.selected() + r.inner(factual) + `, ` + r.total() + `
	FROM ` + facts(c, r) + r.perTag() + ` ` + r.grouped() + members + `
) ` + group + ` ` + having + ` ` + r.ordered()
}

// getTouchpointReport answers GET /v1/reports/touchpoints.
func (s *Server) getTouchpointReport(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.report(w, r, c, touchpointReport)
}
