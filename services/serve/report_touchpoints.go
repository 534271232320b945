package serve

import (
	"net/http"
	"slices"
	"strconv"
)

// touchpointReport counts facts, the people behind them and the conversations they belong to.
var touchpointReport = &kind{
	dimensions: slices.Concat([]dimension{
		text("channel", "channel"), text("direction", "direction"), text("kind", "kind"), text("team", "team"), text("agent", "agent"),
		text("topic", "topic"), text("source", "source"), text("account", "account"), tag,
	}, buckets("time")),
	measures: []measure{
		{"touchpoints", "touchpoints with a time from..to that pass the filters"},
		{"people", "different persons whom these touchpoints belong to now, after all merges"},
		{"conversations", "different conversations that at least one of these touchpoints belongs to now"},
	},
	filters: map[string]string{
		"channel": "channel IN {channel:Array(String)}", "direction": "direction IN {direction:Array(String)}",
		"kind": "kind IN {kind:Array(String)}", "team": "team IN {team:Array(String)}", "agent": "agent IN {agent:Array(String)}",
		"topic": "topic IN {topic:Array(String)}", "source": "source IN {source:Array(String)}",
		"account": "account IN {account:Array(String)}", "tag": "hasAny(tags, {tag:Array(String)})",
	},
	sql:     touchpointSQL,
	figures: func() figures { return &touchpointFigures{} },
}

// touchpointSQL counts facts without FINAL, because the loader lets no touchpoint in twice, and conversations in the table of
// memberships, which has the same dimensions. A membership may be stored before its fact: groups without facts are left out.
func touchpointSQL(c *call, r *reportQuery) string {
	having := ""
	if len(r.by) > 0 {
		having = "HAVING touchpoints > 0"
	}
	return `SELECT ` + r.shown() + `sum(t) AS touchpoints, sum(p) AS people, sum(v) AS conversations, count() OVER () AS groups
FROM (
	SELECT ` + r.selected() + `count() AS t, uniqExact(dictGetOrDefault('` + c.tables.Moved + `', 'person', toUInt64(anchor), anchor)) AS p, toUInt64(0) AS v
	FROM ` + c.tables.Touchpoints + ` WHERE ` + r.inside("time") + ` ` + r.grouped() + `
	UNION ALL
	SELECT ` + r.selected() + `toUInt64(0), toUInt64(0), uniqExact(conversation)
	FROM ` + c.tables.Members + ` FINAL WHERE ` + r.inside("time", "conversation != 0") + ` ` + r.grouped() + `
) ` + r.grouped() + ` ` + having + ` ` + r.ordered()
}

type touchpointFigures struct{ touchpoints, people, conversations uint64 }

func (f *touchpointFigures) targets() []any {
	return []any{&f.touchpoints, &f.people, &f.conversations}
}

func (f *touchpointFigures) row(into map[string]any) {
	into["touchpoints"], into["people"], into["conversations"] = f.touchpoints, f.people, f.conversations
}

func (f *touchpointFigures) header() []string {
	return []string{"touchpoints", "people", "conversations"}
}

func (f *touchpointFigures) cells() []string {
	return []string{strconv.FormatUint(f.touchpoints, 10), strconv.FormatUint(f.people, 10), strconv.FormatUint(f.conversations, 10)}
}

// getTouchpointReport answers GET /v1/reports/touchpoints.
func (s *Server) getTouchpointReport(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.report(w, r, c, touchpointReport)
}
