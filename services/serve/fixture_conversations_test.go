package serve

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// talk is a conversation to be stored.
type talk struct {
	workspace    string
	id           string // of the touchpoint it is named after
	version      int    // 1 when 0
	person       identity.Anchor
	state        string // open when empty
	first, last  string
	latest       string // touchpoint
	touchpoints  int
	contacts     int
	channels     []string
	team         string
	agent        string
	topic        string
	tags         []string
	participants []identity.Anchor
	waiting      string
	response     string // ms
	resolution   string // ms
	reopenings   int
	superseded   string
	account      string
	resolved     string
	next         string             // when the customer's next one about the topic began
	rating       string             // scale:value, and others
	intervals    words.Conversation // waits, pauses and turns
}

func (f *fixture) talks(talks ...talk) {
	f.tb.Helper()
	list := make([]words.Conversation, len(talks))
	for i, t := range talks {
		list[i] = t.conversation(f.tb)
	}
	f.conversations(list...)
}

func (t *talk) conversation(tb testing.TB) words.Conversation {
	tb.Helper()
	number := func(s string) *int64 {
		if s == "" {
			return nil
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		return &n
	}
	c := t.intervals
	c.Workspace = or(t.workspace, "ours")
	c.ID, c.Version, c.Person, c.Anchor = touchpoint.KeyOf(c.Workspace, t.id), uint64(max(t.version, 1)), t.person, t.person
	c.State = words.State(or(t.state, string(words.Open)))
	c.First, c.Last, c.Begun = ms(t.first), ms(or(t.last, t.first)), ms(t.first)
	c.Touchpoints, c.Contacts, c.Reopenings = uint32(t.touchpoints), uint32(t.contacts), uint32(t.reopenings)
	c.Channels, c.Team, c.Agent, c.Topic, c.Account, c.Tags, c.Participants = t.channels, t.team, t.agent, t.topic, t.account, t.tags, t.participants
	c.FirstResponse, c.Resolution = number(t.response), number(t.resolution)
	if t.resolved != "" {
		at := ms(t.resolved)
		c.ResolvedAt = &at
	}
	if t.next != "" {
		c.NextContact = ms(t.next)
	}
	if t.waiting != "" {
		c.WaitingSince = ms(t.waiting)
	}
	if t.latest != "" {
		c.Latest = touchpoint.KeyOf(c.Workspace, t.latest)
	}
	if t.superseded != "" {
		c.SupersededBy = touchpoint.KeyOf(c.Workspace, t.superseded)
	}
	for one := range strings.FieldsSeq(t.rating) {
		scale, value, _ := strings.Cut(one, ":")
		score, err := strconv.ParseFloat(value, 64)
		if err != nil {
			tb.Fatal(err)
		}
		c.Ratings = append(c.Ratings, touchpoint.Rating{Scale: scale, Value: score})
	}
	if c.ChannelContacts == nil && len(c.Channels) > 0 {
		c.ChannelContacts = make([]uint32, len(c.Channels))
		c.ChannelContacts[0] = c.Contacts
	}
	return c
}

// conversations stores them as the loader does: for reports, and whole.
func (f *fixture) conversations(list ...words.Conversation) {
	f.tb.Helper()
	if len(list) == 0 {
		return
	}
	var counted, whole []row
	for _, c := range list {
		c.Version = max(c.Version, 1)
		payload, err := c.Append(nil)
		if err != nil {
			f.tb.Fatal(err)
		}
		r := rowOf(&c)
		counted = append(counted, r)
		w := row{"payload": string(payload)}
		for _, column := range []string{"workspace", "anchor", "id", "version", "person", "state", "first", "last"} {
			w[column] = r[column]
		}
		whole = append(whole, w)
	}
	f.insert("conversations_by_anchor", whole...)
	f.insert("conversations", counted...)
}

// rowOf is a conversation as the loader stores it for reports.
func rowOf(c *words.Conversation) row {
	millis := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	orNull := func(v *int64) string {
		if v == nil {
			return `\N`
		}
		return fmt.Sprint(*v)
	}
	r := row{
		"workspace": c.Workspace, "id": c.ID, "version": c.Version, "person": c.Person, "anchor": c.Anchor, "state": string(c.State), "superseded_by": c.SupersededBy,
		"first": millis(c.First), "last": millis(c.Last), "begun": millis(c.Begun), "touchpoints": int(c.Touchpoints), "inbound": int(c.Inbound), "outbound": int(c.Outbound),
		"contacts": int(c.Contacts), "channels": c.Channels, "team": c.Team, "agent": c.Agent, "topic": c.Topic, "source": c.Source, "account": c.Account, "tags": c.Tags, "participants": c.Participants,
		"waiting_since": millis(c.WaitingSince), "first_response": orNull(c.FirstResponse), "first_bot_response": orNull(c.FirstBotResponse), "longest_wait": fmt.Sprint(c.LongestWait),
		"resolution": orNull(c.Resolution), "reopenings": int(c.Reopenings), "hand_overs": int(c.HandOvers), "channel_switches": int(c.ChannelSwitches), "calls": fmt.Sprint(c.Calls),
		"next_contact": millis(c.NextContact), "resolved_at": `\N`,
	}
	if c.ResolvedAt != nil {
		r["resolved_at"] = millis(*c.ResolvedAt)
	}
	scales, values := []string{}, []float64{}
	for _, one := range c.Ratings {
		scales, values = append(scales, one.Scale), append(values, one.Value)
	}
	r["rating_scales"], r["rating_values"] = scales, values
	lists := map[string][]int{"channel_contacts": nil, "later_responses": nil, "wait_from": nil, "wait_to": nil, "wait_kind": nil, "pause_from": nil, "pause_to": nil, "turn_at": nil, "state_at": nil}
	add := func(name string, v int64) { lists[name] = append(lists[name], int(v)) }
	teams, states := []string{}, []string{}
	for _, n := range c.ChannelContacts {
		add("channel_contacts", int64(n))
	}
	for _, v := range c.LaterResponses {
		add("later_responses", v)
	}
	for _, w := range c.Waits {
		add("wait_from", w.From)
		add("wait_to", w.To)
		add("wait_kind", int64(w.Kind))
	}
	for _, p := range c.Pauses {
		add("pause_from", p.From)
		add("pause_to", p.To)
	}
	for _, turn := range c.Turns {
		add("turn_at", turn.At)
		teams = append(teams, turn.Team)
	}
	for _, s := range c.States {
		add("state_at", s.At)
		states = append(states, string(s.State))
	}
	for name, list := range lists {
		r[name] = list
	}
	r["turn_team"], r["state_was"] = teams, states
	return r
}
