package serve

import (
	"context"
	"net/http"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Timeline is a page of a person's touchpoints, newest first.
type Timeline struct {
	Person      identity.PersonID `json:"person"`
	Touchpoints []Touchpoint      `json:"touchpoints"`
	Next        string            `json:"next,omitempty"`
}

var directions = []string{string(touchpoint.Inbound), string(touchpoint.Outbound), string(touchpoint.Internal)}

// getTimeline answers GET /v1/people/{id}/timeline.
func (s *Server) getTimeline(w http.ResponseWriter, r *http.Request, c *call) error {
	c.query.readAsOf()
	q := readTimeline(c, s.config.Registry, timelineList)
	if err := c.query.done(); err != nil {
		return err
	}
	who, err := s.personOf(r, c, "/timeline")
	if err != nil {
		return err
	}
	q.where = append(q.where, who.belongs("anchor", q.params))
	page := Timeline{Person: who.id, Touchpoints: []Touchpoint{}}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE ` + strings.Join(q.where, " AND ") + ` ORDER BY ` + byTime(" DESC") + ` LIMIT {limit:UInt32}`
	err = s.store.each(r.Context(), s.store.lookup, sql, q.params, func(rows *clickhouse.Rows) error {
		t, err := scanTouchpoint(rows)
		page.Touchpoints = append(page.Touchpoints, t)
		return err
	})
	if err != nil {
		return err
	}
	page.Touchpoints, page.Next = q.cut(page.Touchpoints, timelineList)
	s.inTurn(page.Touchpoints, true)
	if len(page.Touchpoints) == 0 && !who.recorded {
		// A person with no touchpoints on this page may still be one; one that nobody ever saw is not.
		if known, err := s.seen(r.Context(), c, who); err != nil {
			return err
		} else if !known {
			return who.unknown("/timeline")
		}
	}
	if c.query.asOf != nil {
		then, err := s.then(r.Context(), c, who)
		if err != nil {
			return err
		}
		then.attach(page.Touchpoints)
	} else if err := s.attachConversations(r.Context(), c, page.Touchpoints); err != nil {
		return err
	}
	return answer(w, http.StatusOK, page)
}

// seen says whether there is any touchpoint of the person.
func (s *Server) seen(ctx context.Context, c *call, w who) (bool, error) {
	params := clickhouse.Params{"workspace": c.workspace}
	found := false
	err := s.store.each(ctx, s.store.lookup, `SELECT 1 FROM `+c.tables.Touchpoints+`
WHERE workspace = {workspace:String} AND `+w.belongs("anchor", params)+` LIMIT 1`, params, func(*clickhouse.Rows) error {
		found = true
		return nil
	})
	return found, err
}

// attachConversations says of each touchpoint to which conversation it belongs now.
func (s *Server) attachConversations(ctx context.Context, c *call, touchpoints []Touchpoint) error {
	if len(touchpoints) == 0 {
		return nil
	}
	var anchors, keys []identity.Anchor
	from, to := touchpoints[0].time, touchpoints[0].time
	known := map[identity.Anchor]bool{}
	for _, t := range touchpoints {
		if !known[t.anchor] {
			known[t.anchor] = true
			anchors = append(anchors, t.anchor)
		}
		keys = append(keys, t.Key)
		if t.time.Before(from) {
			from = t.time
		}
		if t.time.After(to) {
			to = t.time
		}
	}
	sql := `SELECT key, argMax(conversation, version) AS now FROM ` + c.tables.Members + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND key IN {keys:Array(UInt128)}
	AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}
GROUP BY key HAVING now != 0`
	of := map[identity.Anchor]identity.Anchor{}
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{
		"workspace": c.workspace, "anchors": numbers(anchors), "keys": numbers(keys), "from": moment(from), "to": moment(to),
	}, func(r *clickhouse.Rows) error {
		var key, conversation wide
		if err := r.Scan(&key, &conversation); err != nil {
			return err
		}
		of[asAnchor(&key)] = asAnchor(&conversation)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range touchpoints {
		if id, ok := of[touchpoints[i].Key]; ok {
			touchpoints[i].Conversation = &id
		}
	}
	return nil
}

// byTime is the order of touchpoints. It is written as an expression because for bare columns with a limit ClickHouse would read
// part after part in order, or thin out granules by the best rows so far: both cost more than sorting the few rows of a person.
func byTime(direction string) string {
	return "toUnixTimestamp64Milli(time)" + direction + ", key" + direction
}
