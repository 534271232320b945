package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// gap is a crack between two touchpoints: one that calls for another, and the other that has not come.
type gap struct {
	opened string // condition of the touchpoint that calls for another
	mended string // condition of what it calls for; later, and of the same customer
	about  string // what the two must have in common
	due    string // when it should have come
	open   bool   // only while the conversation is not settled
}

// byCustomer and byOrder are what two touchpoints have in common: the customer, or the order if they name one.
const (
	byCustomer = "toString(person_now)"
	byOrder    = "if(arrayExists(t -> startsWith(t, 'order:'), thread), arrayFirst(t -> startsWith(t, 'order:'), thread), toString(person_now))"
)

const agentActs = "actor_type = 'agent' AND direction != 'internal'"

var gaps = map[string]gap{
	handedToNobody: {
		opened: "kind = 'bot.handed_over'", mended: "actor_type = 'agent'",
		about: byCustomer, due: "time + INTERVAL 15 MINUTE", open: true,
	},
	// properties.by says until when the call was promised; without it, it is a day.
	callbackNotMade: {
		opened: "kind = 'callback.promised'", mended: "direction = 'outbound' AND kind IN ('call.started', 'call.missed')",
		about: byCustomer, due: "ifNull(parseDateTime64BestEffortOrNull(JSONExtractString(payload, 'properties', 'by'), 3, 'UTC'), time + INTERVAL 1 DAY)",
	},
	notCollected: {
		opened: "kind = 'pickup.ready'", mended: "kind IN ('pickup.collected', 'order.cancelled', 'order.returned', 'order.delivered')",
		about: byOrder, due: "time + INTERVAL 3 DAY",
	},
	transferNotOpened: {
		opened: "kind = 'transfer.offered'", mended: "kind = 'transfer.opened' OR direction = 'inbound' AND actor_type = 'customer'",
		about: byCustomer, due: "time + INTERVAL 1 DAY", open: true,
	},
	complaintUnheard: {
		opened: "kind IN ('survey.answered', 'review.posted') AND (rating_scale = 'csat' AND rating_value <= 2 OR rating_scale = 'nps' AND rating_value <= 6)", mended: agentActs,
		about: byCustomer, due: "time + INTERVAL 1 DAY",
	},
}

// eventCrack finds gaps of a kind. A gap is mended by any later touchpoint that was called for, so that the latest of these
// is all there is to compare with.
func eventCrack(kind string) func(s *Server, ctx context.Context, c *call, q *crackQuery) ([]Crack, error) {
	return func(s *Server, ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
		g := gaps[kind]
		facts := `(SELECT *, ` + c.tables.PersonOf("anchor") + ` AS person_now FROM ` + c.tables.Touchpoints + `
		WHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')})`
		sql := `SELECT o.key, o.anchor, o.person_now, o.time, o.channel, o.kind, o.topic, o.team
FROM (
	SELECT key, anchor, person_now, time, channel, kind, topic, team, ` + g.about + ` AS about
	FROM ` + facts + ` WHERE (` + g.opened + `) AND ` + g.due + ` < {now:DateTime64(3, 'UTC')}
) AS o
LEFT JOIN (
	SELECT ` + g.about + ` AS about, max(time) AS latest FROM ` + facts + `
	WHERE (` + g.mended + `) AND about IN (SELECT ` + g.about + ` FROM ` + facts + ` WHERE ` + g.opened + `)
	GROUP BY about
) AS m ON o.about = m.about
WHERE m.latest <= o.time
ORDER BY o.time, o.key LIMIT {limit:UInt32}` + reportSettings
		var keys, anchors []identity.Anchor
		err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
			var key, anchor, person wide
			var at time.Time
			var said string
			one := Crack{Kind: kind}
			err := r.Scan(&key, &anchor, &person, &at, &one.Channel, &said, &one.Topic, &one.Owner.Team)
			one.Person, one.since, one.Since = asAnchor(&person), at, Time(at)
			one.Evidence = []CrackEvidence{{"touchpoint", asAnchor(&key), said, Time(at)}}
			keys, anchors = append(keys, asAnchor(&key)), append(anchors, asAnchor(&anchor))
			out = append(out, one)
			return err
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
			if g.open && place.over {
				continue
			}
			if found {
				one.Conversation, one.Owner = &place.conversation, place.owner
			}
			kept = append(kept, one)
		}
		return kept, nil
	}
}
