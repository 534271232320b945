package endtoend

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// message is a customer's message, at a time that every test of the package shares unless it says another.
func message(id, email string, more m) m {
	t := m{"id": id, "time": "2026-03-02T10:00:00Z", "channel": "email", "direction": "inbound", "kind": "message", "actor": m{"type": "customer"},
		"identifiers": []m{{"type": "email", "value": email, "verified": true}}, "text": "I am " + id}
	for k, v := range more {
		t[k] = v
	}
	return t
}

const march2026 = "from=2026-03-01&to=2026-04-01"

// Each way in leads to a person, a timeline, a conversation and a report, within about a second.
func TestEveryDoor(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	event := func(id string, data m) m {
		return m{"specversion": "1.0", "id": id, "source": "shop", "type": "message", "datacontenttype": "application/json", "data": data}
	}
	doors := []struct {
		name string
		send func(t *testing.T, id, email string)
	}{
		{"object", func(t *testing.T, id, email string) { u.post(asJSON, encode(message(id, email, nil)), 1) }},
		{"array", func(t *testing.T, id, email string) { u.send(message(id, email, nil)) }},
		{"NDJSON", func(t *testing.T, id, email string) {
			u.post(map[string]string{"Content-Type": "application/x-ndjson"}, append(encode(message(id, email, nil)), '\n'), 1)
		}},
		{"gzip", func(t *testing.T, id, email string) {
			var body bytes.Buffer
			z := gzip.NewWriter(&body)
			_, _ = z.Write(encode(message(id, email, nil)))
			_ = z.Close()
			u.post(map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, body.Bytes(), 1)
		}},
		{"zstd", func(t *testing.T, id, email string) {
			z, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			u.post(map[string]string{"Content-Type": "application/json", "Content-Encoding": "zstd"}, z.EncodeAll(encode(message(id, email, nil)), nil), 1)
		}},
		{"CloudEvent, structured", func(t *testing.T, id, email string) {
			data := message(id, email, nil)
			delete(data, "id") // the event's fills it
			u.post(map[string]string{"Content-Type": "application/cloudevents+json"}, encode(event(id, data)), 1)
		}},
		{"CloudEvents, batched", func(t *testing.T, id, email string) {
			u.post(map[string]string{"Content-Type": "application/cloudevents-batch+json"}, encode([]m{event(id, message(id, email, nil))}), 1)
		}},
		{"CloudEvent, binary", func(t *testing.T, id, email string) {
			data := message(id, email, nil)
			delete(data, "id")
			delete(data, "time")
			u.post(map[string]string{"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": id, "ce-source": "shop", "ce-type": "message",
				"ce-time": "2026-03-02T10:00:00Z"}, encode(data), 1)
		}},
		{"touchpoints.raw", func(t *testing.T, id, email string) {
			produce(t, u, &kafka.Record{Topic: string(topic.Raw), Value: encode(message(id, email, nil))})
		}},
	}
	for i, door := range doors {
		t.Run(door.name, func(t *testing.T) {
			id, email := fmt.Sprintf("door-%d", i), fmt.Sprintf("door%d@example.com", i)
			began := time.Now()
			door.send(t, id, email)
			eventually(t, 20*time.Second, func() error { return seen(u, id, email, i+1) })
			t.Logf("seen everywhere %s after it was sent", time.Since(began).Round(time.Millisecond))
		})
	}
	u.settle()
}

// seen says whether the touchpoint shows in person, timeline, conversation and report.
func seen(u *up, id, email string, all int) error {
	a, err := u.request(http.MethodGet, "/v1/people?identifier=email:"+email, nil, nil)
	if err != nil || a.status != http.StatusOK {
		return fmt.Errorf("person: %d, %w", a.status, err)
	}
	person := get[struct {
		ID                         string
		Touchpoints, Conversations int
	}](u, findPerson("email:"+email))
	timeline := get[struct {
		Touchpoints []struct{ ID, Text, Time string }
	}](u, "/v1/people/"+person.ID+"/timeline")
	conversations := get[struct{ Conversations []conversationAnswer }](u, "/v1/people/"+person.ID+"/conversations")
	totals := get[reportAnswer[figures]](u, "/v1/reports/touchpoints?"+march2026).Totals
	switch {
	case person.Touchpoints != 1 || person.Conversations != 1:
		return fmt.Errorf("person: %+v", person)
	case len(timeline.Touchpoints) != 1 || timeline.Touchpoints[0].ID != id || timeline.Touchpoints[0].Text != "I am "+id || timeline.Touchpoints[0].Time != "2026-03-02T10:00:00.000Z":
		return fmt.Errorf("timeline: %+v", timeline)
	case len(conversations.Conversations) != 1 || conversations.Conversations[0].State != "waiting_for_us":
		return fmt.Errorf("conversations: %+v", conversations)
	case totals != figures{all, all, all}:
		return fmt.Errorf("report: %+v of %d", totals, all)
	}
	return nil
}

// produce writes records as an outside producer does, through the listener for others.
func produce(tb testing.TB, u *up, records ...*kafka.Record) {
	tb.Helper()
	c := kafka.DefaultProducerConfig()
	for _, r := range records {
		if r.Key == nil {
			c.ByPartition = []string{r.Topic}
		}
	}
	p, err := kafka.NewProducer(kafka.Config{Brokers: []string{u.kafka}}, c)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = p.Close(tb.Context()) }()
	if err := p.Produce(tb.Context(), records); err != nil {
		tb.Fatal(err)
	}
}
