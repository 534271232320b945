package serve

import (
	"context"
	"math/big"
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

// findWaitingPastTarget finds conversations whose customer waits for a human past what was promised, or did lately. Those that wait longest are mostly
// those past their target, so that a few of them are enough unless what is mended is asked for.
func (s *Server) findWaitingPastTarget(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	if q.mended == nil {
		few := min(2*q.limit, mostWaiting)
		out, looked, err := s.waitingPastTarget(ctx, c, q, few)
		if err != nil || len(out) > q.limit || looked < few {
			return out, err
		}
	}
	out, _, err = s.waitingPastTarget(ctx, c, q, mostWaiting)
	return out, err
}

// waitingPastTarget finds them among so many, and says how many there were to look at.
func (s *Server) waitingPastTarget(ctx context.Context, c *call, q *crackQuery, most int) (out []Crack, looked int, err error) {
	params := q.params(c)
	params["most"] = most
	policy := s.config.Promises.Promises(c.workspace)
	const longest = ` ORDER BY ` + awaitsUs + ` DESC, arrayElement(wait_from, -1), id`
	sql := `SELECT ` + crackColumns(c) + intervalColumns + ` FROM ` + c.tables.Conversations + ` FINAL PREWHERE workspace = {workspace:String} AND (first, id) IN (
	SELECT first, id FROM ` + c.ever(q.asked()) + `
	WHERE last >= {since:DateTime64(3, 'UTC')} AND state NOT IN ` + hidden + ` AND (` + q.asked() + `)` + longest + ` LIMIT {most:UInt32}
)` + longest + reportSettings
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var row intervals
		one, err := inConversation(r, waitingPastTarget, row.targets()...)
		if err != nil {
			return err
		}
		looked++
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
	return out, looked, err
}

// settledUnheard is a conversation that was settled while the customer waited.
type settledUnheard struct {
	crack                         Crack
	id, anchor                    identity.Anchor
	participants                  []identity.Anchor
	settled, asked, takenUp, last int64 // ms; takenUp 0: it was not
	over                          bool
}

// settledAtOnce is how many of them are looked at at a time.
const settledAtOnce = 5000

// findClosedWhileWaiting finds conversations that were settled while the customer waited for any answer, and in which nobody has
// answered since; or somebody has, or it was taken up again, lately.
func (s *Server) findClosedWhileWaiting(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	open := 0
	for after := new(settledUnheard); ; {
		list, err := s.settledUnheard(ctx, c, q, after)
		if err != nil {
			return nil, err
		}
		answers, err := s.answeredSince(ctx, c, q, list)
		if err != nil {
			return nil, err
		}
		for i := range list {
			one := &list[i]
			answer, answered := answers[one.id]
			if !answered && one.takenUp == 0 && !one.over {
				continue
			}
			k := one.crack
			k.at(time.UnixMilli(one.asked), q.in(saysAsked))
			k.at(time.UnixMilli(one.settled), q.in(saysSettled))
			switch {
			case answered:
				k.Mended = &CrackEvidence{"touchpoint", answer.key, q.in(saysAnswered), Time(time.UnixMilli(answer.at))}
			case one.takenUp != 0:
				k.mendedAt(time.UnixMilli(one.takenUp), q.in(saysReopened))
			default:
				open++
			}
			if k.Mended == nil || q.mended != nil && !time.Time(k.Mended.Time).Before(*q.mended) {
				out = append(out, k)
			}
		}
		if len(list) < settledAtOnce || q.mended == nil && open > q.limit {
			return out, nil
		}
		after = &list[len(list)-1]
	}
}

// settledUnheard reads those that come after one, by when they were settled.
func (s *Server) settledUnheard(ctx context.Context, c *call, q *crackQuery, after *settledUnheard) (list []settledUnheard, err error) {
	params := q.params(c)
	params["most"], params["after"], params["id"] = settledAtOnce, after.settled, number(after.id)
	// Of a conversation in which a bot had answered, or in which the customer was asked back, nobody waited when it was settled.
	sql := `SELECT ` + crackColumns(c) + `settled, asked, arrayFirst((at, was) -> at > settled AND was NOT IN ('resolved', 'closed'), state_at, state_was),
	toUnixTimestamp64Milli(last), anchor, participants, toBool(` + over + `)
FROM (
	SELECT *, arrayLastIndex(k -> k = 3, wait_kind) AS nth, arrayElement(wait_to, nth) AS settled, arrayElement(wait_from, nth) AS asked,
		arrayFirstIndex((at, was) -> at >= settled AND was IN ('resolved', 'closed'), state_at, state_was) AS settling
	FROM ` + c.ever("unheard") + `
	WHERE last >= {since:DateTime64(3, 'UTC')} AND state NOT IN ` + hidden + ` AND unheard
) WHERE settling > 1 AND arrayElement(state_was, settling - 1) = 'waiting_for_us' AND (settled, id) > ({after:Int64}, {id:UInt128})
ORDER BY settled, id LIMIT {most:UInt32}` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var one settledUnheard
		var anchor wide
		var participants []*big.Int
		one.crack, err = inConversation(r, closedWhileWaiting, &one.settled, &one.asked, &one.takenUp, &one.last, &anchor, &participants, &one.over)
		if err == nil {
			one.id, one.anchor, one.participants = *one.crack.Conversation, asAnchor(&anchor), anchorsOf(participants)
		}
		list = append(list, one)
		return err
	})
	return list, err
}

