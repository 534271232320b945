package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/conversation"
)

// maxThen bounds how many touchpoints are grouped anew for one answer about the past.
const maxThen = 10_000

// errTooMuchThen is returned for a person with more touchpoints than that.
var errTooMuchThen = errors.New("serve: too many touchpoints to group anew")

// then is what a person's touchpoints came to at the time of the call: those that had been received, of the anchors that
// were the person's, grouped anew. What the store keeps of conversations is as they are now.
type then struct {
	conversation.Story
	anchors map[touchpoint.Key]identity.Anchor
}

func (s *Server) then(ctx context.Context, c *call, w who) (*then, error) {
	out := &then{anchors: map[touchpoint.Key]identity.Anchor{}}
	own, parts, err := s.storyStubs(ctx, c, w)
	if err != nil {
		return nil, err
	}
	for i := range own {
		out.anchors[own[i].Key] = own[i].Anchor
	}
	for i := range parts {
		out.anchors[parts[i].Stub.Key] = parts[i].Stub.Anchor
	}
	out.Story = conversation.Regroup(s.config.Registry, 0, w.id, own, parts)
	return out, nil
}

// storyStubs are the stubs that a person's conversations are made of: the person's own, and what others wrote into the person's threads.
func (s *Server) storyStubs(ctx context.Context, c *call, w who) (own []words.Stub, parts []conversation.Part, err error) {
	if own, err = s.stubsThen(ctx, c, w.anchors); err != nil {
		return nil, nil, err
	}
	if own, err = s.withoutShares(ctx, c, w.id, own); err != nil {
		return nil, nil, err
	}
	if parts, err = s.sharesOf(ctx, c, w); err != nil {
		return nil, nil, err
	}
	if len(own)+len(parts) > maxThen {
		return nil, nil, errTooMuchThen
	}
	return own, parts, nil
}

