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

// summary is what is compared of a conversation.
type summary struct {
	workspace                                       string
	person, anchor                                  schema.Anchor
	state                                           string
	first, last                                     int64
	latest                                          conversation.ID
	touchpoints, inbound, outbound, internal        uint32
	contacts, reopenings, handOvers, switches       uint32
	channels, tags                                  []string
	participants                                    []string
	team, agent, topic, source, account             string
	waitingSince, longestWait, nextContact          int64
	firstResponse, firstBot, resolvedAt, resolution int64 // -1: none
	later                                           []int64
	intervals                                       string
	scales                                          []string
	ratings                                         []float64
	found                                           string // what it is found by, where that is not what it says itself
}

func (s summary) summary() string {
	return fmt.Sprintf("%s from %s to %s, last %s, named after %s: %d touchpoints, %d in, %d out, %d internal, %d contacts; %v; team %q, agent %q, topic %q, source %q, account %q, tags %q, participants %v; waiting since %d, longest %d, first response %d, by a bot %d, later %v, resolution %d at %d, next contact %d; %d reopened, %d handed over, %d switched; ratings %q %v; %s%s",
		s.state, time.UnixMilli(s.first).UTC().Format(time.RFC3339Nano), time.UnixMilli(s.last).UTC().Format(time.RFC3339Nano), s.latest, s.anchor,
		s.touchpoints, s.inbound, s.outbound, s.internal, s.contacts, s.channels, s.team, s.agent, s.topic, s.source, s.account, s.tags, s.participants,
		s.waitingSince, s.longestWait, s.firstResponse, s.firstBot, s.later, s.resolution, s.resolvedAt, s.nextContact, s.reopenings, s.handOvers, s.switches, s.scales, s.ratings, s.intervals, s.found)
}

func summaryOf(c *conversation.Conversation) summary {
	s := summary{
		workspace: c.Workspace, person: c.Person, anchor: c.Anchor, state: string(c.State), first: c.First, last: c.Last, latest: c.Latest,
		touchpoints: c.Touchpoints, inbound: c.Inbound, outbound: c.Outbound, internal: c.Internal, contacts: c.Contacts,
		channels: c.Channels, team: c.Team, agent: c.Agent, topic: c.Topic, source: c.Source, account: c.Account, tags: c.Tags,
		waitingSince: c.WaitingSince, longestWait: c.LongestWait, nextContact: c.NextContact, firstResponse: orNone(c.FirstResponse), firstBot: orNone(c.FirstBotResponse),
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
	for _, r := range c.Ratings {
		s.scales, s.ratings = append(s.scales, r.Scale), append(s.ratings, r.Value)
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

// storedConversations are those in force, as they are shown one by one.
func (a *audit) storedConversations(ctx context.Context) (map[conversation.ID]summary, error) {
	rows, err := a.Store.Query(ctx, "SELECT id, workspace, version, person, anchor, state, toUnixTimestamp64Milli(first), toUnixTimestamp64Milli(last), payload FROM "+a.tables.ByAnchor+
		" FINAL WHERE state NOT IN ('superseded', 'gone')", nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[conversation.ID]summary{}
	for rows.Next() {
		var id, person, anchor big.Int
		var found conversation.Conversation
		var payload string
		if err := rows.Scan(&id, &found.Workspace, &found.Version, &person, &anchor, (*string)(&found.State), &found.First, &found.Last, &payload); err != nil {
			return nil, err
		}
		found.ID, found.Person, found.Anchor = asAnchor(&id), asAnchor(&person), asAnchor(&anchor)
		row, err := conversation.Decode([]byte(payload))
		if err != nil {
			a.report.differ("workspace %s: conversation %s is stored as what cannot be read: %v", found.Workspace, found.ID, err)
			continue
		}
		s := summaryOf(&row)
		says := conversation.Conversation{Workspace: row.Workspace, ID: row.ID, Version: row.Version, Person: row.Person, Anchor: row.Anchor, State: row.State, First: row.First, Last: row.Last}
		if by, itself := fmt.Sprintf("%+v", found), fmt.Sprintf("%+v", says); by != itself {
			s.found = fmt.Sprintf("; found as version %d of %s in %q, %s of person %s, named after %s, from %d to %d", found.Version, found.ID, found.Workspace, found.State, found.Person, found.Anchor, found.First, found.Last)
		}
		out[found.ID] = s
	}
	return out, rows.Err()
}

// unlikeForReports are the conversations that reports count as others than storedConversations are, and their workspaces.
func (a *audit) unlikeForReports(ctx context.Context) (map[conversation.ID]string, error) {
	rows, err := a.Store.Query(ctx, `SELECT id, workspace, person, anchor, state, toUnixTimestamp64Milli(first), toUnixTimestamp64Milli(last),
		touchpoints, inbound, outbound, internal, contacts, channels, team, agent, topic, source, account, tags, arraySort(arrayMap(p -> lower(leftPad(hex(p), 32, '0')), participants)),
		toUnixTimestamp64Milli(waiting_since), longest_wait, ifNull(first_response, -1), ifNull(first_bot_response, -1),
		toUnixTimestamp64Milli(next_contact), ifNull(toUnixTimestamp64Milli(resolved_at), -1), ifNull(resolution, -1), later_responses, reopenings, hand_overs, channel_switches, rating_scales, rating_values,
		toUnixTimestamp64Milli(begun), wait_from, wait_to, wait_kind, pause_from, pause_to, turn_at, turn_team, state_at, state_was, channel_contacts, calls
		FROM `+a.tables.Conversations+` FINAL WHERE state NOT IN ('superseded', 'gone')`, nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	unlike, seen := map[conversation.ID]string{}, map[conversation.ID]bool{}
	for rows.Next() {
		var id, person, anchor big.Int
		var s summary
		var i intervals
		if err := rows.Scan(&id, &s.workspace, &person, &anchor, &s.state, &s.first, &s.last,
			&s.touchpoints, &s.inbound, &s.outbound, &s.internal, &s.contacts, &s.channels, &s.team, &s.agent, &s.topic, &s.source, &s.account, &s.tags, &s.participants,
			&s.waitingSince, &s.longestWait, &s.firstResponse, &s.firstBot, &s.nextContact, &s.resolvedAt, &s.resolution, &s.later,
			&s.reopenings, &s.handOvers, &s.switches, &s.scales, &s.ratings,
			&i.begun, &i.from, &i.to, &i.kind, &i.pauseFrom, &i.pauseTo, &i.turnAt, &i.teams, &i.stateAt, &i.states, &i.contacts, &i.calls); err != nil {
			return nil, err
		}
		s.intervals = i.String()
		s.person, s.anchor = asAnchor(&person), asAnchor(&anchor)
		is, stored := a.stored.conversations[asAnchor(&id)]
		s.found, s.latest = is.found, is.latest // reports have no use for them
		if !stored || seen[asAnchor(&id)] || s.summary() != is.summary() || s.person != is.person || s.workspace != is.workspace {
			unlike[asAnchor(&id)] = s.workspace
		}
		seen[asAnchor(&id)] = true
	}
	for id, is := range a.stored.conversations {
		if !seen[id] {
			unlike[id] = is.workspace
		}
	}
	return unlike, rows.Err()
}
