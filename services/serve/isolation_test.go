package serve

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// secret is in everything that the other workspace holds.
const secret = "their-secret"

// TestNothingIsReadAcrossWorkspaces fills the other workspace and asks for it with our key, in every operation of the
// document: by the others' ids, by the same identifiers, and without any filter.
func TestNothingIsReadAcrossWorkspaces(t *testing.T) {
	f := start(t)
	theirs := event{workspace: "theirs", id: secret, time: "2026-11-01T09:00:00Z", channel: "chat", agent: secret, identifiers: ids("customer_id:" + secret),
		thread: []string{"ticket:" + secret}, subject: secret, text: secret, team: secret, topic: secret, source: secret, account: secret, tags: []string{secret},
		properties: `{"a": "` + secret + `"}`, conversation: secret}
	f.store(theirs)
	f.talks(talk{workspace: "theirs", id: secret, person: theirs.anchor(), first: "2026-11-01T09:00:00Z", channels: []string{secret}, team: secret,
		agent: secret, topic: secret, tags: []string{secret}, waiting: "2026-11-01T09:00:00Z"})
	letter := touchpoint.RejectedID("theirs", "1")
	f.insert("rejected", row{"workspace": "theirs", "id": letter, "version": 1, "time": at("2026-11-01T09:00:00Z"), "source": "http", "position": secret,
		"touchpoint": secret, "field": secret, "reason": secret, "bytes": secret, "status": "kept"})
	f.move("theirs", theirs.anchor(), theirs.anchor(), keyOf("somebody"), 1)

	claimed := identity.Node{Anchor: identity.AnchorOf("theirs", "email", secret), Type: "email", Value: secret}
	whose := identity.Node{Anchor: theirs.anchor(), Type: "customer_id", Value: secret}
	says := identity.Evidence{Rule: secret, Touchpoint: secret, Source: secret}
	f.decided(
		identity.Edge{Workspace: "theirs", Kind: identity.LinkClaimed, Decision: identity.Suggested, A: whose, B: claimed, Rule: secret, Version: 1, Evidence: says},
		identity.Edge{Workspace: "theirs", Kind: identity.LinkVerified, Decision: identity.Refused, A: whose, B: nodeOf("email:x"), Rule: secret, Version: 2, Evidence: says},
		identity.Edge{Workspace: "theirs", Kind: identity.LinkVerified, Decision: identity.Shared, A: claimed, Rule: secret, Version: 3, Evidence: says},
	)

	person, conversation := theirs.anchor().String(), touchpoint.KeyOf("theirs", secret).String()
	for path, item := range document()["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			// What carries its own key in its path is not asked with ours, and a schema is written for ours, whatever theirs are.
			if method == "parameters" || path == "/v1/touchpoints" || strings.Contains(path, "{key}") || method == "post" && strings.Contains(path, "{kind}") {
				continue
			}
			id := person
			switch {
			case strings.Contains(path, "conversations/"):
				id = conversation
			case strings.Contains(path, "dead-letters/"):
				id = letter
			}
			target := strings.NewReplacer("{id}", id, "{account}", secret, "{kind}", "order.placed").Replace(path)
			targets := []string{target}
			body := ""
			switch path {
			case "/v1/people/why":
				targets = []string{target + "?a=customer_id:" + secret + "&b=" + person, target + "?a=" + person + "&b=customer_id:" + secret}
			case "/v1/people/merge":
				body = `{"a": "` + person + `", "b": "customer_id:` + secret + `", "reason": "to see"}`
			case "/v1/people/split":
				body = `{"person": "` + person + `", "identifiers": ["customer_id:` + secret + `"], "reason": "to see"}`
			case "/v1/identity/rehearsals/{id}":
				body = `{"action": "discard"}`
			case "/v1/identity/suggestions/{id}":
				id := identity.PairID(theirs.anchor(), claimed.Anchor).String()
				targets, body = []string{strings.ReplaceAll(path, "{id}", id)}, `{"action": "accept", "reason": "to see"}`
			case "/v1/people":
				targets = []string{target + "?identifier=customer_id:" + secret, target + "?identifier=ticket:" + secret, target + "?identifier=claimed:customer_id:" + secret}
			case "/v1/reports/touchpoints":
				targets = append(targets, target+"?by=channel,team,agent,topic,source,account", target+"?by=tag", target+"?team="+secret)
			case "/v1/reports/conversations":
				targets = append(targets, target+"?by=channel,team,agent,topic,source,account", target+"?by=tag", target+"?team="+secret)
			}
			for _, target := range targets {
				answer := f.do(strings.ToUpper(method), "ours-key", target, strings.NewReader(body))
				body, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				if (strings.Contains(path, "{") || strings.HasPrefix(path, "/v1/people/")) && answer.StatusCode != http.StatusNotFound {
					t.Errorf("%s %s: %d", method, target, answer.StatusCode)
				}
				// What was asked for may be said again, nothing else.
				said := bytes.ReplaceAll(body, []byte(`customer_id:`+secret), nil)
				said = bytes.ReplaceAll(said, []byte(`ticket:`+secret), nil)
				said = bytes.ReplaceAll(said, []byte(`account `+secret), nil)
				said = bytes.ReplaceAll(said, []byte(`/accounts/`+secret), nil)
				if bytes.Contains(said, []byte(secret)) {
					t.Errorf("%s %s says %s", method, target, body)
				}
			}
		}
	}
	for _, report := range []string{"touchpoints", "conversations"} {
		got := f.report(t, report, q())
		for name, figure := range got.Totals {
			if n, ok := figure.(float64); ok && n != 0 {
				t.Errorf("%s: %s is %v", report, name, n)
			}
		}
		if got.Freshness.NewestVisible != nil {
			t.Errorf("%s: freshness of theirs %s", report, *got.Freshness.NewestVisible)
		}
	}
	// They see all of it.
	for _, target := range []string{"/v1/conversations", "/v1/dead-letters", "/v1/dead-letters/" + letter, "/v1/reports/touchpoints?by=team",
		"/v1/accounts/" + secret, "/v1/accounts/" + secret + "/timeline", "/v1/identity/suggestions", "/v1/identity/refusals", "/v1/identity/shared", "/v1/status/sources"} {
		answer := f.do(http.MethodGet, "theirs-key", target, nil)
		if body, _ := io.ReadAll(answer.Body); !bytes.Contains(body, []byte(secret)) {
			t.Errorf("theirs %s: %s", target, body)
		}
	}
}

