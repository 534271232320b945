package kafka

import (
	"bytes"
	"testing"
)

// What a large batch took is let go: a stage has one such memory for each of its partitions.
func TestOutputsLetGoOfWhatALargeBatchTook(t *testing.T) {
	var o Outputs
	large := bytes.Repeat([]byte("x"), maxIdle+1)
	add := func(value []byte) *Record {
		r, err := o.Add("t", []byte("k"), func(dst []byte) ([]byte, error) { return append(dst, value...), nil })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	add([]byte("small"))
	add(large)
	o.Reset()
	if r := add([]byte("small")); string(r.Key) != "k" || string(r.Value) != "small" || len(o.List()) != 1 {
		t.Errorf("%q %q of %d", r.Key, r.Value, len(o.List()))
	}
	for _, r := range o.records {
		if cap(r.Value) > maxIdle {
			t.Error("a record of the batch before keeps its memory")
		}
	}
	if cap(o.bytes) > maxIdle {
		t.Error("the memory is kept")
	}
}
