package serve

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/promise"
)

// OpenPromise is a promise that runs, and the conversation that it is about.
type OpenPromise struct {
	Promise
	Conversation string `json:"conversation"`
	Person       string `json:"person"`
	Channel      string `json:"channel"`
	Topic        string `json:"topic,omitempty"`
	Owner        Owner  `json:"owner"`
}

// OpenPromises is the answer of GET /v1/promises/open.
type OpenPromises struct {
	Promises  []OpenPromise          `json:"promises"`  // what is missed first comes first; what cannot be said last
	Counts    map[promise.Status]int `json:"counts"`    // whatever the limit
	Truncated bool                   `json:"truncated"` // only those that have been open longest were looked at
	AsOf      Time                   `json:"as_of"`
}

// mostOpen bounds the conversations whose promises are looked at: those that began first.
const mostOpen = 10_000

// getOpenPromises answers GET /v1/promises/open.
func (s *Server) getOpenPromises(w http.ResponseWriter, r *http.Request, c *call) error {
	q := c.query
	var metrics []string
	for _, m := range promise.Metrics {
		metrics = append(metrics, string(m))
	}
	wanted := q.listOf("metric", metrics...)
	statuses := q.listOf("status", string(promise.Missed), string(promise.AtRisk), string(promise.Running))
	params := clickhouse.Params{"workspace": c.workspace, "most": mostOpen}
	where := ""
	for _, name := range []string{"team", "agent"} {
		if values := q.list(name); len(values) > 0 {
			params[name] = values
			where += " AND " + name + " IN {" + name + ":Array(String)}"
		}
	}
	limit := q.number("limit", 200, 1, 1000)
	if err := q.done(); err != nil {
		return err
	}
	now := s.config.Now()
	policy := s.config.Promises.Promises(c.workspace)
	out := OpenPromises{Promises: []OpenPromise{}, Counts: map[promise.Status]int{}, AsOf: Time(now)}
	sql := `SELECT ` + crackColumns(c) + intervalColumns + ` FROM ` + c.tables.Conversations + ` FINAL
WHERE workspace = {workspace:String} AND state IN ('open', 'waiting_for_us', 'waiting_for_customer')` + where + `
ORDER BY begun, id LIMIT {most:UInt32}` + reportSettings
	looked := 0
	err := s.store.each(r.Context(), s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var row intervals
		one, err := inConversation(r, "", row.targets()...)
		if err != nil {
			return err
		}
		looked++
		about := row.conversation()
		list := policy.Of(&about, now.UnixMilli())
		for i, p := range promisesOf(list) {
			if !list[i].Open || len(wanted) > 0 && !slices.Contains(wanted, string(p.Metric)) || len(statuses) > 0 && !slices.Contains(statuses, string(p.Status)) {
				continue
			}
			out.Counts[p.Status]++
			out.Promises = append(out.Promises, OpenPromise{p, one.Conversation.String(), one.Person.String(), one.Channel, one.Topic, one.Owner})
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.Truncated = looked == mostOpen
	slices.SortStableFunc(out.Promises, func(a, b OpenPromise) int {
		return cmp.Or(dueOrLast(a).Compare(dueOrLast(b)), cmp.Compare(*a.Left, *b.Left))
	})
	out.Promises = out.Promises[:min(len(out.Promises), limit)]
	return answer(w, http.StatusOK, out)
}

// dueOrLast is when a promise is due, or after all others.
func dueOrLast(p OpenPromise) time.Time {
	if p.Due == nil {
		return time.Unix(1<<40, 0)
	}
	return time.Time(*p.Due)
}
