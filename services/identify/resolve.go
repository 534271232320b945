package identify

import (
	"context"
	"log/slog"
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
	ctx       context.Context // ends when the partition is to be given up, and what takes long with it
	metrics   *metrics
	label     string
	partition int32
	rules     *identity.Rules // of workspaces that have none of their own
	history   kafka.Ranges    // reads the log of links once more
	produce   func(ctx context.Context, records []*kafka.Record) error
	log       *slog.Logger

	links, moves, edges, byPerson, rejected string // topics

	resolvers map[string]*identity.Resolver // by workspace
	inForce   map[string]*identity.Rules    // of workspaces that have rules of their own
	eras      map[string][]era              // of a workspace that is to be decided again; its resolver stands where the first begins
	committed int64                         // up to where the state was restored
	out       kafka.Outputs
	link      words.Link
	outcome   identity.Outcome
}

func newResolve(ctx context.Context, c *Config, m *metrics, partition int32, h kafka.Ranges, produce func(context.Context, []*kafka.Record) error) *resolve {
	return &resolve{
		ctx: ctx, metrics: m, label: strconv.Itoa(int(partition)), partition: partition, rules: c.Rules, log: c.Logger,
		history: h, produce: produce,
		links:     topic.Links.In(c.Generations),
		moves:     topic.Moves.In(c.Generations),
		edges:     topic.Edges.In(c.Generations),
		byPerson:  topic.ByPerson.In(c.Generations),
		rejected:  topic.Rejected.In(c.Generations),
		resolvers: map[string]*identity.Resolver{},
		inForce:   map[string]*identity.Rules{},
		eras:      map[string][]era{},
	}
}

// RestoreFrom is the input itself: the state is a function of the links before.
func (p *resolve) RestoreFrom() string { return p.links }

// Replay decides again what was decided before; what came of it is on the log already. A workspace whose rules were
// replaced waits from there on: when the last of its rules are known, its links are read again.
func (p *resolve) Replay(records []*kafka.Record, committed int64) error {
	p.committed = committed
	for _, r := range records {
		if words.DecodeLink(r.Value, &p.link) != nil {
			continue
		}
		if p.link.Kind == words.LinkRules {
			p.learnOfRules(r)
		} else if len(p.eras[p.link.Workspace]) == 0 {
			p.apply(r)
			p.outcome.Moves, p.outcome.Edges = p.outcome.Moves[:0], p.outcome.Edges[:0]
		}
	}
	if len(records) > 0 && records[len(records)-1].Offset+1 == committed {
		if err := p.catchUp(committed); err != nil {
			return err
		}
	}
	p.measure()
	return nil
}

// Process decides the next links.
func (p *resolve) Process(records []*kafka.Record) ([]*kafka.Record, error) {
	p.out.Reset()
	if err := p.catchUp(p.committed); err != nil { // nothing is left to do, unless the last links restored were none
		return nil, err
	}
	for _, r := range records {
		if err := p.decide(r); err != nil {
			return nil, err
		}
	}
	p.measure()
	return p.out.List(), nil
}

// decide makes the outputs of one record.
func (p *resolve) decide(r *kafka.Record) error {
	if err := words.DecodeLink(r.Value, &p.link); err != nil {
		p.metrics.unreadable.Inc()
		return refuse(&p.out, p.rejected, string(r.Key), r, err)
	}
	if p.link.Kind != words.LinkRules {
		p.apply(r)
	} else if err := p.replaceRules(r); err != nil {
		return err
	}
	p.metrics.resolved.Inc()
	return p.tell()
}

// apply leaves in p.outcome what p.link brings about.
func (p *resolve) apply(record *kafka.Record) {
	r, ok := p.resolvers[p.link.Workspace]
	if !ok {
		workspace := strings.Clone(p.link.Workspace) // the link's strings go with its record
		r = identity.NewResolver(workspace, p.rules)
		p.resolvers[workspace] = r
	}
	r.Apply(record.Offset, record.Timestamp.UnixMilli(), &p.link, &p.outcome)
}

// tell writes what is in p.outcome, and each move twice: for the store, and for the home of the anchor. Both carry the
// version, so that neither needs the other.
func (p *resolve) tell() error {
	for i := range p.outcome.Moves {
		m := &p.outcome.Moves[i]
		if _, err := p.out.Add(p.moves, m.Anchor[:], func(dst []byte) ([]byte, error) { return words.Append(dst, m) }); err != nil {
			return err
		}
		message := conversation.Message{Moved: &conversation.Moved{
			Workspace: m.Workspace, Home: m.Home, Anchor: m.Anchor, Thread: m.Thread, Person: m.Person, Version: m.Version,
		}}
		if _, err := p.out.Add(p.byPerson, m.Home[:], func(dst []byte) ([]byte, error) { return message.Append(dst), nil }); err != nil {
			return err
		}
	}
	for i := range p.outcome.Edges {
		e := &p.outcome.Edges[i]
		if _, err := p.out.Add(p.edges, []byte(e.Workspace), func(dst []byte) ([]byte, error) { return words.Append(dst, e) }); err != nil {
			return err
		}
		p.metrics.edges.WithLabelValues(string(e.Decision)).Inc()
	}
	p.metrics.moves.Add(float64(len(p.outcome.Moves)))
	p.outcome.Moves, p.outcome.Edges = p.outcome.Moves[:0], p.outcome.Edges[:0]
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
