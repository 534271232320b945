package collect

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// judging is a collector that judges and never appends.
func judging(tb testing.TB) *Collector {
	tb.Helper()
	p, err := kafka.NewProducer(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, DefaultProducerConfig())
	if err != nil {
		tb.Fatal(err)
	}
	config := DefaultConfig()
	config.Producer, config.Directory = p, keys{}
	config.Rules, config.Registry = identity.RulesOf(identity.DefaultRules()), registry.Default()
	config.MaxBatch = 1000
	c, err := New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// check wants every touchpoint of a body accounted for: accepted or refused, each with a record that reads back.
func check(t *testing.T, b *batch, body []byte) {
	t.Helper()
	if b.answer.Accepted+len(b.answer.Rejected) != len(b.records) || len(b.answer.Rejected) != b.refused || b.next != len(b.records) {
		t.Fatalf("%q: %+v with %d records", body, b.answer, len(b.records))
	}
	for _, r := range b.outputs() {
		if r.Topic == "touchpoints" {
			e, err := touchpoint.DecodeEnvelope(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			var tp touchpoint.Touchpoint
			if err := touchpoint.DecodePayload(e.Payload, &tp); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Key, touchpoint.RecordKey("default", tp.ID)) {
				t.Fatalf("key %q of %q", r.Key, tp.ID)
			}
			continue
		}
		l, err := touchpoint.DecodeRejected(r.Value)
		if err != nil || l.Reason == "" || string(r.Key) != l.ID {
			t.Fatalf("%+v, %v", l, err)
		}
		if !bytes.Contains(body, l.Bytes) && !bytes.HasPrefix(l.Bytes, []byte(`{"specversion"`)) {
			t.Fatalf("dead letter with %q of %q", l.Bytes, body)
		}
	}
}

// FuzzBody: no body of any form is lost, not even in part.
func FuzzBody(f *testing.F) {
	c := judging(f)
	for _, seed := range []string{good("a"), "[" + good("a") + ",17," + good("b") + "]", good("a") + "\n{\n" + good("b"), event(eventAttributes, bare), "[" + event(eventAttributes, bare) + "]", "[", "", "[1 2]"} {
		for form := range 5 {
			f.Add(form, []byte(seed))
		}
	}
	h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
	f.Fuzz(func(t *testing.T, as int, body []byte) {
		b := c.newBatch("default", touchpoint.SourceHTTP)
		defer b.release()
		broken, err := b.body(form(uint(as)%5), h, body)
		if err != nil {
			return
		}
		check(t, b, body)
		if broken != nil && (b.answer.Accepted > 0 || len(b.answer.Rejected) == 0) {
			t.Fatalf("%q is broken, with %+v", body, b.answer)
		}
	})
}

func FuzzCloudEvent(f *testing.F) {
	f.Add([]byte(event(eventAttributes, bare)))
	f.Add([]byte(`{"specversion":"1.0","type":"t","id":"1","source":"/s","data_base64":"e30="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, why := parseEvent(data)
		if why != nil {
			if why.Reason == "" {
				t.Fatalf("%q: no reason", data)
			}
			return
		}
		if !isEvent(data) {
			t.Fatalf("%q is read as an event and not seen as one", data)
		}
		back, why := parseEvent(e.structured())
		if why == nil && (back.ID != e.ID || back.Source != e.Source || back.Time != e.Time || !bytes.Equal(bytes.TrimSpace(back.Data), bytes.TrimSpace(e.Data))) {
			t.Fatalf("%+v came back as %+v", e, back)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("application/json; charset=utf-8", "1.0", "%41")
	f.Fuzz(func(t *testing.T, mediaType, version, id string) {
		h := http.Header{"Content-Type": {mediaType}, "Ce-Specversion": {version}, "Ce-Id": {id}}
		if _, err := formOf(h); err != nil && !strings.Contains(err.Error(), errMediaType.Error()) {
			t.Fatal(err)
		}
		headerEvent(h)
	})
}
