package identify

import (
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// A touchpoint that cannot be read is refused by load as well: both must say whose it is by the same rule, or it is two dead letters, one of
// them in a workspace that does not exist.
func TestWhoseTheDeadLetterIs(t *testing.T) {
	c := DefaultConfig()
	for key, want := range map[string]string{"ours/1": "ours", "ours/1/2": "ours", "ours": "default", "/1": "default", "": "default"} {
		s := newStitch(&c, newMetrics(nil), 0)
		out, err := s.Process([]*kafka.Record{{Topic: string(topic.Touchpoints), Key: []byte(key), Value: []byte("nonsense")}})
		if err != nil || len(out) != 1 {
			t.Fatalf("%q: %v, %v", key, out, err)
		}
		letter, err := touchpoint.DecodeRejected(out[0].Value)
		if err != nil || letter.Workspace != want {
			t.Errorf("%q: %q, %v; want %q", key, letter.Workspace, err, want)
		}
	}
}
