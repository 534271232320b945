package audit

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
)

// derived is what the store has of people and conversations.
type derived struct {
	moved         map[schema.Anchor]schema.PersonID
	conversations map[conversation.ID]summary
	members       map[schema.Anchor]conversation.ID
	unlike        map[conversation.ID]string // conversations that are another one in the order for reports, and their workspaces
}

// personOf is the person that an anchor belongs to.
func (d *derived) personOf(anchor schema.Anchor) schema.PersonID {
	if person, ok := d.moved[anchor]; ok {
		return person
	}
	return anchor
}

func (a *audit) readDerived(ctx context.Context) (err error) {
	if a.stored.moved, err = a.storedMoves(ctx); err != nil {
		return err
	}
	if a.stored.conversations, err = a.storedConversations(ctx); err != nil {
		return err
	}
	if a.stored.members, err = a.storedMembers(ctx); err != nil {
		return err
	}
	if a.stored.unlike, err = a.orders(ctx); err != nil {
		return err
	}
	return a.dimensions(ctx)
}

// storedMoves is where the store has the moved anchors.
func (a *audit) storedMoves(ctx context.Context) (map[schema.Anchor]schema.PersonID, error) {
	rows, err := a.Store.Query(ctx, "SELECT anchor, argMax(person, version) FROM "+a.tables.Identities+" GROUP BY anchor", nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	moved := map[schema.Anchor]schema.PersonID{}
	for rows.Next() {
		var anchor, person big.Int
		if err := rows.Scan(&anchor, &person); err != nil {
			return nil, err
		}
		moved[asAnchor(&anchor)] = asAnchor(&person)
	}
	return moved, rows.Err()
}

func asAnchor(n *big.Int) (a schema.Anchor) {
	n.FillBytes(a[:])
	return a
}

// dimensions compares what reports group conversations by with the facts, which were compared with the log.
func (a *audit) dimensions(ctx context.Context) error {
	const values = "cityHash64(workspace, anchor, time, channel, direction, kind, team, agent, topic, source, account, tags) AS value"
	rows, err := a.Store.Query(ctx, "SELECT workspace, id FROM "+a.tables.Touchpoints+` WHERE key IN (
		SELECT key FROM (
			SELECT key, `+values+" FROM "+a.tables.Touchpoints+" UNION ALL SELECT key, "+values+" FROM "+a.tables.Members+` FINAL
		) GROUP BY key HAVING min(value) != max(value))`, nil, noLimits)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var workspace, id string
		if err := rows.Scan(&workspace, &id); err != nil {
			return err
		}
		a.report.differ("workspace %s: touchpoint %s is counted for conversations by other values than its own", workspace, id)
	}
	return rows.Err()
}