// stubsThen are what conversations need to know of the touchpoints of anchors.
func (s *Server) stubsThen(ctx context.Context, c *call, anchors []identity.Anchor) (out []words.Stub, err error) {
	params := clickhouse.Params{"workspace": c.workspace, "limit": maxThen + 1}
	sql := `SELECT key, anchor, time, channel, toString(direction), kind, toString(actor_type), agent, thread, team, topic, source, account, tags, rating_scale, rating_value
FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND ` + who{anchors: anchors, asOf: c.query.asOf}.belongs("anchor", params) + ` LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var (
			t                touchpoint.Touchpoint
			key, of          wide
			at               time.Time
			direction, actor string
			rating           touchpoint.Rating
		)
		err := r.Scan(&key, &of, &at, &t.Channel, &direction, &t.Kind, &actor, &t.Actor.ID, &t.Thread, &t.Team, &t.Topic, &t.Source, &t.Account, &t.Tags, &rating.Scale, &rating.Value)
		t.Time, t.Direction, t.Actor.Type = at.UnixMilli(), touchpoint.Direction(direction), touchpoint.ActorType(actor)
		if rating.Scale != "" {
			t.Rating = &rating
		}
		out = append(out, words.StubOf(c.workspace, asAnchor(&key), asAnchor(&of), &t))
		return err
	})
	if err == nil && len(out) > maxThen {
		err = errTooMuchThen
	}
	return out, err
}

// withoutShares leaves out what the person wrote into threads of others: that belonged to their conversations.
func (s *Server) withoutShares(ctx context.Context, c *call, person identity.PersonID, own []words.Stub) ([]words.Stub, error) {
	asked := map[identity.Anchor]bool{}
	for i := range own {
		for _, t := range own[i].Threads {
			asked[identity.ParticipationOf(own[i].Anchor, t.Anchor)] = true
		}
	}
	whose, err := s.assigned(ctx, c, keysOf(asked))
	if err != nil || len(whose) == 0 {
		return own, err
	}
	return slices.DeleteFunc(own, func(stub words.Stub) bool {
		for _, t := range stub.Threads {
			if p, moved := whose[identity.ParticipationOf(stub.Anchor, t.Anchor)]; moved && p != person {
				return true
			}
		}
		return false
	}), nil
}

// sharesOf are what others wrote into the person's threads.
func (s *Server) sharesOf(ctx context.Context, c *call, w who) (out []conversation.Part, err error) {
	came, err := s.cameTo(ctx, c, w.id)
	if err != nil {
		return nil, err
	}
	came = slices.DeleteFunc(came, func(m coming) bool { return m.thread.IsZero() || w.has(m.home) })
	if len(came) == 0 {
		return nil, nil
	}
	var shares, homes []identity.Anchor
	for _, m := range came {
		shares, homes = append(shares, m.anchor), append(homes, m.home)
	}
	whose, err := s.assigned(ctx, c, shares)
	if err != nil {
		return nil, err
	}
	stubs, err := s.stubsThen(ctx, c, homes)
	if err != nil {
		return nil, err
	}
	for _, stub := range stubs {
		for _, t := range stub.Threads {
			if whose[identity.ParticipationOf(stub.Anchor, t.Anchor)] == w.id {
				out = append(out, conversation.Part{Stub: stub, Thread: t.Anchor})
				break
			}
		}
	}
	return out, nil
}

// attach says of each touchpoint to which conversation it belonged.
func (t *then) attach(list []Touchpoint) {
	for i := range list {
		if id, ok := t.Members[list[i].Key]; ok {
			list[i].Conversation = &id
		}
	}
}

// openThen is openConversations as of then.
func (s *Server) openThen(ctx context.Context, c *call, w who) (count int, open []OpenConversation, err error) {
	t, err := s.then(ctx, c, w)
	if err != nil {
		return 0, nil, err
	}
	open = []OpenConversation{}
	var lasts []touchpoint.Key
	for i := range t.Conversations {
		if one := conversationOf(&t.Conversations[i]); !one.over() {
			open = append(open, OpenConversation{Conversation: one})
		}
	}
	slices.SortStableFunc(open, func(a, b OpenConversation) int {
		return cmp.Or(cmp.Compare(b.row.Last, a.row.Last), slices.Compare(a.ID[:], b.ID[:]))
	})
	open = open[:min(len(open), maxOpen)]
	for i := range open {
		lasts = append(lasts, open[i].row.Latest)
	}
	found, err := s.touchpointsThen(ctx, c, t, lasts)
	for i := range open {
		if last, ok := found[lasts[i]]; ok {
			open[i].Channel, open[i].LastTouchpoint = last.Channel, &last
		}
	}
	return len(t.Conversations), open, err
}

// touchpointsThen reads touchpoints of the story by their keys.
func (s *Server) touchpointsThen(ctx context.Context, c *call, t *then, keys []touchpoint.Key) (map[touchpoint.Key]Touchpoint, error) {
	out := map[touchpoint.Key]Touchpoint{}
	if len(keys) == 0 {
		return out, nil
	}
	anchors := map[identity.Anchor]bool{}
	for _, k := range keys {
		anchors[t.anchors[k]] = true
	}
	sql := `SELECT ` + touchpointColumns + ` FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND key IN {keys:Array(UInt128)}`
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(keysOf(anchors)), "keys": numbers(keys)}
	err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		one, err := scanTouchpoint(r)
		if err == nil {
			list := []Touchpoint{one}
			t.attach(list)
			out[one.Key] = list[0]
		}
		return err
	})
	return out, err
}

// conversationsThen is a page of a person's conversations as of then, newest first.
func (s *Server) conversationsThen(ctx context.Context, c *call, w who, states []string, limit int, after *cursor) (page Conversations, err error) {
	t, err := s.then(ctx, c, w)
	if err != nil {
		return page, err
	}
	all := []Conversation{}
	for i := range t.Conversations {
		if v := conversationOf(&t.Conversations[i]); len(states) == 0 || slices.Contains(states, v.State) {
			all = append(all, v)
		}
	}
	order := func(number int64, id identity.Anchor, v *Conversation) int {
		return cmp.Or(cmp.Compare(newestNumber(v), number), slices.Compare(v.ID[:], id[:]))
	}
	slices.SortFunc(all, func(a, b Conversation) int { return order(newestNumber(&b), b.ID, &a) })
	if after != nil {
		all = slices.DeleteFunc(all, func(v Conversation) bool { return order(after.order, after.id, &v) <= 0 })
	}
	if len(all) > limit {
		all = all[:limit]
		page.Next = cursor{newestList, newestNumber(&all[limit-1]), all[limit-1].ID}.String()
	}
	page.Conversations = all
	return page, nil
}

// getConversationThen answers GET /v1/conversations/{id}?as_of=..; now is the conversation as it is stored, if only to say what became of it.
func (s *Server) getConversationThen(w http.ResponseWriter, r *http.Request, c *call, now *Conversation, limit int, after *cursor) error {
	owner, err := s.resolve(r.Context(), c, now.row.Anchor)
	if err != nil {
		return err
	}
	t, err := s.then(r.Context(), c, owner)
	if err == nil && t.Members[now.ID].IsZero() {
		// Whose it was may be somebody in whose thread its first touchpoint was written.
		t, err = s.thenByShare(r.Context(), c, now)
	}
	if err != nil {
		return err
	}
	id, there := t.Members[now.ID]
	switch {
	case !there:
		return &notFound{"id", fmt.Sprintf("there was no conversation %s at that time", now.ID)}
	case id != now.ID:
		return &movedTo{"/v1/conversations/", "", id}
	}
	at := slices.IndexFunc(t.Conversations, func(v words.Conversation) bool { return v.ID == id })
	detail := detailOf(conversationOf(&t.Conversations[at]), []Promise{})
	keys := t.Of[id]
	if after != nil {
		keys = keys[slices.Index(keys, after.id)+1:]
	}
	if len(keys) > limit {
		keys = keys[:limit]
	}
	found, err := s.touchpointsThen(r.Context(), c, t, keys)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if one, ok := found[k]; ok {
			detail.Touchpoints = append(detail.Touchpoints, one)
		}
	}
	if n := len(keys); n > 0 && keys[n-1] != t.Of[id][len(t.Of[id])-1] {
		last := found[keys[n-1]]
		detail.Next = cursor{conversationList, last.time.UnixMilli(), last.Key}.String()
	}
	return answer(w, http.StatusOK, detail)
}

// thenByShare is the story that a touchpoint belonged to for its threads' sake.
func (s *Server) thenByShare(ctx context.Context, c *call, of *Conversation) (*then, error) {
	stubs, err := s.stubsThen(ctx, c, []identity.Anchor{of.row.Anchor})
	if err != nil {
		return nil, err
	}
	var shares []identity.Anchor
	for _, stub := range stubs {
		if stub.Key != of.ID {
			continue
		}
		for _, t := range stub.Threads {
			shares = append(shares, identity.ParticipationOf(stub.Anchor, t.Anchor))
		}
	}
	whose, err := s.assigned(ctx, c, shares)
	if err != nil {
		return nil, err
	}
	for _, share := range shares {
		person, moved := whose[share]
		if !moved {
			continue
		}
		owner, err := s.resolve(ctx, c, person)
		if err != nil {
			return nil, err
		}
		if t, err := s.then(ctx, c, owner); err != nil || !t.Members[of.ID].IsZero() {
			return t, err
		}
	}
	return &then{}, nil
}
