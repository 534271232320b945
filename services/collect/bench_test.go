package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// some500 is an ordinary touchpoint of 500 bytes; the id is %s.
const some500 = `{"id":"%s","time":"2026-02-28T08:15:00.250Z","channel":"email","direction":"inbound","kind":"message",` +
	`"actor":{"type":"customer","name":"Anna Schmidt"},"identifiers":[{"type":"email","value":"anna.schmidt@example.com","verified":true},` +
	`{"type":"customer_id","value":"C-1029384","verified":true}],"thread":["ticket:INC0012345"],"subject":"Where is my parcel?",` +
	`"text":"Hello, I ordered two weeks ago and nothing has come yet.\nPlease look into it.","language":"en","source":"zendesk"}`

func processorTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkJudge is all that is done to one touchpoint between the body and the producer: decode, normalise, anchor,
// envelope.
func BenchmarkJudge(b *testing.B) {
	c := judging(b)
	bodies := make([][]byte, 1024)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, strings.ReplaceAll(some500, "\n", `\n`), fmt.Sprintf("zd-%08d", i))
	}
	b.SetBytes(int64(len(bodies[0])))
	b.ReportAllocs()
	begin, n := processorTime(), 0
	batch := c.newBatch("default", touchpoint.SourceRaw)
	for b.Loop() {
		if n%1000 == 0 {
			batch.reset()
		}
		batch.one(bodies[n%len(bodies)])
		n++
	}
	b.ReportMetric(float64(processorTime()-begin)/float64(b.N), "cpu-ns/op")
	if batch.refused > 0 {
		b.Fatal(batch.answer.Rejected)
	}
}

// floor is what is left of a collector when everything is left out but HTTP, JSON and Kafka.
type floor struct{ producer *kafka.Producer }

// floorTouchpoint is a touchpoint as a decoder by reflection reads it.
type floorTouchpoint struct {
	ID          string                  `json:"id"`
	Time        string                  `json:"time"`
	Channel     string                  `json:"channel"`
	Direction   string                  `json:"direction"`
	Kind        string                  `json:"kind"`
	Actor       touchpoint.Actor        `json:"actor"`
	Identifiers []touchpoint.Identifier `json:"identifiers"`
	Thread      []string                `json:"thread"`
	Subject     string                  `json:"subject"`
	Text        string                  `json:"text"`
	Language    string                  `json:"language"`
	Source      string                  `json:"source"`
}

func (f floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var t floorTouchpoint
	var many []json.RawMessage
	parts := []json.RawMessage{body}
	if body[0] == '[' {
		if _, err := json.Parse(body, &many, json.ZeroCopy); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		parts = many
	}
	records := make([]*kafka.Record, len(parts))
	for i, p := range parts {
		t = floorTouchpoint{}
		if _, err := json.Parse(p, &t, json.ZeroCopy|json.DontMatchCaseInsensitiveStructFields); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		records[i] = &kafka.Record{Topic: string(topic.Touchpoints), Key: []byte(t.ID), Value: p}
	}
	if err := f.producer.Produce(r.Context(), records); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"accepted":1}`)
}

// BenchmarkHTTP compares the door with its floor, on a broker in this process, over 64 connections: one touchpoint a
// request, and a hundred. touchpoints/s and the processor time per touchpoint include clients and broker.
func BenchmarkHTTP(b *testing.B) {
	cluster := kafkatest.Start(b, kafka.TopicSpec{Name: string(topic.Touchpoints), Partitions: 4}, kafka.TopicSpec{Name: string(topic.Rejected), Partitions: 4})
	producer, err := kafka.NewProducer(cluster.Config(), DefaultProducerConfig())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { producer.Close(context.Background()) })
	config := DefaultConfig()
	config.Producer, config.Directory = producer, keys{"k1": "default"}
	c, err := New(config)
	if err != nil {
		b.Fatal(err)
	}
	door, err := api.NewServer(api.DefaultConfig(), c.Handler())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go door.Run(ctx)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bare := &http.Server{Handler: floor{producer}}
	b.Cleanup(func() { bare.Close() })
	go bare.Serve(listener)
	for _, size := range []int{1, 100} {
		for name, addr := range map[string]string{"floor": listener.Addr().String(), "door": door.Addr()} {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) { load(b, addr, size) })
		}
	}
}

// load sends b.N touchpoints, size a request, over 64 connections. The client writes bytes and reads a status line, so
// that most of the processor is the server's.
func load(b *testing.B, addr string, size int) {
	const connections = 64
	var next atomic.Int64
	var wg sync.WaitGroup
	begin := processorTime()
	b.ResetTimer()
	for range connections {
		wg.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			var request, body bytes.Buffer
			answer := make([]byte, 4096)
			for {
				from := next.Add(int64(size)) - int64(size)
				if from >= int64(b.N) {
					return
				}
				body.Reset()
				request.Reset()
				for i := range size {
					switch {
					case size == 1:
					case i == 0:
						body.WriteByte('[')
					default:
						body.WriteByte(',')
					}
					fmt.Fprintf(&body, strings.ReplaceAll(some500, "\n", `\n`), fmt.Sprintf("zd-%010d", from+int64(i)))
				}
				if size > 1 {
					body.WriteByte(']')
				}
				fmt.Fprintf(&request, "POST /v1/touchpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", body.Len())
				request.Write(body.Bytes())
				if _, err := conn.Write(request.Bytes()); err != nil {
					b.Error(err)
					return
				}
				n, err := conn.Read(answer) // an answer is one segment
				if err != nil || !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 202")) {
					b.Errorf("%v %s", err, answer[:n])
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "touchpoints/s")
	b.ReportMetric(float64(processorTime()-begin)/float64(b.N), "cpu-ns/touchpoint")
}
