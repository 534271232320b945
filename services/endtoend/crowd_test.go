package endtoend

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// crowd makes n touchpoints of a small crowd whose members come in under several identifiers and threads, so that people
// merge, threads change hands and conversations join. Their ids begin with the prefix; identifiers do not.
func crowd(seed uint64, prefix string, n int) []m {
	rng := rand.New(rand.NewPCG(seed, 7))
	channels := []string{"email", "chat", "phone", "whatsapp", "store"}
	kinds := []string{"message", "message", "message", "message", "conversation.resolved", "note", "page.viewed", "conversation.waiting_for_customer", "conversation.assigned"}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	out := make([]m, n)
	step := int64(30*24*time.Hour/time.Millisecond) / int64(n)
	moments := rng.Perm(n) // no two are at the same time: their order would be that of hashes, another in each workspace
	for i := range out {
		who := rng.IntN(max(2, n/40))
		t := m{
			"id": fmt.Sprint(prefix, i), "time": start + int64(moments[i])*step + rng.Int64N(step), "channel": channels[rng.IntN(len(channels))],
			"direction": "inbound", "kind": kinds[rng.IntN(len(kinds))], "actor": m{"type": "customer"},
			"topic": fmt.Sprintf("topic-%d", rng.IntN(5)), "team": fmt.Sprintf("team-%d", rng.IntN(4)),
			"tags": []string{fmt.Sprintf("tag-%d", rng.IntN(3))}, "text": fmt.Sprintf("number %d", i),
		}
		switch rng.IntN(5) {
		case 0, 1:
			t["direction"], t["actor"] = "outbound", m{"type": "agent", "id": fmt.Sprintf("agent-%d", rng.IntN(6)), "name": "Ada"}
		case 2:
			t["direction"], t["actor"] = "outbound", m{"type": "bot"}
		}
		var identifiers []m
		if rng.IntN(4) > 0 {
			identifiers = append(identifiers, m{"type": "email", "value": fmt.Sprintf("crowd-%d@example.com", who), "verified": true})
		}
		if rng.IntN(4) == 0 {
			identifiers = append(identifiers, m{"type": "customer_id", "value": fmt.Sprintf("K%d", who), "verified": true})
		}
		if rng.IntN(4) == 0 {
			identifiers = append(identifiers, m{"type": "cookie", "value": fmt.Sprintf("cookie-%d", who*3+rng.IntN(3)), "verified": true})
		}
		if len(identifiers) > 0 {
			t["identifiers"] = identifiers
		}
		switch {
		case len(identifiers) == 0 || rng.IntN(4) == 0:
			t["thread"] = []string{fmt.Sprintf("session:s%d-%d", who, rng.IntN(4))}
		case rng.IntN(3) == 0:
			t["thread"] = []string{fmt.Sprintf("ticket:t%d-%d", who, rng.IntN(3))}
		case rng.IntN(20) == 0:
			t["thread"] = []string{"ticket:shared"} // a thread of several customers
		}
		out[i] = t
	}
	return out
}
