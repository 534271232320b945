package console

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// pages are the first parts of the paths of pages, each with the module that draws it: whoever opens one by its address gets the
// program, and its module at once instead of after the program has found out what it needs.
var pages = map[string]string{
	"": "Overview", "inbox": "Inbox", "conversations": "Conversation", "customers": "Customers", "people": "Person", "reports": "Reports",
	"cracks": "Cracks", "identity": "Identity", "quality": "Quality", "channels": "Channels",
}

// What stands in index.html where something of the answer's own belongs.
const (
	nonceMark   = "__NONCE__"
	sessionMark = "__SESSION__"
	preloadMark = "<!--preload-->"
)

// manifestName is the file in which the build says which module needs which files.
const manifestName = ".vite/manifest.json"

// index is the page that loads the program.
type index struct {
	text    []byte
	preload map[string][]byte // by module of pages
	api     http.Handler      // knows who is signed in
}

// newIndex is nil when the console is not built.
func newIndex(assets map[string]asset, api http.Handler) (*index, error) {
	page, built := assets["index.html"]
	if !built {
		return nil, nil
	}
	var files manifest
	if err := json.Unmarshal(assets[manifestName].plain, &files); err != nil {
		return nil, fmt.Errorf("read %s: %w", manifestName, err)
	}
	out := &index{page.plain, map[string][]byte{}, api}
	for _, module := range pages {
		var links bytes.Buffer
		needed, err := files.of("src/pages/" + module + ".tsx")
		if err != nil {
			return nil, err
		}
		for _, file := range needed {
			if !bytes.Contains(page.plain, []byte(file)) { // what every page needs is there already
				fmt.Fprintf(&links, `<link rel="modulepreload" crossorigin href="/%s">`, html.EscapeString(file))
			}
		}
		out.preload[module] = links.Bytes()
	}
	return out, nil
}

// manifest is what the build writes: https://vite.dev/guide/backend-integration.
type manifest map[string]struct {
	File    string   `json:"file"`
	Imports []string `json:"imports"`
}

var errNoModule = errors.New("the build has no such module")

// of are the files that a module needs before it can run.
func (m manifest) of(module string) ([]string, error) {
	if _, ok := m[module]; !ok {
		return nil, fmt.Errorf("%w: %s", errNoModule, module)
	}
	files, seen, next := map[string]bool{}, map[string]bool{}, []string{module}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if !seen[name] {
			seen[name], files[m[name].File] = true, true
			next = append(next, m[name].Imports...)
		}
	}
	return slices.Sorted(maps.Keys(files)), nil
}

// serve answers with the page that loads the program. Styles that the program makes while it runs carry the answer's nonce: whatever else
// gets into the page, from a customer's message, say, has no effect. Who is signed in stands in the page, so that the program need not
// ask before it draws anything.
func (i *index) serve(w http.ResponseWriter, r *http.Request, module string, status int) {
	var b [18]byte
	rand.Read(b[:]) // never fails
	nonce := base64.RawURLEncoding.EncodeToString(b[:])
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	w.WriteHeader(status)
	if r.Method != http.MethodGet {
		return
	}
	page := strings.NewReplacer(nonceMark, nonce, sessionMark, html.EscapeString(i.session(r)), preloadMark, string(i.preload[module]))
	_, _ = page.WriteString(w, string(i.text)) // an error means that the client is gone
}

// wantsPage says whether somebody typed the address or followed a link to it: what lies at an address of the API is the API's to say, also
// that nothing does.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.HasPrefix(r.URL.Path, "/v1/")
}

// unlessMissing lets an answer through unless it says that nothing is at the address.
type unlessMissing struct {
	http.ResponseWriter
	missing bool
}

func (m *unlessMissing) WriteHeader(status int) {
	if m.missing = status == http.StatusNotFound; m.missing {
		m.Header().Del("Content-Length")
		return
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *unlessMissing) Write(b []byte) (int, error) {
	if m.missing {
		return len(b), nil
	}
	return m.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (m *unlessMissing) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// session is what GET /v1/session answers to whoever asks for the page: a Session, "null" for nobody, or nothing when the API does not
// say, so that the program asks it itself.
func (i *index) session(r *http.Request) string {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "/v1/session", nil)
	if err != nil {
		return ""
	}
	ask.Header["Cookie"], ask.RemoteAddr, ask.Host = r.Header["Cookie"], r.RemoteAddr, r.Host
	said := answer{header: http.Header{}}
	i.api.ServeHTTP(&said, ask)
	switch said.status {
	case http.StatusOK:
		return strings.TrimSpace(said.body.String())
	case http.StatusNoContent:
		return "null"
	}
	return ""
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
