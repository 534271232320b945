package serve

import (
	"net/http"
	"slices"
	"strconv"
)

// entryChannel is the channel that the customer came in by.
const entryChannel = "if(empty(channels), '', channels[1])"

// conversationReport measures conversations by when they began.
var conversationReport = &kind{
	dimensions: slices.Concat([]dimension{
		text("channel", entryChannel), text("state", "state"), text("team", "team"), text("agent", "agent"), text("topic", "topic"),
		text("source", "source"), text("account", "account"), tag,
	}, buckets("first")),
	measures: []measure{
		{"count", "conversations whose first touchpoint lies in from..to and that pass the filters; channel is that of the first touchpoint, agent and team the last that touched it"},
		{"open", "those that are neither resolved nor closed now"},
		{"resolved", "those that are resolved or closed now"},
		{"reopened", "those that were reopened at least once"},
		{"one_contact", "the resolved ones for which the customer got in touch no more than once"},
		{"one_contact_share", "one_contact / resolved; null when none is resolved"},
		{"first_response_ms", "first unanswered customer message to the first human reply, in milliseconds; percentiles are exact, interpolated linearly"},
		{"resolution_ms", "first touchpoint to the resolution, in milliseconds; percentiles are exact, interpolated linearly"},
	},
	filters: map[string]string{
		"channel": entryChannel + " IN {channel:Array(String)}", "state": "state IN {state:Array(String)}",
		"team": "team IN {team:Array(String)}", "agent": "agent IN {agent:Array(String)}", "topic": "topic IN {topic:Array(String)}",
		"source": "source IN {source:Array(String)}", "account": "account IN {account:Array(String)}",
		"tag": "hasAny(tags, {tag:Array(String)})",
	},
	sql:     conversationSQL,
	figures: func() figures { return &conversationFigures{} },
}

func conversationSQL(c *call, r *reportQuery) string {
	const over = "state IN ('resolved', 'closed')"
	return `SELECT ` + r.shown() + `count, open, resolved, reopened, one_contact,
	responses, response_mean, response_percentiles, resolutions, resolution_mean, resolution_percentiles, count() OVER () AS groups
FROM (
	SELECT ` + r.selected() + `count() AS count, countIf(NOT (` + over + `)) AS open, countIf(` + over + `) AS resolved,
		countIf(reopenings > 0) AS reopened, countIf(` + over + ` AND contacts <= 1) AS one_contact,
		` + statsSQL("first_response", "response") + `, ` + statsSQL("resolution", "resolution") + `
	FROM ` + c.tables.Conversations + ` FINAL WHERE ` + r.inside("first", "state NOT IN "+hidden) + ` ` + r.grouped() + `
) ` + r.conversationOrder()
}

// conversationOrder is ordered, with the measures that are several columns or none by a column of theirs.
func (r *reportQuery) conversationOrder() string {
	o := *r
	switch r.order {
	case "one_contact_share":
		o.order = "if(resolved = 0, -1, one_contact / resolved)"
	case "first_response_ms":
		o.order = "if(responses = 0, -1, response_percentiles[1])"
	case "resolution_ms":
		o.order = "if(resolutions = 0, -1, resolution_percentiles[1])"
	}
	return o.ordered()
}

// percentileNames are the percentiles of every statistic.
var percentileNames = []string{"p50", "p75", "p90", "p95", "p99"}

// statsSQL gives number, mean and percentiles of a nullable column as columns named after the prefix.
// quantilesExactInclusive interpolates linearly between the two nearest of all values.
func statsSQL(column, prefix string) string {
	value := "assumeNotNull(" + column + "), isNotNull(" + column + ")"
	return `countIf(isNotNull(` + column + `)) AS ` + prefix + `s, avgIf(` + value + `) AS ` + prefix + `_mean,
		quantilesExactInclusiveIf(0.5, 0.75, 0.9, 0.95, 0.99)(` + value + `) AS ` + prefix + `_percentiles`
}

// stats is one statistic of durations in milliseconds.
type stats struct {
	n           uint64
	mean        float64
	percentiles []float64
}

func (s *stats) targets() []any { return []any{&s.n, &s.mean, &s.percentiles} }

func (s *stats) value() map[string]any {
	out := map[string]any{"n": s.n, "mean": nil}
	for _, name := range percentileNames {
		out[name] = nil
	}
	if s.n > 0 {
		out["mean"] = s.mean
		for i, name := range percentileNames {
			out[name] = s.percentiles[i]
		}
	}
	return out
}

func (s *stats) header(prefix string) []string {
	out := []string{prefix + "_n", prefix + "_mean_ms"}
	for _, name := range percentileNames {
		out = append(out, prefix+"_"+name+"_ms")
	}
	return out
}

func (s *stats) cells() []string {
	out := make([]string, 2+len(percentileNames))
	out[0] = strconv.FormatUint(s.n, 10)
	if s.n > 0 {
		out[1] = decimal(s.mean)
		for i := range percentileNames {
			out[2+i] = decimal(s.percentiles[i])
		}
	}
	return out
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

type conversationFigures struct {
	count, open, resolved, reopened, oneContact uint64
	response, resolution                        stats
}

func (f *conversationFigures) targets() []any {
	return slices.Concat([]any{&f.count, &f.open, &f.resolved, &f.reopened, &f.oneContact}, f.response.targets(), f.resolution.targets())
}

func (f *conversationFigures) row(into map[string]any) {
	into["count"], into["open"], into["resolved"], into["reopened"], into["one_contact"] = f.count, f.open, f.resolved, f.reopened, f.oneContact
	into["one_contact_share"] = nil
	if f.resolved > 0 {
		into["one_contact_share"] = float64(f.oneContact) / float64(f.resolved)
	}
	into["first_response_ms"], into["resolution_ms"] = f.response.value(), f.resolution.value()
}

func (f *conversationFigures) header() []string {
	return slices.Concat([]string{"count", "open", "resolved", "reopened", "one_contact", "one_contact_share"},
		f.response.header("first_response"), f.resolution.header("resolution"))
}

func (f *conversationFigures) cells() []string {
	var out []string
	for _, n := range []uint64{f.count, f.open, f.resolved, f.reopened, f.oneContact} {
		out = append(out, strconv.FormatUint(n, 10))
	}
	share := ""
	if f.resolved > 0 {
		share = decimal(float64(f.oneContact) / float64(f.resolved))
	}
	return slices.Concat(out, []string{share}, f.response.cells(), f.resolution.cells())
}

// getConversationReport answers GET /v1/reports/conversations.
func (s *Server) getConversationReport(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.report(w, r, c, conversationReport)
}
