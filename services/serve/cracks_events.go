package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// gap is a crack between two touchpoints: one that calls for another, and the other that has not come.
type gap struct {
	kind   string
	opens  []string // kinds of touchpoints that call for another
	opened string   // condition of these besides; "" is none
	mended string   // condition of what they call for; later, and of the same customer
	order  bool     // both are about one order, if they name it
	within string   // how soon it should come, as an interval
	open   bool     // only while the conversation is not settled
}

const agentActs = "actor_type = 'agent' AND direction != 'internal'"

var gaps = []gap{
	{kind: handedToNobody, opens: []string{"bot.handed_over"}, mended: "actor_type = 'agent'", within: "15 MINUTE", open: true},
	// properties.by says until when the call was promised, properties.expires_at until when a link can be opened; without, it is a day.
	{kind: callbackNotMade, opens: []string{callbackPromised}, mended: "direction = 'outbound' AND kind IN ('call.started', 'call.missed')", within: "1 DAY"},
	{kind: notCollected, opens: []string{"pickup.ready"}, mended: "kind IN ('pickup.collected', 'order.cancelled', 'order.returned', 'order.delivered')", order: true, within: "3 DAY"},
	{kind: transferNotOpened, opens: []string{"transfer.offered"}, mended: "(kind = 'transfer.opened' OR direction = 'inbound' AND actor_type = 'customer')", within: "1 DAY", open: true},
	{
		kind: complaintUnheard, opens: []string{"survey.answered", "review.posted"}, opened: "(rating_scale = 'csat' AND rating_value <= 2 OR rating_scale = 'nps' AND rating_value <= 6)",
		mended: agentActs, within: "1 DAY",
	},
}

const callbackPromised = "callback.promised"

// opening is the condition of the touchpoints that open the gap.
func (g *gap) opening() string {
	quoted := "kind IN ('" + strings.Join(g.opens, "', '") + "')"
	if g.opened != "" {
		quoted += " AND " + g.opened
	}
	return "(" + quoted + ")"
}

// about is what two touchpoints of a gap have in common.
func (g *gap) about() string {
	if g.order {
		return "if(arrayExists(t -> startsWith(t, 'order:'), thread), reinterpretAsUInt128(sipHash128(arrayFirst(t -> startsWith(t, 'order:'), thread))), person_now)"
	}
	return "person_now"
}

// gapSQL finds gaps of several kinds in two passes over the facts: which customers have any, from the kinds alone, and what came of them. Of
// each gap it gives what mended it first, or nothing; only those that were not mended in time are there.
func gapSQL(c *call, wanted []gap) string {
	const period = " PREWHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')}"
	person := c.tables.PersonOf("anchor")
	var kinds, openings, roles, due []string
	for i := range wanted {
		g := &wanted[i]
		for _, kind := range g.opens {
			kinds = append(kinds, "'"+kind+"'")
		}
		openings = append(openings, g.opening())
		roles = append(roles, fmt.Sprintf("(toUInt8(%d), toUInt8(multiIf(%s, 1, %s, 2, 0)), %s)", i, g.opening(), g.mended, g.about()))
		due = append(due, "gap = "+fmt.Sprint(i), "o.1 + INTERVAL "+g.within)
	}
	due = append(due, "o.1")
	return `SELECT gap, o.2 AS key, o.3, o.4, o.1 AS opened_at, o.5, o.6, o.7, o.8, toUInt128(mend.2), fromUnixTimestamp64Milli(mend.1, 'UTC'), mend.3
FROM (
	SELECT gap, o, if(isNull(promised.by_then), multiIf(` + strings.Join(due, ", ") + `), assumeNotNull(promised.by_then)) AS due,
		arrayFirst(m -> m.1 > toUnixTimestamp64Milli(o.1), mends) AS mend
	FROM (
		SELECT role.1 AS gap, role.3 AS about,
			groupArrayIf((time, key, anchor, person_now, channel, kind, topic, team), role.2 = 1) AS opened,
			arraySort(groupArrayIf((toUnixTimestamp64Milli(time), key, toString(kind)), role.2 = 2)) AS mends
		FROM (
			SELECT time, key, anchor, toString(channel) AS channel, toString(kind) AS kind, toString(topic) AS topic, toString(team) AS team, person_now,
				arrayJoin(arrayFilter(r -> r.2 != 0, [` + strings.Join(roles, ", ") + `])) AS role
			FROM (SELECT *, ` + person + ` AS person_now FROM ` + c.tables.Touchpoints + period + `)
			WHERE person_now IN (SELECT ` + person + ` FROM ` + c.tables.Touchpoints + period + ` AND kind IN (` + strings.Join(kinds, ", ") + `) WHERE ` + strings.Join(openings, " OR ") + `)
		)
		GROUP BY gap, about HAVING notEmpty(opened)
	) ARRAY JOIN opened AS o
	LEFT JOIN (
		SELECT key, parseDateTime64BestEffortOrNull(JSONExtractString(payload, 'properties', if(kind = 'transfer.offered', 'expires_at', 'by')), 3, 'UTC') AS by_then
		FROM ` + c.tables.Touchpoints + period + ` AND kind IN ('` + callbackPromised + `', 'transfer.offered')
	) AS promised ON o.2 = promised.key
)
WHERE due < {now:DateTime64(3, 'UTC')} AND (mend.1 = 0 OR mend.1 > toUnixTimestamp64Milli(due) AND mend.1 >= {mended:Int64})
ORDER BY gap, opened_at, key LIMIT {limit:UInt32} BY gap, mend.1 = 0` + reportSettings
}

// findGaps finds what was called for and has not come, or came too late and lately.
func (s *Server) findGaps(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	wanted := slices.DeleteFunc(slices.Clone(gaps), func(g gap) bool { return !q.wants(g.kind) })
	if len(wanted) == 0 {
		return nil, nil
	}
	var keys, anchors []identity.Anchor
	err = s.store.each(ctx, s.store.report, gapSQL(c, wanted), q.params(c), func(r *clickhouse.Rows) error {
		var (
			key, anchor, person, by wide
			at, mended              time.Time
			said, mendedBy          string
			number                  uint8
			one                     Crack
		)
		err := r.Scan(&number, &key, &anchor, &person, &at, &one.Channel, &said, &one.Topic, &one.Owner.Team, &by, &mended, &mendedBy)
		if err != nil {
			return err
		}
		one.Kind = wanted[number].kind
		one.Person, one.since, one.Since = asAnchor(&person), at, Time(at)
		one.Evidence = []CrackEvidence{{"touchpoint", asAnchor(&key), s.kindIn(q, said), Time(at)}}
		if mended.UnixMilli() != 0 {
			one.Mended = &CrackEvidence{"touchpoint", asAnchor(&by), s.kindIn(q, mendedBy), Time(mended)}
		}
		keys, anchors = append(keys, asAnchor(&key)), append(anchors, asAnchor(&anchor))
		out = append(out, one)
		return nil
	})
	if err != nil {
		return nil, err
	}
	places, err := s.placesOf(ctx, c, keys, anchors)
	if err != nil {
		return nil, err
	}
	kept := out[:0]
	for i, one := range out {
		place, found := places[keys[i]]
		if found {
			one.Conversation, one.Owner = &place.conversation, place.owner
		}
		settles := slices.ContainsFunc(wanted, func(g gap) bool { return g.kind == one.Kind && g.open })
		if settles && place.over && one.Mended == nil {
			continue // settled, and so nothing is called for any more
		}
		kept = append(kept, one)
	}
	return kept, nil
}
