package converse

import (
	"fmt"

	"github.com/throughline/throughline/services/kafka"
)

// outputs are the records that a batch gives. Their memory is used again by the next batch.
type outputs struct {
	bytes   []byte // keys and values; when it grows, records before that keep pointing into the old one
	records []*kafka.Record
	made    int
	err     error // the first; the batch is not sent then
}

// maxIdle is how much memory a batch may leave behind for the next.
const maxIdle = 16 << 20

func (o *outputs) reset() {
	if cap(o.bytes) > maxIdle {
		o.bytes = nil
	}
	o.bytes, o.made, o.err = o.bytes[:0], 0, nil
}

func (o *outputs) list() []*kafka.Record { return o.records[:o.made] }

// add makes a record of the key and what value appends.
func (o *outputs) add(topic string, key []byte, value func(dst []byte) ([]byte, error)) {
	from := len(o.bytes)
	o.bytes = append(o.bytes, key...)
	middle := len(o.bytes)
	out, err := value(o.bytes)
	if err != nil {
		if o.err == nil {
			o.err = fmt.Errorf("converse: %w", err)
		}
		o.bytes = o.bytes[:from]
		return
	}
	o.bytes = out
	if o.made == len(o.records) {
		o.records = append(o.records, new(kafka.Record))
	}
	r := o.records[o.made]
	o.made++
	to := len(out)
	*r = kafka.Record{Topic: topic, Key: out[from:middle:middle], Value: out[middle:to:to]}
}
