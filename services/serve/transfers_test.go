package serve

import (
	"fmt"
	"testing"
	"time"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// The channel that a conversation goes on from is that of its last touchpoint, however many there are.
func TestTheChannelOfTheLastTouchpoint(t *testing.T) {
	f := start(t)
	first, said := at("2026-11-01T09:00:00Z"), []event{}
	for i := range manyTouchpoints + 5 {
		said = append(said, event{id: fmt.Sprint(i), time: first.Add(time.Duration(i) * time.Second).Format(time.RFC3339), channel: "chat", identifiers: ids("customer_id:C1"), conversation: "0"})
	}
	last := &said[len(said)-1]
	last.channel = "phone"
	f.store(said...)
	f.talks(talk{id: "0", person: anchorOf("customer_id:C1"), first: said[0].time, last: last.time, channels: []string{"chat", "phone"}, touchpoints: len(said)})
	c := &call{workspace: "ours", generations: topic.First, tables: tables.TablesOf(topic.First), query: newQuery("")}
	of, err := f.server.conversationRow(t.Context(), c, touchpoint.KeyOf("ours", "0"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.server.customerOf(t.Context(), c, of); err != nil || got.channel != "phone" {
		t.Errorf("the channel is %q, %v", got.channel, err)
	}
}
