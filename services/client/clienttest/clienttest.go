// Package clienttest is a server for the tests of those who post touchpoints: the real collector, on a broker of its own.
package clienttest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

const key = "key-of-the-test"

// keys is a directory with that key alone.
type keys struct{}

func (keys) Authenticate(k string) (string, bool) { return "default", k == key }

func (keys) May(k string, _ workspace.Scope) bool { return k == key }

// Server takes touchpoints in.
type Server struct {
	URL     string
	cluster *kafkatest.Cluster
}

// Start runs a server until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	cluster := kafkatest.Start(tb,
		kafka.TopicSpec{Name: string(topic.Touchpoints), Partitions: 4},
		kafka.TopicSpec{Name: string(topic.Rejected), Partitions: 4})
	producer, err := kafka.NewProducer(cluster.Config(), collect.DefaultProducerConfig())
	if err != nil {
		tb.Fatal(err)
	}
	c := collect.DefaultConfig()
	c.Producer, c.Kafka, c.Directory = producer, cluster.Config(), keys{}
	collector, err := collect.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	server, err := api.NewServer(api.DefaultConfig(), collector.Handler())
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	tb.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		producer.Close(closing)
	})
	return &Server{URL: "http://" + server.Addr(), cluster: cluster}
}

// Config is a client of the server.
func (s *Server) Config() client.Config {
	c := client.DefaultConfig()
	c.URL, c.Key, c.Backoff = s.URL, key, time.Millisecond
	return c
}

// Touchpoints are those on the log, by id, and how many records there are of each.
func (s *Server) Touchpoints(tb testing.TB) (byID map[string]touchpoint.Touchpoint, records map[string]int) {
	tb.Helper()
	byID, records = map[string]touchpoint.Touchpoint{}, map[string]int{}
	contents := map[string]touchpoint.Content{}
	for _, r := range s.cluster.Records(tb, string(topic.Touchpoints)) {
		e, err := touchpoint.DecodeEnvelope(r.Value)
		if err != nil {
			tb.Fatal(err)
		}
		var t touchpoint.Touchpoint
		if err := touchpoint.DecodePayload(e.Payload, &t); err != nil {
			tb.Fatal(err)
		}
		if before, ok := contents[e.ID]; ok && before != e.Content {
			tb.Errorf("touchpoint %s is there with two contents", e.ID)
		}
		byID[e.ID], contents[e.ID] = t, e.Content
		records[e.ID]++
	}
	return byID, records
}

// Rejected is how many dead letters there are.
func (s *Server) Rejected(tb testing.TB) int {
	tb.Helper()
	return len(s.cluster.Records(tb, string(topic.Rejected)))
}
