package audit

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/oracle"
)

// conversations computes every person's conversations from all the person's stubs and compares them with the rows in
// force, and every touchpoint's membership.
func (a *audit) conversations(ctx context.Context) error {
	stored, err := a.storedConversations(ctx)
	if err != nil {
		return err
	}
	members, err := a.storedMembers(ctx)
	if err != nil {
		return err
	}
	naive := oracle.Conversations{Registry: a.Registry, Window: a.Window}
	for name, w := range a.log {
		for _, stubs := range w.byPerson() {
			a.report.People++
			for _, group := range naive.Group(stubs) {
				a.report.Conversations++
				want := naive.Measure(group)
				got, ok := stored[want.ID]
				switch {
				case !ok:
					a.report.differ("workspace %s: conversation %s of %d touchpoints is not stored", name, want.ID, want.Touchpoints)
				case got.summary() != summaryOf(&want).summary():
					a.report.differ("workspace %s: conversation %s is stored as %s, the log says %s", name, want.ID, got.summary(), summaryOf(&want).summary())
				case got.workspace != name:
					a.report.differ("conversation %s is stored in workspace %s, the log says %s", want.ID, got.workspace, name)
				}
				delete(stored, want.ID)
				for i := range group {
					if in := members[group[i].Key]; in != want.ID {
						a.report.differ("workspace %s: touchpoint %s is stored in conversation %s, the log says %s", name, group[i].Key, in, want.ID)
					}
					delete(members, group[i].Key)
				}
			}
		}
	}
	for id, extra := range stored {
		a.report.differ("workspace %s: conversation %s is stored (%s) and should not be", extra.workspace, id, extra.summary())
	}
	for key, id := range members {
		if !id.IsZero() {
			a.report.differ("touchpoint %s is stored in conversation %s, the log says in none", key, id)
		}
	}
	return nil
}

// byPerson parts the stubs by the person in whose conversations they are.
func (w *world) byPerson() map[any][]conversation.Stub {
	out := map[any][]conversation.Stub{}
	for i := range w.stubs {
		single, set := w.home(&w.stubs[i])
		var person any = single
		if set != nil {
			person = set
		}
		out[person] = append(out[person], w.stubs[i])
	}
	return out
}

// summary is what is compared of a conversation.
type summary struct {
	workspace                               string
	state                                   string
	first, last                             int64
	touchpoints, inbound, outbound, contact uint32
	channels                                []string
	team, agent, topic                      string
	waitingSince, longestWait               int64
	firstResponse, resolution               int64 // -1: none
	later                                   []int64
	reopenings, handOvers, switches         uint32
}

func (s summary) summary() string {
	return fmt.Sprintf("%s from %s to %s: %d touchpoints, %d in, %d out, %d contacts; %v; team %q, agent %q, topic %q; waiting since %d, longest %d, first response %d, later %v, resolution %d; %d reopened, %d handed over, %d switched",
		s.state, time.UnixMilli(s.first).UTC().Format(time.RFC3339Nano), time.UnixMilli(s.last).UTC().Format(time.RFC3339Nano),
		s.touchpoints, s.inbound, s.outbound, s.contact, s.channels, s.team, s.agent, s.topic,
		s.waitingSince, s.longestWait, s.firstResponse, s.later, s.resolution, s.reopenings, s.handOvers, s.switches)
}

func summaryOf(c *conversation.Conversation) summary {
	return summary{
		workspace: c.Workspace, state: string(c.State), first: c.First, last: c.Last,
		touchpoints: c.Touchpoints, inbound: c.Inbound, outbound: c.Outbound, contact: c.Contacts,
		channels: slices.Clone(c.Channels), team: c.Team, agent: c.Agent, topic: c.Topic,
		waitingSince: c.WaitingSince, longestWait: c.LongestWait, firstResponse: orNone(c.FirstResponse), resolution: orNone(c.Resolution),
		later: c.LaterResponses, reopenings: c.Reopenings, handOvers: c.HandOvers, switches: c.ChannelSwitches,
	}
}

func orNone(v *int64) int64 {
	if v == nil {
		return -1
	}
	return *v
}

func (a *audit) storedConversations(ctx context.Context) (map[conversation.ID]summary, error) {
	rows, err := a.Store.Query(ctx, `SELECT id, workspace, state, toUnixTimestamp64Milli(first), toUnixTimestamp64Milli(last), touchpoints, inbound, outbound, contacts,
		channels, team, agent, topic, toUnixTimestamp64Milli(waiting_since), longest_wait, ifNull(first_response, -1), ifNull(resolution, -1), later_responses,
		reopenings, hand_overs, channel_switches
		FROM `+a.tables.Conversations+` FINAL WHERE state NOT IN ('superseded', 'gone')`, nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[conversation.ID]summary{}
	for rows.Next() {
		var id big.Int
		var s summary
		if err := rows.Scan(&id, &s.workspace, &s.state, &s.first, &s.last, &s.touchpoints, &s.inbound, &s.outbound, &s.contact,
			&s.channels, &s.team, &s.agent, &s.topic, &s.waitingSince, &s.longestWait, &s.firstResponse, &s.resolution, &s.later,
			&s.reopenings, &s.handOvers, &s.switches); err != nil {
			return nil, err
		}
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
