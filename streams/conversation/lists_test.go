package conversation

import (
	"fmt"
	"testing"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// A stub that comes again takes no more memory: a log that is not compacted, and one that is read again, have many of them.
func TestAStubThatComesAgainTakesNothing(t *testing.T) {
	h := NewHomes(registry.Default(), 0)
	var size int
	for round := range 3 {
		for i := range 100 {
			said := touchpoint.Touchpoint{ID: fmt.Sprint(i), Time: start + int64(i), Channel: "email", Kind: "message", Actor: touchpoint.Actor{Type: touchpoint.Customer}}
			for j := range 1 + i%touchpoint.MaxThreads {
				said.Thread = append(said.Thread, fmt.Sprintf("ticket:%d-%d", i, j))
			}
			s := conversation.StubOf("default", touchpoint.KeyOf("default", said.ID), identity.AnchorOf("default", "email", "a@example.com"), &said)
			h.Apply(&conversation.Message{Stub: &s})
			n := h.compact(&s, 0)
			for j, number := range h.threadsOf(&n) {
				if h.threads.values[number] != s.Threads[j].Anchor {
					t.Fatalf("thread %d of stub %d is another", j, i)
				}
			}
		}
		if round == 0 {
			size = len(h.lists.all)
		} else if len(h.lists.all) != size {
			t.Fatalf("in round %d the lists are %d long, they were %d", round, len(h.lists.all), size)
		}
	}
}
