package converse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/conversation"
)

func topics(partitions int32) (specs []kafka.TopicSpec) {
	for _, n := range []topic.Name{topic.ByPerson, topic.Conversations, topic.Members, topic.Rejected} {
		specs = append(specs, kafka.TopicSpec{Name: string(n), Partitions: partitions})
	}
	return specs
}

// role is one instance, until stop.
type role struct {
	cancel context.CancelFunc
	done   chan error
}

func start(tb testing.TB, c Config) *role {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &role{cancel, make(chan error, 1)}
	go func() { r.done <- Run(ctx, c) }()
	tb.Cleanup(func() { r.stop(tb) })
	return r
}

func (r *role) stop(tb testing.TB) {
	tb.Helper()
	if r.done == nil {
		return
	}
	r.cancel()
	if err := <-r.done; err != nil && !errors.Is(err, context.Canceled) {
		tb.Errorf("Run: %v", err)
	}
	r.done = nil
}

// waitFor waits until the offsets of the group are as wanted.
func waitFor(tb testing.TB, cluster *kafkatest.Cluster, wanted func(kafka.Offsets) bool, all bool) {
	tb.Helper()
	a := cluster.Admin(tb)
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	for {
		offsets, err := a.GroupOffsets(ctx, Group(topic.First), string(topic.ByPerson))
		if err != nil {
			tb.Fatal(err)
		}
		n := 0
		for _, o := range offsets {
			if wanted(o) {
				n++
			}
		}
		if n == len(offsets) && n > 0 || n > 0 && !all {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatal("did not settle within a minute")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// settled waits until everything is committed. What a batch sends to other homes is on the log before the batch is
// committed, so that nothing is under way then.
func settled(tb testing.TB, cluster *kafkatest.Cluster) {
	waitFor(tb, cluster, func(o kafka.Offsets) bool { return o.Lag() == 0 }, true)
}

// town writes n stubs of customers who talk in sessions and tickets, and the moves that make some of them one, in the
// order in which stitch and resolve might have written them.
func town(seed uint64, n int) (messages []words.Message) {
	random := rand.New(rand.NewPCG(seed, 1))
	customer := func(i int) identity.Anchor { return identity.AnchorOf("default", "email", fmt.Sprint(i)) }
	customers := 1 + n/8
	version := uint64(0)
	for i := range n {
		who := random.IntN(customers)
		t := touchpoint.Touchpoint{
			Time: 1_767_225_600_000 + int64(i+random.IntN(40))*600_000, Channel: "chat", Direction: touchpoint.Inbound, Kind: "message",
			Actor: touchpoint.Actor{Type: touchpoint.Customer}, Source: "crm",
		}
		switch random.IntN(6) {
		case 0, 1:
			t.Direction, t.Actor = touchpoint.Outbound, touchpoint.Actor{Type: touchpoint.Agent, ID: "a.becker"}
		case 2:
			t.Direction, t.Kind = touchpoint.Internal, "conversation.resolved"
		}
		switch random.IntN(3) {
		case 0:
			t.Thread = []string{fmt.Sprintf("session:%d-%d", who, i/50)}
		case 1:
			t.Thread = []string{fmt.Sprintf("ticket:%d", random.IntN(customers))} // with others in it
		}
		s := words.StubOf("default", touchpoint.KeyOf("default", fmt.Sprint(i)), customer(who), &t)
		messages = append(messages, words.Message{Stub: &s})
		if random.IntN(20) == 0 {
			version++
			m := words.Moved{Workspace: "default", Home: customer(who), Anchor: customer(who), Person: customer(random.IntN(customers)), Version: version}
			if len(s.Threads) > 0 && random.IntN(2) == 0 {
				m.Thread = s.Threads[0].Anchor
				m.Anchor = identity.ParticipationOf(m.Home, m.Thread)
			}
			messages = append(messages, words.Message{Moved: &m})
		}
		if random.IntN(10) == 0 {
			messages = append(messages, messages[random.IntN(len(messages))]) // once more
		}
	}
	return messages
}

func recordOf(m words.Message) *kafka.Record {
	var key identity.Anchor
	if m.Stub != nil {
		key = m.Stub.Anchor
	} else {
		key = m.Moved.Home
	}
	return &kafka.Record{Topic: string(topic.ByPerson), Key: key[:], Value: m.Append(nil)}
}

// truth is what is in force: the highest version of each row, without the versions, which depend on who was where.
type truth struct {
	rows    map[words.ID]words.Conversation
	members map[touchpoint.Key]words.Member
	sent    []conversation.Routed
}

func newTruth() *truth {
	return &truth{rows: map[words.ID]words.Conversation{}, members: map[touchpoint.Key]words.Member{}}
}

func (tr *truth) Message(m *conversation.Routed) { tr.sent = append(tr.sent, *m) }

func (tr *truth) Conversation(c *words.Conversation) {
	data, _ := c.Append(nil)
	row, _ := words.Decode(data)
	if have, ok := tr.rows[c.ID]; !ok || have.Version <= row.Version {
		tr.rows[c.ID] = row
	}
}

func (tr *truth) Member(m *words.Member) {
	data := m.Append(nil)
	row, _ := words.DecodeMember(data)
	if have, ok := tr.members[m.Stub.Key]; !ok || have.Version <= row.Version {
		tr.members[m.Stub.Key] = row
	}
}

func (tr *truth) live(tb testing.TB) map[string]string {
	tb.Helper()
	out := map[string]string{}
	for id, row := range tr.rows {
		if row.State == words.Superseded || row.State == words.Gone {
			continue
		}
		row.Version = 0
		data, err := row.Append(nil)
		if err != nil {
			tb.Fatal(err)
		}
		out["conversation "+id.String()] = string(data)
	}
	for key, m := range tr.members {
		if !m.Conversation.IsZero() {
			out["member "+key.String()] = m.Conversation.String() + " " + m.Person.String()
		}
	}
	return out
}

// written reads what the role has appended.
func written(tb testing.TB, cluster *kafkatest.Cluster) *truth {
	tb.Helper()
	tr := newTruth()
	for _, r := range cluster.Records(tb, string(topic.Conversations)) {
		row, err := words.Decode(r.Value)
		if err != nil || string(r.Key) != string(row.ID[:]) {
			tb.Fatalf("row %s: %v", r.Value, err)
		}
		tr.Conversation(&row)
	}
	for _, r := range cluster.Records(tb, string(topic.Members)) {
		m, err := words.DecodeMember(r.Value)
		if err != nil || string(r.Key) != string(m.Stub.Key[:]) {
			tb.Fatalf("member: %v", err)
		}
		tr.Member(&m)
	}
	return tr
}

// calm is what comes out when one partition reads everything without haste.
func calm(messages []words.Message) *truth {
	tr := newTruth()
	h := conversation.NewHomes(registry.Default(), 0)
	for i := range messages {
		h.Apply(&messages[i])
		h.Flush(tr)
		for len(tr.sent) > 0 {
			m := tr.sent[0].Message
			tr.sent = tr.sent[1:]
			h.Apply(&m)
			h.Flush(tr)
		}
	}
	return tr
}

func same(tb testing.TB, got, want map[string]string) {
	tb.Helper()
	if len(want) == 0 {
		tb.Fatal("nothing to compare")
	}
	for k, v := range want {
		if got[k] != v {
			tb.Fatalf("%s\n got %s\nwant %s", k, got[k], v)
		}
	}
	for k, v := range got {
		if want[k] == "" {
			tb.Fatalf("%s is not wanted: %s", k, v)
		}
	}
}

// Two instances share the partitions; one is stopped while at work and another joins. The rows in force are those of one
// partition that read everything in peace.
func TestInstancesComeAndGo(t *testing.T) {
	cluster := kafkatest.Start(t, topics(4)...)
	producer := cluster.Producer(t)
	messages := town(5, 3000)
	produce := func(messages []words.Message) {
		t.Helper()
		var records []*kafka.Record
		for _, m := range messages {
			records = append(records, recordOf(m))
		}
		if err := producer.Produce(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	third := len(messages) / 3
	produce(messages[:third])

	c := DefaultConfig()
	c.Kafka = cluster.Config()
	c.BatchRecords = 50
	c.SessionTimeout = 2 * time.Second
	first := start(t, c)
	waitFor(t, cluster, func(o kafka.Offsets) bool { return o.Committed > 0 }, false)
	second := start(t, c)
	produce(messages[third : 2*third])
	first.stop(t)
	produce(messages[2*third:])
	another := start(t, c)
	settled(t, cluster)
	second.stop(t)
	another.stop(t)

	same(t, written(t, cluster).live(t), calm(messages).live(t))
}

// A record that cannot be read is kept in the dead letters, once however often it is read, and its neighbours are not
// held up.
func TestPoisonNeverStopsThePartition(t *testing.T) {
	cluster := kafkatest.Start(t, topics(1)...)
	producer := cluster.Producer(t)
	messages := town(9, 40)
	var records []*kafka.Record
	for _, m := range messages {
		records = append(records, recordOf(m))
	}
	bad := &kafka.Record{Topic: string(topic.ByPerson), Key: []byte("x"), Value: []byte("\x01\x03nonsense")}
	records = append(records[:20:20], append([]*kafka.Record{bad}, records[20:]...)...)
	if err := producer.Produce(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	c := DefaultConfig()
	c.Kafka, c.Registerer = cluster.Config(), reg
	for range 2 { // the second time it is read to restore, and refused no more
		r := start(t, c)
		settled(t, cluster)
		r.stop(t)
		if left, err := reg.Gather(); err != nil || len(left) > 0 {
			t.Errorf("metrics are left behind: %v %v", left, err)
		}
	}
	letters := cluster.Records(t, string(topic.Rejected))
	if len(letters) != 1 {
		t.Fatalf("%d dead letters, want 1", len(letters))
	}
	letter, err := touchpoint.DecodeRejected(letters[0].Value)
	if err != nil || letter.Source != touchpoint.SourceLog || letter.Position != "touchpoints.by-person/0/20" || string(letter.Bytes) != string(bad.Value) {
		t.Errorf("letter %+v: %v", letter, err)
	}
	same(t, written(t, cluster).live(t), calm(messages).live(t))
}

func TestConfig(t *testing.T) {
	good := DefaultConfig()
	good.Kafka.Brokers = []string{"127.0.0.1:1"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Config){
		"registry":   func(c *Config) { c.Registry = nil },
		"logger":     func(c *Config) { c.Logger = nil },
		"generation": func(c *Config) { c.Generations.Conversation = 0 },
		"window":     func(c *Config) { c.Window = -time.Hour },
		"batch":      func(c *Config) { c.BatchRecords = 0 },
		"commit":     func(c *Config) { c.CommitEvery = -1 },
		"brokers":    func(c *Config) { c.Kafka.Brokers = nil },
	} {
		bad := good
		spoil(&bad)
		if bad.Validate() == nil || Run(t.Context(), bad) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if Group(topic.First) != "converse" || Group(topic.Generations{Conversation: 2}) != "converse.g2" {
		t.Error("names of the group")
	}
}
