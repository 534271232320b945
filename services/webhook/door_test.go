package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

const fixtures = "../../schemas/sources"

// door is a Door behind a real HTTP server, on a broker of its own.
type door struct {
	t         *testing.T
	cluster   *kafkatest.Cluster
	directory *workspaces.Directory
	door      *Door
	url       string
	log       *lockedBuffer
	mu        sync.Mutex
	now       time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openDoor(t *testing.T, settings Settings) *door {
	t.Helper()
	return openDoorWith(t, settings, func(*Config) {})
}

func openDoorWith(t *testing.T, settings Settings, change func(*Config)) *door {
	t.Helper()
	d := &door{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), log: &lockedBuffer{}}
	d.cluster = kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Touchpoints)}, kafka.TopicSpec{Name: string(topic.Rejected)}, kafka.TopicSpec{Name: string(topic.Workspaces)})
	directory := workspaces.DefaultConfig()
	directory.Kafka = d.cluster.Config()
	var err error
	if d.directory, err = workspaces.NewDirectory(directory); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan struct{})
	go func() { d.directory.Run(ctx); close(followed) }()
	if err := d.directory.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := collect.DefaultConfig()
	c.Producer, c.Kafka, c.Directory, c.Rules = d.cluster.Producer(t), d.cluster.Config(), d.directory, d.directory
	c.Now = d.clock
	collector, err := collect.New(c)
	if err != nil {
		t.Fatal(err)
	}
	config := DefaultConfig()
	config.Collector, config.Directory, config.Settings, config.Now = collector, d.directory, settings, d.clock
	config.Registerer, config.Logger = prometheus.NewRegistry(), slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	change(&config)
	if d.door, err = New(config); err != nil {
		t.Fatal(err)
	}
	routes := api.NewRoutes()
	d.door.Mount(routes)
	server, err := api.NewServer(api.DefaultConfig(), routes.Handler())
	if err != nil {
		t.Fatal(err)
	}
	d.url = "http://" + server.Addr()
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		<-followed
		d.directory.Close()
	})
	return d
}

func (d *door) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *door) at(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = now
}

// key makes a source key.
func (d *door) key(key, workspaceName, source string) {
	d.t.Helper()
	if _, err := d.directory.AddSourceKey(d.t.Context(), key, workspace.SourceKey{Workspace: workspaceName, Source: source, Created: 1}); err != nil {
		d.t.Fatal(err)
	}
}

// send sends a fixture as its provider would.
func (d *door) send(f sourcetest.Fixture, key string) (status int, body string) {
	d.t.Helper()
	d.at(f.Now)
	path := f.Request.URL[strings.Index(f.Request.URL, "/v1/"):]
	path = strings.Replace(path, "/"+sourcetest.Key, "/"+key, 1)
	r, err := http.NewRequest(f.Request.Method, d.url+path, bytes.NewReader(f.Request.Body))
	if err != nil {
		d.t.Fatal(err)
	}
	for name, values := range f.Request.Headers {
		r.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// stored counts the records of a topic, by workspace/id.
func (d *door) stored() (records int, ids map[string]bool) {
	d.t.Helper()
	ids = map[string]bool{}
	for _, r := range d.cluster.Records(d.t, string(topic.Touchpoints)) {
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			d.t.Fatal(err)
		}
		ids[e.Workspace+"/"+e.ID] = true
		records++
	}
	return records, ids
}

func (d *door) letters() (out []touchpoint.Rejected) {
	d.t.Helper()
	for _, r := range d.cluster.Records(d.t, string(topic.Rejected)) {
		letter, err := touchpoint.DecodeRejected(r.Value)
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, letter)
	}
	return out
}

func (d *door) count(source string, o outcome) float64 {
	return testutil.ToFloat64(d.door.metrics.requests.WithLabelValues(source, string(o)))
}

