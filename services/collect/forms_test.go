package collect

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/throughline/throughline/services/api"
)

func TestLines(t *testing.T) {
	d := openDoor(t)
	body := good("a") + "\r\n\n" + `{"channel":` + "\n" + good("b") + "\n  \n" + `{"id":"c"}`
	a := d.sendOK(body, "Content-Type", "application/x-ndjson")
	if a.Accepted != 2 || len(a.Rejected) != 2 || a.Rejected[0].Index != 1 || a.Rejected[1].Index != 3 || a.Rejected[1].ID != "c" {
		t.Fatalf("%+v", a)
	}
	if len(d.stored()) != 2 || len(d.letters()) != 2 {
		t.Fatalf("%d stored, %d dead letters", len(d.stored()), len(d.letters()))
	}
}

// event is a CloudEvent in structured mode.
func event(attributes, data string) string {
	return `{"specversion":"1.0","type":"de.example.ticket",` + attributes + `,"data":` + data + `}`
}

const eventAttributes = `"id":"ev-1","source":"/zendesk","time":"2026-03-01T09:00:00Z","subject":"x","myextension":7`

// bare is a touchpoint without id and time.
var bare = strings.NewReplacer(`"id":"x",`, "", `"time":"2026-03-01T10:00:00Z",`, "").Replace(good("x"))

func TestCloudEventsStructured(t *testing.T) {
	d := openDoor(t)
	if a := d.sendOK(event(eventAttributes, bare), "Content-Type", "application/cloudevents+json; charset=UTF-8"); a.Accepted != 1 {
		t.Fatalf("%+v", a)
	}
	got, ok := d.stored()["default/ev-1"]
	if !ok || got.Source != "/zendesk" || got.Time != 1772355600000 {
		t.Fatalf("%+v", d.stored())
	}
	// What the touchpoint says itself counts.
	d.sendOK(event(eventAttributes, good("own")), "Content-Type", "application/cloudevents+json")
	if got := d.stored()["default/own"]; got.Time != 1772359200000 {
		t.Fatalf("%+v", d.stored())
	}
}

func TestCloudEventsBatched(t *testing.T) {
	d := openDoor(t)
	body := "[" + event(eventAttributes, bare) + "," + event(`"id":"ev-2"`, bare) + "," + event(`"id":"ev-3","source":"/s"`, `{}`) + "]"
	a := d.sendOK(body, "Content-Type", "application/cloudevents-batch+json")
	if a.Accepted != 1 || len(a.Rejected) != 2 || a.Rejected[0].Field != "source" || a.Rejected[1].Field != "data.channel" {
		t.Fatalf("%+v", a)
	}
	if status, _, answer := d.send(event(eventAttributes, bare), "Content-Type", "application/cloudevents-batch+json"); status != http.StatusBadRequest {
		t.Errorf("an event that is no array: %d %s", status, answer)
	}
	if a := d.sendOK("[]", "Content-Type", "application/cloudevents-batch+json"); a.Accepted != 0 {
		t.Errorf("%+v", a)
	}
}

func TestCloudEventsBinary(t *testing.T) {
	d := openDoor(t)
	headers := []string{"ce-specversion", "1.0", "ce-id", "ev%201", "ce-source", "/zendesk/%C3%A4", "ce-type", "t", "ce-time", "2026-03-01T09:00:00Z"}
	if a := d.sendOK(bare, headers...); a.Accepted != 1 {
		t.Fatalf("%+v", a)
	}
	if got := d.stored()["default/ev 1"]; got.Source != "/zendesk/ä" || got.Time != 1772355600000 {
		t.Fatalf("%+v", d.stored())
	}
	a := d.sendOK(`{"channel":"pigeon"}`, headers...)
	if len(a.Rejected) != 1 || a.Rejected[0].Field != "data.channel" {
		t.Fatalf("%+v", a)
	}
	// Repaired, the event still has its id, time and source.
	l := d.only()
	id, err := d.c.Resend(t.Context(), "default", l, bytes.Replace(l.Bytes, []byte(`{"channel":"pigeon"}`), []byte(bare), 1))
	if err != nil || id != "ev 1" {
		t.Fatalf("%q, %v", id, err)
	}
}

