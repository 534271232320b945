package serve

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/promise"
)

// Conversations is a page of conversations.
type Conversations struct {
	Conversations []Conversation `json:"conversations"`
	Next          string         `json:"next,omitempty"`
	Queue         *Queue         `json:"queue,omitempty"` // where it was asked for
}

// order is a way to sort the list of conversations: by a number that grows along the list, then by id.
type order struct {
	list   byte
	number string // SQL of the number
}

// notWaiting sorts conversations that nobody waits in behind all others.
const notWaiting = int64(1) << 62

var newestFirst = order{newestList, "-toUnixTimestamp64Milli(first)"}

// newestNumber is the number of newestFirst.
func newestNumber(c *Conversation) int64 { return -c.row.First }

var orders = map[string]order{
	"newest":  newestFirst,
	"oldest":  {oldestList, "toUnixTimestamp64Milli(first)"},
	"waiting": {waitingList, waitingNumber},
	"due":     {dueList, waitingNumber}, // when an answer is due is not in the store: see conversationsPromised
}

var waitingNumber = fmt.Sprintf("if(toUnixTimestamp64Milli(waiting_since) = 0, %d, toUnixTimestamp64Milli(waiting_since))", notWaiting)

var states = []string{string(conversation.Open), string(conversation.WaitingForUs), string(conversation.WaitingForCustomer),
	string(conversation.Resolved), string(conversation.Closed)}

