package conversation

import (
	"fmt"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

const minute = hour / 60

// rounds is a chat in which the customer asks every ten minutes, and an agent answers the n-th time after 1 to 3 minutes. Then comes
// one more question, which nobody has answered.
func rounds(n int) (stubs []conversation.Stub, waited int64) {
	at := func(what string, i int, time int64, actor touchpoint.ActorType, direction touchpoint.Direction, kind string) {
		stubs = append(stubs, conversation.Stub{
			Workspace: "default", Key: touchpoint.KeyOf("default", fmt.Sprint(what, i)), Anchor: customerNamed("anna"), Time: time,
			Channel: "chat", Kind: kind, Actor: actor, Direction: direction, Threads: []conversation.Thread{threadNamed("session:long")},
		})
	}
	for i := range n {
		asked, takes := start+int64(i)*10*minute, int64(1+i%3)*minute
		at("ask", i, asked, touchpoint.Customer, touchpoint.Inbound, "message")
		at("answer", i, asked+takes, touchpoint.Agent, touchpoint.Outbound, "message")
		waited += takes
	}
	at("ask", n, start+int64(n)*10*minute, touchpoint.Customer, touchpoint.Inbound, "message")
	return stubs, waited
}

func talked(stubs []conversation.Stub, each bool) conversation.Conversation {
	h, out := NewHomes(registry.Default(), 0), collect()
	for i := range stubs {
		h.Apply(&conversation.Message{Stub: &stubs[i]})
		if each {
			h.Flush(out)
		}
	}
	h.Flush(out)
	return out.live()[0]
}

// TestLongConversations holds the sums of intervals against those that the rounds were made with.
func TestLongConversations(t *testing.T) {
	for _, n := range []int{80, 300} {
		stubs, waited := rounds(n)
		row := talked(stubs, true)
		last := start + int64(n)*10*minute
		var waits, pauses, later int64
		for _, w := range row.Waits[:len(row.Waits)-1] {
			waits += w.To - w.From
		}
		for _, p := range row.Pauses {
			pauses += p.To - p.From
		}
		for _, r := range row.LaterResponses {
			later += r
		}
		states := map[conversation.State]int64{}
		for i, s := range row.States[:len(row.States)-1] {
			states[s.State] += row.States[i+1].At - s.At
		}
		awaited := int64(n)*10*minute - waited
		for what, is := range map[string][2]int64{
			"waits": {waits, waited}, "pauses": {pauses, awaited}, "later responses": {later, waited - minute}, "number of waits": {int64(len(row.Waits)), int64(n + 1)},
			"waiting for us": {states[conversation.WaitingForUs], waited}, "waiting for the customer": {states[conversation.WaitingForCustomer], awaited},
			"the wait that goes on": {row.Waits[n].From - last, row.Waits[n].To}, "waiting since": {row.WaitingSince, last},
		} {
			if is[0] != is[1] {
				t.Errorf("%d rounds: %s: %d, want %d", n, what, is[0], is[1])
			}
		}
	}
}

// What goes on now is in the row, however much was before; and the row fits into a record.
func TestConversationsBeyondAllBounds(t *testing.T) {
	const n = 1500
	stubs, _ := rounds(n)
	long := ""
	for range touchpoint.MaxLabel {
		long += "\x01" // six bytes of JSON each
	}
	for i := range stubs {
		stubs[i].Team = fmt.Sprint(i) + long[:touchpoint.MaxLabel-4]
		for tag := range 4 {
			stubs[i].Tags = append(stubs[i].Tags, fmt.Sprint(i, tag)+long[:touchpoint.MaxTag-6])
		}
	}
	row := talked(stubs, false)
	if len(row.Waits) != conversation.MaxWaits+1 || len(row.Pauses) != conversation.MaxPauses || len(row.States) != conversation.MaxStates+2 || len(row.LaterResponses) != conversation.MaxLaterResponses {
		t.Errorf("%d waits, %d pauses, %d states, %d later responses", len(row.Waits), len(row.Pauses), len(row.States), len(row.LaterResponses))
	}
	last := start + n*10*minute
	if w := row.Waits[len(row.Waits)-1]; w.From != last || w.To != 0 || row.States[len(row.States)-1] != (conversation.StateSince{At: last, State: conversation.WaitingForUs}) {
		t.Errorf("the wait that goes on is %+v, since %v", w, time.UnixMilli(last))
	}
	if cut := row.States[conversation.MaxStates]; cut.State != "" || cut.At != start+conversation.MaxStates/2*10*minute {
		t.Errorf("what is beyond the bound began as %+v", cut)
	}
	row.Person = identity.PersonID(customerNamed("anna"))
	if data, err := row.Append(nil); err != nil || len(data) > 1_000_000-10_000 {
		t.Errorf("the row takes %d bytes: %v", len(data), err)
	}
}

// BenchmarkLongRow is one touchpoint of a conversation that is beyond all bounds: its row is written with everything in it.
func BenchmarkLongRow(b *testing.B) {
	stubs, _ := rounds(1100)
	h, out := NewHomes(registry.Default(), 0), &sink{}
	for i := range stubs {
		h.Apply(&conversation.Message{Stub: &stubs[i]})
	}
	h.Flush(out)
	row := talked(stubs, false)
	data, _ := row.Append(nil)
	one := stubs[len(stubs)-1]
	for i := 0; b.Loop(); i++ {
		one.Key, one.Time = touchpoint.KeyOf("default", fmt.Sprint("more", i)), one.Time+1
		h.Apply(&conversation.Message{Stub: &one})
		h.Flush(out)
	}
	b.ReportMetric(float64(len(data)), "B/row")
}
