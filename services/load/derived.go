package load

import (
	"context"
	"errors"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
)

// derived is the work of the lane of a derived topic: all its partitions share a block. Its rows carry versions that
// come from the log, so that to write them again, also by a zombie, changes nothing: no plan and no token is needed.
// A token would do harm: ClickHouse notes it down before the part is in place, and a server that is
// killed in between refuses the block for ever after without having it.
type derived struct {
	l    *loader
	pool *blockPool
	done func(rows int) // after rows of it are in
}

func (d *derived) newBlock() *block { return d.pool.get() }
func (d *derived) recycle(b *block) { d.pool.put(b) }

func (d *derived) open(context.Context, *lane) error { return nil }

func (d *derived) fill(b *block, records []*kafka.Record, end int64) error {
	for _, r := range records {
		b.count(r)
		b.next[kafka.TopicPartition{Topic: r.Topic, Partition: r.Partition}] = progress{r.Offset + 1, end}
		if err := b.derived.add(r); err != nil {
			b.unreadable++
			why := &touchpoint.FieldError{Reason: err.Error()}
			if err := b.refuse(d.l.rejected, r, touchpoint.SourceLog, workspace.Default, "", why); err != nil {
				return err
			}
		}
		b.behind = end - r.Offset
	}
	return nil
}

func (d *derived) land(ctx context.Context, b *block) error {
	if err := d.l.produce(ctx, b.letters); err != nil {
		return err
	}
	if b.rows() > 0 {
		for _, t := range b.derived.tables() {
			if err := d.l.insertReplacing(ctx, t); err != nil {
				return err
			}
		}
		if d.done != nil {
			d.done(b.rows())
		}
	}
	d.l.metrics.landed(b)
	return d.commit(ctx, b.next)
}

// insertReplacing writes rows that may be written again.
func (l *loader) insertReplacing(ctx context.Context, t table) error {
	if t.rows() == 0 {
		return nil
	}
	_, err := l.insert(ctx, t, "", nil)
	if err == nil {
		l.metrics.rows.WithLabelValues(t.name).Add(float64(t.rows()))
	}
	return err
}

// commit makes the commits of a block, for partitions that are still ours: whoever has the others reads again what this
// block has.
func (d *derived) commit(ctx context.Context, all map[kafka.TopicPartition]progress) error {
	made := make(chan error, len(all))
	for p, at := range all {
		go func() {
			err := d.l.commits.until(ctx, kafka.Commit{TopicPartition: p, Offset: at.next}, func() bool { return d.l.owns(p) })
			if err == nil {
				d.l.metrics.lag.WithLabelValues(p.Topic, partitionLabel(p)).Set(float64(max(0, at.end-at.next)))
			}
			made <- err
		}()
	}
	var first error
	for range all {
		if err := <-made; err != nil && !errors.Is(err, kafka.ErrFenced) && first == nil {
			first = err
		}
	}
	return first
}

func (d *derived) idle(context.Context) error { return nil }