// listConversations answers GET /v1/conversations.
func (s *Server) listConversations(w http.ResponseWriter, r *http.Request, c *call) error {
	q := c.query
	params := clickhouse.Params{}
	var where []string
	where = anyOf(where, params, "state", q.listOf("state", states...))
	where = anyOf(where, params, "team", q.list("team"))
	where = anyOf(where, params, "agent", q.list("agent"))
	where = anyOf(where, params, "topic", q.list("topic"))
	if channels := q.channels(s.config.Registry); len(channels) > 0 {
		params["channel"] = channels
		where = append(where, "hasAny(channels, {channel:Array(String)})")
	}
	waiting := q.flag("waiting")
	if waiting {
		where = append(where, waitsForUs)
	}
	by := orders[q.oneOf("sort", "newest", "oldest", "waiting", "due")]
	statuses := q.listOf("promise", string(promise.Missed), string(promise.AtRisk), string(promise.Running))
	promised := by.list == dueList || len(statuses) > 0
	if promised && !waiting {
		q.fail("waiting", "want true with promise and with sort=due: an answer is due to those who wait")
	}
	opening := q.flag("opening")
	queue := q.flag("queue")
	if queue && !waiting {
		q.fail("waiting", "want true with queue=true: the queue is of those who wait")
	}
	limit := q.number("limit", 50, 1, 200)
	after := q.cursor(by.list)
	if err := q.done(); err != nil {
		return err
	}
	params["workspace"] = c.workspace
	from := c.allConversations()
	if waiting {
		from = c.ever(strings.Join(where, " AND ")) + ` WHERE 1`
	}
	where = append(where, "state NOT IN "+hidden)
	var page Conversations
	var all *Queue
	g, ctx := errgroup.WithContext(r.Context())
	if queue && promised {
		of := maps.Clone(params)
		g.Go(func() (err error) {
			all, err = s.queue(ctx, from, where, of)
			return err
		})
	}
	g.Go(func() (err error) {
		switch {
		case promised:
			page, err = s.conversationsPromised(ctx, c, from, where, params, by, statuses, limit, after)
		case queue:
			page, err = s.queueAndPage(ctx, c, from, where, params, by, limit, after)
		default:
			page, err = s.conversationsWhere(ctx, c, from, where, params, by, limit, after)
		}
		if err == nil && opening {
			s.attachPromises(c, page.Conversations)
			err = s.attachOpenings(ctx, c, page.Conversations)
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if all != nil {
		page.Queue = all
	}
	return answer(w, http.StatusOK, page)
}

// getPersonConversations answers GET /v1/people/{id}/conversations.
func (s *Server) getPersonConversations(w http.ResponseWriter, r *http.Request, c *call) error {
	q := c.query
	params := clickhouse.Params{"workspace": c.workspace}
	wanted := q.listOf("state", states...)
	where := anyOf(nil, params, "state", wanted)
	limit := q.number("limit", 50, 1, 200)
	after := q.cursor(newestList)
	q.readAsOf()
	if err := q.done(); err != nil {
		return err
	}
	who, err := s.personOf(r, c, "/conversations")
	if err != nil {
		return err
	}
	var page Conversations
	if c.query.asOf != nil {
		page, err = s.conversationsThen(r.Context(), c, who, wanted, limit, after)
	} else {
		page, err = s.conversationsOf(r.Context(), c, who, where, params, limit, after)
	}
	if err != nil {
		return err
	}
	if len(page.Conversations) == 0 && !who.recorded {
		if known, err := s.seen(r.Context(), c, who); err != nil {
			return err
		} else if !known {
			return who.unknown("/conversations")
		}
	}
	return answer(w, http.StatusOK, page)
}

// allConversations are the workspace's conversations, each in its latest version.
func (c *call) allConversations() string {
	return c.tables.Conversations + ` FINAL WHERE workspace = {workspace:String}`
}

// ever are the workspace's conversations of which some version meets the condition, each in its latest, which may not meet it any more: to be asked for
// again. FINAL compares all versions of all rows; where few meet the condition it need not look at the others, which takes a fifth of the time. (Half of
// an id tells which is meant, and is looked up at half the cost of the whole; one too many does no harm.)
func (c *call) ever(condition string) string {
	return c.tables.Conversations + ` FINAL PREWHERE workspace = {workspace:String} AND toUInt64(id) IN (
		SELECT toUInt64(id) FROM ` + c.tables.Conversations + ` WHERE workspace = {workspace:String} AND (` + condition + `)
	)`
}

// waitsForUs is the condition of conversations whose customer waits for an answer now, unsettled that of those that are not over.
const (
	waitsForUs = "toUnixTimestamp64Milli(waiting_since) > 0"
	unsettled  = "state IN ('open', 'waiting_for_us', 'waiting_for_customer')"
	awaitsUs   = "awaited != 0" // an answer of a human
)

// ofPerson is what to read the conversations of a person from, each in its latest version: a conversation lies where the anchor of its first
// touchpoint is. It may be somebody else's, in which the person takes part: the conversation's own person sorts those out, but for
// those that are named as taken part in. (FINAL would look at every part of the table for a handful of rows.)
func (c *call) ofPerson(w who, takesPart []identity.Anchor, params clickhouse.Params) string {
	params["workspace"], params["person"] = c.workspace, number(w.id)
	columns := `SELECT id, person, state, first, last, payload FROM ` + c.tables.ByAnchor + ` WHERE workspace = {workspace:String} AND `
	from, also := columns+w.belongs("anchor", params)+` ORDER BY version DESC LIMIT 1 BY anchor, id`, ""
	if len(takesPart) > 0 {
		params["takes_part"] = numbers(takesPart)
		from += "\n\tUNION ALL " + columns + `id IN {takes_part:Array(UInt128)} AND anchor NOT IN {anchors:Array(UInt128)} ORDER BY version DESC LIMIT 1 BY anchor, id`
		also = " OR id IN {takes_part:Array(UInt128)}"
	}
	return "(\n\t" + from + "\n) WHERE (person IN {anchors:Array(UInt128)} OR person = {person:UInt128}" + also + ") AND state NOT IN " + hidden
}

// maxTakesPart bounds in how many conversations of others somebody is shown, the latest first.
const maxTakesPart = 200

// takesPart are the conversations of others that the person wrote in: what became of the person's touchpoints names them, because no index has
// who takes part.
func (s *Server) takesPart(ctx context.Context, c *call, w who) (out []identity.Anchor, err error) {
	params := clickhouse.Params{"workspace": c.workspace, "person": number(w.id), "limit": maxTakesPart}
	sql := `SELECT of FROM (
	SELECT argMax(conversation, version) AS of, argMax(person, version) AS whose, any(time) AS at FROM ` + c.tables.Members + `
	WHERE workspace = {workspace:String} AND ` + w.belongs("anchor", params) + ` GROUP BY key
) WHERE of != 0 AND whose NOT IN {anchors:Array(UInt128)} AND whose != {person:UInt128} GROUP BY of ORDER BY max(at) DESC LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var of wide
		err := r.Scan(&of)
		out = append(out, asAnchor(&of))
		return err
	})
	return out, err
}

// withShares has something read of a person's conversations: of the person's own while it is found out in which of others the person takes part,
// and once more with those where there are some, as there seldom are.
func (s *Server) withShares(ctx context.Context, c *call, w who, read func(ctx context.Context, takesPart []identity.Anchor) error) error {
	var shares []identity.Anchor
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		shares, err = s.takesPart(both, c, w)
		return err
	})
	g.Go(func() error { return read(both, nil) })
	if err := g.Wait(); err != nil || len(shares) == 0 {
		return err
	}
	return read(ctx, shares)
}

// latest reads conversationColumns of the conversations under the condition, each in its latest version.
func (c *call) latest(condition string) string {
	return `SELECT ` + c.conversationColumns() + ` FROM ` + c.tables.ByAnchor + `
PREWHERE workspace = {workspace:String} AND ` + condition + ` ORDER BY version DESC LIMIT 1 BY anchor, id`
}

// place says where a conversation lies.
type place struct{ anchor, id identity.Anchor }

// at reads the conversations that lie at these places, each whole.
func (s *Server) at(ctx context.Context, c *call, places []place) (map[identity.Anchor]Conversation, error) {
	out := make(map[identity.Anchor]Conversation, len(places))
	if len(places) == 0 {
		return out, nil
	}
	var anchors, ids []identity.Anchor
	for _, p := range places {
		anchors, ids = append(anchors, p.anchor), append(ids, p.id)
	}
	sql := c.latest("anchor IN {anchors:Array(UInt128)} AND id IN {ids:Array(UInt128)}")
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "ids": numbers(ids)}
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		one, err := scanConversation(r)
		out[one.ID] = one
		return err
	})
	return out, err
}

// page is what goes on after the cursor, one more than fits.
func (by order) page(where []string, params clickhouse.Params, limit int, after *cursor) string {
	params["limit"] = limit + 1
	if after != nil {
		where = append(where, by.after(after, params))
	}
	sql := ""
	for _, condition := range where {
		sql += " AND " + condition
	}
	return sql + ` ORDER BY ` + by.number + `, id LIMIT {limit:UInt32}`
}

// after is the condition of what comes after the cursor.
func (by order) after(at *cursor, params clickhouse.Params) string {
	params["order"], params["id"] = at.order, number(at.id)
	return "(" + by.number + ", id) > ({order:Int64}, {id:UInt128})"
}

// conversationsWhere reads a page of the workspace's conversations.
func (s *Server) conversationsWhere(ctx context.Context, c *call, from string, where []string, params clickhouse.Params, by order, limit int, after *cursor) (Conversations, error) {
	var found []candidate
	sql := `SELECT ` + by.number + `, anchor, id FROM ` + from + by.page(where, params, limit, after) + reportSettings
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var one candidate
		var anchor, id wide
		err := r.Scan(&one.order, &anchor, &id)
		one.place = place{asAnchor(&anchor), asAnchor(&id)}
		found = append(found, one)
		return err
	})
	if err != nil {
		return Conversations{}, err
	}
	return s.pageOf(ctx, c, by, found, limit)
}

// candidate is a conversation that may be on a page.
type candidate struct {
	order int64
	place
}

// pageOf reads those that were found, in their order, whole, and no more than fit. (Which they are is found in few columns; in one statement it would be
// found twice.) What joined another conversation since it was found is left out.
func (s *Server) pageOf(ctx context.Context, c *call, by order, found []candidate, limit int) (page Conversations, err error) {
	if len(found) > limit {
		found = found[:limit]
		page.Next = cursor{by.list, found[limit-1].order, found[limit-1].id}.String()
	}
	places := make([]place, len(found))
	for i, one := range found {
		places[i] = one.place
	}
	whole, err := s.at(ctx, c, places)
	page.Conversations = []Conversation{}
	for _, one := range found {
		if of, ok := whole[one.id]; ok && of.inForce() {
			page.Conversations = append(page.Conversations, of)
		}
	}
	return page, err
}

// conversationsOf reads a page of a person's, newest first, and of those that the person takes part in. What joined another conversation since it was found
// is left out.
func (s *Server) conversationsOf(ctx context.Context, c *call, w who, where []string, params clickhouse.Params, limit int, after *cursor) (page Conversations, err error) {
	err = s.withShares(ctx, c, w, func(ctx context.Context, takesPart []identity.Anchor) error {
		params := maps.Clone(params)
		sql := `SELECT ` + c.conversationColumns() + ` FROM ` + c.ofPerson(w, takesPart, params) + newestFirst.page(where, params, limit, after)
		page = Conversations{Conversations: []Conversation{}}
		found := 0
		err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
			one, err := scanConversation(r)
			if found++; err == nil && one.inForce() {
				page.Conversations = append(page.Conversations, one)
			}
			return err
		})
		if found > limit && len(page.Conversations) > 0 {
			page.Conversations = page.Conversations[:min(limit, len(page.Conversations))]
			last := &page.Conversations[len(page.Conversations)-1]
			page.Next = cursor{newestList, newestNumber(last), last.ID}.String()
		}
		return err
	})
	return page, err
}
