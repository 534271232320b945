package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/rehearse"
	streams "github.com/throughline/throughline/streams/identity"
)

// ruleBook is the fixture's directory with rules.
type ruleBook struct {
	*directory
	set []workspace.Rules
}

func (b *ruleBook) Rules(string) *streams.Rules { return rules() }

func (b *ruleBook) SetRules(_ context.Context, _ string, r workspace.Rules) error {
	b.set = append(b.set, r)
	return nil
}

// withRehearsals gives the server a desk on the fixture's log and store.
func withRehearsals(tb testing.TB) (*fixture, *ruleBook) {
	tb.Helper()
	f := start(tb)
	book := &ruleBook{directory: f.dir}
	desk, err := rehearse.NewDesk(rehearse.DeskConfig{
		Log: f.cluster.Admin(tb), Store: f.db, Producer: f.cluster.Producer(tb), Directory: book, Running: 1,
		Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(desk.Close)
	f.server.config.Rehearsals = desk
	return f, book
}

// oneAddress is the rules that ship, but a person has one address.
func oneAddress() string {
	return strings.Replace(streams.DefaultRules().YAML(), "max: 10\n", "max: 1\n", 1)
}

func TestRehearsals(t *testing.T) {
	f, book := withRehearsals(t)
	for _, email := range []string{"email:anna@x.example", "email:anna@y.example"} {
		l := identity.Link{Workspace: "ours", Kind: identity.LinkVerified, A: nodeOf("customer_id:C1"), B: nodeOf(email), Touchpoint: email, Time: now.UnixMilli(), Rule: "verified by one touchpoint"}
		record := &kafka.Record{Topic: string(topic.Links), Key: []byte("ours"), Value: identity.AppendLink(nil, &l)}
		if err := f.server.config.Producer.Produce(t.Context(), []*kafka.Record{record}); err != nil {
			t.Fatal(err)
		}
	}
	f.store(event{id: "t1", time: "2026-11-02T09:00:00Z", channel: "chat", identifiers: ids("email:anna@y.example")})

	body := func(v map[string]any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for text, field := range map[string]string{
		body(map[string]any{"rules": "regions: [DE]\ntypo: 1\n"}):                     "line 2",
		body(map[string]any{"rules": oneAddress(), "since": "yesterday"}):             "since",
		body(map[string]any{"rules": oneAddress(), "user": strings.Repeat("x", 101)}): "user",
		`{"yaml": ""}`: "yaml",
	} {
		if status, said := f.post("/v1/identity/rehearsals", text); status != 400 || !strings.Contains(string(said), field) {
			t.Errorf("%d %s, want 400 about %s", status, said, field)
		}
	}
	status, said := f.post("/v1/identity/rehearsals", body(map[string]any{"rules": oneAddress(), "since": "2026-11-01T00:00:00Z"}))
	if status != 202 {
		t.Fatalf("%d %s", status, said)
	}
	started := decode[struct{ ID, Status, User string }](t, said)
	if started.Status != string(rehearsal.Running) || started.User != "eva" {
		t.Errorf("%+v", started)
	}
	type rehearsed struct {
		Status     string
		Version    uint64
		Difference struct {
			Parted   int
			Examples []struct {
				Touchpoints   int
				Before, After []struct {
					Identifiers []struct{ Type, Value string }
				}
				Evidence []struct{ After, Touchpoint, Time string }
			}
			Report []struct {
				Channel                     string
				People_before, People_after int
			}
		}
	}
	path := "/v1/identity/rehearsals/" + started.ID
	var done rehearsed
	for done.Status == "" || done.Status == string(rehearsal.Running) {
		done = decode[rehearsed](t, f.get(200, path))
	}
	if d := done.Difference; done.Status != string(rehearsal.Done) || d.Parted != 1 || len(d.Examples) != 1 || d.Examples[0].Touchpoints != 1 ||
		len(d.Examples[0].After) != 2 || d.Examples[0].Evidence[0].Touchpoint != "email:anna@y.example" || d.Examples[0].Evidence[0].After != "not_joined" {
		t.Errorf("%+v", done)
	}
	if answer := f.do("GET", "theirs-key", path, nil); answer.StatusCode != 404 {
		t.Errorf("another workspace sees it: %d", answer.StatusCode)
	}
	f.get(404, "/v1/identity/rehearsals/"+strings.Repeat("0", 32))
	f.get(400, "/v1/identity/rehearsals/x")
	for _, text := range []string{`{"action": "promote"}`, `{"action": "perhaps", "reason": "because"}`} {
		if status, said := f.post(path, text); status != 400 {
			t.Errorf("%d %s", status, said)
		}
	}

	answered := f.posting(path, `{"action": "promote", "reason": "one address each", "user": "bob"}`)
	l, version := f.word(3)
	if l.Kind != identity.LinkRules || l.Rules != oneAddress() || l.User != "bob" || l.Reason != "one address each" || !strings.Contains(l.Rule, started.ID) {
		t.Errorf("%+v", l)
	}
	f.decided(identity.Edge{
		Workspace: "ours", Kind: identity.LinkRules, Decision: identity.Ruled, Rule: "rules", Version: version, At: now.UnixMilli(), Evidence: l.Evidence(),
	})
	if got := <-answered; got.status != 200 || !strings.Contains(string(got.body), `"ruled"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(book.set) != 1 || book.set[0].Version != version || book.set[0].YAML != oneAddress() {
		t.Errorf("%+v", book.set)
	}
	if got := decode[rehearsed](t, f.get(200, path)); got.Status != string(rehearsal.Promoted) || got.Version != version {
		t.Errorf("%+v", got)
	}
	if status, said := f.post(path, `{"action": "discard"}`); status != 204 {
		t.Errorf("%d %s", status, said)
	}
	f.get(404, path)
}

// What a process without a desk is asked is not found.
func TestNoRehearsals(t *testing.T) {
	f := start(t)
	if status, said := f.post("/v1/identity/rehearsals", fmt.Sprintf(`{"rules": %q}`, "regions: [DE]")); status != 404 {
		t.Errorf("%d %s", status, said)
	}
	f.get(404, "/v1/identity/rehearsals/"+strings.Repeat("0", 32))
}