// heard is a touchpoint in which somebody answered.
type heard struct {
	key identity.Anchor
	at  int64 // ms
}

// answeredSince finds the first answer of an agent in each of the conversations after it was settled. Only where something came after can there be
// one, and its touchpoints lie with the anchors of its customer and of those who took part.
func (s *Server) answeredSince(ctx context.Context, c *call, q *crackQuery, list []settledUnheard) (map[identity.Anchor]heard, error) {
	var ids, anchors, persons []identity.Anchor
	var settled []int64
	for i := range list {
		if one := &list[i]; one.last > one.settled {
			ids, settled, persons = append(ids, one.id), append(settled, one.settled), append(persons, one.crack.Person)
			anchors = append(append(anchors, one.anchor, one.crack.Person), one.participants...)
		}
	}
	out := map[identity.Anchor]heard{}
	if len(ids) == 0 {
		return out, nil
	}
	params := q.params(c)
	params["ids"], params["settled"], params["anchors"], params["persons"] = numbers(ids), settled, numbers(anchors), numbers(persons)
	const lies = `workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')} AND direction = 'outbound' AND anchor IN anchors`
	sql := `WITH anchors AS (
	SELECT arrayJoin({anchors:Array(UInt128)}) UNION ALL SELECT anchor FROM ` + c.tables.Anchors + ` WHERE workspace = {workspace:String} AND person IN {persons:Array(UInt128)}
)
SELECT talk, key, at FROM (
	SELECT key, argMax(conversation, version) AS talk, toUnixTimestamp64Milli(any(time)) AS at FROM ` + c.tables.Members + `
	PREWHERE ` + lies + ` AND key IN (SELECT key FROM ` + c.tables.Touchpoints + ` WHERE ` + lies + ` AND actor_type = 'agent')
	GROUP BY key
) WHERE talk IN {ids:Array(UInt128)} AND at > arrayElement({settled:Array(Int64)}, indexOf({ids:Array(UInt128)}, talk))
ORDER BY at, key LIMIT 1 BY talk` + reportSettings
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var talk, key wide
		var at int64
		err := r.Scan(&talk, &key, &at)
		out[asAnchor(&talk)] = heard{asAnchor(&key), at}
		return err
	})
	return out, err
}

