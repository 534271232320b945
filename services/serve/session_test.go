package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/workspace"
)

func (f *fixture) signIn(key string) *http.Cookie {
	f.tb.Helper()
	r := f.do(http.MethodPost, "", "/v1/session", strings.NewReader(fmt.Sprintf(`{"key":%q}`, key)))
	if r.StatusCode != 200 || len(r.Cookies()) != 1 {
		f.tb.Fatalf("signing in: %d %v", r.StatusCode, r.Cookies())
	}
	return r.Cookies()[0]
}

func TestASessionIsAKeyThatNoScriptCanRead(t *testing.T) {
	f := start(t)
	cookie := f.signIn("ours-key")
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.MaxAge != 0 {
		t.Errorf("the cookie is %+v", cookie)
	}
	behindTLS := f.do(http.MethodPost, "", "/v1/session", strings.NewReader(`{"key":"ours-key"}`), "X-Forwarded-Proto", "https")
	if !behindTLS.Cookies()[0].Secure {
		t.Error("over TLS the cookie must be for TLS alone")
	}
	have := cookie.Name + "=" + cookie.Value
	var session Session
	r := f.do(http.MethodGet, "", "/v1/session", nil, "Cookie", have)
	if err := json.NewDecoder(r.Body).Decode(&session); err != nil || session.Workspace != "ours" || session.Name != "eva" || len(session.Scopes) != 4 {
		t.Errorf("%+v, %v", session, err)
	}
	if r := f.do(http.MethodGet, "", "/v1/conversations", nil, "Cookie", have); r.StatusCode != 200 {
		t.Errorf("reading with the session: %d", r.StatusCode)
	}
	if r := f.do(http.MethodGet, "", "/v1/session", nil); r.StatusCode != http.StatusNoContent {
		t.Errorf("nobody is signed in: %d", r.StatusCode)
	}
	if r := f.do(http.MethodPost, "", "/v1/session", strings.NewReader(`{"key":"nobody's"}`)); r.StatusCode != 401 || len(r.Cookies()) > 0 {
		t.Errorf("an unknown key: %d %v", r.StatusCode, r.Cookies())
	}
	out := f.do(http.MethodDelete, "", "/v1/session", nil, "Cookie", have)
	if out.StatusCode != http.StatusNoContent || out.Cookies()[0].MaxAge != -1 {
		t.Errorf("signing out: %d %v", out.StatusCode, out.Cookies())
	}
}

// The browser sends the cookie along with whatever page asks: only pages of this server may write by it.
func TestASessionWritesFromItsOwnPagesAlone(t *testing.T) {
	f := start(t)
	cookie := f.signIn("ours-key")
	have := []string{"Cookie", cookie.Name + "=" + cookie.Value, "Content-Type", "application/json"}
	const touchpoint = `{"channel":"email","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":"a@example.com"}]}`
	for _, c := range []struct {
		header []string
		want   int
	}{
		{nil, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "none"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://example.com"}, 403},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 202},
		{[]string{"Origin", "http://example.com"}, 202}, // the host that httptest asks
	} {
		r := f.do(http.MethodPost, "", "/v1/touchpoints", strings.NewReader(touchpoint), slices.Concat(have, c.header)...)
		if r.StatusCode != c.want {
			t.Errorf("%q: %d, want %d", c.header, r.StatusCode, c.want)
		}
	}
	if r := f.do(http.MethodPost, "", "/v1/session", strings.NewReader(`{"key":"ours-key"}`), "Sec-Fetch-Site", "cross-site"); r.StatusCode != 403 || len(r.Cookies()) > 0 {
		t.Errorf("signed in by somebody else's page: %d", r.StatusCode)
	}
	if r := f.do(http.MethodDelete, "", "/v1/session", nil, "Origin", "https://evil.example"); r.StatusCode != 403 {
		t.Errorf("signed out by somebody else's page: %d", r.StatusCode)
	}
}

func TestKeysMayWhatTheirScopesSay(t *testing.T) {
	f := start(t)
	for _, c := range []struct{ method, path, scope string }{
		{"GET", "/v1/conversations", "read"},
		{"GET", "/v1/stream?no", "read"},
		{"POST", "/v1/touchpoints", "send"},
		{"POST", "/v1/track", "send"},
		{"POST", "/v1/people/merge", "write"},
		{"POST", "/v1/identity/rehearsals", "admin"},
		{"POST", "/v1/identity/rehearsals/" + strings.Repeat("0", 32), "admin"},
		{"POST", "/v1/audit", "admin"},
		{"POST", "/v1/rebuild/store", "admin"},
	} {
		for key, scope := range limited {
			r := f.do(c.method, key, c.path, strings.NewReader("{}"), "Content-Type", "application/json")
			var problem struct{ Detail string }
			json.NewDecoder(r.Body).Decode(&problem)
			if named := r.StatusCode == 403 && strings.Contains(problem.Detail, c.scope); named == (workspace.Key{Scopes: []workspace.Scope{scope}}).May(workspace.Scope(c.scope)) {
				t.Errorf("%s %s with a key that may %s: %d %s", c.method, c.path, scope, r.StatusCode, problem.Detail)
			}
		}
	}
}
