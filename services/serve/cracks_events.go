package serve

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
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
	mended string   // condition of what they call for; later, and of the same customer, in whatever conversation
	order  bool     // both are about one order, if they name it
	within string   // how soon it should come, as an interval, where the touchpoint itself (column due) does not say until when
	open   bool     // only while the conversation is not settled
}

const agentActs = "actor_type = 'agent' AND direction != 'internal'"

var gaps = []gap{
	{kind: handedToNobody, opens: []string{"bot.handed_over"}, mended: "actor_type = 'agent' AND (direction != 'internal' OR kind = 'conversation.assigned')", within: "15 MINUTE", open: true},
	// properties.by says until when the call was promised, properties.expires_at until when a link can be opened; without, it is a day.
	{kind: callbackNotMade, opens: []string{"callback.promised"}, mended: "direction = 'outbound' AND actor_type != 'bot' AND kind IN ('call.started', 'call.missed')", within: "1 DAY"},
	{kind: notCollected, opens: []string{"pickup.ready"}, mended: "kind IN ('pickup.collected', 'order.cancelled', 'order.returned', 'order.delivered')", order: true, within: "3 DAY"},
	{kind: transferNotOpened, opens: []string{"transfer.offered"}, mended: "(kind = 'transfer.opened' OR direction = 'inbound' AND actor_type = 'customer')", within: "1 DAY", open: true},
	{
		kind: complaintUnheard, opens: []string{"survey.answered", "review.posted"}, opened: "(rating_scale IN ('csat', 'ces') AND rating_value BETWEEN 1 AND 2 OR rating_scale = 'nps' AND rating_value BETWEEN 0 AND 6)",
		mended: agentActs, within: "1 DAY",
	},
}

// opening is the condition of the touchpoints that open the gap.
func (g *gap) opening() string {
	if g.opened == "" {
		return isOneOf(g.opens)
	}
	return isOneOf(g.opens) + " AND " + g.opened
}

// anyOpening is the condition of the touchpoints that open any of the gaps. It has no OR: where there is one, the store asks every granule of the table by
// itself before it reads the projection.
func anyOpening(of []gap) string {
	var some []string
	for i := range of {
		if g := &of[i]; g.opened != "" {
			some = append(some, isOneOf(g.opens), g.opened)
		}
	}
	condition := isOneOf(kindsOf(of))
	if len(some) > 0 {
		condition += " AND multiIf(" + strings.Join(some, ", ") + ", 1)"
	}
	return condition
}

func isOneOf(kinds []string) string { return "kind IN ('" + strings.Join(kinds, "', '") + "')" }