// orders compares the two orders that conversations are stored in.
func (a *audit) orders(ctx context.Context) (map[conversation.ID]string, error) {
	const values = "SELECT workspace, id, toString(tuple(*)) AS value FROM "
	const inForce = " FINAL WHERE state NOT IN ('superseded', 'gone')"
	rows, err := a.Store.Query(ctx, "SELECT id, workspace FROM ("+values+a.tables.Conversations+inForce+" UNION ALL "+values+a.tables.ByTime+inForce+`)
		GROUP BY workspace, id HAVING count() != 2 OR min(sipHash64(value)) != max(sipHash64(value))`, nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	unlike := map[conversation.ID]string{}
	for rows.Next() {
		var id big.Int
		var workspace string
		if err := rows.Scan(&id, &workspace); err != nil {
			return nil, err
		}
		unlike[asAnchor(&id)] = workspace
	}
	return unlike, rows.Err()
}

// summary is what is compared of a conversation.
type summary struct {
	workspace                                       string
	person, anchor                                  schema.Anchor
	state                                           string
	first, last                                     int64
	touchpoints, inbound, outbound, internal        uint32
	contacts, reopenings, handOvers, switches       uint32
	channels, tags                                  []string
	participants                                    []string
	team, agent, topic, source, account             string
	waitingSince, longestWait                       int64
	firstResponse, firstBot, resolvedAt, resolution int64 // -1: none
	later                                           []int64
	intervals                                       string
	scale                                           string
	rating                                          float64
}

func (s summary) summary() string {
	return fmt.Sprintf("%s from %s to %s, named after %s: %d touchpoints, %d in, %d out, %d internal, %d contacts; %v; team %q, agent %q, topic %q, source %q, account %q, tags %q, participants %v; waiting since %d, longest %d, first response %d, by a bot %d, later %v, resolution %d at %d; %d reopened, %d handed over, %d switched; rating %q %v; %s",
		s.state, time.UnixMilli(s.first).UTC().Format(time.RFC3339Nano), time.UnixMilli(s.last).UTC().Format(time.RFC3339Nano), s.anchor,
		s.touchpoints, s.inbound, s.outbound, s.internal, s.contacts, s.channels, s.team, s.agent, s.topic, s.source, s.account, s.tags, s.participants,
		s.waitingSince, s.longestWait, s.firstResponse, s.firstBot, s.later, s.resolution, s.resolvedAt, s.reopenings, s.handOvers, s.switches, s.scale, s.rating, s.intervals)
}

func summaryOf(c *conversation.Conversation) summary {
	s := summary{
		workspace: c.Workspace, person: c.Person, anchor: c.Anchor, state: string(c.State), first: c.First, last: c.Last,
		touchpoints: c.Touchpoints, inbound: c.Inbound, outbound: c.Outbound, internal: c.Internal, contacts: c.Contacts,
		channels: c.Channels, team: c.Team, agent: c.Agent, topic: c.Topic, source: c.Source, account: c.Account, tags: c.Tags,
		waitingSince: c.WaitingSince, longestWait: c.LongestWait, firstResponse: orNone(c.FirstResponse), firstBot: orNone(c.FirstBotResponse),
		resolvedAt: orNone(c.ResolvedAt), resolution: orNone(c.Resolution), later: c.LaterResponses,
		reopenings: c.Reopenings, handOvers: c.HandOvers, switches: c.ChannelSwitches,
	}
	i := intervals{begun: c.Begun, calls: c.Calls}
	for _, w := range c.Waits {
		i.from, i.to, i.kind = append(i.from, w.From), append(i.to, w.To), append(i.kind, int64(w.Kind))
	}
	for _, p := range c.Pauses {
		i.pauseFrom, i.pauseTo = append(i.pauseFrom, p.From), append(i.pauseTo, p.To)
	}
	for _, t := range c.Turns {
		i.turnAt, i.teams = append(i.turnAt, t.At), append(i.teams, t.Team)
	}
	for _, state := range c.States {
		i.stateAt, i.states = append(i.stateAt, state.At), append(i.states, string(state.State))
	}
	for _, n := range c.ChannelContacts {
		i.contacts = append(i.contacts, int64(n))
	}
	s.intervals = i.String()
	for _, p := range c.Participants {
		s.participants = append(s.participants, p.String())
	}
	slices.Sort(s.participants)
	if c.Rating != nil {
		s.scale, s.rating = c.Rating.Scale, c.Rating.Value
	}
	return s
}

// intervals say who waited when, whose turn it was, which states it came through, and what of it went by which channel.
type intervals struct {
	begun, calls                                                  int64
	from, to, kind, pauseFrom, pauseTo, turnAt, stateAt, contacts []int64
	teams, states                                                 []string
}

func (i *intervals) String() string {
	return fmt.Sprintf("begun %d, waits from %v to %v of kinds %v, pauses from %v to %v, turns at %v of %q, states at %v: %q, contacts by channel %v, calls %d",
		i.begun, i.from, i.to, i.kind, i.pauseFrom, i.pauseTo, i.turnAt, i.teams, i.stateAt, i.states, i.contacts, i.calls)
}

func orNone(v *int64) int64 {
	if v == nil {
		return -1
	}
	return *v
}

func (a *audit) storedConversations(ctx context.Context) (map[conversation.ID]summary, error) {
	rows, err := a.Store.Query(ctx, `SELECT id, workspace, person, anchor, state, toUnixTimestamp64Milli(first), toUnixTimestamp64Milli(last),
		touchpoints, inbound, outbound, internal, contacts, channels, team, agent, topic, source, account, tags, arraySort(arrayMap(p -> lower(leftPad(hex(p), 32, '0')), participants)),
		toUnixTimestamp64Milli(waiting_since), longest_wait, ifNull(first_response, -1), ifNull(first_bot_response, -1),
		ifNull(toUnixTimestamp64Milli(resolved_at), -1), ifNull(resolution, -1), later_responses, reopenings, hand_overs, channel_switches, rating_scale, rating_value,
		toUnixTimestamp64Milli(begun), wait_from, wait_to, wait_kind, pause_from, pause_to, turn_at, turn_team, state_at, state_was, channel_contacts, calls
		FROM `+a.tables.Conversations+` FINAL WHERE state NOT IN ('superseded', 'gone')`, nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[conversation.ID]summary{}
	for rows.Next() {
		var id, person, anchor big.Int
		var s summary
		var i intervals
		if err := rows.Scan(&id, &s.workspace, &person, &anchor, &s.state, &s.first, &s.last,
			&s.touchpoints, &s.inbound, &s.outbound, &s.internal, &s.contacts, &s.channels, &s.team, &s.agent, &s.topic, &s.source, &s.account, &s.tags, &s.participants,
			&s.waitingSince, &s.longestWait, &s.firstResponse, &s.firstBot, &s.resolvedAt, &s.resolution, &s.later,
			&s.reopenings, &s.handOvers, &s.switches, &s.scale, &s.rating,
			&i.begun, &i.from, &i.to, &i.kind, &i.pauseFrom, &i.pauseTo, &i.turnAt, &i.teams, &i.stateAt, &i.states, &i.contacts, &i.calls); err != nil {
			return nil, err
		}
		s.intervals = i.String()
		s.person, s.anchor = asAnchor(&person), asAnchor(&anchor)
		out[asAnchor(&id)] = s
	}
	return out, rows.Err()
}

func (a *audit) storedMembers(ctx context.Context) (map[schema.Anchor]conversation.ID, error) {
	rows, err := a.Store.Query(ctx, "SELECT key, argMax(conversation, version) FROM "+a.tables.Members+" GROUP BY key", nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[schema.Anchor]conversation.ID{}
	for rows.Next() {
		var key, id big.Int
		if err := rows.Scan(&key, &id); err != nil {
			return nil, err
		}
		out[asAnchor(&key)] = asAnchor(&id)
	}
	return out, rows.Err()
}
