package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Conversation is a conversation with its measures. Durations are milliseconds; null while the thing has not happened.
type Conversation struct {
	ID               identity.Anchor     `json:"id"`
	Person           identity.PersonID   `json:"person"`
	State            string              `json:"state"`
	First            Time                `json:"first"`
	Last             Time                `json:"last"`
	Touchpoints      uint32              `json:"touchpoints"`
	Inbound          uint32              `json:"inbound"`
	Outbound         uint32              `json:"outbound"`
	Internal         uint32              `json:"internal"`
	Contacts         uint32              `json:"contacts"`
	Channels         []string            `json:"channels"`
	Team             string              `json:"team,omitempty"`
	Agent            string              `json:"agent,omitempty"`
	Topic            string              `json:"topic,omitempty"`
	Source           string              `json:"source,omitempty"`
	Account          string              `json:"account,omitempty"`
	Tags             []string            `json:"tags"`
	Participants     []identity.Anchor   `json:"participants"`
	WaitingSince     *Time               `json:"waiting_since"`
	FirstResponse    *int64              `json:"first_response_ms"`
	FirstBotResponse *int64              `json:"first_bot_response_ms"`
	LaterResponses   []int64             `json:"later_responses_ms"`
	LongestWait      int64               `json:"longest_wait_ms"`
	NextContact      *Time               `json:"next_contact"`
	ResolvedAt       *Time               `json:"resolved_at"`
	Resolution       *int64              `json:"resolution_ms"`
	Reopenings       uint32              `json:"reopenings"`
	HandOvers        uint32              `json:"hand_overs"`
	ChannelSwitches  uint32              `json:"channel_switches"`
	Ratings          []touchpoint.Rating `json:"ratings,omitempty"`

	Opening *Opening `json:"opening,omitempty"` // where it was asked for
	Promise *Promise `json:"promise,omitempty"` // about the answer that the customer waits for, with the opening

	row words.Conversation // as it is stored
}

// hidden are the states of rows that only say that a name is not a conversation any more.
const hidden = `('superseded', 'gone')`

// conversationColumns are read of a row by anchor; the person is the one that it belongs to now, whoever that was
// when the row was written.
func (c *call) conversationColumns() string { return c.tables.PersonOf("person") + ", payload" }

// scanConversation reads conversationColumns, and what further columns follow them into more.
func scanConversation(r *clickhouse.Rows, more ...any) (Conversation, error) {
	var person wide
	var payload string
	if err := r.Scan(append([]any{&person, &payload}, more...)...); err != nil {
		return Conversation{}, err
	}
	row, err := words.Decode([]byte(payload))
	if err != nil {
		return Conversation{}, fmt.Errorf("serve: read a conversation: %w", err)
	}
	row.Person = asAnchor(&person)
	return conversationOf(&row), nil
}

// conversationOf is a conversation in the form of answers.
func conversationOf(v *words.Conversation) Conversation {
	c := Conversation{
		ID: v.ID, Person: v.Person, State: string(v.State), First: timeOf(v.First), Last: timeOf(v.Last), Touchpoints: v.Touchpoints,
		Inbound: v.Inbound, Outbound: v.Outbound, Internal: v.Internal, Contacts: v.Contacts, Channels: orNone(v.Channels), Team: v.Team, Agent: v.Agent,
		Topic: v.Topic, Source: v.Source, Account: v.Account, Tags: orNone(v.Tags), Participants: orNone(v.Participants),
		FirstResponse: v.FirstResponse, FirstBotResponse: v.FirstBotResponse, LaterResponses: orNone(v.LaterResponses), LongestWait: v.LongestWait,
		Resolution: v.Resolution, Reopenings: v.Reopenings, HandOvers: v.HandOvers, ChannelSwitches: v.ChannelSwitches, Ratings: v.Ratings,
		row: *v,
	}
	if v.WaitingSince > 0 {
		t := timeOf(v.WaitingSince)
		c.WaitingSince = &t
	}
	if v.NextContact > 0 {
		t := timeOf(v.NextContact)
		c.NextContact = &t
	}
	if v.ResolvedAt != nil {
		t := timeOf(*v.ResolvedAt)
		c.ResolvedAt = &t
	}
	return c
}

// timeOf is an instant of the log, ms since 1970.
func timeOf(ms int64) Time { return Time(time.UnixMilli(ms).UTC()) }

// orNone is a list that is shown as empty and not as null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// inForce tells whether the row is a conversation, and does not only say that a name is none any more.
func (c *Conversation) inForce() bool {
	return c.row.State != words.Superseded && c.row.State != words.Gone
}

// over tells whether the matter is settled.
func (c *Conversation) over() bool {
	return c.row.State == words.Resolved || c.row.State == words.Closed
}

// ConversationDetail is one conversation with a page of its touchpoints, oldest first.
type ConversationDetail struct {
	Conversation Conversation `json:"conversation"`
	Touchpoints  []Touchpoint `json:"touchpoints"`
	Next         string       `json:"next,omitempty"`
	Promises     []Promise    `json:"promises"` // that it is under; none in what was seen at another time
	Waits        []Wait       `json:"waits"`    // oldest first; what is measured of answers is measured of them
}

