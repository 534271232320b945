package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/throughline/throughline/schemas/openapi"
	"github.com/throughline/throughline/streams/segment"
)

// document is the description of the API as plain values.
var document = sync.OnceValue(func() map[string]any {
	var d any
	if err := yaml.Unmarshal(openapi.Document, &d); err != nil {
		panic(err)
	}
	// Through JSON, so that numbers and keys are what a JSON Schema expects.
	text, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	return v.(map[string]any)
})

var compiler = sync.OnceValue(func() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", document()); err != nil {
		panic(err)
	}
	return c
})

var schemas = struct {
	sync.Mutex
	compiled map[string]*jsonschema.Schema
}{compiled: map[string]*jsonschema.Schema{}}

func schemaAt(pointer string) (*jsonschema.Schema, error) {
	schemas.Lock()
	defer schemas.Unlock()
	if s := schemas.compiled[pointer]; s != nil {
		return s, nil
	}
	s, err := compiler().Compile("openapi.json#" + pointer)
	if err == nil {
		schemas.compiled[pointer] = s
	}
	return s, err
}

func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}

// at walks the document along keys, through references.
func walk(v any, pointer string, keys ...string) (any, string, bool) {
	for _, k := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, "", false
		}
		if v, ok = m[k]; !ok {
			return nil, "", false
		}
		pointer += "/" + escape(k)
		if ref, ok := v.(map[string]any)["$ref"].(string); ok {
			pointer = strings.TrimPrefix(ref, "#")
			v, _, ok = walk(any(document()), "", strings.Split(strings.TrimPrefix(pointer, "/"), "/")...)
			if !ok {
				return nil, "", false
			}
		}
	}
	return v, pointer, true
}

// operation finds the path of the document that a request's path matches.
func pathOf(path string) (string, bool) {
	paths := document()["paths"].(map[string]any)
	if _, ok := paths[path]; ok {
		return path, true
	}
	have := strings.Split(path, "/")
	for template := range paths {
		want := strings.Split(template, "/")
		if len(want) != len(have) {
			continue
		}
		match := true
		for i := range want {
			match = match && (want[i] == have[i] || strings.HasPrefix(want[i], "{"))
		}
		if match {
			return template, true
		}
	}
	return "", false
}

// checkAnswer holds an answer against the document: its status, its headers, its media type and its content.
func checkAnswer(tb testing.TB, method, path string, answer *http.Response, body []byte) {
	tb.Helper()
	template, ok := pathOf(path)
	if !ok {
		if answer.StatusCode != http.StatusNotFound {
			tb.Errorf("%s %s is answered with %d and not in the document", method, path, answer.StatusCode)
		}
		return
	}
	operation, pointer, ok := walk(document(), "", "paths", template, strings.ToLower(method))
	if !ok {
		if answer.StatusCode != http.StatusMethodNotAllowed {
			tb.Errorf("%s %s is answered with %d and not in the document", method, path, answer.StatusCode)
		}
		return
	}
	response, pointer, ok := walk(operation, pointer, "responses", fmt.Sprint(answer.StatusCode))
	if !ok {
		tb.Errorf("%s %s: status %d is not in the document: %s", method, path, answer.StatusCode, body)
		return
	}
	if headers, ok := response.(map[string]any)["headers"].(map[string]any); ok {
		for name := range headers {
			if answer.Header.Get(name) == "" {
				tb.Errorf("%s %s: status %d without header %s", method, path, answer.StatusCode, name)
			}
		}
	}
	content, ok := response.(map[string]any)["content"].(map[string]any)
	if !ok {
		if len(body) > 0 {
			tb.Errorf("%s %s: status %d has a body that the document does not know", method, path, answer.StatusCode)
		}
		return
	}
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || content[media] == nil {
		tb.Errorf("%s %s: status %d with media type %q", method, path, answer.StatusCode, answer.Header.Get("Content-Type"))
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	schema, err := schemaAt(pointer + "/content/" + escape(media) + "/schema")
	if err != nil {
		tb.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		tb.Errorf("%s %s: %v: %s", method, path, err, body)
		return
	}
	if err := schema.Validate(value); err != nil {
		tb.Errorf("%s %s: %v\n%s", method, path, err, body)
	}
}

func TestDocumentAndHandlersAgree(t *testing.T) {
	var described, handled []string
	for path, item := range document()["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, r := range routes {
		handled = append(handled, r.method+" "+r.path)
	}
	handled = append(handled, "POST /v1/session", "GET /v1/session", "DELETE /v1/session", "POST /v1/touchpoints", "GET /v1/schemas/touchpoint.json", "GET /v1/registry", "GET /v1/measures", "GET /v1/schemas/identity-rules.json", "GET /v1/schemas/privacy.json", "POST /v1/audit", "POST /v1/rebuild/{what}", "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.yaml")
	for _, call := range segment.Calls() {
		handled = append(handled, "POST /v1/"+string(call)) // and by its first letter: its description says so
	}
	handled = append(handled, "POST /v1/batch", "GET /v1/projects/{key}/settings", "GET /v1/sources", "GET /v1/sources/{name}/{key}", "POST /v1/sources/{name}/{key}", "GET /v1/source-keys", "POST /v1/source-keys", "DELETE /v1/source-keys/{id}")
	slices.Sort(described)
	slices.Sort(handled)
	if !slices.Equal(described, handled) {
		t.Errorf("document %q\nhandlers %q", described, handled)
	}
}

func TestEverySchemaCompiles(t *testing.T) {
	for name := range document()["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, err := schemaAt("/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDocumentListsParameters asks every operation with each of its parameters, and with one that it does not have.
func TestDocumentListsParameters(t *testing.T) {
	f := start(t)
	for _, r := range routes {
		if r.method != http.MethodGet {
			continue
		}
		path := strings.NewReplacer("{id}", strings.Repeat("0", 32), "{account}", "acme").Replace(r.path)
		answer := f.do(r.method, "ours-key", path+"?no-such-parameter=1", nil)
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: an unknown parameter is answered with %d", r.path, answer.StatusCode)
		}
		var problem struct{ Field, Detail string }
		if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(problem.Detail, "no such parameter") {
			continue // another is missing first
		}
		have := []string{}
		if _, list, ok := strings.Cut(problem.Detail, "there are "); ok && list != "" {
			have = strings.Split(list, ", ")
		}
		want := []string{}
		operation, _, _ := walk(document(), "", "paths", r.path, "get")
		parameters, _ := operation.(map[string]any)["parameters"].([]any)
		for _, p := range parameters {
			if ref, ok := p.(map[string]any)["$ref"].(string); ok {
				p, _, _ = walk(document(), "", strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			want = append(want, p.(map[string]any)["name"].(string))
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s: handler has %q, document %q", r.path, have, want)
		}
	}
}
