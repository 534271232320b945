package collect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
)

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// holdBody announces a body of n bytes, sends some of it and then nothing.
func (d *door) holdBody(n, send int) (net.Conn, error) {
	conn, err := net.Dial("tcp", d.server.Addr())
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		n, strings.Repeat(" ", send))
	return conn, err
}

func (d *door) runRaw() {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.c.Run(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

func (d *door) writeRaw(records ...*kafka.Record) {
	d.t.Helper()
	for _, r := range records {
		r.Topic = string(topic.Raw)
		if r.Timestamp.IsZero() {
			r.Timestamp = testTime
		}
	}
	if err := d.cluster.Producer(d.t, string(topic.Raw)).Produce(d.t.Context(), records); err != nil {
		d.t.Fatal(err)
	}
}

func TestRaw(t *testing.T) {
	d := openDoor(t, func(c *Config, _ *api.Config) { c.Knows = func(name string) bool { return name == "acme" } })
	header := func(name string) []kafka.Header { return []kafka.Header{{Key: WorkspaceHeader, Value: []byte(name)}} }
	d.writeRaw(
		&kafka.Record{Partition: 1, Value: []byte(good("a"))},
		&kafka.Record{Partition: 1, Value: []byte(`{"id":"bad","channel":"pigeon"}`)},
		&kafka.Record{Partition: 1, Value: []byte("\xff\x00")},
		&kafka.Record{Partition: 1, Value: nil},
		&kafka.Record{Partition: 1, Value: []byte(bare), Timestamp: testTime.Add(-time.Hour)},
		&kafka.Record{Partition: 1, Value: []byte(good("b")), Headers: header("acme")},
		&kafka.Record{Partition: 1, Value: []byte(good("c")), Headers: header("No Workspace")},
		&kafka.Record{Partition: 1, Value: []byte(good("e")), Headers: header("nowhere")}, // nobody could look at it there
		&kafka.Record{Partition: 3, Value: []byte(good("d"))},
	)
	d.runRaw()
	eventually(t, "all are judged", func() bool { return len(d.stored()) == 4 && len(d.letters()) == 5 })
	stored := d.stored()
	for _, id := range []string{"default/a", "acme/b", "default/d"} {
		if _, ok := stored[id]; !ok {
			t.Errorf("%s is not stored: %v", id, stored)
		}
	}
	made, ok := stored["default/touchpoints.raw/1/4"]
	if !ok || made.Time != testTime.Add(-time.Hour).UnixMilli() {
		t.Errorf("a touchpoint without id and time has not those of its record: %v", stored)
	}
	positions := map[string]string{}
	for _, l := range d.letters() {
		positions[l.Position] = l.Field
		if l.Source != touchpoint.SourceRaw || l.Version != 1 || l.Workspace != "default" {
			t.Errorf("%+v", l)
		}
	}
	want := map[string]string{"touchpoints.raw/1/1": "channel", "touchpoints.raw/1/2": "", "touchpoints.raw/1/3": "", "touchpoints.raw/1/6": "header workspace", "touchpoints.raw/1/7": "header workspace"}
	if fmt.Sprint(positions) != fmt.Sprint(want) {
		t.Errorf("dead letters at %v, want %v", positions, want)
	}
}

// TestRawAgain: judged again after a crash, or by two at once, the same records give the same touchpoints and letters.
func TestRawAgain(t *testing.T) {
	d := openDoor(t)
	records := make([]*kafka.Record, 40)
	for i := range records {
		value := bare
		if i%4 == 0 {
			value = `{"broken"`
		}
		records[i] = &kafka.Record{Topic: string(topic.Raw), Partition: 2, Offset: int64(i), Value: []byte(value), Timestamp: testTime}
	}
	seen := map[string]string{}
	for _, size := range []int{40, 1, 7} {
		d.now = d.now.Add(time.Minute)
		p := &rawPartition{c: d.c, batch: d.c.newBatch("", touchpoint.SourceRaw)}
		for from := 0; from < len(records); from += size {
			out, err := p.Process(records[from:min(from+size, len(records))])
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out {
				id := r.Topic + "/" + string(r.Key)
				content := ""
				if r.Topic == string(topic.Touchpoints) {
					e, err := touchpoint.DecodeEnvelope(r.Value)
					if err != nil {
						t.Fatal(err)
					}
					content = fmt.Sprint(e.Content, e.Time, e.Anchor, string(e.Payload))
				}
				if old, ok := seen[id]; ok && old != content {
					t.Fatalf("%s is now %s, was %s", id, content, old)
				}
				seen[id] = content
			}
		}
	}
	if len(seen) != 40 {
		t.Fatalf("%d outputs of 40 records", len(seen))
	}
}

func TestResend(t *testing.T) {
	d := openDoor(t)
	bad := with("channel", `"pigeon"`)
	d.sendOK(bad)
	l := d.only()
	var why *touchpoint.FieldError
	if _, err := d.c.Resend(t.Context(), "default", l, nil); !errors.As(err, &why) || why.Field != "channel" {
		t.Fatalf("sent again as it is: %v", err)
	}
	if _, err := d.c.Resend(t.Context(), "other", l, []byte(good("a"))); err == nil {
		t.Fatal("another workspace can send it")
	}
	if len(d.stored()) != 0 {
		t.Fatal("it is stored")
	}
	id, err := d.c.Resend(t.Context(), "default", l, []byte(strings.Replace(bad, "pigeon", "letter", 1)))
	if err != nil || id != "a" {
		t.Fatalf("%q, %v", id, err)
	}
	if got := d.stored()["default/a"]; got.Channel != "letter" {
		t.Fatalf("%+v", got)
	}
	l = d.only()
	if l.Status != touchpoint.Resent || string(l.Bytes) != bad || l.Touchpoint != "a" {
		t.Fatalf("%+v", l)
	}
	if _, err := d.c.Resend(t.Context(), "default", l, []byte(good("a"))); !errors.Is(err, ErrResent) {
		t.Fatalf("resent twice: %v", err)
	}
	// The same bad thing once more is to be seen again.
	d.now = d.now.Add(time.Second)
	d.sendOK(bad)
	if l = d.only(); l.Status != touchpoint.Kept {
		t.Fatalf("%+v", l)
	}
}

// TestResendKeepsTheTime: a touchpoint without a time happened when it first came, not when it was repaired.
func TestResendKeepsTheTime(t *testing.T) {
	d := openDoor(t)
	d.sendOK(`{"channel":"pigeon"}`)
	d.now = d.now.Add(72 * time.Hour)
	id, err := d.c.Resend(t.Context(), "default", d.only(), []byte(bare))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.stored()["default/"+id]; got.Time != testTime.UnixMilli() {
		t.Fatalf("%+v", got)
	}
}

func TestTheLogIsAway(t *testing.T) {
	producer := DefaultProducerConfig()
	producer.DeliveryTimeout = time.Second
	d := openDoor(t, func(c *Config, _ *api.Config) {
		p, err := kafka.NewProducer(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, producer)
		if err != nil {
			t.Fatal(err)
		}
		c.Producer = p
	})
	status, h, answer := d.send(good("a"))
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" || h.Get("Content-Type") != api.ProblemType {
		t.Fatalf("%d %s", status, answer)
	}
}

// TestWhoClosedTheirSideStillHears: a client that sends its request and a FIN, as nc and shutdown(2) do, still reads.
func TestWhoClosedTheirSideStillHears(t *testing.T) {
	away := func(c *Config, _ *api.Config) {
		producer := DefaultProducerConfig()
		producer.DeliveryTimeout = time.Second
		p, err := kafka.NewProducer(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, producer)
		if err != nil {
			t.Fatal(err)
		}
		c.Producer = p
	}
	for name, test := range map[string]struct {
		change []func(*Config, *api.Config)
		status int
		stored int
	}{
		"the log is there": {nil, http.StatusAccepted, 1},
		"the log is away":  {[]func(*Config, *api.Config){away}, http.StatusServiceUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, test.change...)
			conn, err := net.Dial("tcp", d.server.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			body := good("a")
			fmt.Fprintf(conn, "POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if stored := len(d.stored()); answer.StatusCode != test.status || stored != test.stored {
				t.Errorf("answered %d, and %d are stored; want %d and %d", answer.StatusCode, stored, test.status, test.stored)
			}
		})
	}
}

