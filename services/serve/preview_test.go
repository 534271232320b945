package serve

import (
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	streams "github.com/throughline/throughline/streams/identity"
)

type previewAnswer struct {
	Refused *struct{ Rule, Detail string }
	Before  []struct {
		ID          string
		Identifiers []nodeAnswer
	}
	After []struct {
		ID          string
		Identifiers []nodeAnswer
	}
	Moves []struct {
		Identifier   nodeAnswer
		From, Person string
	}
	Touchpoints   int
	Conversations struct {
		Count int
		IDs   []string
	}
	Report struct {
		From  string
		Cells []struct {
			Channel string
			People  struct{ Before, After int }
		}
		People struct{ Before, After int }
	}
}

func TestPreviewOfASplit(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "m1", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1"), conversation: "m1"},
		event{id: "m2", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C1"), conversation: "m1"},
		event{id: "k1", time: "2026-11-04T09:00:00Z", channel: "chat", identifiers: ids("cookie:k"), conversation: "k1", thread: []string{"session:1"}},
		event{id: "k2", time: "2026-11-04T09:01:00Z", channel: "chat", thread: []string{"session:1"}, conversation: "k1"},
		event{id: "k3", time: "2026-11-05T09:00:00Z", channel: "email", identifiers: ids("cookie:k"), conversation: "m1"},
		event{id: "k4", time: "2026-10-05T09:00:00Z", channel: "phone", identifiers: ids("cookie:k")}, // last month
		event{id: "x1", time: "2026-11-05T09:00:00Z", channel: "email", identifiers: ids("customer_id:C9")},
	)
	f.decided(
		decision(1, identity.LinkVerified, identity.Joined, "customer_id:C1", "email:a@example.com", "verified"),
		decision(2, identity.LinkVerified, identity.Joined, "email:a@example.com", "cookie:k", "verified"),
		decision(3, identity.LinkVerified, identity.Joined, "cookie:k", "device:d", "verified"),
	)
	chat := nodeOf("session:1")
	chat.Anchor = identity.AnchorOf("ours", identity.ThreadType, "session:1")
	follows := identity.Move{Workspace: "ours", Anchor: chat.Anchor, Home: chat.Anchor, From: chat.Anchor, Person: anchorOf("customer_id:C1"), Version: 4, Type: "thread", Value: "session:1"}
	f.moved(moveOf(1, "email:a@example.com", "email:a@example.com", "customer_id:C1"), moveOf(2, "cookie:k", "cookie:k", "customer_id:C1"), moveOf(3, "device:d", "device:d", "customer_id:C1"), follows)

	status, said := f.post("/v1/people/split", `{"person": "customer_id:C1", "edge": {"a": "cookie:k", "b": "email:a@example.com"}, "reason": "a kiosk", "preview": true}`)
	if status != 200 {
		t.Fatalf("%d %s", status, said)
	}
	p := decode[previewAnswer](t, said)
	if p.Refused != nil || len(p.Before) != 1 || len(p.After) != 2 || len(p.Moves) != 3 || p.Touchpoints != 4 || p.Conversations.Count != 2 || len(p.Conversations.IDs) != 2 {
		t.Errorf("%s", said)
	}
	for _, one := range p.After {
		want := "customer_id:C1, email:a@example.com"
		if one.ID == anchorOf("cookie:k").String() {
			want = "cookie:k, device:d, thread:session:1"
		} else if one.ID != anchorOf("customer_id:C1").String() {
			t.Errorf("somebody new: %s", one.ID)
		}
		if got := texts(one.Identifiers); got != want {
			t.Errorf("%s has %s, want %s", one.ID, got, want)
		}
	}
	// In e-mail there are two people now, and would be three; the chat has one before and after; the phone was last month.
	if len(p.Report.Cells) != 1 || p.Report.Cells[0].Channel != "email" || p.Report.Cells[0].People.Before != 2 || p.Report.Cells[0].People.After != 3 ||
		p.Report.People.Before != 2 || p.Report.People.After != 3 || p.Report.From != "2026-11-01T00:00:00.000Z" {
		t.Errorf("%+v", p.Report)
	}
	if links, _ := f.words(); len(links) != 0 {
		t.Error("a preview was an act")
	}
	// The same by naming who leaves, and the merge of two.
	status, said = f.post("/v1/people/split", `{"person": "customer_id:C1", "identifiers": ["cookie:k", "device:d"], "reason": "a kiosk", "preview": true}`)
	if q := decode[previewAnswer](t, said); status != 200 || len(q.Moves) != 3 || len(q.After) != 2 || q.Touchpoints != 4 {
		t.Errorf("%d %s", status, said)
	}
	status, said = f.post("/v1/people/merge", `{"a": "customer_id:C9", "b": "customer_id:C1", "reason": "one card", "preview": true}`)
	q := decode[previewAnswer](t, said)
	if status != 200 || len(q.After) != 1 || q.After[0].ID != anchorOf("customer_id:C1").String() || q.Touchpoints != 1 || len(q.Report.Cells) != 1 || q.Report.Cells[0].People.After != 1 || q.Report.People.After != 1 {
		t.Errorf("%d %s", status, said)
	}
}

func TestPreviewOfWhatARuleDoesNotAllow(t *testing.T) {
	small, err := streams.ParseRules([]byte("regions: [DE]\nmax_identifiers: 2\nmax_thread: 10\ntypes: [{name: customer_id, normalise: plain}, {name: email, normalise: email}]"))
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, func(c *Config) { c.Rules = streams.RulesOf(small) })
	f.store(event{id: "1", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1")}, event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C2")})
	f.decided(decision(1, identity.LinkVerified, identity.Joined, "customer_id:C1", "email:a@example.com", "verified"))
	f.moved(moveOf(1, "email:a@example.com", "email:a@example.com", "customer_id:C1"))
	status, said := f.post("/v1/people/merge", `{"a": "customer_id:C1", "b": "customer_id:C2", "reason": "one card", "preview": true}`)
	if p := decode[previewAnswer](t, said); status != 200 || p.Refused == nil || p.Refused.Rule != "max_identifiers: 2" || len(p.Moves) != 0 || len(p.After) != 2 {
		t.Errorf("%d %s", status, said)
	}
}
