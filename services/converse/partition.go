package converse

import (
	"fmt"
	"strconv"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/conversation"
)

// partition is one partition of touchpoints.by-person: the homes in it.
type partition struct {
	metrics *metrics
	label   string

	byPerson, conversations, members, rejected string // topics

	homes   *conversation.Homes
	decoder words.Decoder
	out     outputs
}

func newPartition(c *Config, m *metrics, number int32) *partition {
	return &partition{
		metrics: m, label: strconv.Itoa(int(number)),
		byPerson:      topic.ByPerson.In(c.Generations),
		conversations: topic.Conversations.In(c.Generations),
		members:       topic.Members.In(c.Generations),
		rejected:      topic.Rejected.In(c.Generations),
		homes:         conversation.NewHomes(c.Registry, c.Window),
	}
}

// RestoreFrom is the input itself: the state is a function of the records before.
func (p *partition) RestoreFrom() string { return p.byPerson }

// Replay decides again what was decided before; what came of it is on the log already.
func (p *partition) Replay(records []*kafka.Record, _ int64) error {
	for _, r := range records {
		if m, err := p.decoder.Message(r.Value); err == nil {
			p.homes.Apply(&m)
		}
	}
	p.homes.Discard()
	p.measure()
	return nil
}

// Process takes in the next messages and returns everything that they have changed.
func (p *partition) Process(records []*kafka.Record) ([]*kafka.Record, error) {
	p.out.reset()
	for _, r := range records {
		m, err := p.decoder.Message(r.Value)
		if err != nil {
			p.metrics.unreadable.Inc()
			if err := p.refuse(r, err); err != nil {
				return nil, err
			}
			continue
		}
		p.homes.Apply(&m)
	}
	p.metrics.messages.Add(float64(len(records)))
	p.homes.Flush(p)
	p.measure()
	return p.out.list(), p.out.err
}

// Message is called by Flush; see conversation.Output.
func (p *partition) Message(m *conversation.Routed) {
	p.metrics.handed.Inc()
	p.out.add(p.byPerson, m.Key[:], func(dst []byte) ([]byte, error) { return m.Message.Append(dst), nil })
}

// Conversation is called by Flush; see conversation.Output.
func (p *partition) Conversation(c *words.Conversation) {
	p.metrics.conversations.Inc()
	p.out.add(p.conversations, c.ID[:], c.Append)
}

// Member is called by Flush; see conversation.Output.
func (p *partition) Member(m *words.Member) {
	p.metrics.members.Inc()
	p.out.add(p.members, m.Stub.Key[:], func(dst []byte) ([]byte, error) { return m.Append(dst), nil })
}

// defaultWorkspace gets the dead letters of records that do not even say whose they are.
const defaultWorkspace = "default"

// refuse adds the dead letter of a record that cannot be read. Its id and time come from the record, so that the
// letter of a batch that is done again is the same one.
func (p *partition) refuse(r *kafka.Record, why error) error {
	position := fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
	letter := touchpoint.NewRejected(defaultWorkspace, touchpoint.SourceLog, position, r.Timestamp.UnixMilli(), r.Value,
		&touchpoint.FieldError{Reason: why.Error()})
	p.out.add(p.rejected, []byte(position), letter.Append)
	return p.out.err
}

func (p *partition) measure() {
	s := p.homes.Stats()
	p.metrics.persons.WithLabelValues(p.label).Set(float64(s.Persons))
	p.metrics.stubs.WithLabelValues(p.label).Set(float64(s.Stubs))
	p.metrics.kept.WithLabelValues(p.label).Set(float64(s.Kept))
	p.metrics.regrouped.WithLabelValues(p.label).Set(float64(s.Regrouped))
}
