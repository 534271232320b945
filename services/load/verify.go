package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// verify makes sure that all rows of a block are in the table, after an insert whose first try may have died on
// the way. ClickHouse notes a token down before it puts the part in its place; a server that is killed between the two
// says ever after that it has seen the block, without having it. So after a doubt the rows are counted, and what
// is not there is inserted under a token of its own.
func (f *facts) verify(ctx context.Context, b *block) error {
	for round := 1; ; round++ {
		missing, err := f.missing(ctx, b)
		if err != nil || len(missing) == 0 {
			return err
		}
		if round <= verifyRounds {
			// The doubtful try may still be about to put its part in place.
			if !sleep(ctx, verifyWait) {
				return ctx.Err()
			}
			continue
		}
		f.l.cfg.Logger.Warn("the store lost rows of an insert it had acknowledged; inserting them again",
			"topic", f.Topic, "partition", f.Partition, "from", b.from, "to", b.to, "rows", len(missing))
		f.l.metrics.repaired.Add(float64(len(missing)))
		t := token(f.Topic, f.Partition, b.from, b.to) + fmt.Sprintf(":missing%d", round-verifyRounds)
		if _, _, err := f.insertOnly(ctx, b, missing, t); err != nil {
			return err
		}
	}
}

const (
	verifyRounds = 3
	verifyWait   = 500 * time.Millisecond
)

// missing returns the offsets of the block that the table does not have.
func (f *facts) missing(ctx context.Context, b *block) ([]int64, error) {
	params := clickhouse.Params{"p": f.Partition, "from": b.from, "to": b.to,
		"earliest": b.facts.earliest, "latest": b.facts.latest}
	query := "SELECT _offset FROM " + clickhouse.QuoteName(f.l.tables.Touchpoints) + ` WHERE _partition = {p:Int32} AND _offset BETWEEN {from:Int64} AND {to:Int64}
		AND time BETWEEN fromUnixTimestamp64Milli({earliest:Int64}) AND fromUnixTimestamp64Milli({latest:Int64})`
	have := make(map[int64]struct{}, b.rows())
	err := f.l.query(ctx, query, params, func(rows *clickhouse.Rows) error {
		clear(have)
		for rows.Next() {
			var offset int64
			if err := rows.Scan(&offset); err != nil {
				return err
			}
			have[offset] = struct{}{}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	var missing []int64
	for _, offset := range b.facts.offset {
		if _, ok := have[offset]; !ok {
			missing = append(missing, offset)
		}
	}
	return missing, nil
}

// salvage finds the rows for which ClickHouse refused the block, makes them dead letters, and inserts the others. Each
// part has a token that its range gives, so that a salvage that is done again after a crash writes nothing twice.
func (f *facts) salvage(ctx context.Context, b *block, why error) error {
	f.l.cfg.Logger.Error("ClickHouse refused a block; looking for the rows", "topic", f.Topic, "partition", f.Partition, "from", b.from, "to", b.to, "err", why)
	return f.salvagePart(ctx, b, b.facts.offset, why)
}

func (f *facts) salvagePart(ctx context.Context, b *block, offsets []int64, why error) error {
	if len(offsets) == 1 {
		return f.bury(ctx, offsets[0], why)
	}
	for _, half := range [][]int64{offsets[:len(offsets)/2], offsets[len(offsets)/2:]} {
		first, last := half[0], half[len(half)-1]
		t := token(f.Topic, f.Partition, b.from, b.to) + fmt.Sprintf("/%d-%d", first, last)
		part, uncertain, err := f.insertOnly(ctx, b, half, t)
		switch {
		case errors.Is(err, errContent):
			err = f.salvagePart(ctx, b, half, err)
		case err == nil && (uncertain || f.replay):
			err = f.verify(ctx, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bury makes a dead letter of a record whose row ClickHouse refuses.
func (f *facts) bury(ctx context.Context, offset int64, why error) error {
	f.l.metrics.unreadable.Inc()
	return f.l.ranges.ReadRange(ctx, f.Topic, f.Partition, offset, offset+1, func(rs []*kafka.Record) error {
		b := block{}
		for _, r := range rs {
			var known fact
			id := ""
			if known.decode(r) == nil {
				id = known.envelope.ID
			}
			reason := "the store refuses it"
			var refused *clickhouse.Error
			if errors.As(why, &refused) {
				reason += ": " + refused.Message
			}
			if err := b.refuse(f.l.rejected, r, touchpoint.SourceLog, workspaceOf(r), id, &touchpoint.FieldError{Reason: reason}); err != nil {
				return err
			}
		}
		return f.l.produce(ctx, b.letters)
	})
}

// insertOnly makes some rows of a block again, from the log, and inserts them.
func (f *facts) insertOnly(ctx context.Context, b *block, offsets []int64, token string) (part *block, uncertain bool, err error) {
	part = &block{facts: newTouchpointRows(f.l.tables), from: offsets[0], to: offsets[len(offsets)-1]}
	var row fact
	at := 0
	err = f.l.ranges.ReadRange(ctx, f.Topic, f.Partition, part.from, part.to+1, func(rs []*kafka.Record) error {
		for _, r := range rs {
			if at == len(offsets) || r.Offset != offsets[at] {
				continue
			}
			at++
			if err := row.decode(r); err != nil {
				return fmt.Errorf("load: a record changed: %w", err)
			}
			part.facts.add(&row, r)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("load: read rows again: %w", err)
	}
	uncertain, err = f.l.insert(ctx, part.facts.table, token, f.fence(b))
	return part, uncertain, err
}
