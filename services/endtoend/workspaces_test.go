package endtoend

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/throughline/throughline/schemas/openapi"
)

// Nothing of a workspace shows in any answer to another's key, whatever is asked: every GET of the API is asked with
// every id and value of the first workspace.
func TestWorkspacesNeverMeet(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	other := u.as(newKey(t, u, "other"))
	const secret = "hush-5d1c" // in everything that the first workspace has
	u.send(message("first-"+secret, secret+"@example.com", m{"thread": []string{"ticket:" + secret}, "subject": secret, "text": secret, "topic": secret,
		"team": secret, "tags": []string{secret}, "account": secret, "source": secret}))
	refused := message(secret, secret+"@example.com", m{"channel": "pigeon"})
	if a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(refused)); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	// The same ids, address and thread in the other workspace are its own.
	other.send(message("first-"+secret, "x@example.com", m{"text": "mine"}))
	dead := find(u, secret)
	u.settle()
	person := get[struct{ ID string }](u, findPerson("email:"+secret+"@example.com")).ID
	conversation := get[struct{ Conversations []conversationAnswer }](u, "/v1/conversations").Conversations[0].ID
	own := get[struct{ Conversations []conversationAnswer }](other, "/v1/conversations").Conversations
	if len(own) != 1 || own[0].ID == conversation {
		t.Fatalf("%+v, theirs is %s", own, conversation)
	}

	asked := 0
	for _, path := range readPaths(t) {
		for _, id := range []string{person, conversation, dead.ID} {
			for _, query := range []string{"", "?" + march2026, "?identifier=email:" + secret + "@example.com", "?identifier=ticket:" + secret, "?q=" + secret,
				"?team=" + secret, "?topic=" + secret + "&" + march2026, "?by=team,topic,tag,account,source&" + march2026, "?by=team&tag=" + secret + "&" + march2026} {
				at := strings.ReplaceAll(path, "{id}", id) + query
				theirs, err := other.request(http.MethodGet, at, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				asked++
				// A question may be repeated in the answer; what was asked for is taken out before looking.
				body := string(theirs.body)
				for _, repeated := range []string{secret + "@example.com", "ticket:" + secret} {
					if theirs.status == http.StatusNotFound || theirs.status == http.StatusBadRequest {
						body = strings.ReplaceAll(body, repeated, "")
					}
				}
				if strings.Contains(body, secret) || theirs.status >= 500 {
					t.Errorf("GET %s: %d %s", at, theirs.status, theirs.body)
				}
				if strings.Contains(path, "{id}") && theirs.status != http.StatusNotFound && theirs.status != http.StatusBadRequest {
					t.Errorf("GET %s: %d, of another workspace: %s", at, theirs.status, theirs.body)
				}
			}
		}
	}
	t.Logf("%d questions asked", asked)
	totals := get[reportAnswer[figures]](other, "/v1/reports/touchpoints?"+march2026).Totals
	if totals != (figures{1, 1, 1}) {
		t.Errorf("%+v", totals)
	}
	if a, err := other.request(http.MethodPost, "/v1/dead-letters/"+dead.ID+"/resend", asJSON, encode(message("stolen", "x@example.com", nil))); err != nil || a.status != http.StatusNotFound {
		t.Errorf("send another's dead letter again: %d %s %v", a.status, a.body, err)
	}
	for _, path := range []string{"/v1/audit", "/v1/rebuild/store"} {
		if a, err := other.request(http.MethodPost, path, nil, nil); err != nil || a.status != http.StatusForbidden {
			t.Errorf("POST %s by another workspace: %d %s %v", path, a.status, a.body, err)
		}
	}
}

// readPaths are the paths of the API that are read with a key.
func readPaths(t *testing.T) (paths []string) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(openapi.Document, &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		if path == "/v1/stream" {
			continue // it has no end; the tests of serve and live watch it
		}
		if _, ok := operations["get"].(map[string]any); ok && strings.HasPrefix(path, "/v1/") {
			paths = append(paths, path)
		}
	}
	if len(paths) < 12 {
		t.Fatal(fmt.Sprint("only ", paths))
	}
	return paths
}
