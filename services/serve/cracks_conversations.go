package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
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
	in := asAnchor(&id)
	out.Person, out.Conversation = asAnchor(&person), &in
	return out, err
}

func (k *Crack) at(t time.Time, said string) {
	k.since, k.Since = t, Time(t)
	k.Evidence = append(k.Evidence, CrackEvidence{"conversation", *k.Conversation, said, Time(t)})
}

// mendedAt says that the conversation itself shows how it was mended.
func (k *Crack) mendedAt(t time.Time, said string) {
	k.Mended = &CrackEvidence{"conversation", *k.Conversation, said, Time(t)}
}

// mostWaiting bounds the conversations whose promises are looked at: those that wait longest.
const mostWaiting = 5000

// findWaitingPastTarget finds conversations whose customer waits for a human past what was promised, or did lately.
func (s *Server) findWaitingPastTarget(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	params := q.params(c)
	params["most"] = mostWaiting
	policy := s.config.Promises.Promises(c.workspace)
	const waits = "has(wait_to, 0)"
	sql := `SELECT ` + crackColumns(c) + intervalColumns + ` FROM ` + c.allConversations() + `
AND last >= {since:DateTime64(3, 'UTC')} AND state NOT IN ` + hidden + ` AND (` + unsettled + ` AND ` + waits + ` OR arrayExists((t, k) -> t >= {mended:Int64} AND k != 3, wait_to, wait_kind))
ORDER BY ` + waits + ` DESC, arrayElement(wait_from, -1), id LIMIT {most:UInt32}` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var row intervals
		one, err := inConversation(r, waitingPastTarget, row.targets()...)
		if err != nil {
			return err
		}
		about := row.conversation()
		for _, wait := range about.Waits {
			ended := q.mended != nil && wait.To >= q.mended.UnixMilli() && wait.Kind != conversation.Unheard
			if wait.To != 0 && !ended {
				continue
			}
			alone := about
			alone.Waits = []conversation.Wait{wait}
			for _, p := range policy.Of(&alone, q.now.UnixMilli()) {
				if p.Metric == promise.Resolution || p.Elapsed <= p.Target {
					continue
				}
				this := one
				this.at(time.UnixMilli(wait.From), q.in(saysWaits))
				this.Promise = &promisesOf([]promise.Promise{p})[0]
				if wait.To != 0 {
					this.mendedAt(time.UnixMilli(wait.To), q.in(saysAnswered))
				}
				out = append(out, this)
			}
		}
		return nil
	})
	return out, err
}

// findClosedWhileWaiting finds conversations that were settled while the customer waited for any answer, and in which nobody has
// answered since; or somebody has, or it was taken up again, lately.
func (s *Server) findClosedWhileWaiting(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	sql := `SELECT ` + crackColumns(c) + `settled, asked, if(answers.at = 0, taken_up, answers.at) AS mended_at, answers.key
FROM (
	SELECT *, arrayLastIndex(k -> k = 3, wait_kind) AS unheard, arrayElement(wait_to, unheard) AS settled, arrayElement(wait_from, unheard) AS asked,
		arrayFirst((at, was) -> at > settled AND was NOT IN ('resolved', 'closed'), state_at, state_was) AS taken_up
	FROM ` + c.allConversations() + ` AND last >= {since:DateTime64(3, 'UTC')} AND state NOT IN ` + hidden + ` AND has(wait_kind, 3) AND isNull(first_bot_response)
) AS c LEFT JOIN (
	SELECT m.conversation AS of, min((toUnixTimestamp64Milli(m.time), m.key)) AS first, first.1 AS at, first.2 AS key
	FROM (SELECT * FROM ` + c.tables.Members + ` FINAL PREWHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')} AND direction = 'outbound' AND agent != '') AS m
	INNER JOIN (
		SELECT id, arrayElement(wait_to, arrayLastIndex(k -> k = 3, wait_kind)) AS settled FROM ` + c.allConversations() + `
		AND last >= {since:DateTime64(3, 'UTC')} AND has(wait_kind, 3) AND toUnixTimestamp64Milli(last) > settled
	) AS s ON m.conversation = s.id
	WHERE toUnixTimestamp64Milli(m.time) > s.settled GROUP BY of
) AS answers ON c.id = answers.of
WHERE mended_at = 0 AND ` + over + ` OR mended_at >= {mended:Int64}
ORDER BY settled, id LIMIT {limit:UInt32} BY mended_at = 0` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
		var settled, asked, mended int64
		var by wide
		one, err := inConversation(r, closedWhileWaiting, &settled, &asked, &mended, &by)
		if err != nil {
			return err
		}
		one.at(time.UnixMilli(asked), q.in(saysAsked))
		one.at(time.UnixMilli(settled), q.in(saysSettled))
		switch {
		case mended != 0 && by.Sign() != 0:
			one.Mended = &CrackEvidence{"touchpoint", asAnchor(&by), q.in(saysAnswered), Time(time.UnixMilli(mended))}
		case mended != 0:
			one.mendedAt(time.UnixMilli(mended), q.in(saysReopened))
		}
		out = append(out, one)
		return nil
	})
	return out, err
}

