package serve

import (
	"fmt"
	"slices"
	"testing"
)

// A transfer link falls through when it can be opened no more, and not before.
func TestTransferLinksExpire(t *testing.T) {
	f := start(t)
	offered := func(id, time, properties string) event {
		return event{id: id, time: time, kind: "transfer.offered", direction: "outbound", actor: "agent", identifiers: ids("customer_id:" + id), properties: properties}
	}
	opened := func(id, time string) event {
		return event{id: id + " opened", time: time, kind: "transfer.opened", identifiers: ids("customer_id:" + id)}
	}
	f.store( // it is noon of the 20th; by says who offered it
		offered("a week long", "2026-11-15T09:00:00Z", `{"expires_at":"2026-11-22T09:00:00Z","by":"2026-11-16T09:00:00Z"}`),
		offered("an hour long", "2026-11-20T09:00:00Z", `{"expires_at":"2026-11-20T10:00:00Z","by":"eva"}`),
		offered("opened in time", "2026-11-20T09:00:00Z", `{"expires_at":"2026-11-20T10:00:00Z"}`), opened("opened in time", "2026-11-20T09:30:00Z"),
		offered("of yesterday", "2026-11-19T09:00:00Z", `{}`),
		offered("of today", "2026-11-20T09:00:00Z", `{"expires_at":"whenever"}`),
	)
	var got []string
	for _, c := range f.cracks(t, "?kind=transfer_not_opened").Cracks {
		got = append(got, c.Evidence[0].ID)
	}
	slices.Sort(got)
	if want := sortedNames("an hour long", "of yesterday"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("not opened: %v, want %v", got, want)
	}
}