func TestBadCloudEvents(t *testing.T) {
	for _, tc := range []struct{ body, field string }{
		{strings.Replace(event(eventAttributes, bare), `"1.0"`, `"0.3"`, 1), "specversion"},
		{event(`"source":"/s"`, bare), "id"},
		{event(`"id":7,"source":"/s"`, bare), "id"},
		{`{"specversion":"1.0","type":"t","id":"1","source":"/s"}`, "data"},
		{`{"specversion":"1.0","type":"t","id":"1","source":"/s","data_base64":"***"}`, "data_base64"},
		{event(`"id":"1","source":"/s","time":"noon"`, bare), "time"},
		{event(`"id":"1","source":"/s","time":"noon"`, `{`+`"time":"noon",`+bare[1:]), "data.time"},
		{event(`"id":"`+strings.Repeat("1", 129)+`","source":"/s"`, bare), "id"},
		{event(`"id":"1","source":"`+strings.Repeat("s", 257)+`"`, bare), "source"},
		{event(`"id":"1","source":"/s","datacontenttype":"text/xml"`, bare), "datacontenttype"},
		{event(`"id":"1","id":"2","source":"/s"`, bare), ""},
		{event(eventAttributes, `"text"`), "data"},
		{`7`, ""},
	} {
		d := openDoor(t)
		a := d.sendOK(tc.body, "Content-Type", "application/cloudevents+json")
		if len(a.Rejected) != 1 || a.Rejected[0].Field != tc.field || a.Rejected[0].Reason == "" {
			t.Errorf("%s: %+v, want field %q", tc.body, a, tc.field)
		}
		if l := d.only(); string(l.Bytes) != tc.body {
			t.Errorf("%s: dead letter has %s", tc.body, l.Bytes)
		}
	}
	d := openDoor(t)
	if a := d.sendOK(`{"specversion":"1.0","type":"t","id":"1","source":"/s","data_base64":"`+base64Of(bare)+`"}`, "Content-Type", "application/cloudevents+json"); a.Accepted != 1 {
		t.Errorf("base64: %+v", a)
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprint(w, s)
	w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

func TestPackedBodies(t *testing.T) {
	for encoding, pack := range map[string]func(string) string{"gzip": gzipped, "zstd": zstandard} {
		t.Run(encoding, func(t *testing.T) {
			d := openDoor(t)
			var body strings.Builder
			for i := range 1000 {
				body.WriteString(good(fmt.Sprint("id-", i)) + "\n")
			}
			for range 3 { // readers are used again
				a := d.sendOK(pack(body.String()), "Content-Type", "application/x-ndjson", "Content-Encoding", encoding)
				if a.Accepted != 1000 {
					t.Fatalf("%+v", a)
				}
			}
			// A bomb: 64 MiB in some kilobytes. And one that is over the limit by a byte.
			for _, n := range []int{64 << 20, 8<<20 + 1} {
				if status, _, answer := d.send(pack(strings.Repeat(" ", n)), "Content-Encoding", encoding); status != http.StatusRequestEntityTooLarge {
					t.Errorf("%d bytes: %d %s", n, status, answer)
				}
			}
			cut := pack(body.String())
			if status, _, answer := d.send(cut[:len(cut)/2], "Content-Type", "application/x-ndjson", "Content-Encoding", encoding); status != http.StatusBadRequest {
				t.Errorf("cut off: %d %s", status, answer)
			}
			if n := d.c.bodies.InFlight(); n != 0 {
				t.Errorf("%d bytes are still in flight", n)
			}
		})
	}
}

func TestABodyOf8MiBIsTaken(t *testing.T) {
	d := openDoor(t)
	body := good("a")
	if a := d.sendOK(body + strings.Repeat(" ", 8<<20-len(body)-0)); a.Accepted != 0 || len(a.Rejected) != 1 {
		// One touchpoint is at most 256 KiB, white space included.
		t.Errorf("%+v", a)
	}
	if a := d.sendOK("[" + body + strings.Repeat(" ", 8<<20-len(body)-2) + "]"); a.Accepted != 1 {
		t.Errorf("%+v", a)
	}
}

func TestBytesUnderWayAreBounded(t *testing.T) {
	d := openDoor(t, func(c *Config, _ *api.Config) {
		c.Bodies.Max, c.Bodies.InFlight = 1<<20, 1<<20
	})
	hold, err := d.holdBody(1<<20, 1<<20-1)
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	eventually(t, "the body is under way", func() bool { return d.c.bodies.InFlight() >= 1<<20-4096 })
	status, h, answer := d.send("[" + strings.Repeat(" ", 8192) + good("a") + "]")
	if status != http.StatusServiceUnavailable || h.Get("Retry-After") == "" {
		t.Fatalf("%d %s", status, answer)
	}
	hold.Close()
	eventually(t, "the memory is free again", func() bool { return d.c.bodies.InFlight() == 0 })
	d.sendOK(good("a"))
}

func TestDocuments(t *testing.T) {
	d := openDoor(t)
	for path, want := range map[string]string{"/v1/schemas/touchpoint.json": `"enum": ["email","chat",`, "/v1/registry": `"channels":[{"name":"email"`} {
		resp, err := http.Get(strings.Replace(d.url, "/v1/touchpoints", path, 1))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		b.ReadFrom(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %d %.300s", path, resp.StatusCode, b.String())
		}
	}
}
