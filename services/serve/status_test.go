package serve

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// log is what the log would say.
type log struct {
	behind int64
	err    error
}

func (l *log) Ping(context.Context) error { return l.err }

func (l *log) GroupOffsets(_ context.Context, _ string, topics ...string) (out []kafka.Offsets, err error) {
	for _, t := range topics {
		out = append(out, kafka.Offsets{TopicPartition: kafka.TopicPartition{Topic: t}, End: 10, Committed: 10 - l.behind})
	}
	return out, l.err
}

type statusAnswer struct {
	Roles []struct {
		Role, Group string
		Lag         int64
		Rate        *float64
	}
	Refused, Stored, Conflicts int64
	Accepted, Duplicates       *int64
	NewestVisible              *string  `json:"newest_visible"`
	AgeSeconds                 *float64 `json:"age_seconds"`
}

func TestStatus(t *testing.T) {
	l := &log{behind: 4}
	clock := now
	f := start(t, func(c *Config) {
		c.Log = l
		c.Now = func() time.Time { return clock }
	})
	f.store(
		event{id: "1", time: "2026-11-20T11:00:00Z", identifiers: ids("customer_id:C1")},
		event{id: "2", time: "2026-11-20T11:59:00Z", identifiers: ids("customer_id:C1")},
	)
	f.refuse("http/1", nil)
	f.refuse("touchpoints/0/7", row{"source": "conflict"})
	f.refuse("touchpoints/0/8", row{"source": "log"})
	f.store(event{id: "1", workspace: "theirs", time: "2026-11-20T10:00:00Z", identifiers: ids("customer_id:C1")})
	as := func(key string) (out statusAnswer) {
		t.Helper()
		body, _ := io.ReadAll(f.do(http.MethodGet, key, "/v1/status", nil).Body)
		return decode[statusAnswer](t, body)
	}
	// Of ten on the log, six were read: three are stored, one is a conflict, one could not be read, one came before.
	if all := as("default-key"); *all.Accepted != 10 || all.Refused != 3 || all.Stored != 3 || all.Conflicts != 1 || *all.Duplicates != 1 {
		t.Errorf("%+v", all)
	}
	// A workspace has its own, and nothing of what others send.
	first := as("ours-key")
	if first.Accepted != nil || first.Refused != 3 || first.Stored != 2 || first.Conflicts != 1 || first.Duplicates != nil {
		t.Errorf("%+v", first)
	}
	if theirs := as("theirs-key"); theirs.Refused != 0 || theirs.Stored != 1 || theirs.Conflicts != 0 {
		t.Errorf("%+v", theirs)
	}
	if first.NewestVisible == nil || *first.NewestVisible != "2026-11-20T11:59:01.000Z" || *first.AgeSeconds != 59 {
		t.Errorf("newest %+v", first)
	}
	if len(first.Roles) != len(roles) || first.Roles[0].Lag != 4 || first.Roles[0].Rate != nil || first.Roles[len(roles)-1].Lag != 24 {
		t.Errorf("roles %+v", first.Roles)
	}
	report := f.report(t, "touchpoints", q())
	if *report.Freshness.LagRecords != 24 || *report.Freshness.LagSeconds != 59 {
		t.Errorf("freshness %+v", report.Freshness)
	}
	l.behind, clock = 0, clock.Add(2*time.Second)
	if ours := as("ours-key"); ours.Roles[0].Rate != nil {
		t.Errorf("rates of the installation %+v", ours.Roles)
	}
	second := as("default-key")
	if second.Roles[0].Lag != 0 || second.Roles[0].Rate == nil || *second.Roles[0].Rate != 2 {
		t.Errorf("rates %+v", second.Roles)
	}
	// A log that is away: no status, but reports go on, and say that they do not know how fresh they are.
	for _, l.err = range []error{kafka.ErrUnavailable, context.DeadlineExceeded} {
		clock = clock.Add(2 * time.Second)
		f.get(503, "/v1/status")
		f.get(503, "/readyz")
	}
	f.get(200, "/healthz")
	if report := f.report(t, "touchpoints", q()); report.Freshness.LagRecords != nil || report.Freshness.NewestVisible == nil {
		t.Errorf("freshness without a log %+v", report.Freshness)
	}
}

func TestOperation(t *testing.T) {
	f := start(t)
	f.get(200, "/healthz")
	f.get(200, "/readyz")
	f.get(200, "/metrics")
	f.get(200, "/v1/registry")
	f.get(200, "/v1/schemas/touchpoint.json")
	if body := f.get(200, "/openapi.yaml"); !strings.HasPrefix(string(body), "openapi: 3.1") {
		t.Errorf("document %.40s", body)
	}
	// The real log: nobody has read what is on it.
	if got := decode[statusAnswer](t, f.get(200, "/v1/status")); got.Stored != 0 || got.Roles[0].Lag != 0 {
		t.Errorf("%+v", got)
	}
	body := `{"id": "1", "time": "2026-11-01T09:00:00Z", "channel": "email", "direction": "inbound", "kind": "message", "actor": {"type": "customer"}, "identifiers": [{"type": "email", "value": "anna@example.com"}]}`
	if answer := f.do(http.MethodPost, "ours-key", "/v1/touchpoints", strings.NewReader(body), "Content-Type", "application/json"); answer.StatusCode != http.StatusAccepted {
		t.Errorf("%d", answer.StatusCode)
	}
	answer := f.do(http.MethodPost, "ours-key", "/v1/touchpoints", strings.NewReader(`[{}, `+body[:20]), "Content-Type", "application/json")
	if answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusAccepted {
		t.Errorf("%d", answer.StatusCode)
	}
}

// TestGenerationsAreFollowed switches to tables that a rebuild made, without a restart.
func TestGenerationsAreFollowed(t *testing.T) {
	f := start(t)
	f.store(event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")})
	for _, statement := range []string{
		"CREATE TABLE conversations_g2 AS conversations", "CREATE TABLE conversations_by_anchor_g2 AS conversations_by_anchor", "CREATE TABLE conversation_touchpoints_g2 AS conversation_touchpoints",
	} {
		if err := f.db.Exec(t.Context(), statement, nil); err != nil {
			t.Fatal(err)
		}
	}
	c := anchorOf("customer_id:C1")
	f.talks(talk{id: "1", person: c, first: "2026-11-01T09:00:00Z"})
	if got := decode[conversationsAnswer](t, f.get(200, "/v1/conversations")); len(got.Conversations) != 1 {
		t.Errorf("first generation %+v", got)
	}
	f.dir.mu.Lock()
	f.dir.generations = topic.Generations{Identity: 1, Conversation: 2, Store: 1}
	f.dir.mu.Unlock()
	if got := decode[conversationsAnswer](t, f.get(200, "/v1/conversations")); len(got.Conversations) != 0 {
		t.Errorf("second generation %+v", got)
	}
	f.get(200, "/v1/reports/touchpoints?by=day")
}
