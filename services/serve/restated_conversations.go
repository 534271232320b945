package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/conversation"
)

// What late touchpoints did to conversations is computed: the customers whose conversations have any are told anew without them, by the same
// decisions that made the conversations, and the report is asked again with those conversations in place of the stored ones.

// Bounds of what is told anew for one answer.
const (
	maxRetold      = 200     // customers
	maxRetoldLate  = 10_000  // late touchpoints
	maxRetoldStubs = 50_000  // their touchpoints
	maxRetoldBytes = 256_000 // of the conversations that come out, as JSON: they are a parameter of the statement
)

// errTooMuchLate is returned when more is concerned.
var errTooMuchLate = errors.New("serve: too much came late to be told anew")

// retold are conversations that are others without the late touchpoints.
type retold struct {
	mu    sync.Mutex
	stubs int
	gone  []identity.Anchor    // not to be read from the store
	rows  []words.Conversation // to be read in their place
}

// conversationsAsClosed is the same report without what the late touchpoints did; nil when too much is concerned.
func conversationsAsClosed(ctx context.Context, s *Server, c *call, r *reportQuery, now time.Time) (*reportQuery, error) {
	told, err := s.retell(ctx, c, r, now)
	if err == nil {
		then := r.earlier(s.readableGroups())
		then.retold = told
		if err = told.fill(then.params); err == nil {
			return then, s.prepare(c, then, now)
		}
	}
	if errors.Is(err, errTooMuchLate) || errors.Is(err, errTooMuchThen) {
		return nil, nil
	}
	return nil, err
}

// retell tells the customers anew who have conversations with late touchpoints.
func (s *Server) retell(ctx context.Context, c *call, r *reportQuery, now time.Time) (*retold, error) {
	late, people := map[touchpoint.Key]bool{}, map[identity.PersonID]bool{}
	sql := `SELECT key, ` + c.tables.PersonOf("person") + ` FROM ` + c.tables.Members + ` FINAL ` + lateMembers(c) + ` WHERE conversation != 0 LIMIT {most:UInt32}`
	params := clickhouse.Params{"workspace": c.workspace, "from": r.params["from"], "to": r.params["to"], "closed": r.params["closed"], "most": maxRetoldLate + 1}
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var key, person wide
		err := r.Scan(&key, &person)
		late[asAnchor(&key)], people[asAnchor(&person)] = true, true
		return err
	})
	if err == nil && (len(late) > maxRetoldLate || len(people) > maxRetold) {
		err = errTooMuchLate
	}
	if err != nil {
		return nil, err
	}
	asked, q := *c, *c.query
	q.asOf, asked.query = &now, &q // customers and touchpoints as they are now
	told := &retold{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for person := range people {
		g.Go(func() error { return s.retellOne(ctx, &asked, person, late, told) })
	}
	return told, g.Wait()
}

// retellOne adds which conversations of a person are others without the late touchpoints.
func (s *Server) retellOne(ctx context.Context, c *call, person identity.PersonID, late map[touchpoint.Key]bool, into *retold) error {
	w, err := s.resolve(ctx, c, person)
	if err != nil {
		return err
	}
	own, parts, err := s.storyStubs(ctx, c, w)
	if err != nil {
		return err
	}
	into.mu.Lock()
	into.stubs += len(own) + len(parts)
	much := into.stubs > maxRetoldStubs
	into.mu.Unlock()
	if much {
		return errTooMuchLate
	}
	now := conversation.Regroup(s.config.Registry, 0, w.id, own, parts)
	var ownThen []words.Stub
	for i := range own {
		if !late[own[i].Key] {
			ownThen = append(ownThen, own[i])
		}
	}
	var partsThen []conversation.Part
	for i := range parts {
		if !late[parts[i].Stub.Key] {
			partsThen = append(partsThen, parts[i])
		}
	}
	then := conversation.Regroup(s.config.Registry, 0, w.id, ownThen, partsThen)
	into.mu.Lock()
	defer into.mu.Unlock()
	into.add(now.Conversations, then.Conversations)
	return nil
}

// add compares a person's conversations. Versions count messages and tell nothing.
func (t *retold) add(now, then []words.Conversation) {
	is := make(map[words.ID]words.Conversation, len(now))
	for _, one := range now {
		one.Version = 0
		is[one.ID] = one
	}
	for _, one := range then {
		one.Version = 0
		same := reflect.DeepEqual(is[one.ID], one)
		delete(is, one.ID)
		if !same {
			t.gone, t.rows = append(t.gone, one.ID), append(t.rows, one)
		}
	}
	for id := range is {
		t.gone = append(t.gone, id)
	}
}

