package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// OpenConversation is a conversation that is not over, with the touchpoint that came last in it.
type OpenConversation struct {
	Conversation
	Channel        string      `json:"channel"`         // of the last touchpoint
	LastTouchpoint *Touchpoint `json:"last_touchpoint"` // null: not stored yet
}

// maxOpen is how many open conversations a card lists.
const maxOpen = 50

// openConversations counts a person's conversations, with those of others that the person takes part in, and details those that are not over, newest first, at most a page.
func (s *Server) openConversations(ctx context.Context, c *call, w who) (count int, open []OpenConversation, err error) {
	var total uint64
	err = s.withShares(ctx, c, w, func(ctx context.Context, takesPart []identity.Anchor) error {
		params := clickhouse.Params{}
		sql := `SELECT ` + c.conversationColumns() + `, count() OVER () FROM ` + c.ofPerson(w, takesPart, params) + `
ORDER BY state IN ('resolved', 'closed'), last DESC, id LIMIT {limit:UInt32}`
		params["limit"] = maxOpen
		total, open = 0, []OpenConversation{}
		return s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
			one, err := scanConversation(r, &total)
			if err == nil && !one.over() {
				o := OpenConversation{Conversation: one}
				if len(one.Channels) > 0 {
					o.Channel = one.Channels[len(one.Channels)-1]
				}
				open = append(open, o)
			}
			return err
		})
	})
	if err != nil || len(open) == 0 {
		return int(total), open, err
	}
	return int(total), open, s.attachLast(ctx, c, w, open)
}

// attachLast finds the last touchpoint of each open conversation. Its key is known, when it was, and whose it may be.
func (s *Server) attachLast(ctx context.Context, c *call, w who, open []OpenConversation) error {
	anchors := append([]identity.Anchor{}, w.anchors...)
	var lasts []string
	at, asked := map[identity.Anchor]int{}, map[identity.PersonID]bool{w.id: true}
	for i, o := range open {
		if !asked[o.Person] {
			asked[o.Person] = true
			owner, err := s.resolve(ctx, c, o.Person)
			if err != nil {
				return err
			}
			anchors = append(anchors, owner.anchors...)
		}
		anchors = append(anchors, o.Participants...)
		at[o.row.Latest] = i
		lasts = append(lasts, moment(time.Time(o.Last)))
	}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND time IN arrayMap(t -> toDateTime64(t, 3, 'UTC'), {lasts:Array(String)}) AND key IN {keys:Array(UInt128)}`
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "keys": numbers(keysOf(at)), "lasts": lasts}
	return s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		t, err := scanTouchpoint(r)
		if i, ok := at[t.Key]; ok && err == nil {
			t.Conversation = &open[i].ID
			open[i].Channel, open[i].LastTouchpoint = t.Channel, &t
		}
		return err
	})
}