// gapSQL finds gaps of several kinds: what opened them, few and with all that is said of them, beside what mends, much and with little. Of each gap it gives
// what mended it first, or nothing; only those that were not mended in time are there.
//
// Columns are those of the projection by_kind and no others. When nothing that is mended is asked for, the last of what could mend is all that has to be
// known of it: a gap is open when that came before.
func gapSQL(c *call, q *crackQuery, wanted []gap, few bool) string {
	facts := c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')}`
	person := c.tables.PersonOf("anchor")
	byCustomer := mending{about: person}
	if few {
		// What agents do may be much: what was done for few is looked for by anchor, so that nobody's person is asked for in vain. (Not by the primary key:
		// their anchors lie all over the table, whose rows are wide.)
		byCustomer.among = ` AND materialize(anchor) IN (
				SELECT arrayJoin({whose:Array(UInt128)}) UNION ALL SELECT anchor FROM ` + c.tables.Anchors + ` WHERE workspace = {workspace:String} AND person IN {whose:Array(UInt128)}
			)`
	}
	byOrder := mending{about: "if(order_ref = 0, " + person + ", order_ref)"}
	var numbers, dues, orders []string
	for i := range wanted {
		g := &wanted[i]
		number := fmt.Sprintf("toUInt8(%d)", i)
		numbers, dues = append(numbers, g.opening(), number), append(dues, "gap = "+number, "time + INTERVAL "+g.within)
		if g.order {
			orders = append(orders, number)
			byOrder.add(q, number, g.mended)
		} else {
			byCustomer.add(q, number, g.mended)
		}
	}
	which, opening := `multiIf(`+strings.Join(numbers, ", ")+`, toUInt8(255))`, " AND "+anyOpening(wanted)
	about := "person"
	if len(orders) > 0 {
		about = `if(order_ref != 0 AND gap IN (` + strings.Join(orders, ", ") + `), order_ref, person)`
	}
	return `WITH openers AS (
	SELECT ` + which + ` AS gap, key, time AS opened_at, anchor, ` + person + ` AS person, ` + about + ` AS about,
		if(toUnixTimestamp64Milli(due) = 0, multiIf(` + strings.Join(dues, ", ") + `, time), due) AS until, toString(channel) AS by, toString(kind) AS said, toString(topic) AS of, toString(team) AS owner
	FROM ` + facts + opening + ` AND until < {now:DateTime64(3, 'UTC')}
)
SELECT gap, key, opened_at, until, anchor, person, by, said, of, owner, toUInt128(mend.2), fromUnixTimestamp64Milli(mend.1, 'UTC'), mend.3
FROM (
	SELECT *, arrayFirst(m -> m.1 > toUnixTimestamp64Milli(opened_at), mends) AS mend
	FROM openers LEFT JOIN (
		SELECT about, mending.1 AS gap, mending.2 AS mends FROM (
			` + strings.Join(slices.Concat(byCustomer.over(facts), byOrder.over(facts)), "\n\t\t\tUNION ALL ") + `
		)
	) AS mending USING (gap, about)
)
WHERE mend.1 = 0 OR mend.1 > toUnixTimestamp64Milli(until) AND mend.1 >= {mended:Int64}
ORDER BY gap, opened_at, key LIMIT {limit:UInt32} BY gap, mend.1 = 0` + reportSettings
}

// mending is a pass over what mends gaps, by whom or what they are about.
type mending struct {
	about      string
	among      string   // condition of what is looked at, besides
	found      []string // by gap, what mended it
	conditions []string
}

func (m *mending) add(q *crackQuery, gap, condition string) {
	found := "arraySort(groupArrayIf((toUnixTimestamp64Milli(time), key, toString(kind)), " + condition + "))"
	if q.mended == nil {
		found = "[(toUnixTimestamp64Milli(maxIf(time, " + condition + ")), toUInt128(0), '')]"
	}
	m.found, m.conditions = append(m.found, "("+gap+", "+found+")"), append(m.conditions, "("+condition+")")
}

// over is the pass, if there is anything to look for.
func (m *mending) over(facts string) []string {
	if len(m.found) == 0 {
		return nil
	}
	return []string{`SELECT ` + m.about + ` AS about, arrayJoin([` + strings.Join(m.found, ", ") + `]) AS mending
			FROM ` + facts + ` AND (` + strings.Join(m.conditions, " OR ") + `)` + m.among + ` GROUP BY about`}
}

// fewOpeners is how many anchors and persons with gaps of a kind are few: what mends the gaps of these is looked for by name. Of more, to look them up takes
// longer than to ask of everything that mends whose it is.
var fewOpeners = 1000

// opened are the gaps that touchpoints in the period open: most workspaces have few of them, and what nothing calls for need not be looked for. And of whom
// these are, each by anchor and by person, if they are few; else nil.
func (s *Server) opened(ctx context.Context, c *call, q *crackQuery, of []gap) (found []gap, whose []identity.Anchor, err error) {
	there, few := map[string]bool{}, true
	sql := `SELECT toString(kind), groupUniqArrayArray(` + strconv.Itoa(fewOpeners+1) + `)([anchor, ` + c.tables.PersonOf("anchor") + `]) FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')} AND ` + anyOpening(of) + ` GROUP BY kind`
	err = s.store.each(ctx, s.store.report, sql, q.params(c), func(r *clickhouse.Rows) error {
		var kind string
		var anchors []*big.Int
		err := r.Scan(&kind, &anchors)
		there[kind], few, whose = true, few && len(anchors) <= fewOpeners, append(whose, anchorsOf(anchors)...)
		return err
	})
	if !few {
		whose = nil
	}
	return slices.DeleteFunc(of, func(g gap) bool { return !slices.ContainsFunc(g.opens, func(kind string) bool { return there[kind] }) }), whose, err
}

