package identify

import (
	"bytes"
	"fmt"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
)

// refuse adds the dead letter of a record that cannot be used. Its id and time come from the record, so that the letter
// of a batch that is done again, or of another reader of the topic, is the same one.
func refuse(out *kafka.Outputs, topic string, r *kafka.Record, why error) error {
	position := fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
	letter := touchpoint.NewRejected(workspaceOf(r.Key), touchpoint.SourceLog, position, r.Timestamp.UnixMilli(), r.Value,
		&touchpoint.FieldError{Reason: why.Error()})
	_, err := out.Add(topic, []byte(position), letter.Append)
	return err
}

// workspaceOf reads the workspace off the key of a record whose value cannot be read; the default one gets what does not even say that.
func workspaceOf(key []byte) string {
	name, _, _ := bytes.Cut(key, []byte{'/'})
	if len(name) == 0 {
		return workspace.Default
	}
	return string(name)
}
