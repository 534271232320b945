package serve

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// post sends a body and returns status and answer.
func (f *fixture) post(target, body string) (int, []byte) {
	answer := f.do(http.MethodPost, "ours-key", target, strings.NewReader(body), "Content-Type", "application/json")
	said, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, said
}

// words are the links on the log.
func (f *fixture) words() (out []identity.Link, versions []uint64) {
	f.tb.Helper()
	for _, r := range f.cluster.Records(f.tb, string(topic.Links)) {
		var l identity.Link
		if err := identity.DecodeLink(r.Value, &l); err != nil || string(r.Key) != l.Workspace {
			f.tb.Fatal(err, string(r.Key))
		}
		out, versions = append(out, l), append(versions, uint64(r.Offset)+1)
	}
	return out, versions
}

// word waits for the n-th link on the log.
func (f *fixture) word(n int) (identity.Link, uint64) {
	f.tb.Helper()
	for begin := time.Now(); ; {
		if links, versions := f.words(); len(links) >= n {
			return links[n-1], versions[n-1]
		}
		if time.Since(begin) > time.Minute {
			f.tb.Fatalf("no %d links on the log", n)
		}
	}
}

type actAnswer struct {
	Version  uint64
	Decision string
	Persons  []struct {
		ID          string
		Identifiers []nodeAnswer
	}
	Evidence []evidenceAnswer
}

// saying is an answer that comes while the test goes on.
type saying struct {
	status int
	body   []byte
}

func (f *fixture) posting(target, body string) chan saying {
	out := make(chan saying, 1)
	go func() {
		status, body := f.post(target, body)
		out <- saying{status, body}
	}()
	return out
}

func TestMerge(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "t1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")},
		event{id: "t2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C2")},
	)
	f.decided(decision(1, identity.LinkVerified, identity.Joined, "customer_id:C2", "email:b@example.com", "verified"))
	f.moved(moveOf(1, "email:b@example.com", "email:b@example.com", "customer_id:C2"))
	f.filler(5) // offsets of earlier links
	answered := f.posting("/v1/people/merge", `{"a": "customer_id:C1", "b": "email:B@Example.com", "reason": " the same card "}`)
	l, version := f.word(6)
	if l.Kind != identity.LinkMerge || l.User != "eva" || l.Reason != "the same card" || l.A != nodeOf("customer_id:C1") || l.B != nodeOf("email:b@example.com") || l.Time != now.UnixMilli() || version != 6 {
		t.Fatalf("%+v", l)
	}
	f.decided(decision(version, identity.LinkMerge, identity.Joined, "customer_id:C1", "email:b@example.com", "merged by hand"))
	// The moves come one after the other, and only with the last of them the merge is done.
	f.moved(moveOf(version, "email:b@example.com", "customer_id:C2", "customer_id:C1"))
	select {
	case early := <-answered:
		t.Fatalf("answered too early: %d %s", early.status, early.body)
	case <-time.After(200 * time.Millisecond):
	}
	f.moved(moveOf(version, "customer_id:C2", "customer_id:C2", "customer_id:C1"))
	got := <-answered
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	act := decode[actAnswer](t, got.body)
	if act.Version != version || act.Decision != "joined" || len(act.Persons) != 1 || act.Persons[0].ID != anchorOf("customer_id:C1").String() ||
		texts(act.Persons[0].Identifiers) != "customer_id:C1, customer_id:C2, email:b@example.com" || len(act.Evidence) != 1 || act.Evidence[0].By != "hand" {
		t.Errorf("%s", got.body)
	}
}

// filler puts links of nobody on the log.
func (f *fixture) filler(n int) {
	f.tb.Helper()
	var records []*kafka.Record
	for i := range n {
		l := identity.Link{Workspace: "ours", Kind: identity.LinkAnonymous, A: nodeOf(fmt.Sprint("ticket:filler", i))}
		records = append(records, &kafka.Record{Topic: string(topic.Links), Key: []byte("ours"), Value: identity.AppendLink(nil, &l)})
	}
	if err := f.server.config.Producer.Produce(f.tb.Context(), records); err != nil {
		f.tb.Fatal(err)
	}
}

