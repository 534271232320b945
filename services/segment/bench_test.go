package segment

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/segment"
)

// An ordinary touchpoint of 500 bytes, and an ordinary event as Segment's library for servers sends it, of 600; the id is %d.
const (
	nativeTouchpoint = `{"id":"zd-%010d","time":"2026-02-28T08:15:00.250Z","channel":"email","direction":"inbound","kind":"message",` +
		`"actor":{"type":"customer","name":"Anna Schmidt"},"identifiers":[{"type":"email","value":"anna.schmidt@example.com","verified":true},` +
		`{"type":"customer_id","value":"C-1029384","verified":true}],"thread":["ticket:INC0012345"],"subject":"Where is my parcel?",` +
		`"text":"Hello, I ordered two weeks ago and nothing has come yet.\nPlease look into it.","language":"en","source":"zendesk"}`
	segmentMessage = `{"type":"track","messageId":"node-next-1780000000000-0b8a1c1e-7d0f-4b1c-9a51-%012d","timestamp":"2026-02-28T08:15:00.250Z","event":"Product Viewed","userId":"C-1029384",` +
		`"anonymousId":"0b8a1c1e-7d0f-4b1c-9a51-0d6a2f5a9b11","properties":{"product_id":"507f1f77bcf86cd799439011","sku":"G-32","name":"Monopoly: 3rd Edition","price":18.99,"currency":"EUR",` +
		`"url":"https://shop.example/games/monopoly"},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"ip":"203.0.113.7","locale":"de-DE"},"integrations":{},` +
		`"_metadata":{"nodeVersion":"20.20.2","jsRuntime":"node"}}`
)

// BenchmarkBatches compares batches of 100 of Segment's calls (segment) with batches of 100 ordinary touchpoints (native) and of the same
// facts as touchpoints (facts): over 64 connections, on a broker in this
// process. The processor time per touchpoint includes clients and broker.
func BenchmarkBatches(b *testing.B) {
	cluster := kafkatest.Start(b, kafka.TopicSpec{Name: string(topic.Touchpoints), Partitions: 4}, kafka.TopicSpec{Name: string(topic.Rejected), Partitions: 4})
	producer, err := kafka.NewProducer(cluster.Config(), collect.DefaultProducerConfig())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = producer.Close(context.Background()) })
	directory := keys{"k1": {Workspace: "default", Scopes: []workspace.Scope{workspace.Write}}}
	c := collect.DefaultConfig()
	c.Producer, c.Directory = producer, directory
	collector, err := collect.New(c)
	if err != nil {
		b.Fatal(err)
	}
	door, err := New(Config{Collector: collector, Directory: directory})
	if err != nil {
		b.Fatal(err)
	}
	routes := api.NewRoutes()
	collector.Mount(routes)
	door.Mount(routes)
	server, err := api.NewServer(api.DefaultConfig(), routes.Handler())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go func() { _ = server.Run(ctx) }()
	b.Run("native", func(b *testing.B) { load(b, server.Addr(), "/v1/touchpoints", "[", nativeTouchpoint, "]", 202) })
	made, why := segment.Translate(nil, fmt.Appendf(nil, segmentMessage, 0), segment.Request{})
	if why != nil {
		b.Fatal(why)
	}
	fact := strings.Replace(string(made.Touchpoint), fmt.Sprintf("%012d", 0), "%012d", 1)
	b.Run("facts", func(b *testing.B) { load(b, server.Addr(), "/v1/touchpoints", "[", fact, "]", 202) })
	b.Run("segment", func(b *testing.B) {
		load(b, server.Addr(), "/v1/batch", `{"batch":[`, segmentMessage, `],"sentAt":"2026-02-28T08:15:01.000Z"}`, 200)
	})
}

// load sends b.N messages, 100 a request, over 64 connections. The client writes bytes and reads a status line, so that most of the
// processor is the server's.
func load(b *testing.B, addr, path, open, message, end string, status int) {
	const connections, size = 64, 100
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
			defer func() { _ = conn.Close() }()
			var request, body bytes.Buffer
			answer := make([]byte, 4096)
			want := fmt.Appendf(nil, "HTTP/1.1 %d", status)
			for {
				from := next.Add(size) - size
				if from >= int64(b.N) {
					return
				}
				body.Reset()
				request.Reset()
				body.WriteString(open)
				for i := range int64(size) {
					if i > 0 {
						body.WriteByte(',')
					}
					fmt.Fprintf(&body, message, from+i)
				}
				body.WriteString(end)
				fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, body.Len())
				request.Write(body.Bytes())
				if _, err := conn.Write(request.Bytes()); err != nil {
					b.Error(err)
					return
				}
				n, err := conn.Read(answer) // an answer is one segment
				if err != nil || !bytes.HasPrefix(answer[:n], want) {
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

func processorTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
