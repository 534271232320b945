package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
)

// facts is the work of the lane of one partition of topic touchpoints. Facts have no version: each row must be written
// once, so a block is planned in the offset commit before it is inserted, and carries a token that names its range.
//
// The fingerprints decide what is in a block. They are those of the rows below the block, as the store has them, so that
// a block that is made again after a crash is the same block.
type facts struct {
	l    *loader
	pool *blockPool
	kafka.TopicPartition

	position  int64 // all below it has landed
	committed int64 // the offset committed last; -1: none
	consumed  int64 // the next offset to build with
	replay    bool  // [position, consumed) was planned by a predecessor

	fingerprints *touchpoint.Seen
	known        knownTerms
	scratch      fact
}

func (f *facts) newBlock() *block { return f.pool.get() }
func (f *facts) recycle(b *block) { f.pool.put(b) }

// open restores the fingerprints below position, and lands [position, consumed) before anything else: what a
// predecessor had planned, or what was built on fingerprints that turned out to be wrong.
func (f *facts) open(ctx context.Context, _ *lane) error {
	f.l.metrics.pending.WithLabelValues(partitionLabel(f.TopicPartition)).Set(0)
	seen, err := f.l.restore(ctx, f.Partition, f.position)
	if err != nil {
		return err
	}
	f.fingerprints, f.known = seen, newKnownTerms()
	if f.consumed > f.position {
		b := f.newBlock()
		defer f.pool.put(b)
		end := f.consumed
		f.consumed = f.position
		err := f.l.ranges.ReadRange(ctx, f.Topic, f.Partition, f.position, end, func(rs []*kafka.Record) error {
			return f.fill(b, rs, end)
		})
		if err != nil {
			return fmt.Errorf("load: read the planned block again: %w", err)
		}
		f.consumed, b.to = end, end-1
		select {
		case f.l.pace.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		err = f.land(ctx, b)
		<-f.l.pace.slots
		if err != nil {
			return err
		}
	}
	f.l.reader.Resume(f.TopicPartition)
	return f.idle(ctx)
}

func (f *facts) fill(b *block, records []*kafka.Record, end int64) error {
	for _, r := range records {
		if r.Offset < f.consumed {
			continue // fetched again after a pause
		}
		if b.records == 0 {
			b.from = f.consumed
		}
		b.count(r)
		b.to, f.consumed = r.Offset, r.Offset+1
		if err := f.add(b, r); err != nil {
			return err
		}
	}
	b.end, b.behind = end, end-f.consumed
	f.l.metrics.fingerprints.WithLabelValues(partitionLabel(f.TopicPartition)).Set(float64(f.fingerprints.Bytes()))
	return nil
}

// add makes a record a row, or a dead letter, or counts it as a duplicate.
func (f *facts) add(b *block, r *kafka.Record) error {
	if err := f.scratch.decode(r); err != nil {
		b.unreadable++
		return b.refuse(f.l.rejected, r, touchpoint.SourceLog, workspaceOf(r), "", &touchpoint.FieldError{Reason: err.Error()})
	}
	e := &f.scratch.envelope
	switch f.fingerprints.Judge(touchpoint.FingerprintOf(f.scratch.key, e.Content)) {
	case touchpoint.New:
		b.facts.add(&f.scratch, r)
		b.terms.add(&f.scratch, f.known)
	case touchpoint.Duplicate:
		b.duplicates++
	case touchpoint.Conflict:
		b.conflicts++
		return f.conflict(b, r)
	}
	return nil
}

// conflict refuses another touchpoint under a used id. What the client sent is kept, not the envelope around it.
func (f *facts) conflict(b *block, r *kafka.Record) error {
	e := f.scratch.envelope
	sent := *r
	sent.Value = e.Payload
	why := &touchpoint.FieldError{Field: "id", Reason: "was used before for a touchpoint with other content"}
	return b.refuse(f.l.rejected, &sent, touchpoint.SourceConflict, e.Workspace, e.ID, why)
}

// land plans the block, sends its dead letters, inserts it, and leaves the commit of its end to the next plan, or to idle.
func (f *facts) land(ctx context.Context, b *block) error {
	if err := f.l.produce(ctx, b.letters); err != nil {
		return err
	}
	if b.rows() > 0 {
		pending := f.l.metrics.pending.WithLabelValues(partitionLabel(f.TopicPartition))
		pending.Set(float64(b.rows()))
		terms := make(chan error, 1)
		go func() { terms <- f.l.insertReplacing(ctx, b.terms.table) }()
		err := f.write(ctx, b)
		if failed := <-terms; failed != nil {
			return failed
		}
		pending.Set(0)
		if errors.Is(err, errContent) {
			if err = f.salvage(ctx, b, err); err == nil {
				// The fingerprints know rows that the store does not have.
				f.position, f.replay = b.to+1, false
				return errAgain
			}
		}
		if err != nil {
			return err
		}
		f.l.metrics.rows.WithLabelValues(f.l.tables.Touchpoints).Add(float64(b.rows()))
		f.l.metrics.newestVisible(b.facts.newest)
	}
	f.position, f.replay = b.to+1, false
	f.l.metrics.landed(b)
	f.l.metrics.lag.WithLabelValues(f.Topic, partitionLabel(f.TopicPartition)).Set(float64(max(0, b.end-f.position)))
	return nil
}

// write inserts the rows of the block under the token of its range.
func (f *facts) write(ctx context.Context, b *block) error {
	uncertain, err := f.l.insert(ctx, b.facts.table, token(f.Topic, f.Partition, b.from, b.to), f.fence(b))
	if err != nil {
		return err
	}
	if uncertain || f.replay {
		return f.verify(ctx, b)
	}
	return nil
}

// fence commits the plan of the block before a try to insert it, again when the last commit is old. A process that has
// slept through its session learns here that its partition is gone, and does not insert a block whose token the
// table may have forgotten.
func (f *facts) fence(b *block) func(context.Context) error {
	var planned time.Time
	p := plan{planVersion, [2]int64{b.from, b.to}}.metadata()
	return func(ctx context.Context) error {
		if !planned.IsZero() && time.Since(planned) < f.l.cfg.PlanAge {
			return nil
		}
		for {
			started := time.Now()
			if err := f.commit(ctx, b.from, p); err != nil {
				return err
			}
			if time.Since(started) < f.l.cfg.PlanAge {
				planned = started
				return nil
			}
		}
	}
}

// idle commits what has landed, when no next plan is there to do it.
func (f *facts) idle(ctx context.Context) error {
	if f.committed == f.position {
		return nil
	}
	return f.commit(ctx, f.position, "")
}

func (f *facts) commit(ctx context.Context, offset int64, metadata string) error {
	err := f.l.commits.until(ctx, kafka.Commit{TopicPartition: f.TopicPartition, Offset: offset, Metadata: metadata}, func() bool { return f.l.owns(f.TopicPartition) })
	switch {
	case err == nil:
		if metadata == "" {
			f.committed = offset
		}
	case errors.Is(err, kafka.ErrFenced):
		// Lost is on its way, and ends the lane.
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// workspaceOf is whose a record is whose value cannot be read; the default one gets what does not even say that.
func workspaceOf(r *kafka.Record) string {
	return cmp.Or(touchpoint.WorkspaceOfKey(r.Key), workspace.Default)
}