func TestActsThatAreRefusedOrTakeLong(t *testing.T) {
	f := start(t, func(c *Config) { c.Patience = 300 * time.Millisecond })
	f.store(
		event{id: "t1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")},
		event{id: "t2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C2")},
		event{id: "t3", time: "2026-11-02T09:00:00Z", thread: []string{"ticket:T1"}},
		event{id: "t4", time: "2026-11-02T09:00:00Z", identifiers: []touchpoint.Identifier{claimed("email:a@example.com")}},
	)
	merge := func(a, b, rest string) string {
		return fmt.Sprintf(`{"a": %q, "b": %q, "reason": "because"%s}`, a, b, rest)
	}
	for _, c := range []struct {
		target, body string
		status       int
		says         string
	}{
		{"merge", merge("customer_id:C1", "customer_id:nobody", ""), 404, "nobody is known by customer_id:nobody"},
		{"merge", merge("customer_id:C1", "C1", ""), 400, `"field":"b"`},
		{"merge", merge("customer_id:C1", anchorOf("customer_id:C1").String(), ""), 400, "the same"},
		{"merge", merge("customer_id:C1", "ticket:T1", ""), 400, "thread"},
		{"merge", merge("customer_id:C1", "claimed:email:a@example.com", ""), 400, "claims this value next"},
		{"merge", merge("customer_id:C1", "customer_id:C2", `, "previw": true`), 400, `"field":"previw"`},
		{"merge", merge("customer_id:C1", "customer_id:C2", `, "Preview": true`), 400, `"field":"Preview"`},
		{"merge", merge("customer_id:C1", "customer_id:C2", `, "preview": null`), 400, `"field":"preview"`},
		{"merge", merge("customer_id:C1", "customer_id:C2", `, "preview": "yes"`), 400, `"field":"preview"`},
		{"split", `{"person": "customer_id:C1", "edge": {"a": "customer_id:C1", "B": "customer_id:C2"}, "reason": "because"}`, 400, `"field":"edge.B"`},
		{"split", `{"person": "customer_id:C1", "edge": 7, "reason": "because"}`, 400, `"field":"edge"`},
		{"merge", merge("customer_id:C1", "customer_id:C2", `} {`), 400, "body"},
		{"merge", `{"a": "customer_id:C1", "b": "customer_id:C2", "reason": " a  "}`, 400, `"field":"reason"`},
		{"merge", `{"a": "customer_id:C1", "b": "customer_id:C2", "reason": "` + strings.Repeat("ä", 501) + `"}`, 400, `"field":"reason"`},
		{"merge", ``, 400, `"field":"body"`},
		{"split", `{"person": "customer_id:C1", "reason": "because"}`, 400, "who leaves"},
		{"split", `{"person": "customer_id:C1", "identifiers": ["customer_id:C2"], "reason": "because"}`, 400, "not of this person"},
		{"split", `{"person": "customer_id:C1", "identifiers": ["customer_id:C1"], "reason": "because"}`, 400, "nobody would stay"},
		{"split", `{"person": "customer_id:C1", "edge": {"a": "customer_id:C1", "b": "customer_id:C2"}, "reason": "because"}`, 400, "not of this person"},
		{"split", `{"person": "customer_id:C9", "identifiers": ["customer_id:C1"], "reason": "because"}`, 404, "nobody is known"},
	} {
		if status, said := f.post("/v1/people/"+c.target, c.body); status != c.status || !strings.Contains(string(said), c.says) {
			t.Errorf("%s %s: %d %s", c.target, c.body, status, said)
		}
	}
	if links, _ := f.words(); len(links) != 0 {
		t.Fatalf("%d words on the log", len(links))
	}
	// Nobody decides: it is on the log all the same.
	status, said := f.post("/v1/people/merge", merge("customer_id:C1", "customer_id:C2", `, "user": "bob"`))
	if status != 202 || !strings.Contains(string(said), `"version":1`) {
		t.Errorf("%d %s", status, said)
	}
	if l, _ := f.word(1); l.User != "bob" {
		t.Errorf("%+v", l)
	}
	refused := decision(2, identity.LinkMerge, identity.Refused, "customer_id:C1", "customer_id:C2", "max_identifiers: 2")
	refused.Detail = "too many"
	f.decided(refused)
	if status, said := f.post("/v1/people/merge", merge("customer_id:C1", "customer_id:C2", "")); status != 409 || !strings.Contains(string(said), "max_identifiers: 2: too many") {
		t.Errorf("%d %s", status, said)
	}
}

func TestSplit(t *testing.T) {
	f := start(t)
	f.store(event{id: "t1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")}, event{id: "t2", time: "2026-11-01T09:00:00Z", identifiers: ids("cookie:k")})
	f.decided(
		decision(1, identity.LinkVerified, identity.Joined, "customer_id:C1", "email:a@example.com", "verified"),
		decision(2, identity.LinkVerified, identity.Joined, "email:a@example.com", "cookie:k", "verified"),
		decision(3, identity.LinkVerified, identity.Joined, "customer_id:C1", "cookie:k", "verified"),
	)
	f.moved(moveOf(1, "email:a@example.com", "email:a@example.com", "customer_id:C1"), moveOf(2, "cookie:k", "cookie:k", "customer_id:C1"))
	f.filler(9)
	answered := f.posting("/v1/people/split", `{"person": "cookie:k", "identifiers": ["cookie:k", "cookie:k"], "reason": "a shared computer"}`)
	l, version := f.word(10)
	if l.Kind != identity.LinkSplit || l.A != nodeOf("customer_id:C1") || len(l.Nodes) != 1 || l.Nodes[0] != nodeOf("cookie:k") {
		t.Fatalf("%+v", l)
	}
	f.decided(decision(version, identity.LinkSplit, identity.Undone, "email:a@example.com", "cookie:k", "split by hand"))
	f.decided(decision(version, identity.LinkSplit, identity.Undone, "customer_id:C1", "cookie:k", "split by hand"))
	f.moved(moveOf(version, "cookie:k", "customer_id:C1", "cookie:k"))
	got := <-answered
	act := decode[actAnswer](t, got.body)
	if got.status != 200 || act.Decision != "undone" || len(act.Persons) != 2 {
		t.Errorf("%d %s", got.status, got.body)
	}
	// What is not joined directly cannot be retracted.
	if status, said := f.post("/v1/people/split", `{"person": "customer_id:C1", "edge": {"a": "customer_id:C1", "b": "customer_id:C1"}, "reason": "because"}`); status != 400 {
		t.Errorf("%d %s", status, said)
	}
	answered = f.posting("/v1/people/split", `{"person": "customer_id:C1", "edge": {"a": "email:a@example.com", "b": "customer_id:C1"}, "reason": "typed wrong"}`)
	l, version = f.word(11)
	if l.Kind != identity.LinkRetract || l.A != nodeOf("email:a@example.com") || l.B != nodeOf("customer_id:C1") {
		t.Fatalf("%+v", l)
	}
	f.decided(decision(version, identity.LinkRetract, identity.Undone, "customer_id:C1", "email:a@example.com", "retracted by hand"))
	f.moved(moveOf(version, "email:a@example.com", "customer_id:C1", "email:a@example.com"))
	if got := <-answered; got.status != 200 || len(decode[actAnswer](t, got.body).Persons) != 2 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
