package load

import (
	"fmt"
	"slices"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// conversationRows are conversations.
type conversationRows struct {
	workspace, state, team, agent, topic, source                                               store.DictionaryColumn
	id, person, anchor, supersededBy                                                           store.UInt128Column
	version                                                                                    store.UInt64Column
	first, last, begun, waitingSince, longestWait, nextContact, calls                          store.Int64Column
	touchpoints, inbound, outbound, internal, contacts, reopenings, handOvers, channelSwitches store.UInt32Column
	channels, tags                                                                             store.DictionaryArrayColumn
	account, payload                                                                           store.StringColumn
	participants                                                                               *store.UInt128ArrayColumn
	firstResponse, firstBotResponse, resolvedAt, resolution                                    *store.NullableInt64Column
	laterResponses, waitFrom, waitTo, waitKind, pauseFrom, pauseTo, turnAt, stateAt            *store.Int64ArrayColumn
	channelContacts                                                                            *store.Int64ArrayColumn
	turnTeam, stateWas, ratingScales                                                           store.DictionaryArrayColumn
	ratingValues                                                                               *store.Float64ArrayColumn

	others  []store.UInt128 // scratch
	numbers [8][]int64      // scratch
	scores  []float64       // scratch
	names   []string        // scratch
	table   table
	whole   table // the same rows as the log has them
}

func newConversationRows(names clickhouse.Tables) *conversationRows {
	t := &conversationRows{
		participants: store.NewUInt128Array(), laterResponses: store.NewInt64Array(),
		firstResponse: store.NewNullableInt64(), firstBotResponse: store.NewNullableInt64(),
		resolvedAt: store.NewNullableInt64(), resolution: store.NewNullableInt64(),
		waitFrom: store.NewInt64Array(), waitTo: store.NewInt64Array(), waitKind: store.NewInt64Array(),
		pauseFrom: store.NewInt64Array(), pauseTo: store.NewInt64Array(), turnAt: store.NewInt64Array(),
		stateAt: store.NewInt64Array(), channelContacts: store.NewInt64Array(), ratingValues: store.NewFloat64Array(),
	}
	t.table = table{names.Conversations, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "id", Data: &t.id}, {Name: "version", Data: &t.version}, {Name: "person", Data: &t.person},
		{Name: "anchor", Data: &t.anchor}, {Name: "state", Data: &t.state}, {Name: "superseded_by", Data: &t.supersededBy},
		{Name: "first", Data: &t.first}, {Name: "last", Data: &t.last}, {Name: "begun", Data: &t.begun}, {Name: "touchpoints", Data: &t.touchpoints}, {Name: "inbound", Data: &t.inbound},
		{Name: "outbound", Data: &t.outbound}, {Name: "internal", Data: &t.internal}, {Name: "contacts", Data: &t.contacts},
		{Name: "channels", Data: &t.channels}, {Name: "team", Data: &t.team}, {Name: "agent", Data: &t.agent}, {Name: "topic", Data: &t.topic},
		{Name: "source", Data: &t.source}, {Name: "account", Data: &t.account}, {Name: "tags", Data: &t.tags}, {Name: "participants", Data: t.participants},
		{Name: "waiting_since", Data: &t.waitingSince}, {Name: "first_response", Data: t.firstResponse}, {Name: "first_bot_response", Data: t.firstBotResponse},
		{Name: "later_responses", Data: t.laterResponses}, {Name: "longest_wait", Data: &t.longestWait}, {Name: "next_contact", Data: &t.nextContact}, {Name: "resolved_at", Data: t.resolvedAt},
		{Name: "resolution", Data: t.resolution}, {Name: "reopenings", Data: &t.reopenings}, {Name: "hand_overs", Data: &t.handOvers},
		{Name: "channel_switches", Data: &t.channelSwitches}, {Name: "rating_scales", Data: &t.ratingScales}, {Name: "rating_values", Data: t.ratingValues},
		{Name: "wait_from", Data: t.waitFrom}, {Name: "wait_to", Data: t.waitTo}, {Name: "wait_kind", Data: t.waitKind},
		{Name: "pause_from", Data: t.pauseFrom}, {Name: "pause_to", Data: t.pauseTo}, {Name: "turn_at", Data: t.turnAt}, {Name: "turn_team", Data: &t.turnTeam},
		{Name: "state_at", Data: t.stateAt}, {Name: "state_was", Data: &t.stateWas}, {Name: "channel_contacts", Data: t.channelContacts}, {Name: "calls", Data: &t.calls},
	}}
	t.whole = table{names.ByAnchor, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "anchor", Data: &t.anchor}, {Name: "id", Data: &t.id}, {Name: "version", Data: &t.version}, {Name: "person", Data: &t.person},
		{Name: "state", Data: &t.state}, {Name: "first", Data: &t.first}, {Name: "last", Data: &t.last}, {Name: "payload", Data: &t.payload},
	}}
	return t
}

