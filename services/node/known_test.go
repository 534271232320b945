package node

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/workspaces"
)

// As long as the log is away the keys are not known: that is no reason to tell a client that its key is wrong.
func TestNoKeyIsWrongBeforeTheKeysAreKnown(t *testing.T) {
	c := workspaces.DefaultConfig()
	c.Kafka = kafka.Config{Brokers: []string{"127.0.0.1:1"}}
	d, err := workspaces.NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	n := &Node{directory: d}
	h := n.whenKeysAreKnown(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]int{"/v1/touchpoints": http.StatusServiceUnavailable, "/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusTeapot, "/metrics": http.StatusTeapot} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want || want == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Header(), want)
		}
	}
}
