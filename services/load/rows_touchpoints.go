package load

import (
	"fmt"
	"slices"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// fact is a record of topic touchpoints, decoded. Its strings alias the record.
type fact struct {
	envelope  touchpoint.Envelope
	key       touchpoint.Key
	direction int8
	actor     int8
	touchpoint.Touchpoint
}

// decode reads a record. What outside clients say was validated before it came to the log; what is refused here
// would stop the table.
func (f *fact) decode(r *kafka.Record) (err error) {
	if f.envelope, err = touchpoint.DecodeEnvelope(r.Value); err != nil {
		return err
	}
	if err = touchpoint.DecodePayload(f.envelope.Payload, &f.Touchpoint); err != nil {
		return err
	}
	if f.Time < 0 || f.Time > maxTime {
		return fmt.Errorf("time %d is out of range", f.Time)
	}
	if f.direction = int8(1 + slices.Index(directions, f.Direction)); f.direction == 0 {
		return fmt.Errorf("unknown direction %q", f.Direction)
	}
	if f.actor = int8(1 + slices.Index(actors, f.Actor.Type)); f.actor == 0 {
		return fmt.Errorf("unknown actor type %q", f.Actor.Type)
	}
	f.key = touchpoint.KeyOf(f.envelope.Workspace, f.envelope.ID)
	return nil
}

// In the order of the tables' enumerations, which begin at 1.
var (
	directions = []touchpoint.Direction{touchpoint.Inbound, touchpoint.Outbound, touchpoint.Internal}
	actors     = []touchpoint.ActorType{touchpoint.Customer, touchpoint.Agent, touchpoint.Bot, touchpoint.System}
)

// touchpointRows are rows of the table of facts.
type touchpointRows struct {
	workspace, channel, kind, agent, topic, team, source, ratingScale store.DictionaryColumn
	account, payload                                                  store.StringColumn
	key, anchor                                                       store.UInt128Column
	time, received, offset                                            store.Int64Column
	direction, actorType                                              store.Int8Column
	tags                                                              store.DictionaryArrayColumn
	identifiers, thread                                               *store.StringArrayColumn
	ratingValue                                                       store.Float64Column
	content                                                           store.UInt64Column
	partition                                                         store.Int32Column

	table            table
	names            []string // scratch
	earliest, latest int64    // of time
	newest           int64    // of received
}

func newTouchpointRows(names clickhouse.Tables) *touchpointRows {
	t := &touchpointRows{
		identifiers: store.NewStringArray(),
		thread:      store.NewStringArray(),
	}
	t.table = table{names.Touchpoints, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "key", Data: &t.key}, {Name: "anchor", Data: &t.anchor},
		{Name: "time", Data: &t.time}, {Name: "received", Data: &t.received}, {Name: "channel", Data: &t.channel}, {Name: "direction", Data: &t.direction},
		{Name: "kind", Data: &t.kind}, {Name: "actor_type", Data: &t.actorType},
		{Name: "agent", Data: &t.agent}, {Name: "identifiers", Data: t.identifiers}, {Name: "thread", Data: t.thread},
		{Name: "topic", Data: &t.topic}, {Name: "team", Data: &t.team}, {Name: "tags", Data: &t.tags},
		{Name: "account", Data: &t.account}, {Name: "source", Data: &t.source}, {Name: "rating_scale", Data: &t.ratingScale}, {Name: "rating_value", Data: &t.ratingValue},
		{Name: "payload", Data: &t.payload}, {Name: "content", Data: &t.content}, {Name: "_partition", Data: &t.partition}, {Name: "_offset", Data: &t.offset},
	}}
	return t
}

func (t *touchpointRows) reset() {
	resetAll(t.table.columns)
	t.earliest, t.latest, t.newest = 0, 0, 0
}

func (t *touchpointRows) add(f *fact, r *kafka.Record) {
	if n := t.time.Rows(); n == 0 {
		t.earliest, t.latest = f.Time, f.Time
	}
	t.earliest, t.latest, t.newest = min(t.earliest, f.Time), max(t.latest, f.Time), max(t.newest, f.envelope.Received)

	t.workspace.Append(f.envelope.Workspace)
	t.key.Append(uint128(f.key))
	t.anchor.Append(uint128(f.envelope.Anchor))
	t.time.Append(f.Time)
	t.received.Append(min(max(f.envelope.Received, 0), maxTime))
	t.channel.Append(f.Channel)
	t.direction.Append(f.direction)
	t.kind.Append(f.Kind)
	t.actorType.Append(f.actor)
	agent := ""
	if f.Actor.Type == touchpoint.Agent {
		agent = f.Actor.ID
	}
	t.agent.Append(agent)
	t.names = t.names[:0]
	for _, id := range f.Identifiers {
		t.names = append(t.names, id.String())
	}
	t.identifiers.Append(t.names)
	t.thread.Append(f.Thread)
	t.topic.Append(f.Topic)
	t.team.Append(f.Team)
	t.tags.Append(f.Tags)
	t.account.Append(f.Account)
	t.source.Append(f.Source)
	scale, value := rating(f.Rating)
	t.ratingScale.Append(scale)
	t.ratingValue.Append(value)
	t.payload.AppendBytes(f.envelope.Payload)
	t.content.Append(contentNumber(f.envelope.Content))
	t.partition.Append(r.Partition)
	t.offset.Append(r.Offset)
}

// contentNumber is the part of the content's hash that fingerprints keep.
func contentNumber(c touchpoint.Content) (n uint64) {
	for _, b := range c[:6] {
		n = n<<8 | uint64(b)
	}
	return n
}

// fingerprint is the inverse: from the first 80 bits of a key, and a contentNumber.
func fingerprint(high uint64, low uint16, content uint64) (f touchpoint.Fingerprint) {
	for i := range 8 {
		f.Key[i] = byte(high >> (56 - 8*i))
	}
	f.Key[8], f.Key[9] = byte(low>>8), byte(low)
	for i := range 6 {
		f.Content[i] = byte(content >> (40 - 8*i))
	}
	return f
}
