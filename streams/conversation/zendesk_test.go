package conversation

import (
	"encoding/csv"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// TestZendeskStatuses tells the statuses of the one ticket of the Zendesk export whose history is whole, and compares the time in each with
// what its dates say: open and on hold the customer waits for us, pending we wait for the customer.
func TestZendeskStatuses(t *testing.T) {
	f, err := os.Open("../../../shared/data/dbt-zendesk-seeds/ticket_field_history_data.csv")
	if err != nil {
		t.Skipf("the Zendesk export is not here: %v", err)
	}
	defer func() { _ = f.Close() }()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{
		"open": "message", "on-hold": "conversation.reopened", "pending": "conversation.waiting_for_customer",
		"solved": "conversation.resolved", "closed": "conversation.closed",
	}
	var stubs []conversation.Stub
	for _, line := range lines[1:] {
		field, ticket, updated, status := line[0], line[1], line[2], line[5]
		if field != "status" || ticket != "11071" {
			continue
		}
		at, err := time.Parse(time.DateTime, updated)
		if err != nil || kinds[status] == "" {
			t.Fatalf("%q: %v", line, err)
		}
		stubs = append(stubs, conversation.Stub{
			Workspace: "default", Key: touchpoint.KeyOf("default", updated), Anchor: identity.AnchorOf("default", "customer_id", "2222"), Time: at.UnixMilli(),
			Channel: "web", Direction: touchpoint.Inbound, Actor: touchpoint.Customer, Kind: kinds[status], Threads: []conversation.Thread{threadOf(ticket, "ticket")},
		})
	}
	h, out := NewHomes(registry.Default(), 0), collect()
	for i := range slices.Backward(stubs) { // in whatever order
		h.Apply(&conversation.Message{Stub: &stubs[i]})
	}
	h.Flush(out)
	rows := out.live()
	if len(rows) != 1 {
		t.Fatalf("%d conversations", len(rows))
	}
	days := map[conversation.State]int64{}
	for i, s := range rows[0].States[:len(rows[0].States)-1] {
		days[s.State] += (rows[0].States[i+1].At - s.At) / (24 * hour)
	}
	for state, want := range map[conversation.State]int64{
		conversation.WaitingForUs: 1 + 3 + 15 + 14 + 2 + 3 + 12, conversation.WaitingForCustomer: 4 + 10 + 1 + 13, conversation.Resolved: 1, conversation.Open: 0,
	} {
		if days[state] != want {
			t.Errorf("%s: %d days, want %d", state, days[state], want)
		}
	}
	if rows[0].State != conversation.Closed || *rows[0].Resolution != 78*24*hour {
		t.Errorf("in the end %s, after %d h", rows[0].State, *rows[0].Resolution/hour)
	}
}
