package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Opening is how a conversation began: what a list shows of it.
type Opening struct {
	Name        string                  `json:"name,omitempty"` // of the customer, where the touchpoint says it
	Subject     string                  `json:"subject,omitempty"`
	Text        string                  `json:"text,omitempty"` // its begin
	Identifiers []touchpoint.Identifier `json:"identifiers"`
}

// openingText is how many characters of the text an Opening has.
const openingText = 240

// attachOpenings finds the first touchpoint of each conversation. It is known by its key, its anchor and its time, so that
// nothing is searched for.
func (s *Server) attachOpenings(ctx context.Context, c *call, list []Conversation) error {
	if len(list) == 0 {
		return nil
	}
	at := map[identity.Anchor]int{}
	var anchors, keys []identity.Anchor
	var times []string
	for i, one := range list {
		at[one.ID] = i
		anchors, keys, times = append(anchors, one.row.Anchor), append(keys, one.ID), append(times, moment(time.Time(one.First)))
	}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND time IN arrayMap(t -> toDateTime64(t, 3, 'UTC'), {times:Array(String)})
	AND key IN {keys:Array(UInt128)}`
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "keys": numbers(keys), "times": times}
	return s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		t, err := scanTouchpoint(r)
		if i, ok := at[t.Key]; ok && err == nil {
			list[i].Opening = &Opening{Name: customerName(&t), Subject: cut(t.Subject, openingText), Text: cut(t.Text, openingText), Identifiers: t.Identifiers}
		}
		return err
	})
}

func customerName(t *Touchpoint) string {
	if t.Actor.Type != touchpoint.Customer {
		return ""
	}
	return cut(t.Actor.Name, openingText)
}

// cut is the begin of a text, whole characters of it.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i]
		}
		n++
	}
	return text
}
