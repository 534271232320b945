package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/contract"
)

// lazyContracts is a directory that is there later than the server.
type lazyContracts struct{ d **workspaces.Directory }

func (l lazyContracts) Contracts(name string) *contract.Set { return (*l.d).Contracts(name) }

func (l lazyContracts) AddContract(ctx context.Context, name string, c workspace.Contract) (*contract.Contract, error) {
	return (*l.d).AddContract(ctx, name, c)
}

func TestSchemas(t *testing.T) {
	var d *workspaces.Directory
	f := start(t, func(c *Config) { c.Contracts = lazyContracts{&d} })
	d = directoryOf(t, f.cluster.Config())
	post := func(key, kind, body string) (int, string) {
		r := f.do(http.MethodPost, key, "/v1/schemas/kinds/"+kind, strings.NewReader(body))
		text, _ := io.ReadAll(r.Body)
		return r.StatusCode, string(text)
	}
	for i := range 3 {
		f.store(event{id: fmt.Sprint("s", i), time: "2026-11-10T10:00:00Z", kind: "order.placed", source: "shop", identifiers: ids("email:a@x.example"),
			properties: fmt.Sprintf(`{"n":%d,"s":"secret"}`, i)})
	}
	f.store(event{id: "bare", time: "2026-11-10T10:00:00Z", source: "shop", identifiers: ids("email:a@x.example")})
	f.store(event{workspace: "theirs", id: "t", time: "2026-11-10T10:00:00Z", kind: "order.placed", source: "shop", properties: `{"theirs":1}`, identifiers: ids("email:a@x.example")})

	proposed := string(f.get(http.StatusOK, "/v1/schemas/infer?source=shop"))
	if !strings.Contains(proposed, `"kind":"message","samples":1,"schema":{"type":"object"}`) || !strings.Contains(proposed, `"n":{"type":"integer"}`) || strings.Contains(proposed, "theirs") || strings.Contains(proposed, "secret") {
		t.Errorf("%s", proposed)
	}
	f.get(http.StatusNotFound, "/v1/schemas/infer?source=nobody")
	f.get(http.StatusBadRequest, "/v1/schemas/infer")
	f.get(http.StatusNotFound, "/v1/schemas/kinds/order.placed")

	const first = `{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"number"}}}`
	status, said := post("ours-key", "order.placed", `{"schema":`+first+`,"check_only":true}`)
	if status != http.StatusOK || !strings.Contains(said, `"compatible":true`) || !strings.Contains(said, `"samples":3,"violating":3,"fields":[{"field":"properties.s","reason":"want number, got string"}]`) {
		t.Errorf("%d %s", status, said)
	}
	for range 2 {
		if status, said := post("ours-key", "order.placed", `{"schema":`+first+`}`); status != http.StatusOK || !strings.Contains(said, `"version":1,"on_violation":"flag","breaking":false,"user":"eva"`) {
			t.Errorf("%d %s", status, said)
		}
	}
	const other = `{"type":"object","properties":{"n":{"type":"string"}}}`
	if status, said := post("ours-key", "order.placed", `{"schema":`+other+`}`); status != http.StatusConflict || !strings.Contains(said, `"field":"properties.n"`) || !strings.Contains(said, "was integer, and is string") {
		t.Errorf("%d %s", status, said)
	}
	if status, said := post("ours-key", "order.placed", `{"schema":`+other+`,"breaking":true,"on_violation":"refuse"}`); status != http.StatusOK || !strings.Contains(said, `"version":2,"on_violation":"refuse","breaking":true`) {
		t.Errorf("%d %s", status, said)
	}
	if all := string(f.get(http.StatusOK, "/v1/schemas/kinds/order.placed")); strings.Count(all, `"version"`) != 2 || strings.Index(all, `"version":2`) > strings.Index(all, `"version":1`) {
		t.Errorf("%s", all)
	}
	if inForce := string(f.get(http.StatusOK, "/v1/schemas")); strings.Count(inForce, `"version"`) != 1 {
		t.Errorf("%s", inForce)
	}
	for body, want := range map[string]string{
		`{}`: "schema", `{"schema":7}`: "want an object", `{"schema":{"type":"object","$ref":"https://x.example"}}`: "nothing outside",
		`{"schema":{"type":"object"},"on_violation":"burn"}`: "on_violation", `{"schema":{"type":"object"},"chek_only":true}`: "chek_only",
	} {
		if status, said := post("ours-key", "order.placed", body); status != http.StatusBadRequest || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s", body, status, said)
		}
	}
	if status, _ := post("ours-key", "Order", `{"schema":{"type":"object"}}`); status != http.StatusBadRequest {
		t.Errorf("a bad kind: %d", status)
	}
	for _, key := range []string{"reader-key", "writer-key"} {
		if status, _ := post(key, "order.placed", `{"schema":`+first+`}`); status != http.StatusForbidden {
			t.Errorf("%s may: %d", key, status)
		}
	}
	if r := f.do(http.MethodGet, "theirs-key", "/v1/schemas/kinds/order.placed", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("schemas of one workspace are another's: %d", r.StatusCode)
	}
}
