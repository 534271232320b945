package collect

import (
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
)

// CloudEvents as the Kafka protocol binding writes them: what their attributes say fills what the touchpoint leaves out.
func TestEventsOnTheRawTopic(t *testing.T) {
	const data = `{"channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"cookie","value":"c"}]}`
	binary := func(attributes ...string) (h []kafka.Header) {
		for i := 0; i < len(attributes); i += 2 {
			h = append(h, kafka.Header{Key: attributes[i], Value: []byte(attributes[i+1])})
		}
		return h
	}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	whole := binary("ce_specversion", "1.0", "ce_id", "e1", "ce_source", "/shop/ü", "ce_type", "t", "ce_time", "2026-03-01T09:00:00Z", "content-type", "application/json; charset=utf-8", "ce_extension", "x")
	structured := binary("content-type", "application/cloudevents+json; charset=UTF-8")
	for _, tc := range []struct {
		name    string
		headers []kafka.Header
		value   string
		id, why string
	}{
		{"binary", whole, data, "e1", ""},
		{"binary of a workspace", append(binary(WorkspaceHeader, "default"), whole...), data, "e1", ""},
		{"binary without a time", binary("ce_specversion", "1.0", "ce_id", "e2", "ce_source", "s", "ce_type", "t"), data, "e2", ""},
		{"structured", structured, `{"specversion":"1.0","id":"e3","source":"s","type":"t","data":` + data + `}`, "e3", ""},
		{"no event", nil, data, "touchpoints.raw/3/7", ""},
		{"binary without an id", binary("ce_specversion", "1.0", "ce_source", "s", "ce_type", "t"), data, "", "id"},
		{"binary of no JSON", binary("ce_specversion", "1.0", "ce_id", "e", "ce_source", "s", "ce_type", "t", "content-type", "text/plain"), "hello", "", "datacontenttype"},
		{"binary of another version", binary("ce_specversion", "0.3", "ce_id", "e", "ce_source", "s", "ce_type", "t"), data, "", "specversion"},
		{"bytes that are no text", binary("ce_specversion", "1.0", "ce_id", "\xff", "ce_source", "s", "ce_type", "t"), data, "", "id"},
		{"structured without data", structured, `{"specversion":"1.0","id":"e","source":"s","type":"t"}`, "", "data"},
		{"wrong bytes", nil, "\x00\x01\xfe", "", ""},
	} {
		b := judging(t).newBatch("default", touchpoint.SourceRaw)
		b.raw(&kafka.Record{Topic: "touchpoints.raw", Partition: 3, Offset: 7, Timestamp: at, Headers: tc.headers, Value: []byte(tc.value)})
		r := b.outputs()[0]
		if tc.id == "" {
			letter, err := touchpoint.DecodeRejected(r.Value)
			if err != nil || letter.Field != tc.why || letter.Position != "touchpoints.raw/3/7" || letter.Source != touchpoint.SourceRaw {
				t.Errorf("%s: %+v %v", tc.name, letter, err)
			}
			continue
		}
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			t.Fatalf("%s: %v: %+v", tc.name, err, b.answer)
		}
		want := at
		if strings.HasPrefix(tc.name, "binary") && !strings.Contains(tc.name, "time") {
			want = at.Add(-time.Hour)
		}
		if e.ID != tc.id || e.Time != want.UnixMilli() {
			t.Errorf("%s: %s at %d", tc.name, e.ID, e.Time)
		}
	}
}
