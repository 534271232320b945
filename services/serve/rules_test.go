package serve

import (
	"io"
	"net/http"
	"strings"
	"testing"

	streams "github.com/throughline/throughline/streams/identity"
)

// book is rules by workspace.
type book map[string]*streams.Rules

func (b book) Rules(workspace string) *streams.Rules { return b[workspace] }

// An identifier is read by the rules of the workspace that asks.
func TestLookUpByTheRulesOfTheWorkspace(t *testing.T) {
	rulesOf := func(region string) *streams.Rules {
		r, err := streams.ParseRules([]byte("regions: [" + region + "]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: phone, normalise: phone}]"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	f := start(t, func(c *Config) { c.Rules = book{"ours": rulesOf("DE"), "theirs": rulesOf("AT")} })
	if got := string(f.get(http.StatusOK, "/v1/identity/rules")); got != rulesOf("DE").YAML() {
		t.Errorf("the rules in force are %s", got)
	}
	f.get(http.StatusOK, "/v1/schemas/identity-rules.json")
	for key, want := range map[string]string{"ours-key": "phone:+4930123456", "theirs-key": "phone:+4330123456"} {
		resp := f.do(http.MethodGet, key, "/v1/people?identifier=phone:030%20123456", nil)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s, %v, want that nobody is known by %s", key, resp.StatusCode, body, err, want)
		}
	}
}
