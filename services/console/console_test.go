package console

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func handler(t *testing.T) http.Handler {
	t.Helper()
	h, err := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestOnlyPagesAreTheConsoles(t *testing.T) {
	h := handler(t)
	for _, path := range []string{"/v1/people", "/healthz", "/metrics", "/openapi.yaml", "/nothing", "/v1", "/index.html/x", "/index.html", "/" + manifestName} {
		if r := get(h, http.MethodGet, path); r.StatusCode != http.StatusTeapot {
			t.Errorf("%s is taken from the API: %d", path, r.StatusCode)
		}
	}
	if r := get(h, http.MethodPost, "/"); r.StatusCode != http.StatusTeapot {
		t.Errorf("POST / is taken from the API: %d", r.StatusCode)
	}
	for page := range pages {
		if r := get(h, http.MethodGet, "/"+page); r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNotFound {
			t.Errorf("/%s: %d", page, r.StatusCode)
		}
	}
}

func TestPageIsStrict(t *testing.T) {
	h := handler(t)
	one, two := get(h, http.MethodGet, "/inbox"), get(h, http.MethodGet, "/inbox")
	if one.StatusCode == http.StatusNotFound {
		t.Skip("the console is not built: make build")
	}
	policy := one.Header.Get("Content-Security-Policy")
	if policy == two.Header.Get("Content-Security-Policy") {
		t.Error("two answers have the same nonce")
	}
	for _, never := range []string{"unsafe", "http:", "https:", "*"} {
		if strings.Contains(policy, never) {
			t.Errorf("the policy has %s: %s", never, policy)
		}
	}
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the policy is %s", policy)
	}
}

// Whoever types an address that there is not gets the page that says so; programs, and addresses of the API, get the API's answer.
func TestNoSuchPage(t *testing.T) {
	api := http.NewServeMux()
	api.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") })
	h, err := Handler(api)
	if err != nil {
		t.Fatal(err)
	}
	if r := get(h, http.MethodGet, "/"); r.StatusCode == http.StatusNotFound {
		t.Skip("the console is not built: make build")
	}
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		path, accept string
		status       int
		page         bool
	}{
		{"/nowhere", browser, http.StatusNotFound, true},
		{"/nowhere", "*/*", http.StatusNotFound, false},
		{"/v1/nowhere", browser, http.StatusNotFound, false},
		{"/healthz", browser, http.StatusOK, false},
	} {
		r := get(h, http.MethodGet, c.path, "Accept", c.accept)
		body, _ := io.ReadAll(r.Body)
		if page := strings.Contains(string(body), "<html"); r.StatusCode != c.status || page != c.page {
			t.Errorf("%s for %s: %d %q", c.path, c.accept, r.StatusCode, body)
		}
		if c.page && (r.Header.Get("Content-Security-Policy") == "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")) {
			t.Errorf("%s: %v", c.path, r.Header)
		}
	}
}

// The page says who is signed in, whatever the key is called, and loads what draws it.
func TestPageKnowsWhoIsSignedIn(t *testing.T) {
	said := http.StatusNoContent
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/session" || r.Method != http.MethodGet || r.Header.Get("Cookie") != "a=b" || r.Header.Get("Authorization") != "" {
			t.Errorf("asked %s %s %v", r.Method, r.URL, r.Header)
		}
		w.WriteHeader(said)
		if said == http.StatusOK {
			_, _ = w.Write([]byte(`{"name":"\"><script>"}`))
		}
	})
	i := &index{text: []byte(`<meta content="` + sessionMark + `">` + preloadMark), preload: map[string][]byte{"Inbox": []byte("<link>")}, api: api}
	for status, want := range map[int]string{
		http.StatusOK: `{&#34;name&#34;:&#34;\&#34;&gt;&lt;script&gt;&#34;}`, http.StatusNoContent: "null", http.StatusServiceUnavailable: "",
	} {
		said = status
		r := get(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { i.serve(w, r, "Inbox", http.StatusOK) }), http.MethodGet, "/inbox", "Cookie", "a=b", "Authorization", "Bearer x")
		body, _ := io.ReadAll(r.Body)
		if want = `<meta content="` + want + `"><link>`; string(body) != want {
			t.Errorf("%d: %s, want %s", status, body, want)
		}
	}
}

func TestFilesOfAModule(t *testing.T) {
	m := manifest{}
	if err := json.Unmarshal([]byte(`{"a": {"file": "a.js", "imports": ["b", "c"]}, "b": {"file": "b.js", "imports": ["c"]}, "c": {"file": "c.js", "imports": ["b"]}, "d": {"file": "d.js"}}`), &m); err != nil {
		t.Fatal(err)
	}
	if files, err := m.of("a"); err != nil || strings.Join(files, " ") != "a.js b.js c.js" {
		t.Errorf("%v %v", files, err)
	}
	if _, err := m.of("e"); !errors.Is(err, errNoModule) {
		t.Errorf("a module that there is not: %v", err)
	}
}

func TestAssets(t *testing.T) {
	a, err := newAsset("assets/a.js", []byte(strings.Repeat("var a = 1;\n", 100)))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(hashed bool, header ...string) *http.Response {
		return get(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, hashed) }), http.MethodGet, "/", header...)
	}
	if r := ask(true); r.Header.Get("Cache-Control") != forGood || r.Header.Get("Content-Encoding") != "" || r.ContentLength != 1100 {
		t.Errorf("plain: %v", r.Header)
	}
	packed := ask(false, "Accept-Encoding", "gzip, br")
	if packed.Header.Get("Content-Encoding") != "gzip" || packed.ContentLength > 200 || packed.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("packed: %v", packed.Header)
	}
	if r := ask(true, "If-None-Match", packed.Header.Get("ETag")); r.StatusCode != http.StatusNotModified {
		t.Errorf("known already: %d", r.StatusCode)
	}
}
