package load

import (
	"time"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// block is what some records in a row became: rows, dead letters, and the offsets to commit once those are safe. Its
// rows are either facts or derived.
type block struct {
	facts   *touchpointRows
	terms   *termRows // of the facts
	derived rows

	records int
	bytes   int       // of the records
	began   time.Time // when its first record came

	from, to int64                             // of a block of facts: its first and last offset
	next     map[kafka.TopicPartition]progress // of a derived block: what to commit
	letters  []*kafka.Record

	end    int64 // of a block of facts: the log's, when its last records were fetched
	behind int64 // how many records the log had after its last one

	duplicates, conflicts, unreadable int
}

// progress is how far a block has come in a partition.
type progress struct {
	next int64 // the offset to go on from
	end  int64 // the log's, when the records were fetched
}

func newFactsBlock(names clickhouse.Tables) *block {
	return &block{facts: newTouchpointRows(names), terms: newTermRows(names)}
}

func newDerivedBlock(rows rows) *block {
	return &block{derived: rows, next: map[kafka.TopicPartition]progress{}}
}

// rows is how many it has for its first table.
func (b *block) rows() int {
	if b.facts != nil {
		return b.facts.table.rows()
	}
	return b.derived.tables()[0].rows()
}

func (b *block) reset() {
	if b.facts != nil {
		b.facts.reset()
		b.terms.reset()
	} else {
		b.derived.reset()
	}
	clear(b.next)
	*b = block{facts: b.facts, terms: b.terms, derived: b.derived, next: b.next}
}

// count notes that a record belongs to the block.
func (b *block) count(r *kafka.Record) {
	b.records++
	b.bytes += len(r.Key) + len(r.Value)
}

// refuse adds a dead letter. Its id and time come from the record, so that a block that is made again has the same.
func (b *block) refuse(topic string, r *kafka.Record, source, workspace, id string, why *touchpoint.FieldError) error {
	letter := touchpoint.NewRejected(workspace, source, kafka.Position(r), r.Timestamp.UnixMilli(), r.Value, why)
	letter.Touchpoint = id
	value, err := letter.Append(nil)
	if err != nil {
		return err
	}
	b.letters = append(b.letters, &kafka.Record{Topic: topic, Key: []byte(letter.Position), Value: value})
	return nil
}
