package identify

import (
	"bytes"
	"fmt"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// outputs are the records that a batch gives. Their memory is used again by the next batch.
type outputs struct {
	bytes   []byte // keys and values; when it grows, records before that keep pointing into the old one
	records []*kafka.Record
	made    int
}

func (o *outputs) reset() {
	o.bytes, o.made = o.bytes[:0], 0
}

func (o *outputs) list() []*kafka.Record { return o.records[:o.made] }

// add makes a record of the key and what value appends.
func (o *outputs) add(topic string, key []byte, value func(dst []byte) ([]byte, error)) (*kafka.Record, error) {
	from := len(o.bytes)
	o.bytes = append(o.bytes, key...)
	middle := len(o.bytes)
	var err error
	if o.bytes, err = value(o.bytes); err != nil {
		return nil, err
	}
	if o.made == len(o.records) {
		o.records = append(o.records, new(kafka.Record))
	}
	r := o.records[o.made]
	o.made++
	to := len(o.bytes)
	*r = kafka.Record{Topic: topic, Key: o.bytes[from:middle:middle], Value: o.bytes[middle:to:to]}
	return r, nil
}

// refuse adds the dead letter of a record that cannot be used. Its id and time come from the record, so that the letter
// of a batch that is done again, or of another reader of the topic, is the same one.
func (o *outputs) refuse(topic, workspace string, r *kafka.Record, why error) error {
	position := fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
	letter := touchpoint.NewRejected(workspace, touchpoint.SourceLog, position, r.Timestamp.UnixMilli(), r.Value,
		&touchpoint.FieldError{Reason: why.Error()})
	_, err := o.add(topic, []byte(position), letter.Append)
	return err
}

// defaultWorkspace gets the dead letters of records that do not even say whose they are.
const defaultWorkspace = "default"

// workspaceOf reads the workspace off the key of a record whose value cannot be read.
func workspaceOf(key []byte) string {
	workspace, _, _ := bytes.Cut(key, []byte{'/'})
	if len(workspace) == 0 {
		return defaultWorkspace
	}
	return string(workspace)
}
