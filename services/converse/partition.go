package converse

import (
	"fmt"
	"strconv"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
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
	out     kafka.Outputs
	failed  error // the first of the batch, which is not sent then
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
	p.out.Reset()
	p.failed = nil
	for _, r := range records {
		m, err := p.decoder.Message(r.Value)
		if err != nil {
			p.metrics.unreadable.Inc()
			p.refuse(r, err)
			continue
		}
		p.homes.Apply(&m)
	}
	p.metrics.messages.Add(float64(len(records)))
	p.homes.Flush(p)
	p.measure()
	return p.out.List(), p.failed
}

// Message is called by Flush; see conversation.Output.
func (p *partition) Message(m *conversation.Routed) {
	p.metrics.handed.Inc()
	p.add(p.byPerson, m.Key[:], func(dst []byte) ([]byte, error) { return m.Message.Append(dst), nil })
}

// Conversation is called by Flush; see conversation.Output.
func (p *partition) Conversation(c *words.Conversation) {
	p.metrics.conversations.Inc()
	p.add(p.conversations, c.ID[:], c.Append)
}

// Member is called by Flush; see conversation.Output.
func (p *partition) Member(m *words.Member) {
	p.metrics.members.Inc()
	p.add(p.members, m.Stub.Key[:], func(dst []byte) ([]byte, error) { return m.Append(dst), nil })
}

// refuse adds the dead letter of a record that cannot be read, which does not even say whose it is. Its id and time come from the record, so
// that the letter of a batch that is done again is the same one.
func (p *partition) refuse(r *kafka.Record, why error) {
	position := kafka.Position(r)
	letter := touchpoint.NewRejected(workspace.Default, touchpoint.SourceLog, position, r.Timestamp.UnixMilli(), r.Value,
		&touchpoint.FieldError{Reason: why.Error()})
	p.add(p.rejected, []byte(position), letter.Append)
}

func (p *partition) add(topic string, key []byte, value func(dst []byte) ([]byte, error)) {
	if _, err := p.out.Add(topic, key, value); err != nil && p.failed == nil {
		p.failed = fmt.Errorf("converse: %w", err)
	}
}

func (p *partition) measure() {
	s := p.homes.Stats()
	p.metrics.persons.WithLabelValues(p.label).Set(float64(s.Persons))
	p.metrics.stubs.WithLabelValues(p.label).Set(float64(s.Stubs))
	p.metrics.kept.WithLabelValues(p.label).Set(float64(s.Kept))
	p.metrics.regrouped.WithLabelValues(p.label).Set(float64(s.Regrouped))
}
