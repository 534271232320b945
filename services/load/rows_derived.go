package load

import (
	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// rows are what the records of a derived topic become: rows that carry a version, so that to write them again changes
// nothing.
type rows interface {
	// add decodes a record and appends its rows; after an error nothing was appended.
	add(r *kafka.Record) error
	tables() []table
	reset()
}

// derivedRows makes the rows of each derived topic.
var derivedRows = map[topic.Name]func(clickhouse.Tables) rows{
	topic.Rejected:      func(t clickhouse.Tables) rows { return newRejectedRows(t) },
	topic.Moves:         func(t clickhouse.Tables) rows { return newMoveRows(t) },
	topic.Edges:         func(t clickhouse.Tables) rows { return newEdgeRows(t) },
	topic.Conversations: func(t clickhouse.Tables) rows { return newConversationRows(t) },
	topic.Members:       func(t clickhouse.Tables) rows { return newMemberRows(t) },
}

// rejectedRows are dead letters.
type rejectedRows struct {
	workspace, source, status                      store.DictionaryColumn
	id, position, touchpoint, field, reason, bytes store.StringColumn
	version                                        store.UInt64Column
	time                                           store.Int64Column
	table                                          table
}

func newRejectedRows(names clickhouse.Tables) *rejectedRows {
	t := &rejectedRows{}
	t.table = table{names.Rejected, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "id", Data: &t.id}, {Name: "version", Data: &t.version}, {Name: "time", Data: &t.time},
		{Name: "source", Data: &t.source}, {Name: "position", Data: &t.position}, {Name: "touchpoint", Data: &t.touchpoint},
		{Name: "field", Data: &t.field}, {Name: "reason", Data: &t.reason}, {Name: "bytes", Data: &t.bytes}, {Name: "status", Data: &t.status},
	}}
	return t
}

func (t *rejectedRows) add(r *kafka.Record) error {
	v, err := touchpoint.DecodeRejected(r.Value)
	if err != nil {
		return err
	}
	t.workspace.Append(v.Workspace)
	t.id.Append(v.ID)
	t.version.Append(v.Version)
	t.time.Append(min(max(v.Time, 0), maxTime))
	t.source.Append(v.Source)
	t.position.Append(v.Position)
	t.touchpoint.Append(v.Touchpoint)
	t.field.Append(v.Field)
	t.reason.Append(v.Reason)
	t.bytes.AppendBytes(v.Bytes)
	t.status.Append(v.Status)
	return nil
}

func (t *rejectedRows) tables() []table { return []table{t.table} }
func (t *rejectedRows) reset()          { resetAll(t.table.columns) }