// findAnsweredOnOne finds customers who asked about the same topic on two channels within two days, and were answered on one of them
// only.
func (s *Server) findAnsweredOnOne(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	person := c.tables.PersonOf("person")
	sql := `SELECT w.id, w.who, w.channel, w.topic, w.team, w.agent, w.asked, any(a.id), any(a.channel), any(a.answered)
FROM (
	SELECT id, ` + person + ` AS who, ` + entryChannel + ` AS channel, topic, team, agent, waiting_since AS asked
	FROM ` + c.allConversations() + ` AND last >= {since:DateTime64(3, 'UTC')} AND ` + waitsForUs + ` AND state NOT IN ` + hidden + `
) AS w
INNER JOIN (
	SELECT id, ` + person + ` AS who, ` + entryChannel + ` AS channel, topic, begun AS asked, begun + toIntervalMillisecond(assumeNotNull(first_response)) AS answered
	FROM ` + c.allConversations() + `
	AND last >= {since:DateTime64(3, 'UTC')} AND isNotNull(first_response) AND state NOT IN ` + hidden + `
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
			one.Evidence = append(one.Evidence, CrackEvidence{"conversation", asAnchor(&other), q.in(saysAnsweredBy) + s.channelIn(q, channel), Time(answered)})
			one.at(asked, q.in(saysWaitsBy)+s.channelIn(q, one.Channel))
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
	in := map[identity.Anchor][]identity.Anchor{} // conversation -> touchpoints
	sql := `SELECT key, argMax(conversation, version) AS now FROM ` + c.tables.Members + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND key IN {keys:Array(UInt128)} GROUP BY key HAVING now != 0`
	err := s.store.each(ctx, s.store.report, sql, clickhouse.Params{"workspace": c.workspace, "keys": numbers(keys), "anchors": numbers(anchors)}, func(r *clickhouse.Rows) error {
		var key, id wide
		err := r.Scan(&key, &id)
		in[asAnchor(&id)] = append(in[asAnchor(&id)], asAnchor(&key))
		return err
	})
	if err != nil || len(in) == 0 {
		return out, err
	}
	sql = `SELECT id, team, agent, ` + over + ` FROM ` + c.tables.Conversations + ` FINAL
PREWHERE workspace = {workspace:String} AND id IN {ids:Array(UInt128)} WHERE state NOT IN ` + hidden + reportSettings
	err = s.store.each(ctx, s.store.report, sql, clickhouse.Params{"workspace": c.workspace, "ids": numbers(keysOf(in))}, func(r *clickhouse.Rows) error {
		var id wide
		var p placeOf
		err := r.Scan(&id, &p.owner.Team, &p.owner.Agent, &p.over)
		p.conversation = asAnchor(&id)
		for _, key := range in[p.conversation] {
			out[key] = p
		}
		return err
	})
	return out, err
}