// TestWhatEndedBecauseTheClientLeft is said as such to who still reads, and is no fault of ours.
func TestWhatEndedBecauseTheClientLeft(t *testing.T) {
	var logged bytes.Buffer
	d := openDoor(t, func(c *Config, _ *api.Config) { c.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("somewhere: %w", context.Canceled), http.StatusServiceUnavailable},
		{api.ErrBodyTooLarge, http.StatusRequestEntityTooLarge},
	} {
		w := httptest.NewRecorder()
		d.c.Fail(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/touchpoints", nil), test.err)
		if w.Code != test.status || w.Header().Get("Content-Type") != api.ProblemType {
			t.Errorf("%v: %d %s", test.err, w.Code, w.Body)
		}
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
}

func TestTheLogIsBusy(t *testing.T) {
	producer := DefaultProducerConfig()
	producer.BufferedRecords = 2
	d := openDoor(t, func(c *Config, _ *api.Config) {
		p, err := kafka.NewProducer(c.Kafka, producer)
		if err != nil {
			t.Fatal(err)
		}
		c.Producer = p
	})
	body := good("a") + strings.Repeat("\n"+good("b"), 1000)
	status, h, answer := d.send(body, "Content-Type", "application/x-ndjson")
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") != "1" {
		t.Fatalf("%d %s", status, answer)
	}
	d.sendOK(good("c"))
}