// environ are the secrets of a fixture as an operator would set them.
func environ(f sourcetest.Fixture) (out []string) {
	for name, value := range f.Secrets {
		out = append(out, EnvName(f.Source.Name, name)+"="+value)
	}
	return out
}

func settingsFor(env []string) Settings {
	s := DefaultSettings()
	s.Secrets, s.PublicURL = NewSecrets(env, ""), "https://throughline.example"
	return s
}

// Every fixture of every source, over HTTP: what is good is on the log, however often and in whatever order it comes; what is forged is nowhere.
func TestProviders(t *testing.T) {
	all := sourcetest.All(t, fixtures)
	var env []string
	for _, f := range all {
		for _, set := range environ(f) {
			name, value, _ := strings.Cut(set, "=")
			switch { // a case with a secret of its own has the second
			case slices.Contains(env, set):
			case slices.ContainsFunc(env, func(other string) bool { return strings.HasPrefix(other, name+"=") }):
				env = append(env, name+"_2="+value)
			default:
				env = append(env, set)
			}
		}
	}
	d := openDoor(t, settingsFor(env))
	var good []sourcetest.Fixture
	for _, f := range all {
		d.key(sourcetest.Key, "default", f.Source.Name) // one key belongs to one source, and that of the fixtures is the same for all
		want := http.StatusOK
		if _, err := f.Source.NewReader(nil).Read(f.Request, f.Known, f.Now); err != nil && !placeable(err) {
			want = http.StatusUnauthorized // a fixture may be one that is to be refused
		}
		status, body := d.send(f, sourcetest.Key)
		if status != want {
			t.Errorf("%s: %d %s, want %d", f.Name, status, body, want)
		}
		if status == http.StatusOK {
			good = append(good, f)
		}
	}
	all = good
	_, first := d.stored()
	letters := len(d.letters())
	if len(first) == 0 {
		t.Fatal("nothing came to the log")
	}
	for i := range all { // again, from the last to the first
		f := all[len(all)-1-i]
		d.key(sourcetest.Key, "default", f.Source.Name)
		if status, body := d.send(f, sourcetest.Key); status != http.StatusOK {
			t.Errorf("%s again: %d %s", f.Name, status, body)
		}
	}
	records, again := d.stored()
	if len(again) != len(first) || records < 2*len(first) {
		t.Errorf("%d touchpoints became %d (%d records)", len(first), len(again), records)
	}
	kept := len(d.letters())
	if kept != 2*letters {
		t.Errorf("%d dead letters became %d, want each again", letters, kept)
	}
	before, _ := d.stored()
	for _, f := range all {
		if f.Source.Secrets() == nil || f.Request.Method != http.MethodPost {
			continue
		}
		if preview, err := f.Source.NewReader(nil).Preview(f.Request); err == nil && preview.Handshake != nil {
			continue // nothing of it is kept, and some carry no proof
		}
		d.key(sourcetest.Key, "default", f.Source.Name)
		forgery := f
		changed := *f.Request
		changed.Body = append(bytes.Clone(f.Request.Body), ' ')
		forgery.Request = &changed
		status, body := d.send(forgery, sourcetest.Key)
		signsBody := strings.Contains(f.Source.Proof.Signed, "{body}")
		if signsBody && status != http.StatusUnauthorized {
			t.Errorf("%s with another body: %d %s", f.Name, status, body)
		}
	}
	if after, _ := d.stored(); after != before {
		t.Logf("%d records more, of sources that do not sign the body byte for byte", after-before)
	}
	for _, secret := range env {
		_, value, _ := strings.Cut(secret, "=")
		if strings.Contains(d.log.String(), value) {
			t.Errorf("the log shows a secret: %s", d.log)
		}
	}
	if strings.Contains(d.log.String(), "/"+sourcetest.Key) {
		t.Errorf("the log shows a source key: %s", d.log)
	}
}

