package serve

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/workspace"
)

// ownChannels are those of workspace ours, which a test changes.
type ownChannels struct {
	mu  sync.Mutex
	own map[string]registry.Settings
}

func (c *ownChannels) Registry(name string) *registry.Registry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if name != "ours" {
		return registry.Default()
	}
	return registry.Default().With(c.own)
}

func (c *ownChannels) SetChannel(_ context.Context, _, channel string, s registry.Settings) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own[channel] = s
	return nil
}

func (c *ownChannels) ResetChannel(_ context.Context, _, channel string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, channel)
	return nil
}

func bodyOf(t *testing.T, answer *http.Response) []byte {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestChannelsAreSet(t *testing.T) {
	f := start(t, func(c *Config) { c.Channels = &ownChannels{own: map[string]registry.Settings{}} })
	f.talks(talk{id: "1", person: anchorOf("customer_id:C1"), first: "2026-11-19T10:00:00Z", channels: []string{"email"}, contacts: 2})
	type channel struct {
		Name    string
		Label   registry.Text
		Respond float64 `json:"respond_seconds"`
		Cost    float64
		Own     bool
	}
	of := func(key, name string) (out channel) {
		t.Helper()
		for _, c := range decode[struct{ Channels []channel }](t, bodyOf(t, f.do(http.MethodGet, key, "/v1/registry", nil))).Channels {
			if c.Name == name {
				out = c
			}
		}
		return out
	}
	cost := func() any { return f.report(t, "conversations", q("figures", "cost")).Totals["cost"] }
	before := of("ours-key", "email")
	if before.Own || cost() != 2*before.Cost {
		t.Fatalf("before: %+v, cost %v", before, cost())
	}
	const path = "/v1/registry/channels/email"
	const settings = `{"label": {"en": "Mail", "de": "Post"}, "respond_seconds": 60, "tone": "casual", "cost": 12.5}`
	answer := f.do(http.MethodPut, "ours-key", path, strings.NewReader(settings))
	if got := decode[channel](t, bodyOf(t, answer)); answer.StatusCode != http.StatusOK || !got.Own || got.Label.DE != "Post" {
		t.Errorf("set: %d %+v", answer.StatusCode, got)
	}
	if got := of("ours-key", "email"); got.Cost != 12.5 || got.Respond != 60 || !got.Own {
		t.Errorf("after: %+v", got)
	}
	if cost() != 25. {
		t.Errorf("the report costs by %v", cost())
	}
	for _, key := range []string{"", "theirs-key", "wrong"} {
		if got := of(key, "email"); got != before {
			t.Errorf("with key %q: %+v", key, got)
		}
	}
	for _, bad := range []string{
		``, `[]`, `{}`, strings.Replace(settings, "12.5", "-1", 1), strings.Replace(settings, "60", "0", 1), strings.Replace(settings, "60", "1.5", 1), strings.Replace(settings, "casual", "rude", 1),
		strings.Replace(settings, `"Mail"`, `""`, 1), strings.Replace(settings, `"en"`, `"EN"`, 1), strings.Replace(settings, `"cost": 12.5`, `"synchronous": true`, 1), strings.Replace(settings, `, "cost": 12.5`, ``, 1),
	} {
		if answer := f.do(http.MethodPut, "ours-key", path, strings.NewReader(bad)); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, answer.StatusCode)
		}
	}
	for _, key := range []string{"reader-key", "writer-key"} {
		if answer := f.do(http.MethodPut, key, path, strings.NewReader(settings)); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", key, answer.StatusCode)
		}
	}
	if answer := f.do(http.MethodPut, "ours-key", "/v1/registry/channels/pigeon", strings.NewReader(settings)); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a channel that there is not: %d", answer.StatusCode)
	}
	if answer := f.do(http.MethodDelete, "ours-key", path, nil); answer.StatusCode != http.StatusOK || of("ours-key", "email") != before {
		t.Errorf("reset: %d", answer.StatusCode)
	}
}

func TestSources(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1"), source: "desk", channel: "email"},
		event{id: "2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C1"), source: "desk", channel: "chat"},
		event{id: "3", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C1")},
		event{workspace: "theirs", id: "4", time: "2026-11-03T09:00:00Z", identifiers: ids("customer_id:C1"), source: "theirs"},
	)
	got := decode[struct {
		Sources []struct {
			Source      string
			Channels    []string
			Touchpoints int
			Newest      string
		}
		Truncated bool
	}](t, f.get(200, "/v1/status/sources"))
	if len(got.Sources) != 2 || got.Truncated {
		t.Fatalf("%+v", got)
	}
	for _, s := range got.Sources {
		if s.Source == "desk" && (s.Touchpoints != 2 || s.Newest != "2026-11-02T09:00:00.000Z" || strings.Join(s.Channels, " ") != "chat email") {
			t.Errorf("desk: %+v", s)
		}
	}
}

type oneAudit struct{ audit *workspace.Audit }

func (a *oneAudit) Audit() *workspace.Audit { return a.audit }

func TestTheLastAudit(t *testing.T) {
	kept := &oneAudit{}
	f := start(t, func(c *Config) { c.Audits = kept })
	type answer struct {
		Last *struct {
			At    string
			Count int `json:"difference_count"`
			Took  int `json:"took_ms"`

			Differences []string
		}
	}
	if got := decode[answer](t, f.get(200, "/v1/audit")); got.Last != nil {
		t.Errorf("before the first: %+v", got.Last)
	}
	kept.audit = &workspace.Audit{At: ms("2026-11-20T10:00:00Z"), Took: 7, Touchpoints: 3, Count: 1, Differences: []string{"theirs/1 is not stored"}}
	got := decode[answer](t, f.get(200, "/v1/audit"))
	if got.Last == nil || got.Last.At != "2026-11-20T10:00:00.000Z" || got.Last.Count != 1 || got.Last.Took != 7 {
		t.Errorf("%+v", got.Last)
	}
	if len(got.Last.Differences) != 0 {
		t.Error("a workspace that is not the installation's is told what others hold")
	}
}
