package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// keys is a directory of fixed keys.
type keys map[string]string

func (k keys) Authenticate(key string) (string, bool) {
	w, ok := k[key]
	return w, ok
}

func (k keys) May(key string, _ workspace.Scope) bool { return k[key] != "" }

// door is a collector behind a real HTTP server, on a broker of its own.
type door struct {
	t       *testing.T
	cluster *kafkatest.Cluster
	c       *Collector
	server  *api.Server
	url     string
	now     time.Time
}

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func openDoor(t *testing.T, change ...func(*Config, *api.Config)) *door {
	t.Helper()
	cluster := kafkatest.Start(t,
		kafka.TopicSpec{Name: string(topic.Touchpoints), Partitions: 4},
		kafka.TopicSpec{Name: string(topic.Rejected), Partitions: 4},
		kafka.TopicSpec{Name: string(topic.Raw), Partitions: 4})
	producer, err := kafka.NewProducer(cluster.Config(), DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		producer.Close(ctx)
	})
	d := &door{t: t, cluster: cluster, now: testTime}
	config := DefaultConfig()
	config.Producer, config.Kafka = producer, cluster.Config()
	config.Directory = keys{"k1": "default", "k2": "other"}
	config.Now = func() time.Time { return d.now }
	config.Registerer = prometheus.NewRegistry()
	serverConfig := api.DefaultConfig()
	for _, f := range change {
		f(&config, &serverConfig)
	}
	if d.c, err = New(config); err != nil {
		t.Fatal(err)
	}
	if d.server, err = api.NewServer(serverConfig, d.c.Handler()); err != nil {
		t.Fatal(err)
	}
	d.url = "http://" + d.server.Addr() + "/v1/touchpoints"
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.server.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

// send posts a body; headers are name, value, name, value.
func (d *door) send(body string, headers ...string) (int, http.Header, string) {
	d.t.Helper()
	r, err := http.NewRequest("POST", d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer k1")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
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
	return resp.StatusCode, resp.Header, string(answer)
}

// sendOK posts a body and wants a 202.
func (d *door) sendOK(body string, headers ...string) (a Answer) {
	d.t.Helper()
	status, _, text := d.send(body, headers...)
	if status != http.StatusAccepted {
		d.t.Fatalf("%d %s", status, text)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		d.t.Fatalf("%v in %s", err, text)
	}
	return a
}

// stored is what topic touchpoints has, by workspace/id.
func (d *door) stored() map[string]touchpoint.Touchpoint {
	d.t.Helper()
	out := map[string]touchpoint.Touchpoint{}
	for _, r := range d.cluster.Records(d.t, string(topic.Touchpoints)) {
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			d.t.Fatal(err)
		}
		var t touchpoint.Touchpoint
		if err := touchpoint.DecodePayload(e.Payload, &t); err != nil {
			d.t.Fatal(err)
		}
		if !bytes.Equal(r.Key, touchpoint.RecordKey(e.Workspace, e.ID)) || t.ID != e.ID || t.Time != e.Time {
			d.t.Errorf("record %q holds envelope %+v of %+v", r.Key, e, t)
		}
		out[e.Workspace+"/"+e.ID] = t
	}
	return out
}

// letters is the dead letters, by id; the newest version counts.
func (d *door) letters() map[string]touchpoint.Rejected {
	d.t.Helper()
	out := map[string]touchpoint.Rejected{}
	for _, r := range d.cluster.Records(d.t, string(topic.Rejected)) {
		l, err := touchpoint.DecodeRejected(r.Value)
		if err != nil {
			d.t.Fatal(err)
		}
		if old, ok := out[l.ID]; !ok || l.Version >= old.Version {
			out[l.ID] = l
		}
	}
	return out
}

// only returns the one dead letter there is.
func (d *door) only() touchpoint.Rejected {
	d.t.Helper()
	all := d.letters()
	if len(all) != 1 {
		d.t.Fatalf("want one dead letter, have %d: %v", len(all), all)
	}
	for _, l := range all {
		return l
	}
	panic("unreachable")
}

// good is a touchpoint with the given id, without the closing brace.
func good(id string) string {
	return `{"id":"` + id + `","time":"2026-03-01T10:00:00Z","channel":"email","direction":"inbound","kind":"message",` +
		`"actor":{"type":"customer"},"identifiers":[{"type":"email","value":"Anna@Example.com","verified":true}]}`
}

func TestOneTouchpoint(t *testing.T) {
	d := openDoor(t)
	if a := d.sendOK(good("a")); a.Accepted != 1 || len(a.Rejected) != 0 || len(a.IDs) != 0 {
		t.Fatalf("%+v", a)
	}
	got := d.stored()["default/a"]
	if got.Time != testTime.Add(-2*time.Hour).UnixMilli() || got.Identifiers[0].Value != "anna@example.com" {
		t.Fatalf("%+v", got)
	}
	if len(d.letters()) != 0 {
		t.Fatal("a good touchpoint has a dead letter")
	}
}

func TestWorkspaceIsTheKeys(t *testing.T) {
	d := openDoor(t)
	d.sendOK(good("a"), "Authorization", "Bearer k2")
	if _, ok := d.stored()["other/a"]; !ok {
		t.Fatalf("%v", d.stored())
	}
}

func TestABadOneTakesNoNeighbourDown(t *testing.T) {
	bad := []string{
		`{"id":"bad","channel":"pigeon","direction":"inbound"}`,
		`{"id":"bad", tru}`, `17`, `"text"`, `null`, `[[]]`, "{\"id\":\"bad\",\"text\":\"a\x00b\"}", "{\"id\":\"bad\",\"text\":\"\xff\"}",
		`{"id":"bad","id":"bad"}`, strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), `{"id":"bad","text":"\u0000 \" } ]"}`,
	}
	for _, b := range bad {
		d := openDoor(t)
		a := d.sendOK("[" + good("a") + "," + b + " , " + good("c") + "]")
		if a.Accepted != 2 || len(a.Rejected) != 1 || a.Rejected[0].Index != 1 || a.Rejected[0].Reason == "" {
			t.Errorf("with %.40s in the middle: %+v", b, a)
		}
		if all := d.stored(); len(all) != 2 {
			t.Errorf("with %.40s in the middle %d are stored", b, len(all))
		}
		if l := d.only(); string(l.Bytes) != b {
			t.Errorf("the dead letter of %.40q has bytes %.40q", b, l.Bytes)
		}
	}
}

func TestIDsThatWereMade(t *testing.T) {
	d := openDoor(t)
	without := strings.Replace(good("x"), `"id":"x",`, "", 1)
	neither := strings.Replace(without, `"time":"2026-03-01T10:00:00Z",`, "", 1)
	a := d.sendOK("[" + good("a") + "," + without + "," + neither + "]")
	if len(a.IDs) != 2 || a.IDs[0].Index != 1 || a.IDs[1].Index != 2 {
		t.Fatalf("%+v", a)
	}
	again := d.sendOK("[" + without + "," + neither + "]")
	if again.IDs[0].ID != a.IDs[0].ID {
		t.Error("sent again with a time, it is another touchpoint")
	}
	if again.IDs[1].ID == a.IDs[1].ID {
		t.Error("two touchpoints without id and time have one id")
	}
}