func zendesk(t *testing.T) sourcetest.Fixture {
	return sourcetest.Read(t, sourcetest.Load(t, "zendesk"), fixtures+"/zendesk/comment.request")
}

func TestWhoIsLetIn(t *testing.T) {
	f := zendesk(t)
	d := openDoor(t, settingsFor(environ(f)))
	d.key("good", "acme", "zendesk")
	d.key("of-another-source", "acme", "whatsapp")
	refusals := 0
	refused := func(what string, f sourcetest.Fixture, key string) {
		t.Helper()
		status, body := d.send(f, key)
		if status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", what, status, body)
		}
		if strings.Contains(body, key) && key != "" {
			t.Errorf("%s: the answer shows the key: %s", what, body)
		}
		refusals++
	}
	refused("a key that nobody has", f, "bad-key")
	refused("a key of another source", f, "of-another-source")
	stale := f
	stale.Now = f.Now.Add(6 * time.Minute)
	refused("a replay outside the window", stale, "good")
	forged := f
	forged.Secrets = map[string]string{"secret": "another"}
	request := *f.Request
	forged.Request = &request
	forged.Sign(t)
	refused("another secret", forged, "good")
	unsigned := f
	request2 := *f.Request
	unsigned.Request = &request2
	unsigned.Request.Headers = maps.Clone(request.Headers)
	unsigned.Request.Headers.Del(f.Source.Proof.Signature.Header)
	refused("no signature", unsigned, "good")
	if n, _ := d.stored(); n != 0 || len(d.letters()) != 0 {
		t.Errorf("%d records and %d dead letters of what nobody signed", n, len(d.letters()))
	}
	if d.count("zendesk", outcome("forged")) != 1 || d.count("zendesk", outcome("stale")) != 1 || d.count("zendesk", missing) != 1 || d.count("", unknownKey) != 2 {
		t.Error("refusals are not counted by their reason")
	}
	if status, body := d.send(f, "good"); status != http.StatusOK || !strings.Contains(body, `"accepted":1`) {
		t.Errorf("%d %s", status, body)
	}
	if _, ids := d.stored(); !ids["acme/zendesk:cbe4028c-7239-495d-b020-f22348516046"] {
		t.Errorf("it is not in its workspace: %v", ids)
	}
}

// What cannot be placed is kept and answered 200, because sent again it would be the same.
func TestWhatCannotBePlacedIsKept(t *testing.T) {
	f := zendesk(t)
	d := openDoor(t, settingsFor(environ(f)))
	d.key("good", "acme", "zendesk")
	for _, body := range []string{`{"id":"x","type":"zen:event-type:ticket.created","time":"yesterday","detail":{"id":"1"}}`, `{`, ``, `[1]`, `{"type":null}`} {
		bad := f
		request := *f.Request
		request.Body = []byte(body)
		bad.Request = &request
		bad.Sign(t)
		status, answer := d.send(bad, "good")
		var said Answer
		if err := json.Unmarshal([]byte(answer), &said); status != http.StatusOK || err != nil || said.Accepted != 0 || len(said.Rejected) != 1 {
			t.Errorf("%s: %d %s %v", body, status, answer, err)
		}
	}
	letters := d.letters()
	if len(letters) != 5 {
		t.Fatalf("%d dead letters", len(letters))
	}
	for _, l := range letters {
		if l.Workspace != "acme" || l.Source != touchpoint.SourceWebhook || l.Reason == "" {
			t.Errorf("dead letter %+v", l)
		}
	}
	if n, _ := d.stored(); n != 0 {
		t.Errorf("%d records of what cannot be placed", n)
	}
}

func TestWithoutASecretTheProviderComesAgain(t *testing.T) {
	f := zendesk(t)
	d := openDoor(t, settingsFor(nil))
	d.key("good", "acme", "zendesk")
	if status, body := d.send(f, "good"); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
	if n, _ := d.stored(); n != 0 {
		t.Error("it was believed without a secret")
	}
}
