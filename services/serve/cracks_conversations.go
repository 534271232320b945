package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/promise"
)

// crackColumns are what a crack says of its conversation.
func crackColumns(c *call) string {
	return `id, ` + c.tables.PersonOf("person") + `, ` + entryChannel + `, topic, team, agent, `
}

// inConversation makes a crack of a conversation; more are the columns behind crackColumns.
func inConversation(r *clickhouse.Rows, kind string, more ...any) (out Crack, err error) {
	var id, person wide
	out.Kind = kind
	err = r.Scan(append([]any{&id, &person, &out.Channel, &out.Topic, &out.Owner.Team, &out.Owner.Agent}, more...)...)
	conversation := asAnchor(&id)
	out.Person, out.Conversation = asAnchor(&person), &conversation
	return out, err
}

func (k *Crack) at(t time.Time, said string) {
	k.since, k.Since = t, Time(t)
	k.Evidence = append(k.Evidence, CrackEvidence{"conversation", *k.Conversation, said, Time(t)})
}

// mostWaiting bounds the conversations whose promises are looked at: those that wait longest.
const mostWaiting = 5000

// findWaitingPastTarget finds conversations whose customer waits for a human past what was promised.
func (s *Server) findWaitingPastTarget(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	params := q.params(c)
	params["most"] = mostWaiting
	policy := s.config.Promises.Promises(c.workspace)
	sql := `SELECT ` + crackColumns(c) + intervalColumns + ` FROM ` + c.tables.Conversations + ` FINAL
WHERE workspace = {workspace:String} AND last >= {since:DateTime64(3, 'UTC')} AND state IN ('open', 'waiting_for_us', 'waiting_for_customer') AND has(wait_to, 0)
ORDER BY arrayElement(wait_from, -1), id LIMIT {most:UInt32}` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var row intervals
		one, err := inConversation(r, waitingPastTarget, row.targets()...)
		if err != nil || len(out) > q.limit {
			return err
		}
		about := row.conversation()
		for _, p := range policy.Of(&about, q.now.UnixMilli()) {
			if p.Metric != promise.Resolution && p.Open && p.Elapsed > p.Target {
				one.at(time.UnixMilli(about.Waits[len(about.Waits)-1].From), "the customer waits")
				one.Promise = &promisesOf([]promise.Promise{p})[0]
				out = append(out, one)
				break
			}
		}
		return nil
	})
	return out, err
}

// findClosedWhileWaiting finds conversations that were settled while the customer waited for any answer, and in which nobody has
// answered since.
func (s *Server) findClosedWhileWaiting(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	sql := `SELECT ` + crackColumns(c) + `assumeNotNull(resolved_at), fromUnixTimestamp64Milli(arrayElement(wait_from, -1), 'UTC')
FROM ` + c.tables.Conversations + ` FINAL
WHERE workspace = {workspace:String} AND last >= {since:DateTime64(3, 'UTC')} AND ` + over + ` AND isNotNull(resolved_at) AND arrayElement(wait_kind, -1) = 3
	AND arrayElement(wait_to, -1) = toUnixTimestamp64Milli(assumeNotNull(resolved_at)) AND isNull(first_bot_response)
	AND id NOT IN (` + answeredAfterwards(c) + `)
ORDER BY resolved_at, id LIMIT {limit:UInt32}` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
		var settled, asked time.Time
		one, err := inConversation(r, closedWhileWaiting, &settled, &asked)
		if err == nil {
			one.at(asked, "the customer asked")
			one.at(settled, "it was settled without an answer")
			out = append(out, one)
		}
		return err
	})
	return out, err
}

// answeredAfterwards are conversations in which an agent wrote after they were settled.
func answeredAfterwards(c *call) string {
	return `SELECT m.conversation FROM ` + c.tables.Members + ` AS m FINAL
		INNER JOIN (SELECT id, resolved_at FROM ` + c.tables.Conversations + ` FINAL WHERE workspace = {workspace:String} AND last >= {since:DateTime64(3, 'UTC')} AND last > resolved_at) AS c ON m.conversation = c.id
		WHERE m.workspace = {workspace:String} AND m.time >= {since:DateTime64(3, 'UTC')} AND m.direction = 'outbound' AND m.agent != '' AND m.time > c.resolved_at`
}

// findAnsweredOnOne finds customers who asked about the same topic on two channels within two days, and were answered on one of them
// only.
func (s *Server) findAnsweredOnOne(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	person := c.tables.PersonOf("person")
	sql := `SELECT w.id, w.who, w.channel, w.topic, w.team, w.agent, w.asked, any(a.id), any(a.channel), any(a.answered)
FROM (
	SELECT id, ` + person + ` AS who, ` + entryChannel + ` AS channel, topic, team, agent, waiting_since AS asked
	FROM ` + c.tables.Conversations + ` FINAL
	WHERE workspace = {workspace:String} AND last >= {since:DateTime64(3, 'UTC')} AND toUnixTimestamp64Milli(waiting_since) > 0 AND state NOT IN ` + hidden + `
) AS w
INNER JOIN (
	SELECT id, ` + person + ` AS who, ` + entryChannel + ` AS channel, topic, begun AS asked, begun + toIntervalMillisecond(assumeNotNull(first_response)) AS answered
	FROM ` + c.tables.Conversations + ` FINAL
	WHERE workspace = {workspace:String} AND last >= {since:DateTime64(3, 'UTC')} AND isNotNull(first_response) AND state NOT IN ` + hidden + `
) AS a ON w.who = a.who AND w.topic = a.topic
WHERE w.id != a.id AND w.channel != a.channel AND abs(dateDiff('second', w.asked, a.asked)) <= 172800
GROUP BY w.id, w.who, w.channel, w.topic, w.team, w.agent, w.asked
ORDER BY w.asked, w.id LIMIT {limit:UInt32}` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
		var asked, answered time.Time
		var other wide
		var channel string
		one, err := inConversation(r, answeredOnOne, &asked, &other, &channel, &answered)
		if err == nil {
			one.Evidence = append(one.Evidence, CrackEvidence{"conversation", asAnchor(&other), "it was answered by " + channel, Time(answered)})
			one.at(asked, "the customer waits by "+one.Channel)
			out = append(out, one)
		}
		return err
	})
	return out, err
}

// placeOf is where a touchpoint is: its conversation, and who has that.
type placeOf struct {
	conversation identity.Anchor
	owner        Owner
	over         bool
}

// placesOf finds the conversations of touchpoints.
func (s *Server) placesOf(ctx context.Context, c *call, keys, anchors []identity.Anchor) (map[identity.Anchor]placeOf, error) {
	out := map[identity.Anchor]placeOf{}
	if len(keys) == 0 {
		return out, nil
	}
	sql := `SELECT m.key, c.id, c.team, c.agent, c.state IN ('resolved', 'closed')
FROM (
	SELECT key, argMax(conversation, version) AS now FROM ` + c.tables.Members + `
	WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND key IN {keys:Array(UInt128)} GROUP BY key
) AS m INNER JOIN (SELECT id, team, agent, state FROM ` + c.tables.Conversations + ` FINAL WHERE workspace = {workspace:String} AND state NOT IN ` + hidden + `) AS c ON m.now = c.id` + reportSettings
	params := clickhouse.Params{"workspace": c.workspace, "keys": numbers(keys), "anchors": numbers(anchors)}
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var key, id wide
		var p placeOf
		err := r.Scan(&key, &id, &p.owner.Team, &p.owner.Agent, &p.over)
		p.conversation = asAnchor(&id)
		out[asAnchor(&key)] = p
		return err
	})
	return out, err
}
