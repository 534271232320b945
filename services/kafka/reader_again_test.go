package kafka

import (
	"context"
	"slices"
	"testing"
)

// told notes what a handler is told.
type told struct{ calls []string }

func (h *told) Assigned(_ context.Context, a Assignment) (int64, error) {
	h.calls = append(h.calls, "assigned")
	return a.From(), nil
}

func (h *told) Revoked(context.Context, []TopicPartition) { h.calls = append(h.calls, "revoked") }
func (h *told) Lost([]TopicPartition)                     { h.calls = append(h.calls, "lost") }

// A session can end between the assignment and the first fetch. The client then asks again, and says nothing of the loss; what somebody else
// committed meanwhile must be seen.
func TestPartitionAskedForAgainWasLost(t *testing.T) {
	h := &told{}
	r := &Reader{h: h, owned: map[TopicPartition]struct{}{}}
	at := TopicPartition{"facts", 1}
	for _, committed := range []int64{0, 100} {
		from, err := r.assign(t.Context(), Assignment{TopicPartition: at, Committed: committed, End: 200})
		if err != nil || from != committed {
			t.Errorf("begins at %d, %v; want %d", from, err, committed)
		}
	}
	if want := []string{"assigned", "lost", "assigned"}; !slices.Equal(h.calls, want) {
		t.Errorf("the handler was told %v, want %v", h.calls, want)
	}
}