func TestEveryOperationNeedsAKey(t *testing.T) {
	f := start(t)
	for path, item := range document()["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			security, own := operation.(map[string]any)["security"].([]any)
			// Providers have a key of theirs in the path, clients of Segment's in another place of the request.
			anybody := slices.ContainsFunc(security, func(one any) bool { return len(one.(map[string]any)) == 0 })
			open := own && (len(security) == 0 || anybody) && !strings.HasPrefix(path, "/v1/sources/")
			for _, key := range []string{"", "wrong"} {
				answer := f.do(strings.ToUpper(method), key, strings.NewReplacer("{id}", idOf("1"), "{account}", "acme").Replace(path), nil)
				if want := !open; (answer.StatusCode == http.StatusUnauthorized) != want {
					t.Errorf("%s %s with key %q: %d", method, path, key, answer.StatusCode)
				}
			}
			if open || method != "get" {
				continue
			}
			if answer := f.do(http.MethodDelete, "ours-key", strings.NewReplacer("{id}", idOf("1"), "{account}", "acme").Replace(path), nil); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
				t.Errorf("DELETE %s: %d, allow %q", path, answer.StatusCode, answer.Header.Get("Allow"))
			}
		}
	}
	if answer := f.do(http.MethodGet, "ours-key", "/v1/nothing", nil); answer.StatusCode != http.StatusNotFound || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("unknown path: %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
}
