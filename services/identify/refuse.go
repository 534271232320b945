package identify

import (
	"cmp"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
)

// refuse adds the dead letter of a record that cannot be used, of workspace default when nothing says whose it is. Its id and time come
// from the record, so that the letter of a batch that is done again, or of another reader of the topic, is the same one.
func refuse(out *kafka.Outputs, topic, of string, r *kafka.Record, why error) error {
	position := kafka.Position(r)
	letter := touchpoint.NewRejected(cmp.Or(of, workspace.Default), touchpoint.SourceLog, position, r.Timestamp.UnixMilli(), r.Value,
		&touchpoint.FieldError{Reason: why.Error()})
	_, err := out.Add(topic, []byte(position), letter.Append)
	return err
}
