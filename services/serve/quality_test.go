package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/privacy"
)

func TestDataQuality(t *testing.T) {
	f := start(t)
	masked := touchpoint.Note{About: touchpoint.AboutPrivacy, Rule: privacy.Card, Field: "text"}
	wrong := touchpoint.Note{About: touchpoint.AboutContract, Rule: "order.placed@2", Field: "properties.a:b", Detail: `want a number`}
	for i, e := range []event{
		{source: "shop", kind: "order.placed", notes: []touchpoint.Note{wrong, masked}},
		{source: "shop", kind: "order.placed", notes: []touchpoint.Note{wrong}, time: "2026-11-12T10:00:00Z"},
		{source: "till", kind: "order.placed", notes: []touchpoint.Note{wrong}},
		{source: "shop", kind: "order.placed", properties: `{"notes":[{"about":"contract","rule":"faked@1","field":"x"}]}`},
		{source: "shop", kind: "order.placed", notes: []touchpoint.Note{wrong}, time: "2026-09-01T10:00:00Z"},
		{source: "shop", kind: "order.placed", notes: []touchpoint.Note{wrong}, workspace: "theirs"},
	} {
		e.id, e.time, e.identifiers = fmt.Sprint("q", i), or(e.time, "2026-11-10T10:00:00Z"), ids("email:a@x.example")
		f.store(e)
	}
	reason := "contract order.placed@2: want a number"
	f.refuse("http/1", row{"field": "properties.a:b", "reason": reason, "bytes": `{"source":"shop","kind":"order.placed"}`, "time": at("2026-11-13T09:00:00Z")})
	f.refuse("http/2", row{"field": "properties.c", "reason": reason, "bytes": `{"specversion":"1.0","source":"crm","data":{"kind":"order.placed"}}`})
	f.refuse("http/3", row{"field": "channel", "reason": "unknown channel"})
	got := decode[seenQuality](t, f.get(http.StatusOK, "/v1/data-quality"))
	want := `{[{shop order.placed order.placed@2 properties.a:b 2 1 2026-11-13T09:00:00.000Z} {crm order.placed order.placed@2 properties.c 0 1 2026-11-01T09:00:00.000Z} ` +
		`{till order.placed order.placed@2 properties.a:b 1 0 2026-11-10T10:00:01.000Z}] [{shop card text 1 2026-11-10T10:00:01.000Z}] false}`
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	if one := decode[seenQuality](t, f.get(http.StatusOK, "/v1/data-quality?limit=1&days=366")); len(one.Violations) != 1 || one.Violations[0].Flagged != 3 || !one.Truncated {
		t.Errorf("%+v", one)
	}
	if shown := string(f.get(http.StatusOK, "/v1/people/"+anchorOf("email:a@x.example").String()+"/timeline")); !strings.Contains(shown, `"detail":"want a number"`) {
		t.Errorf("the timeline does not show it: %s", shown)
	}
}

// seenQuality is Quality as a client reads it.
type seenQuality struct {
	Violations []struct {
		Source, Kind, Contract, Field string
		Flagged, Refused              int
		Last                          string
	}
	Privacy []struct {
		Source, Rule, Field string
		Touchpoints         int
		Last                string
	}
	Truncated bool
}

// directoryOf follows the fixture's topic of workspaces.
func directoryOf(t *testing.T, config kafka.Config) *workspaces.Directory {
	t.Helper()
	c := workspaces.DefaultConfig()
	c.Kafka = config
	d, err := workspaces.NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestPrivacyRules(t *testing.T) {
	var d *workspaces.Directory
	f := start(t, func(c *Config) { c.Privacy = lazy{&d} })
	d = directoryOf(t, f.cluster.Config())
	if got := string(f.get(http.StatusOK, "/v1/privacy")); got != string(privacy.Default().YAML()) {
		t.Errorf("without rules of its own it goes by %s", got)
	}
	f.get(http.StatusOK, "/v1/schemas/privacy.json")
	put := func(key, yaml string) (int, string) {
		r := f.do(http.MethodPut, key, "/v1/privacy", strings.NewReader(yaml))
		body, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(body)
	}
	if status, body := put("ours-key", "fields:\n  - {field: text, do: burn}"); status != http.StatusBadRequest || !strings.Contains(body, "line 2: fields[0].do") {
		t.Errorf("%d %s", status, body)
	}
	for _, key := range []string{"reader-key", "writer-key"} {
		if status, _ := put(key, "fields: []"); status != http.StatusForbidden {
			t.Errorf("%s may: %d", key, status)
		}
	}
	const yaml = "fields: [{field: identifiers.email, do: hash}]"
	if status, body := put("ours-key", yaml); status != http.StatusOK || body != yaml {
		t.Errorf("%d %s", status, body)
	}
	// Who knows the address finds the customer, and nobody reads it.
	hashed := d.Privacy("ours").Identifier(verified("email:anna@x.example"))
	if !strings.HasPrefix(hashed.Value, "hmac:") {
		t.Fatalf("%+v", hashed)
	}
	f.store(event{id: "h", time: "2026-11-10T10:00:00Z", identifiers: []touchpoint.Identifier{hashed}})
	for _, target := range []string{"/v1/people?identifier=email:Anna@X.example", "/v1/search?q=anna@x.example", "/v1/people?identifier=email:" + hashed.Value} {
		if got := string(f.get(http.StatusOK, target)); !strings.Contains(got, hashed.Value) || strings.Contains(strings.ToLower(got), "anna@") {
			t.Errorf("%s: %s", target, got)
		}
	}
	if r := f.do(http.MethodGet, "theirs-key", "/v1/privacy", nil); r.StatusCode == http.StatusOK {
		if body, _ := io.ReadAll(r.Body); string(body) == yaml {
			t.Error("rules of one workspace are another's")
		}
	}
}

// lazy is a directory that is there later than the server.
type lazy struct{ d **workspaces.Directory }

func (l lazy) Privacy(name string) *privacy.Policy { return (*l.d).Privacy(name) }

func (l lazy) SetPrivacy(ctx context.Context, name string, p workspace.Privacy) error {
	return (*l.d).SetPrivacy(ctx, name, p)
}