// Wait is a stretch of time in which the customer waited for a human's answer.
type Wait struct {
	From Time   `json:"from"`
	To   *Time  `json:"to"` // null while it goes on
	Kind string `json:"kind"`
}

var waitKinds = map[words.WaitKind]string{words.FirstWait: "first", words.LaterWait: "later", words.Unheard: "unheard"}

// detailOf is a conversation whose touchpoints are yet to be read.
func detailOf(of Conversation, promises []Promise) ConversationDetail {
	waits := make([]Wait, len(of.row.Waits))
	for i, w := range of.row.Waits {
		waits[i] = Wait{From: timeOf(w.From), Kind: waitKinds[w.Kind]}
		if w.To > 0 {
			waits[i].To = new(timeOf(w.To))
		}
	}
	return ConversationDetail{Conversation: of, Touchpoints: []Touchpoint{}, Promises: promises, Waits: waits}
}

// getConversation answers GET /v1/conversations/{id}.
func (s *Server) getConversation(w http.ResponseWriter, r *http.Request, c *call) error {
	q := c.query
	limit := q.number("limit", 200, 1, 1000)
	after := q.cursor(conversationList)
	q.readAsOf()
	if err := q.done(); err != nil {
		return err
	}
	id, err := pathID("id", r.PathValue("id"))
	if err != nil {
		return err
	}
	found, err := s.conversationRow(r.Context(), c, id)
	if err != nil {
		return err
	}
	if c.query.asOf != nil {
		return s.getConversationThen(w, r, c, &found, limit, after)
	}
	if found, err = s.current(r.Context(), c, found); err != nil {
		return err
	}
	detail := detailOf(found, s.promisesAbout(c, &found))
	if detail.Touchpoints, detail.Next, err = s.touchpointsOf(r.Context(), c, found, limit, after); err != nil {
		return err
	}
	return answer(w, http.StatusOK, detail)
}

// currentName is the conversation that the touchpoint belongs to after which the old one was named.
func (s *Server) currentName(ctx context.Context, c *call, old Conversation) (identity.Anchor, error) {
	var now wide
	sql := `SELECT argMax(conversation, version) FROM ` + c.tables.Members + `
WHERE workspace = {workspace:String} AND anchor = {anchor:UInt128} AND key = {key:UInt128} HAVING count() > 0`
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{
		"workspace": c.workspace, "anchor": number(old.row.Anchor), "key": number(old.ID),
	}, func(r *clickhouse.Rows) error { return r.Scan(&now) })
	if err == nil && now.Sign() == 0 {
		return old.row.SupersededBy, nil
	}
	return asAnchor(&now), err
}

// current is a conversation that is one; the error is a redirect when it goes by another id now.
func (s *Server) current(ctx context.Context, c *call, found Conversation) (Conversation, error) {
	if found.inForce() {
		return found, nil
	}
	now, err := s.currentName(ctx, c, found)
	if err != nil {
		return found, err
	}
	if now == found.ID || now.IsZero() {
		return found, &notFound{"id", fmt.Sprintf("conversation %s is no more", found.ID)}
	}
	return found, &movedTo{"/v1/conversations/", "", now}
}

// conversationRow is the row of a conversation, whatever has become of it.
func (s *Server) conversationRow(ctx context.Context, c *call, id identity.Anchor) (one Conversation, err error) {
	found := false
	err = s.store.each(ctx, s.store.lookup, c.latest("id = {id:UInt128}"), clickhouse.Params{"workspace": c.workspace, "id": number(id)}, func(r *clickhouse.Rows) (err error) {
		found = true
		one, err = scanConversation(r)
		return err
	})
	if err == nil && !found {
		err = &notFound{"id", fmt.Sprintf("there is no conversation %s", id)}
	}
	return one, err
}

// touchpointsOf reads a conversation's touchpoints, oldest first. They have the anchors of its person and of its participants,
// and lie between its first and its last.
func (s *Server) touchpointsOf(ctx context.Context, c *call, of Conversation, limit int, after *cursor) (list []Touchpoint, next string, err error) {
	owner, err := s.resolve(ctx, c, of.Person)
	if err != nil {
		return nil, "", err
	}
	anchors := append(append([]identity.Anchor{of.row.Anchor}, owner.anchors...), of.Participants...)
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "id": number(of.ID), "limit": limit + 1,
		"from": moment(time.Time(of.First)), "to": moment(time.Time(of.Last))}
	where := `workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)}
	AND time >= {from:DateTime64(3, 'UTC')} AND time <= {to:DateTime64(3, 'UTC')}`
	if after != nil {
		where += " AND (time, key) > ({time:DateTime64(3, 'UTC')}, {key:UInt128})"
		params["time"], params["key"] = moment(time.UnixMilli(after.order)), number(after.id)
	}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE ` + where + ` AND key IN (SELECT key FROM ` + c.tables.Members + ` WHERE ` + where + ` GROUP BY key HAVING argMax(conversation, version) = {id:UInt128})
ORDER BY ` + byTime("") + ` LIMIT {limit:UInt32}`
	list = []Touchpoint{}
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		t, err := scanTouchpoint(r)
		t.Conversation = &of.ID
		list = append(list, t)
		return err
	})
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = cursor{conversationList, last.time.UnixMilli(), last.Key}.String()
	}
	s.inTurn(list, false)
	return list, next, err
}
