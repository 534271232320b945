package node

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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
	admin, err := kafka.NewAdmin(c.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	n := &Node{config: Config{Kafka: c.Kafka}, directory: d, admin: admin}
	h := n.whenKeysAreKnown(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]int{"/v1/touchpoints": http.StatusServiceUnavailable, "/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusTeapot, "/metrics": http.StatusTeapot} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want || want == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Header(), want)
		}
		if path == "/readyz" && !strings.Contains(w.Body.String(), "no broker answers at 127.0.0.1:1") {
			t.Errorf("it does not say why: %s", w.Body)
		}
	}
}

// A role whose broker is away says so within seconds, and again, until one answers.
func TestTheLogSaysThatNoBrokerAnswers(t *testing.T) {
	c := kafka.Config{Brokers: []string{"127.0.0.1:1"}}
	admin, err := kafka.NewAdmin(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	said, out := io.Pipe()
	n := &Node{config: Config{Kafka: c, Logger: slog.New(slog.NewTextHandler(out, nil))}, admin: admin}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { n.sayWhenAlone(ctx); _ = out.Close(); close(done) }()
	lines := bufio.NewScanner(said)
	for range 2 {
		if !lines.Scan() || !strings.Contains(lines.Text(), "no broker answers at 127.0.0.1:1") {
			t.Fatalf("%q", lines.Text())
		}
	}
	stop()
	_, _ = io.Copy(io.Discard, said)
	<-done
}
