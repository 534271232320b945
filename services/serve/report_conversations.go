package serve

import (
	"net/http"
	"slices"
)

// entryChannel is the channel that the customer came in by.
const entryChannel = "if(empty(channels), '', channels[1])"

// conversationReport measures conversations by when they began.
var conversationReport = &kind{
	dimensions: slices.Concat([]dimension{
		text("channel", entryChannel), text("state", "state"), text("team", "team"), text("agent", "agent"), text("topic", "topic"),
		text("source", "source"), text("account", "account"), tag,
	}, buckets("first")),
	figures: []figure{
		{name: "count"},
		{name: "open", of: "NOT " + over},
		{name: "resolved", of: over},
		{name: "reopened", of: "reopenings > 0"},
		{name: "one_contact", of: over + " AND contacts <= 1"},
		{name: "one_contact_share", sort: ratio, part: "one_contact", whole: "resolved"},
		{name: "first_response_ms", sort: statistics, value: "first_response"},
		{name: "resolution_ms", sort: statistics, value: "resolution"},
	},
	filters: map[string]string{
		"channel": entryChannel + " IN {channel:Array(String)}", "state": "state IN {state:Array(String)}",
		"team": "team IN {team:Array(String)}", "agent": "agent IN {agent:Array(String)}", "topic": "topic IN {topic:Array(String)}",
		"source": "source IN {source:Array(String)}", "account": "account IN {account:Array(String)}",
		"tag": "hasAny(tags, {tag:Array(String)})",
	},
	sql: conversationSQL,
}

// over is the condition of conversations that are settled.
const over = "(state IN ('resolved', 'closed'))"

func conversationSQL(c *call, r *reportQuery) string {
	return `SELECT ` + r.shown() + r.outer(func(column string) string { return column }) + `, count() OVER () AS groups
FROM (
	SELECT ` + r.selected() + r.inner(factual) + `
	FROM ` + c.tables.Conversations + ` FINAL WHERE ` + r.inside("first", "state NOT IN "+hidden) + ` ` + r.grouped() + `
) ` + r.ordered()
}

// getConversationReport answers GET /v1/reports/conversations.
func (s *Server) getConversationReport(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.report(w, r, c, conversationReport)
}