func kindsOf(of []gap) (kinds []string) {
	for i := range of {
		kinds = append(kinds, of[i].opens...)
	}
	return kinds
}

// foundGap is a gap with what has to be known of it to judge it.
type foundGap struct {
	crack       Crack
	of          *gap
	key, anchor identity.Anchor // of the touchpoint that opened it
	due         time.Time
}

// mostGaps bounds the gaps of a kind that are looked at.
const mostGaps = 100_000

// findGaps finds what was called for and has not come, or came too late and lately. Of those that are settled with their conversation, which the store
// does not know when it looks for them, there may be many: then more are looked at, until there are enough that are not.
func (s *Server) findGaps(ctx context.Context, c *call, q *crackQuery) (out []Crack, err error) {
	wanted := slices.DeleteFunc(slices.Clone(gaps), func(g gap) bool { return !q.wants(g.kind) })
	wanted, whose, err := s.opened(ctx, c, q, wanted)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	for most := q.limit + 1; ; most *= 8 {
		list, err := s.gaps(ctx, c, q, wanted, whose, most)
		if err != nil {
			return nil, err
		}
		out, err := s.unsettledGaps(ctx, c, q, list)
		if err != nil || most > mostGaps {
			return out, err
		}
		seen, open := map[string]int{}, map[string]int{} // by kind, of those that are not mended
		for i := range list {
			if list[i].crack.Mended == nil {
				seen[list[i].of.kind]++
			}
		}
		for i := range out {
			if out[i].Mended == nil {
				open[out[i].Kind]++
			}
		}
		if !slices.ContainsFunc(wanted, func(g gap) bool { return seen[g.kind] >= most && open[g.kind] <= q.limit }) {
			return out, nil
		}
	}
}

// gaps reads at most so many of each kind, and as many that are mended.
func (s *Server) gaps(ctx context.Context, c *call, q *crackQuery, wanted []gap, whose []identity.Anchor, most int) (list []foundGap, err error) {
	params := q.params(c)
	params["limit"], params["whose"] = most, numbers(whose)
	err = s.store.each(ctx, s.store.report, gapSQL(c, q, wanted, whose != nil), params, func(r *clickhouse.Rows) error {
		var (
			key, anchor, person, by wide
			at, mended              time.Time
			kind, mendedBy          string
			number                  uint8
			found                   foundGap
		)
		one := &found.crack
		if err := r.Scan(&number, &key, &at, &found.due, &anchor, &person, &one.Channel, &kind, &one.Topic, &one.Owner.Team, &by, &mended, &mendedBy); err != nil {
			return err
		}
		found.of, found.key, found.anchor = &wanted[number], asAnchor(&key), asAnchor(&anchor)
		one.Kind, one.Person = found.of.kind, asAnchor(&person)
		one.since, one.Since = at, Time(at)
		one.Evidence = []CrackEvidence{{"touchpoint", found.key, s.kindIn(q, kind), one.Since}}
		if mended.UnixMilli() != 0 {
			one.Mended = &CrackEvidence{"touchpoint", asAnchor(&by), s.kindIn(q, mendedBy), Time(mended)}
		}
		list = append(list, found)
		return nil
	})
	return list, err
}

// unsettledGaps are those whose conversation is not settled, where that is what matters; of what was settled late, that is how it was mended.
func (s *Server) unsettledGaps(ctx context.Context, c *call, q *crackQuery, list []foundGap) (out []Crack, err error) {
	var keys, anchors []identity.Anchor
	for i := range list {
		if !q.onlyCounts || list[i].of.open {
			keys, anchors = append(keys, list[i].key), append(anchors, list[i].anchor)
		}
	}
	places, err := s.placesOf(ctx, c, keys, anchors)
	if err != nil {
		return nil, err
	}
	for i := range list {
		one, of := list[i].crack, list[i].of
		place, found := places[list[i].key]
		if found {
			one.Conversation, one.Owner = &place.conversation, place.owner
		}
		if of.open && place.over && one.Mended == nil {
			if q.mended == nil || place.settled.Before(list[i].due) || place.settled.Before(*q.mended) {
				continue // nothing is called for any more
			}
			one.mendedAt(place.settled, q.in(saysOver))
		}
		out = append(out, one)
	}
	return out, nil
}