// findAnsweredOnOne finds customers who asked about the same topic on two channels within two days, and were answered on one of them
// only; or were lately, and now are on the other, too. Few wait or did lately: what else their customers asked is looked for among all others.
func (s *Server) findAnsweredOnOne(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	const lately, answered = `last >= {since:DateTime64(3, 'UTC')}`, `isNotNull(first_response)`
	person := c.tables.PersonOf("person")
	matter := `cityHash64(` + person + `, topic)`
	sql := `SELECT w.1, who, w.2, topic, w.3, w.4, w.5, w.6, others[1].2, others[1].3, others[1].1
FROM (
	SELECT ` + person + ` AS who, topic,
		groupArrayArray(arrayMap(w -> (id, ` + entryChannel + `, team, agent, fromUnixTimestamp64Milli(w.1, 'UTC'), w.2),
			arrayFilter(w -> w.3 != 3 AND (w.2 = 0 OR w.2 >= {mended:Int64}), arrayZip(wait_from, wait_to, wait_kind)))) AS waits,
		groupArrayIf((begun + toIntervalMillisecond(assumeNotNull(first_response)), id, ` + entryChannel + `, begun), ` + answered + `) AS answers
	FROM ` + c.ever(lately+` AND (`+q.asked()+` OR `+answered+`) AND `+matter+` IN (
			SELECT `+matter+` FROM `+c.ever(q.asked())+` WHERE `+lately+` AND state NOT IN `+hidden+` AND (`+q.asked()+`)
		)`) + ` WHERE state NOT IN ` + hidden + `
	GROUP BY who, topic HAVING notEmpty(waits) AND notEmpty(answers)
)
ARRAY JOIN waits AS w, arrayMap(w -> arraySort(arrayFilter(a -> a.2 != w.1 AND a.3 != w.2 AND abs(dateDiff('second', w.5, a.4)) <= 172800
	AND (w.6 = 0 OR toUnixTimestamp64Milli(a.1) < w.6), answers)), waits) AS others
WHERE notEmpty(others)
ORDER BY w.5, w.1 LIMIT {limit:UInt32} BY w.6 = 0` + reportSettings
	err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
		var asked, answered time.Time
		var other wide
		var channel string
		var heard int64
		one, err := inConversation(r, answeredOnOne, &asked, &heard, &other, &channel, &answered)
		if err == nil {
			one.Evidence = append(one.Evidence, CrackEvidence{"conversation", asAnchor(&other), q.in(saysAnsweredBy) + s.channelIn(q, channel), Time(answered)})
			one.at(asked, q.in(saysWaitsBy)+s.channelIn(q, one.Channel))
			if heard != 0 {
				one.mendedAt(time.UnixMilli(heard), q.in(saysAnswered))
			}
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
	settled      time.Time // when it was last
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
	place := func(condition string, params clickhouse.Params) error {
		params["workspace"] = c.workspace
		return s.store.each(ctx, s.store.report, c.latest(condition), params, func(r *clickhouse.Rows) error {
			of, err := scanConversation(r)
			if err == nil && of.inForce() {
				for _, key := range in[of.ID] {
					at := placeOf{conversation: of.ID, owner: Owner{Team: of.Team, Agent: of.Agent}, over: of.over()}
					if of.ResolvedAt != nil {
						at.settled = time.Time(*of.ResolvedAt)
					}
					out[key] = at
				}
			}
			delete(in, of.ID)
			return err
		})
	}
	// Most began with a touchpoint of the same anchor, where they are found at once; by their id alone, the whole table is looked through.
	err = place("anchor IN {anchors:Array(UInt128)} AND id IN {ids:Array(UInt128)}", clickhouse.Params{"anchors": numbers(anchors), "ids": numbers(keysOf(in))})
	if err == nil && len(in) > 0 {
		err = place("id IN {ids:Array(UInt128)}", clickhouse.Params{"ids": numbers(keysOf(in))})
	}
	return out, err
}
