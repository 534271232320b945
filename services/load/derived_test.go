package load

import (
	"context"
	"testing"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

func anchor(n uint64) identity.Anchor { return identity.FromHalves(n, n) }

func derivedRecord(t *testing.T, name topic.Name, value []byte, err error) *kafka.Record {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return &kafka.Record{Topic: string(name), Key: []byte("k"), Value: value}
}

func moveRecord(t *testing.T, from, to identity.Anchor, version uint64) *kafka.Record {
	t.Helper()
	m := identity.Move{Workspace: "default", Anchor: from, Home: from, From: from, Person: to, Version: version, Type: "email", Value: "a@example.com",
		Evidence: identity.Evidence{Touchpoint: "t1", Rule: "verified", Source: "s", User: "u", Time: spring}}
	value, err := identity.Append(nil, &m)
	return derivedRecord(t, topic.Moves, value, err)
}

func (w *world) person(a identity.Anchor) string {
	w.Helper()
	var got string
	person := clickhouse.TablesOf(topic.First).PersonOf("reinterpretAsUInt128(reverse(unhex('" + a.String() + "')))")
	if _, err := w.db.One(context.Background(), "SELECT leftPad(lower(hex("+person+")), 32, '0')", nil, noLimits, &got); err != nil {
		w.Fatal(err)
	}
	return got
}

func TestAMoveShowsInTheDictionary(t *testing.T) {
	w := newWorld(t, 1)
	w.start()
	for i, to := range []identity.Anchor{anchor(2), anchor(3), anchor(1)} {
		w.produce(moveRecord(t, anchor(9), to, uint64(i+1)))
		w.eventually("the dictionary to have it", func() bool { return w.person(anchor(9)) == to.String() })
	}
	w.produce(moveRecord(t, anchor(9), anchor(2), 1)) // an old one again, as a zombie would write it
	w.lagFree()
	w.exec("SYSTEM RELOAD DICTIONARY moved_lately")
	if got := w.person(anchor(9)); got != anchor(1).String() {
		t.Errorf("an old move came into force again: %s", got)
	}
	// Also when the whole has it, and what moved lately was forgotten, and then the zombie writes.
	w.exec("SYSTEM RELOAD DICTIONARY moved")
	w.exec("TRUNCATE TABLE identity_recent")
	w.produce(moveRecord(t, anchor(9), anchor(2), 1))
	w.lagFree()
	w.exec("SYSTEM RELOAD DICTIONARY moved_lately")
	if got := w.person(anchor(9)); got != anchor(1).String() {
		t.Errorf("a zombie's move came into force again: %s", got)
	}
	// To read what moved lately must not take the time that all that ever moved takes.
	w.exec("INSERT INTO identities (workspace, anchor, person, version) VALUES ('default', 77, 78, 1)")
	w.exec("SYSTEM RELOAD DICTIONARY moved_lately")
	if n := w.count("SELECT toUInt64(dictHas('moved', toUInt64(77)))"); n != 0 {
		t.Error("the whole was read again with what moved lately")
	}
	if n := w.count("SELECT count() FROM identity_log FINAL WHERE value = 'a@example.com' AND `user` = 'u' AND from = anchor AND toUnixTimestamp64Milli(time) = 1770000000000"); n != 3 {
		t.Errorf("%d moves in the log, want 3", n)
	}
}

func TestDerivedRowsSayWhatTheRecordsSay(t *testing.T) {
	w := newWorld(t, 1)
	edge := identity.Edge{Workspace: "default", Kind: identity.LinkClaimed, Decision: identity.Suggested, A: identity.Node{Anchor: anchor(1), Type: "email", Value: "a"}, B: identity.Node{Anchor: anchor(2), Type: "phone", Value: "b"},
		Rule: "r", Detail: "why", Version: 7, Evidence: identity.Evidence{Touchpoint: "t1", Source: "s", Time: spring}}
	value, err := identity.Append(nil, &edge)
	w.produce(derivedRecord(t, topic.Edges, value, err))

	first := int64(1500)
	c := conversation.Conversation{Workspace: "default", ID: anchor(5), Version: 3, Person: anchor(1), Anchor: anchor(2), State: conversation.Resolved, First: spring, Last: spring + 10,
		Touchpoints: 4, Inbound: 2, Outbound: 1, Internal: 1, Contacts: 1, Channels: []string{"email", "chat"}, Team: "t", Agent: "a", Tags: []string{"x"}, Participants: []identity.Anchor{anchor(8)},
		FirstResponse: &first, LaterResponses: []int64{1, 2}, LongestWait: 9, NextContact: 70, ResolvedAt: &first, Reopenings: 1, HandOvers: 2, ChannelSwitches: 3,
		Waits:  []conversation.Wait{{From: 5, To: 9, Kind: conversation.FirstWait}, {From: 12, Kind: conversation.LaterWait}},
		Pauses: []conversation.Pause{{From: 9, To: 12}}, Turns: []conversation.Turn{{At: 5, Team: "t"}}, Ratings: []touchpoint.Rating{{Scale: "csat", Value: 4.5}, {Scale: "nps"}}}
	value, err = c.Append(nil)
	w.produce(derivedRecord(t, topic.Conversations, value, err))
	c.Version, c.State = 2, conversation.Open // an older one, later
	value, err = c.Append(nil)
	w.produce(derivedRecord(t, topic.Conversations, value, err))

	m := conversation.Member{Stub: conversation.Stub{Workspace: "default", Key: anchor(6), Anchor: anchor(2), Time: spring, Channel: "chat", Direction: touchpoint.Outbound, Kind: "message",
		Actor: touchpoint.Agent, ActorID: "eve", Team: "t", Tags: []string{"x", "y"}}, Conversation: anchor(5), Person: anchor(1), Version: 4}
	w.produce(derivedRecord(t, topic.Members, m.Append(nil), nil))

	letter := touchpoint.NewRejected("default", touchpoint.SourceRaw, "touchpoints.raw/0/1", spring, []byte("{"), &touchpoint.FieldError{Field: "time", Reason: "is bad"})
	value, err = letter.Append(nil)
	w.produce(derivedRecord(t, topic.Rejected, value, err))

	w.start()
	w.lagFree()
	for _, query := range []string{
		"SELECT countIf(node_type = 'email' AND other_value = 'b' AND NOT turned) * countIf(node_value = 'b' AND turned) FROM identity_edges FINAL WHERE kind = 'claimed' AND decision = 'suggested' AND detail = 'why' AND version = 7 AND touchpoint = 't1'",
		`SELECT count() FROM conversations FINAL WHERE id = bitShiftLeft(toUInt128(5), 64) + 5 AND version = 3 AND state = 'resolved' AND touchpoints = 4 AND channels = ['email', 'chat']
			AND participants = [bitShiftLeft(toUInt128(8), 64) + 8] AND first_response = 1500 AND first_bot_response IS NULL AND later_responses = [1, 2] AND toUnixTimestamp64Milli(assumeNotNull(resolved_at)) = 1500
			AND wait_from = [5, 12] AND wait_to = [9, 0] AND wait_kind = [1, 2] AND pause_from = [9] AND pause_to = [12] AND turn_at = [5] AND turn_team = ['t']
			AND toUnixTimestamp64Milli(next_contact) = 70 AND rating_scales = ['csat', 'nps'] AND rating_values = [4.5, 0] AND channel_switches = 3 AND longest_wait = 9`,
		"SELECT count() FROM conversations_by_anchor FINAL WHERE id = bitShiftLeft(toUInt128(5), 64) + 5 AND version = 3 AND state = 'resolved' AND anchor = bitShiftLeft(toUInt128(2), 64) + 2 AND JSONExtractInt(payload, 'longest_wait') = 9",
		"SELECT count() FROM conversation_touchpoints FINAL WHERE key = bitShiftLeft(toUInt128(6), 64) + 6 AND direction = 'outbound' AND agent = 'eve' AND tags = ['x', 'y'] AND conversation = bitShiftLeft(toUInt128(5), 64) + 5",
		"SELECT count() FROM rejected FINAL WHERE source = 'raw' AND field = 'time' AND bytes = '{' AND status = 'kept' AND position = 'touchpoints.raw/0/1'",
	} {
		if n := w.count(query); n != 1 {
			t.Errorf("%d: %s", n, query)
		}
	}
}

// Two generations of the derived topics beside each other are members of one group: the facts are still loaded once.
func TestGenerationsShareTheFacts(t *testing.T) {
	w := newWorld(t, 2)
	next := topic.Generations{Identity: 2, Conversation: 2, Store: 1}
	for _, n := range DefaultConfig().Topics {
		if name := n.In(next); name != string(n) {
			w.kafka.CreateTopics(t, kafka.TopicSpec{Name: name, Partitions: 2})
		}
	}
	w.exec("CREATE TABLE identities_g2 AS identities")
	w.exec("CREATE TABLE identity_log_g2 AS identity_log")
	w.exec("CREATE TABLE identity_anchors_g2 AS identity_anchors")
	w.exec("CREATE TABLE identity_recent_g2 AS identity_recent")
	stop := w.start()
	w.produce(append(records(0, 0, 100), records(1, 0, 100)...)...)
	w.start(func(c *Config) { c.Generations = next })
	again := moveRecord(t, anchor(9), anchor(2), 1)
	again.Topic = topic.Moves.In(next)
	w.produce(moveRecord(t, anchor(9), anchor(1), 1), again)
	w.lagFree()
	w.eventually("the next generation", func() bool { return w.count("SELECT count() FROM identities_g2") == 1 })
	stop()
	w.produce(append(records(0, 100, 200), records(1, 100, 200)...)...)
	w.eventually("all facts", func() bool { return w.count("SELECT count() FROM touchpoints") >= 400 })
	w.exactly(400)
	if n := w.count("SELECT count() FROM identities"); n != 1 {
		t.Errorf("%d rows in the first generation, want 1", n)
	}
}
