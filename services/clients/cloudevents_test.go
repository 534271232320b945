package clients

import (
	"net/http"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

func event(t *testing.T, id, customer string) cloudevents.Event {
	t.Helper()
	e := cloudevents.NewEvent()
	e.SetID(id)
	e.SetSource("/shop")
	e.SetType("com.example.message")
	e.SetTime(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC))
	e.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	data := map[string]any{"channel": "chat", "direction": "inbound", "kind": "message", "actor": map[string]any{"type": "customer"}, "text": "Grüße",
		"identifiers": []map[string]any{{"type": "customer_id", "value": customer, "verified": true}}}
	if err := e.SetData(cloudevents.ApplicationJSON, data); err != nil {
		t.Fatal(err)
	}
	return e
}

// The Go SDK of CloudEvents, in its three modes.
func TestCloudEventsInGo(t *testing.T) {
	t.Parallel()
	u := start(t)
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(u.url+"/v1/touchpoints"), cloudevents.WithHeader("Authorization", "Bearer "+key))
	if err != nil {
		t.Fatal(err)
	}
	accepted := func(result protocol.Result) {
		t.Helper()
		var answer *cehttp.Result
		if cloudevents.IsUndelivered(result) || !cloudevents.ResultAs(result, &answer) || answer.StatusCode != http.StatusAccepted {
			t.Errorf("%v", result)
		}
	}
	accepted(client.Send(binding.WithForceStructured(t.Context()), event(t, "ce-go-structured", "ce-go")))
	accepted(client.Send(binding.WithForceBinary(t.Context()), event(t, "ce-go-binary", "ce-go")))
	req, err := cehttp.NewHTTPRequestFromEvents(t.Context(), u.url+"/v1/touchpoints", []cloudevents.Event{event(t, "ce-go-batch-1", "ce-go"), event(t, "ce-go-batch-2", "ce-go")})
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("batch: %s", res.Status)
	}
	ids := u.touchpoints(t, "customer_id:ce-go", 4)
	for _, id := range []string{"ce-go-structured", "ce-go-binary", "ce-go-batch-1", "ce-go-batch-2"} {
		if !strings.Contains(ids, id) {
			t.Errorf("%s is not among %s", id, ids)
		}
	}
}
