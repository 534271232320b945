package endtoend

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/services/program"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

// A provider's afternoon, with the program as users have it: an address is made, the provider's request is sent there, and the customer is
// found by what was in it. What somebody else signed changes nothing, and neither does the same request again.
func TestAProvider(t *testing.T) {
	t.Parallel()
	const secret = "secret-of-the-shop"
	secrets := t.TempDir()
	if err := os.WriteFile(filepath.Join(secrets, "shopify.secret"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := newUp(t, t.TempDir())
	u.arguments = append(u.arguments, "--source-secrets", secrets)
	u.start()
	made := program.Command(t, "sources", "keys", "create", "shopify", "--name", "shop", "--url", u.url, "--key", u.key, "--json")
	if made.Code != 0 {
		t.Fatal(made)
	}
	var address struct{ ID, URL, Key string }
	if err := json.Unmarshal([]byte(made.Stdout), &address); err != nil {
		t.Fatalf("%v in %s", err, made.Stdout)
	}
	f := sourcetest.Read(t, sourcetest.Load(t, "shopify"), "../../schemas/sources/shopify/order.request")
	f.Secrets["secret"] = secret
	f.Sign(t)
	post := func(headers textproto.MIMEHeader) int {
		r, err := http.NewRequest(http.MethodPost, address.URL, bytes.NewReader(f.Request.Body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header(headers)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode
	}
	for range 3 {
		if status := post(f.Request.Headers); status != http.StatusOK {
			t.Fatalf("a good request is answered with %d", status)
		}
	}
	f.Secrets["secret"] = "somebody else's"
	f.Sign(t)
	if status := post(f.Request.Headers); status != http.StatusUnauthorized {
		t.Errorf("a forged request is answered with %d", status)
	}
	u.settle()
	a, err := u.request(http.MethodGet, "/v1/people?identifier=email:anna@example.com", nil, nil)
	if err != nil || a.status != http.StatusOK || !strings.Contains(string(a.body), "115310627314723954") {
		t.Fatalf("the customer: %d %s %v", a.status, a.body, err)
	}
	wants(u, "touchpoints", 1, func() int {
		return get[reportAnswer[struct{ Touchpoints int }]](u, "/v1/reports/touchpoints?from=2025-01-01&to=2026-01-01").Totals.Touchpoints
	})
	if r := program.Command(t, "sources", "keys", "revoke", address.ID, "--url", u.url, "--key", u.key); r.Code != 0 {
		t.Fatal(r)
	}
	f.Secrets["secret"] = secret
	f.Sign(t)
	wants(u, "the answer to a revoked address", http.StatusUnauthorized, func() int { return post(f.Request.Headers) })
}

// sources test needs no server, and its exit code says whether something would be refused.
func TestSourcesTest(t *testing.T) {
	t.Parallel()
	r := program.Command(t, "sources", "test", "zendesk", "../../schemas/sources/zendesk/comment.request")
	if r.Code != 0 || !strings.Contains(r.Stdout, `"id": "zendesk:cbe4028c-7239-495d-b020-f22348516046"`) {
		t.Error(r)
	}
	r = program.Command(t, "sources", "test", "shopify", "../../schemas/sources/zendesk/comment.request")
	if r.Code != 1 || !strings.Contains(r.Stdout, "none of the cases") {
		t.Error(r)
	}
	r = program.Command(t, "sources", "test", "../../schemas/sources/sources.go", "../../schemas/sources/zendesk/comment.request")
	if r.Code != 1 || !strings.Contains(r.Stderr, "line ") || !strings.Contains(r.Stderr, "column ") {
		t.Error(r)
	}
}
