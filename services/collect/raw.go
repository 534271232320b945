package collect

import (
	"context"
	"fmt"
	"strconv"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
)

// Group is the consumer group of touchpoints.raw.
const Group = "collect"

// WorkspaceHeader names the workspace on a record of touchpoints.raw; without it the default one is meant.
const WorkspaceHeader = "workspace"

// Run judges what outside producers write to touchpoints.raw, until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	stage := c.config.Stage
	stage.Kafka, stage.Group, stage.Topic, stage.Registerer = c.config.Kafka, Group, string(topic.Raw), c.config.Registerer
	stage.New = func(context.Context, int32) (kafka.Partition, error) {
		return &rawPartition{c: c, batch: c.newBatch(workspace.Default, touchpoint.SourceRaw)}, nil
	}
	if err := kafka.RunStage(ctx, stage); err != nil {
		return fmt.Errorf("collect: raw: %w", err)
	}
	return nil
}

// rawPartition judges one partition. Its batch is used again for every call: by then the log has the last one's records.
type rawPartition struct {
	c     *Collector
	batch *batch
}

// Process makes touchpoints and dead letters of records.
func (p *rawPartition) Process(records []*kafka.Record) ([]*kafka.Record, error) {
	b := p.batch
	b.reset()
	b.now = p.c.config.Now().UnixMilli()
	b.options.Now = b.now
	for _, r := range records {
		b.raw(r)
	}
	p.c.metrics.of(b.source).count(b)
	return b.outputs(), nil
}

// raw judges one record: a touchpoint, or a CloudEvent around one as the Kafka protocol binding has it. An absent id is that of the record's place, an absent time that of the record: both are the
// same when the record is judged again after a crash.
func (b *batch) raw(r *kafka.Record) {
	position := kafka.Position(r)
	b.position = position
	b.of(workspace.Default)
	for _, h := range r.Headers {
		if h.Key != WorkspaceHeader {
			continue
		}
		name := string(h.Value)
		if err := workspace.ValidName(name); err != nil {
			b.refuse(r.Value, &touchpoint.FieldError{Field: "header " + WorkspaceHeader, Reason: err.Error()})
			return
		}
		if knows := b.c.config.Knows; name != workspace.Default && knows != nil && !knows(name) {
			// Nobody could see it there: whoever runs the installation finds it among the dead letters of workspace default.
			b.refuse(r.Value, &touchpoint.FieldError{Field: "header " + WorkspaceHeader, Reason: fmt.Sprintf("there is no workspace %s: nobody has ever had a key for it; make one (keys create) and send this again", name)})
			return
		}
		b.of(name)
	}
	if len(r.Value) == 0 {
		b.refuse(r.Value, &touchpoint.FieldError{Reason: "the record is empty; want a touchpoint"})
		return
	}
	b.options.Carrier = touchpoint.Carrier{ID: position}
	// A clock that is wrong by more than a day says nothing.
	if at := r.Timestamp.UnixMilli(); at > 0 && at <= b.now+touchpoint.MaxAhead.Milliseconds() {
		b.options.Carrier.Time = millis(at)
	}
	switch e, binary := recordEvent(r.Headers); {
	case binary:
		b.binary(&e, nil, r.Value)
	case isEventType(e.MediaType):
		b.event(r.Value)
	default:
		b.one(r.Value)
	}
}

func millis(ms int64) string { return strconv.FormatInt(ms, 10) }