// fill adds them to the parameters of a statement.
func (t *retold) fill(params clickhouse.Params) error {
	if t.rows == nil {
		t.rows = []words.Conversation{}
	}
	data, err := json.Marshal(t.rows)
	if err != nil {
		return fmt.Errorf("serve: restated: %w", err)
	}
	if len(data)+40*len(t.gone) > maxRetoldBytes {
		return errTooMuchLate
	}
	params["retold"], params["retold_ids"] = string(data), numbers(t.gone)
	return nil
}

// retoldColumns are the columns that figures are computed with, and how each is read from a conversation as the log has it.
var retoldColumns = []struct{ name, from string }{
	{"id", "reinterpretAsUInt128(reverse(unhex(t.id)))"}, {"person", "reinterpretAsUInt128(reverse(unhex(t.person)))"}, {"state", "t.state"},
	{"first", "fromUnixTimestamp64Milli(t.first, 'UTC')"}, {"begun", "fromUnixTimestamp64Milli(t.begun, 'UTC')"}, {"contacts", "t.contacts"},
	{"channels", "t.channels"}, {"channel_contacts", "t.channel_contacts"}, {"team", "t.team"}, {"agent", "t.agent"}, {"topic", "t.topic"},
	{"source", "t.source"}, {"account", "t.account"}, {"tags", "t.tags"},
	{"waiting_since", "fromUnixTimestamp64Milli(t.waiting_since, 'UTC')"}, {"first_response", "t.first_response"}, {"first_bot_response", "t.first_bot_response"},
	{"later_responses", "t.later_responses"}, {"longest_wait", "t.longest_wait"}, {"next_contact", "fromUnixTimestamp64Milli(t.next_contact, 'UTC')"}, {"resolved_at", "fromUnixTimestamp64Milli(t.resolved_at, 'UTC')"}, {"resolution", "t.resolution"},
	{"reopenings", "t.reopenings"}, {"hand_overs", "t.hand_overs"}, {"channel_switches", "t.channel_switches"},
	{"rating_scales", "t.ratings.1"}, {"rating_values", "t.ratings.2"}, {"calls", "t.calls"},
	{"wait_from", "t.waits.1"}, {"wait_to", "t.waits.2"}, {"wait_kind", "t.waits.3"}, {"pause_from", "t.pauses.1"}, {"pause_to", "t.pauses.2"},
	{"turn_at", "t.turns.1"}, {"turn_team", "t.turns.2"}, {"state_at", "t.states.1"}, {"state_was", "t.states.2"},
}

// retoldType is the type of a conversation as the log has it.
const retoldType = `Tuple(id String, person String, state String, first Int64, begun Int64, contacts UInt32, channels Array(String), channel_contacts Array(UInt32),
	team String, agent String, topic String, source String, account String, tags Array(String), waiting_since Int64, first_response Nullable(Int64),
	first_bot_response Nullable(Int64), later_responses Array(Int64), longest_wait Int64, next_contact Int64, resolved_at Nullable(Int64), resolution Nullable(Int64),
	reopenings UInt32, hand_overs UInt32, channel_switches UInt32, ratings Array(Tuple(scale String, value Float64)), calls Int64,
	waits Array(Tuple(from Int64, to Int64, kind Int64)), pauses Array(Tuple(from Int64, to Int64)), turns Array(Tuple(at Int64, team String)), states Array(Tuple(at Int64, state String)))`

// conversations is what to read conversations from, in their latest version, that began in a period.
func (r *reportQuery) conversations(c *call, period string) string {
	stored := c.tables.Conversations + ` FINAL PREWHERE workspace = {workspace:String} AND ` + period
	if r.retold == nil {
		return stored
	}
	names, read := "", ""
	for i, column := range retoldColumns {
		if i > 0 {
			names, read = names+", ", read+", "
		}
		names, read = names+column.name, read+column.from+" AS "+column.name
	}
	return `(
			SELECT ` + names + ` FROM ` + stored + ` WHERE id NOT IN {retold_ids:Array(UInt128)}
			UNION ALL
			SELECT * FROM (SELECT ` + read + ` FROM (SELECT arrayJoin(JSONExtract({retold:String}, 'Array(` + retoldType + `)')) AS t)) WHERE ` + period + `
		)`
}
