package segment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// keys is a directory of fixed keys and what they may.
type keys map[string]workspace.Key

func (k keys) Authenticate(key string) (string, bool) {
	w, ok := k[key]
	return w.Workspace, ok
}

func (k keys) May(key string, s workspace.Scope) bool {
	w, ok := k[key]
	return ok && w.May(s)
}

// world is the door behind a real HTTP server, on a broker of its own.
type world struct {
	t       *testing.T
	cluster *kafkatest.Cluster
	collect *collect.Collector
	url     string
}

func open(t *testing.T) *world { return openOnto(t, nil) }

// openOnto opens the door onto a producer; nil: the one of the world's broker.
func openOnto(t *testing.T, producer *kafka.Producer) *world {
	t.Helper()
	w := &world{t: t, cluster: kafkatest.Start(t,
		kafka.TopicSpec{Name: string(topic.Touchpoints), Partitions: 2},
		kafka.TopicSpec{Name: string(topic.Rejected), Partitions: 2})}
	directory := keys{
		"k1": {Workspace: "default", Scopes: []workspace.Scope{workspace.Write}}, "web": {Workspace: "shop", Scopes: []workspace.Scope{workspace.Send}},
		"reader": {Workspace: "default", Scopes: []workspace.Scope{workspace.Read}},
	}
	c := collect.DefaultConfig()
	if producer == nil {
		producer = w.cluster.Producer(t)
	}
	c.Producer, c.Directory = producer, directory
	var err error
	if w.collect, err = collect.New(c); err != nil {
		t.Fatal(err)
	}
	door, err := New(Config{Collector: w.collect, Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	routes := api.NewRoutes()
	door.Mount(routes)
	server, err := api.NewServer(api.DefaultConfig(), routes.Handler())
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + server.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

// call sends a request; headers are name, value, name, value. Without Authorization among them it brings k1 as the write key.
func (w *world) call(method, path string, body []byte, headers ...string) (int, http.Header, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth("k1", "")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// stored is what topic touchpoints has, by workspace/id.
func (w *world) stored() map[string]touchpoint.Touchpoint {
	w.t.Helper()
	out := map[string]touchpoint.Touchpoint{}
	for _, r := range w.cluster.Records(w.t, string(topic.Touchpoints)) {
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		var t touchpoint.Touchpoint
		if err := touchpoint.DecodePayload(e.Payload, &t); err != nil {
			w.t.Fatal(err)
		}
		out[e.Workspace+"/"+t.ID] = t
	}
	return out
}

func (w *world) letters() (out []touchpoint.Rejected) {
	w.t.Helper()
	for _, r := range w.cluster.Records(w.t, string(topic.Rejected)) {
		letter, err := touchpoint.DecodeRejected(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, letter)
	}
	return out
}

func TestEveryCallIsOnTheLogBeforeItsAnswer(t *testing.T) {
	w := open(t)
	for name, message := range map[string]string{
		"track": `"userId":"u","event":"Order Completed"`, "identify": `"userId":"u"`, "page": `"anonymousId":"a"`,
		"screen": `"anonymousId":"a"`, "group": `"userId":"u","groupId":"g"`, "alias": `"userId":"u","previousId":"p"`,
	} {
		for _, path := range []string{name, name[:1]} {
			status, header, body := w.call(http.MethodPost, "/v1/"+path, fmt.Appendf(nil, `{%s,"messageId":"m-%s"}`, message, path))
			if status != http.StatusOK || body != `{"success":true}` || header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %s %v", path, status, body, header)
			}
			if tp, ok := w.stored()["default/m-"+path]; !ok || tp.Source != "segment" {
				t.Errorf("%s is not on the log: %+v", path, tp)
			}
		}
	}
	if status, _, body := w.call(http.MethodPost, "/v1/batch", []byte(`{"batch":[]}`)); status != http.StatusOK {
		t.Errorf("an empty batch: %d %s", status, body)
	}
}

func TestABadMessageHarmsNoNeighbour(t *testing.T) {
	w := open(t)
	large := `{"type":"track","event":"e","userId":"u","messageId":"large","properties":{"a":"` + strings.Repeat("x", MaxCall) + `"}}`
	body := `{"batch":[{"type":"track","event":"e","userId":"u","messageId":"one"},{"type":"track","userId":"u","messageId":"two"},oops,` + large +
		`,{"type":"page","userId":"u","messageId":"three","timestamp":"yesterday"},{"type":"page","userId":"u","messageId":"four"}],"sentAt":"2026-01-01T00:00:00Z"}`
	if status, _, answer := w.call(http.MethodPost, "/v1/batch", []byte(body)); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	stored := w.stored()
	if len(stored) != 2 || stored["default/one"].ID == "" || stored["default/four"].ID == "" {
		t.Errorf("stored %v", stored)
	}
	why := map[string]string{}
	letters := w.letters()
	for _, l := range letters {
		why[l.Touchpoint+" "+l.Field] = l.Reason
		if l.Source != touchpoint.SourceSegment || l.Workspace != "default" {
			t.Errorf("%+v", l)
		}
	}
	if len(letters) != 4 || !strings.Contains(why["three time"], "yesterday") || why["two event"] == "" || why["large "] == "" {
		t.Errorf("dead letters %v", why)
	}
	// Repaired it can be sent again.
	for _, l := range letters {
		switch l.Touchpoint {
		case "three":
			repaired := bytes.ReplaceAll(l.Bytes, []byte("yesterday"), []byte("2026-01-01T00:00:00Z"))
			if id, err := w.collect.Resend(t.Context(), "default", l, repaired); err != nil || id != "three" {
				t.Errorf("%s %v", id, err)
			}
		case "two":
			if _, err := w.collect.Resend(t.Context(), "default", l, nil); err == nil {
				t.Error("nothing was repaired")
			}
			repaired := bytes.Replace(l.Bytes, []byte(`{`), []byte(`{"kind":"track.e",`), 1)
			if id, err := w.collect.Resend(t.Context(), "default", l, repaired); err != nil || id != "two" {
				t.Errorf("%s %v", id, err)
			}
		}
	}
	// The same bad message again, by another attempt, is the same dead letter.
	again := strings.Replace(body, "2026-01-01", "2026-01-02", 1)
	if status, _, answer := w.call(http.MethodPost, "/v1/batch", []byte(again)); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	ids := map[string]bool{}
	for _, l := range w.letters() {
		ids[l.ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("%d dead letters, want the same 4", len(ids))
	}
}

// What the workspace does not want kept is in no dead letter either.
func TestPrivacy(t *testing.T) {
	w := open(t)
	const card = "4111 1111 1111 1111"
	w.call(http.MethodPost, "/v1/track", []byte(`{"userId":"u","event":"Live Chat Message Sent","messageId":"m","properties":{"message_body":"my card: `+card+`"}}`))
	w.call(http.MethodPost, "/v1/track", []byte(`{"event":"Live Chat Message Sent","messageId":"n","properties":{"message_body":"my card: `+card+`"}}`))
	if tp := w.stored()["default/m"]; !strings.HasSuffix(tp.Text, "1111") || strings.Contains(tp.Text+string(tp.Properties), card) {
		t.Errorf("%+v", tp)
	}
	if l := w.letters(); len(l) != 1 || bytes.Contains(l[0].Bytes, []byte(card)) {
		t.Errorf("%+v", l)
	}
}

func TestLimits(t *testing.T) {
	w := open(t)
	message := `{"type":"track","event":"e","userId":"u"}`
	many := `{"batch":[` + strings.Repeat(message+",", MaxMessages) + message + `]}`
	pad := func(n int) string { return `{"userId":"u","event":"e","a":"` + strings.Repeat("x", n) + `"}` }
	for _, tc := range []struct {
		name, path, body string
		status           int
	}{
		{"call", "/v1/track", pad(MaxCall), 400},
		{"largest call", "/v1/track", pad(MaxCall - len(pad(0))), 200},
		{"batch", "/v1/batch", `{"batch":[` + message + `],"a":"` + strings.Repeat("x", MaxBody) + `"}`, 400},
		{"messages", "/v1/batch", many, 400},
		{"most messages", "/v1/batch", strings.Replace(many, message+",", "", 1), 200},
		{"no JSON", "/v1/track", `{`, 400},
		{"no JSON", "/v1/batch", `{"batch":[`, 400},
		{"nothing", "/v1/track", ``, 400},
		{"no object", "/v1/batch", `[]`, 400},
	} {
		status, header, body := w.call(http.MethodPost, tc.path, []byte(tc.body))
		if status != tc.status || header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %s, want %d", tc.name, status, body, tc.status)
		}
	}
	if n := len(w.cluster.Records(t, string(topic.Touchpoints))); n != 1+MaxMessages {
		t.Errorf("%d touchpoints", n)
	}
}

func TestWhoMaySend(t *testing.T) {
	w := open(t)
	good := `{"userId":"u","event":"e","writeKey":"%s"}`
	for _, tc := range []struct {
		name   string
		body   string
		header []string
		status int
	}{
		{"basic", good, nil, 200},
		{"basic that cannot be", good, []string{"Authorization", "Basic ???"}, 401},
		{"bearer", good, []string{"Authorization", "Bearer web"}, 200},
		{"unknown", good, []string{"Authorization", "Bearer wrong"}, 401},
		{"reads only", good, []string{"Authorization", "Bearer reader"}, 403},
		{"write key in the body", fmt.Sprintf(good, "web"), []string{"Authorization", ""}, 200},
		{"unknown in the body", fmt.Sprintf(good, "wrong"), []string{"Authorization", ""}, 401},
		{"none", `{"userId":"u","event":"e"}`, []string{"Authorization", ""}, 401},
		{"the header counts", fmt.Sprintf(good, "web"), []string{"Authorization", "Bearer wrong"}, 401},
	} {
		status, header, body := w.call(http.MethodPost, "/v1/track", []byte(tc.body), tc.header...)
		if status != tc.status || status == 401 && header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s, want %d", tc.name, status, body, tc.status)
		}
	}
	for id, tp := range w.stored() {
		if bytes.Contains(tp.Properties, []byte("writeKey")) {
			t.Errorf("%s keeps the write key: %s", id, tp.Properties)
		}
	}
}

func TestPackedAndFromBrowsers(t *testing.T) {
	w := open(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"batch":[{"type":"page","anonymousId":"a","messageId":"packed"}]}`))
	_ = z.Close()
	if status, _, body := w.call(http.MethodPost, "/v1/batch", packed.Bytes(), "Content-Encoding", "gzip", "Content-Type", "text/plain"); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if _, ok := w.stored()["default/packed"]; !ok {
		t.Error("the packed batch is not on the log")
	}
	status, header, _ := w.call(http.MethodOptions, "/v1/t", nil, "Authorization", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "POST")
	if status != http.StatusNoContent || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "Authorization") || header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %v", status, header)
	}
	status, _, body := w.call(http.MethodGet, "/v1/projects/web/settings", nil, "Authorization", "", "X-Forwarded-Proto", "https")
	var settings struct {
		Integrations map[string]struct{ APIKey, APIHost, Protocol string }
	}
	if err := json.Unmarshal([]byte(body), &settings); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if s := settings.Integrations["Segment.io"]; s.APIKey != "web" || "http://"+s.APIHost != w.url+"/v1" || s.Protocol != "https" {
		t.Errorf("%s", body)
	}
}

// While the log is away the client is told to come back.
func TestWhileTheLogIsAway(t *testing.T) {
	c := collect.DefaultProducerConfig()
	c.DeliveryTimeout = time.Second
	producer, err := kafka.NewProducer(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = producer.Close(ctx)
	})
	w := openOnto(t, producer)
	status, header, body := w.call(http.MethodPost, "/v1/track", []byte(`{"userId":"u","event":"e","messageId":"m"}`))
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%d %s", status, body)
	}
}
