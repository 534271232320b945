package conversation

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/oracle"
)

// TestRegroup compares with the definition: everybody's stubs, moved to one person or to several, some for a thread alone.
func TestRegroup(t *testing.T) {
	reg := registry.Default()
	naive := oracle.Conversations{Registry: reg, Window: DefaultWindow}
	rapid.Check(t, func(t *rapid.T) {
		var anchors []identity.Anchor
		var stubs []conversation.Stub
		for i := range rapid.IntRange(1, 4).Draw(t, "anchors") {
			a := identity.AnchorOf("default", "email", fmt.Sprintf("%d@example.com", i))
			anchors = append(anchors, a)
			stubs = append(stubs, history(t, a, 6)...)
		}
		threads := []conversation.Thread{threadOf("1", "ticket"), threadOf("a", "session"), threadOf("1", "order")}
		var moves []move
		for range rapid.IntRange(0, 6).Draw(t, "moves") {
			m := move{home: rapid.SampledFrom(anchors).Draw(t, "home"), person: rapid.SampledFrom(anchors).Draw(t, "person")}
			if rapid.Bool().Draw(t, "participation") {
				m.thread = rapid.SampledFrom(threads).Draw(t, "thread").Anchor
			}
			moves = append(moves, m)
		}
		out := collect()
		for _, person := range anchors {
			var own []conversation.Stub
			var parts []Part
			for _, s := range rapid.Permutation(stubs).Draw(t, "order") {
				switch owner, participation := owns(&s, moves); {
				case owner != person:
				case participation:
					parts = append(parts, Part{s, threadThatDecides(&s, moves)})
				default:
					own = append(own, s)
				}
			}
			story := Regroup(reg, 0, person, own, parts)
			for i := range story.Conversations {
				out.Conversation(&story.Conversations[i])
				if len(story.Of[story.Conversations[i].ID]) == 0 {
					t.Fatal("a conversation without touchpoints")
				}
				if i > 0 && story.Conversations[i-1].First > story.Conversations[i].First {
					t.Fatal("conversations out of order")
				}
			}
			for key, id := range story.Members {
				out.members[key] = conversation.Member{Conversation: id, Person: person}
			}
			n := 0
			for id, keys := range story.Of {
				n += len(keys)
				if keys[0] != touchpoint.Key(id) {
					t.Fatalf("conversation %s begins with %s", id, keys[0])
				}
			}
			if n != len(story.Members) {
				t.Fatalf("%d of %d members are listed", n, len(story.Members))
			}
		}
		compare(t, naive, out, stubs, moves)
	})
}

// threadThatDecides is the thread of the latest participation that applies to the stub.
func threadThatDecides(s *conversation.Stub, moves []move) (thread identity.Anchor) {
	for _, m := range moves {
		for _, carried := range s.Threads {
			if m.home == s.Anchor && carried.Anchor == m.thread {
				thread = m.thread
			}
		}
	}
	return thread
}
