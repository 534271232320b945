package identify

import (
	"strconv"
	"strings"

	"github.com/throughline/throughline/schemas/conversation"
	words "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// resolve is one partition of the links: all links of some workspaces.
type resolve struct {
	metrics *metrics
	label   string
	rules   *identity.Rules

	links, moves, edges, byPerson, rejected string // topics

	resolvers map[string]*identity.Resolver // by workspace
	out       outputs
	link      words.Link
	outcome   identity.Outcome
}

func newResolve(c *Config, m *metrics, partition int32) *resolve {
	return &resolve{
		metrics: m, label: strconv.Itoa(int(partition)), rules: c.Rules,
		links:     topic.Links.In(c.Generations),
		moves:     topic.Moves.In(c.Generations),
		edges:     topic.Edges.In(c.Generations),
		byPerson:  topic.ByPerson.In(c.Generations),
		rejected:  topic.Rejected.In(c.Generations),
		resolvers: map[string]*identity.Resolver{},
	}
}

// RestoreFrom is the input itself: the state is a function of the links before.
func (p *resolve) RestoreFrom() string { return p.links }

// Replay decides again what was decided before; what came of it is on the log already.
func (p *resolve) Replay(records []*kafka.Record, _ int64) error {
	for _, r := range records {
		if words.DecodeLink(r.Value, &p.link) == nil {
			p.apply(r)
		}
	}
	p.measure()
	return nil
}

// Process decides the next links.
func (p *resolve) Process(records []*kafka.Record) ([]*kafka.Record, error) {
	p.out.reset()
	for _, r := range records {
		if err := words.DecodeLink(r.Value, &p.link); err != nil {
			p.metrics.unreadable.Inc()
			if err := p.out.refuse(p.rejected, workspaceOf(r.Key), r, err); err != nil {
				return nil, err
			}
			continue
		}
		p.apply(r)
		if err := p.tell(); err != nil {
			return nil, err
		}
	}
	p.measure()
	return p.out.list(), nil
}

// apply leaves in p.outcome what p.link brings about.
func (p *resolve) apply(record *kafka.Record) {
	p.outcome.Moves, p.outcome.Edges = p.outcome.Moves[:0], p.outcome.Edges[:0]
	r, ok := p.resolvers[p.link.Workspace]
	if !ok {
		workspace := strings.Clone(p.link.Workspace) // the link's strings go with its record
		r = identity.NewResolver(workspace, p.rules)
		p.resolvers[workspace] = r
	}
	r.Apply(record.Offset, record.Timestamp.UnixMilli(), &p.link, &p.outcome)
}

// tell writes each move twice: for the store, and for the home of the anchor. Both carry the version, so that neither
// needs the other.
func (p *resolve) tell() error {
	for i := range p.outcome.Moves {
		m := &p.outcome.Moves[i]
		if _, err := p.out.add(p.moves, m.Anchor[:], func(dst []byte) ([]byte, error) { return words.Append(dst, m) }); err != nil {
			return err
		}
		message := conversation.Message{Moved: &conversation.Moved{
			Workspace: m.Workspace, Home: m.Home, Anchor: m.Anchor, Thread: m.Thread, Person: m.Person, Version: m.Version,
		}}
		if _, err := p.out.add(p.byPerson, m.Home[:], func(dst []byte) ([]byte, error) { return message.Append(dst), nil }); err != nil {
			return err
		}
	}
	for i := range p.outcome.Edges {
		e := &p.outcome.Edges[i]
		if _, err := p.out.add(p.edges, []byte(e.Workspace), func(dst []byte) ([]byte, error) { return words.Append(dst, e) }); err != nil {
			return err
		}
		p.metrics.edges.WithLabelValues(string(e.Decision)).Inc()
	}
	p.metrics.resolved.Inc()
	p.metrics.moves.Add(float64(len(p.outcome.Moves)))
	return nil
}

func (p *resolve) measure() {
	anchors, persons, bytes := 0, 0, 0
	for _, r := range p.resolvers {
		anchors += r.Anchors()
		persons += r.Persons()
		bytes += r.Bytes()
	}
	p.metrics.anchors.WithLabelValues(p.label).Set(float64(anchors))
	p.metrics.persons.WithLabelValues(p.label).Set(float64(persons))
	p.metrics.anchorBytes.WithLabelValues(p.label).Set(float64(bytes))
}
