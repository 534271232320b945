package serve

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/live"
)

// TestStream watches over HTTP while a conversation changes.
func TestStream(t *testing.T) {
	var hub *live.Hub
	f := start(t, func(c *Config) {
		l := live.DefaultConfig()
		l.Log, l.Generations = c.Log.(*kafka.Admin), c.Directory.Generations
		var err error
		if hub, err = live.NewHub(l); err != nil {
			t.Fatal(err)
		}
		c.Live = hub
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	server := httptest.NewServer(f.handler)
	defer server.Close()
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/stream", nil)
	request.Header.Set("Authorization", "Bearer ours-key")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if media := answer.Header.Get("Content-Type"); media != "text/event-stream" {
		t.Fatalf("media type %q", media)
	}
	lines := bufio.NewScanner(answer.Body)
	event := func(want string) (data string) {
		t.Helper()
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				if name != want {
					t.Fatalf("event %s, want %s", name, want)
				}
				lines.Scan()
				return strings.TrimPrefix(lines.Text(), "data: ")
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	event("resync")
	// What changes in another workspace comes first, on the same topic, and is not told.
	for _, workspace := range []string{"theirs", "ours"} {
		c := conversation.Conversation{Workspace: workspace, ID: touchpoint.KeyOf(workspace, "a"), Person: touchpoint.KeyOf(workspace, "p"), Version: 1, State: conversation.WaitingForUs, WaitingSince: 1, Touchpoints: 3}
		value, err := c.Append(nil)
		if err == nil {
			err = f.cluster.Producer(t).Produce(t.Context(), []*kafka.Record{{Topic: string(topic.Conversations), Key: c.ID[:], Value: value}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := `{"id":"` + idOf("a") + `","person":"` + idOf("p") + `","state":"waiting_for_us","first":"1970-01-01T00:00:00.000Z","last":"1970-01-01T00:00:00.000Z","touchpoints":3,"channels":[],"waiting_since":"1970-01-01T00:00:00.001Z"}`
	if got := event("conversation"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	hub.End()
	for lines.Scan() {
		if lines.Text() != "" { // the line that ends the event
			t.Errorf("the stream goes on with %q", lines.Text())
		}
	}
	cancel()
	<-done
}
