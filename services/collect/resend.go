package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// ErrResent is returned by Resend for a dead letter that was resent before.
var ErrResent = errors.New("collect: this dead letter was resent already")

// Resend judges a dead letter again, with body in place of its bytes unless body is empty. When it is good now, the
// touchpoint is appended and the dead letter marked as resent; the touchpoint's id is returned. When it is still bad
// the error is a *touchpoint.FieldError and nothing changes. Errors of the log are those of kafka.Producer.
func (c *Collector) Resend(ctx context.Context, workspace string, r touchpoint.Rejected, body []byte) (id string, err error) {
	if r.Status == touchpoint.Resent {
		return "", ErrResent
	}
	if r.Workspace != workspace {
		return "", fmt.Errorf("collect: resend: the dead letter belongs to another workspace")
	}
	if len(body) == 0 {
		body = r.Bytes
	}
	b := c.newBatch(workspace, touchpoint.SourceHTTP)
	carrier := carrierOf(r)
	data := body
	if isEvent(body) {
		e, why := parseEvent(body)
		if why != nil {
			return "", why
		}
		carrier, data = e.carrier(), e.Data
	}
	id, why := b.judge(data, carrier)
	if why != nil {
		return "", why
	}
	r.Version++
	r.Status, r.Touchpoint = touchpoint.Resent, id
	value, err := r.Append(nil)
	if err != nil {
		return "", err
	}
	b.records = append(b.records, kafka.Record{Topic: string(topic.Rejected), Key: []byte(r.ID), Value: value})
	if err := b.append(ctx); err != nil {
		return "", fmt.Errorf("collect: resend: %w", err)
	}
	c.metrics.of(b.source).count(b)
	return id, nil
}

// carrierOf is what a dead letter says of its touchpoint: one without a time happened about when it was refused, and
// one from touchpoints.raw without an id has that of its position.
func carrierOf(r touchpoint.Rejected) touchpoint.Carrier {
	carrier := touchpoint.Carrier{Time: millis(r.Time)}
	if r.Source == touchpoint.SourceRaw {
		carrier.ID = r.Position
	}
	return carrier
}