func (t *conversationRows) add(r *kafka.Record) error {
	v, err := conversation.Decode(r.Value)
	if err != nil {
		return err
	}
	t.workspace.Append(v.Workspace)
	t.id.Append(uint128(v.ID))
	t.version.Append(v.Version)
	t.person.Append(uint128(v.Person))
	t.anchor.Append(uint128(v.Anchor))
	t.state.Append(string(v.State))
	t.supersededBy.Append(uint128(v.SupersededBy))
	t.first.Append(v.First)
	t.last.Append(v.Last)
	t.begun.Append(v.Begun)
	t.touchpoints.Append(v.Touchpoints)
	t.inbound.Append(v.Inbound)
	t.outbound.Append(v.Outbound)
	t.internal.Append(v.Internal)
	t.contacts.Append(v.Contacts)
	t.channels.Append(v.Channels)
	t.team.Append(v.Team)
	t.agent.Append(v.Agent)
	t.topic.Append(v.Topic)
	t.source.Append(v.Source)
	t.account.Append(v.Account)
	t.tags.Append(v.Tags)
	t.others = t.others[:0]
	for _, a := range v.Participants {
		t.others = append(t.others, uint128(a))
	}
	t.participants.Append(t.others)
	t.waitingSince.Append(v.WaitingSince)
	t.firstResponse.Append(nullable(v.FirstResponse))
	t.firstBotResponse.Append(nullable(v.FirstBotResponse))
	t.laterResponses.Append(v.LaterResponses)
	t.longestWait.Append(v.LongestWait)
	t.nextContact.Append(v.NextContact)
	t.resolvedAt.Append(nullable(v.ResolvedAt))
	t.resolution.Append(nullable(v.Resolution))
	t.reopenings.Append(v.Reopenings)
	t.handOvers.Append(v.HandOvers)
	t.channelSwitches.Append(v.ChannelSwitches)
	t.calls.Append(v.Calls)
	t.addIntervals(&v)
	t.payload.AppendBytes(r.Value)
	return nil
}

// addIntervals appends what was waited and when, a column for each end, and the other lists.
func (t *conversationRows) addIntervals(v *conversation.Conversation) {
	n := &t.numbers
	for i := range n {
		n[i] = n[i][:0]
	}
	t.names = t.names[:0]
	for _, w := range v.Waits {
		n[0], n[1], n[2] = append(n[0], w.From), append(n[1], w.To), append(n[2], int64(w.Kind))
	}
	for _, p := range v.Pauses {
		n[3], n[4] = append(n[3], p.From), append(n[4], p.To)
	}
	for _, turn := range v.Turns {
		n[5], t.names = append(n[5], turn.At), append(t.names, turn.Team)
	}
	t.turnTeam.Append(t.names)
	t.names = t.names[:0]
	for _, s := range v.States {
		n[6], t.names = append(n[6], s.At), append(t.names, string(s.State))
	}
	t.stateWas.Append(t.names)
	t.names, t.scores = t.names[:0], t.scores[:0]
	for _, r := range v.Ratings {
		t.names, t.scores = append(t.names, r.Scale), append(t.scores, r.Value)
	}
	t.ratingScales.Append(t.names)
	t.ratingValues.Append(t.scores)
	for _, contacts := range v.ChannelContacts {
		n[7] = append(n[7], int64(contacts))
	}
	for i, column := range []*store.Int64ArrayColumn{t.waitFrom, t.waitTo, t.waitKind, t.pauseFrom, t.pauseTo, t.turnAt, t.stateAt, t.channelContacts} {
		column.Append(n[i])
	}
}

// tables has the whole rows first: what a list finds is there to be shown.
func (t *conversationRows) tables() []table { return []table{t.whole, t.table} }

func (t *conversationRows) reset() {
	resetAll(t.table.columns)
	t.payload.Reset()
}

func nullable(v *int64) store.NullableInt64 {
	if v == nil {
		return store.NullInt64()
	}
	return store.Int64OrNull(*v)
}

// memberRows say which conversation a touchpoint belongs to.
type memberRows struct {
	workspace, channel, kind, team, agent, topic, source store.DictionaryColumn
	anchor, key, conversation, person                    store.UInt128Column
	time                                                 store.Int64Column
	version                                              store.UInt64Column
	direction                                            store.Int8Column
	account                                              store.StringColumn
	tags                                                 store.DictionaryArrayColumn
	decoder                                              conversation.Decoder
	table                                                table
}

func newMemberRows(names clickhouse.Tables) *memberRows {
	t := &memberRows{}
	t.table = table{names.Members, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "anchor", Data: &t.anchor}, {Name: "time", Data: &t.time}, {Name: "key", Data: &t.key},
		{Name: "version", Data: &t.version}, {Name: "conversation", Data: &t.conversation}, {Name: "person", Data: &t.person},
		{Name: "channel", Data: &t.channel}, {Name: "direction", Data: &t.direction}, {Name: "kind", Data: &t.kind}, {Name: "team", Data: &t.team},
		{Name: "agent", Data: &t.agent}, {Name: "topic", Data: &t.topic}, {Name: "source", Data: &t.source}, {Name: "account", Data: &t.account}, {Name: "tags", Data: &t.tags},
	}}
	return t
}

func (t *memberRows) add(r *kafka.Record) error {
	v, err := t.decoder.Member(r.Value)
	if err != nil {
		return err
	}
	s := &v.Stub
	direction := int8(1 + slices.Index(directions, s.Direction))
	if direction == 0 {
		return fmt.Errorf("unknown direction %q", s.Direction)
	}
	if s.Time < 0 || s.Time > maxTime {
		return fmt.Errorf("time %d is out of range", s.Time)
	}
	t.workspace.Append(s.Workspace)
	t.anchor.Append(uint128(s.Anchor))
	t.time.Append(s.Time)
	t.key.Append(uint128(s.Key))
	t.version.Append(v.Version)
	t.conversation.Append(uint128(v.Conversation))
	t.person.Append(uint128(v.Person))
	t.channel.Append(s.Channel)
	t.direction.Append(direction)
	t.kind.Append(s.Kind)
	t.team.Append(s.Team)
	agent := ""
	if s.Actor == touchpoint.Agent {
		agent = s.ActorID
	}
	t.agent.Append(agent)
	t.topic.Append(s.Topic)
	t.source.Append(s.Source)
	t.account.Append(s.Account)
	t.tags.Append(s.Tags)
	return nil
}

func (t *memberRows) tables() []table { return []table{t.table} }
func (t *memberRows) reset()          { resetAll(t.table.columns) }
