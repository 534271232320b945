package load

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

// world is a broker, a store, and a proxy between the loader and the store that can misbehave.
type world struct {
	testing.TB
	kafka    *kafkatest.Cluster
	admin    *kafka.Admin
	producer *kafka.Producer
	db       *store.DB // straight to the engine
	proxy    *proxy
}

func newWorld(t testing.TB, partitions int32) *world {
	return newWorldOn(t, kafkatest.Start(t), partitions)
}

func newWorldOn(t testing.TB, cluster *kafkatest.Cluster, partitions int32) *world {
	t.Helper()
	w := &world{TB: t, kafka: cluster}
	var specs []kafka.TopicSpec
	for _, tp := range topic.Table {
		specs = append(specs, kafka.TopicSpec{Name: string(tp.Name), Partitions: partitions})
	}
	cluster.CreateTopics(t, specs...)
	w.admin = cluster.Admin(t)
	w.producer = cluster.Producer(t, string(topic.Touchpoints))
	w.db = clickhousetest.Start(t)
	if err := w.db.Migrate(context.Background(), clickhouse.Migrations, store.Layout{}); err != nil {
		t.Fatal(err)
	}
	w.proxy = newProxy(t, clickhousetest.DSN(t))
	return w
}

func (w *world) config() Config {
	cfg := DefaultConfig()
	cfg.Kafka = w.kafka.Config()
	cfg.BlockAge = 5 * time.Millisecond
	cfg.RetryWait = 5 * time.Millisecond
	cfg.InsertTimeout = 5 * time.Second
	cfg.SessionTimeout = 6 * time.Second
	if os.Getenv("LOAD_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return cfg
}

// start runs a loader until stop is called, through the proxy.
func (w *world) start(change ...func(*Config)) (stop func()) {
	w.Helper()
	cfg := w.config()
	c := store.DefaultConfig(w.proxy.URL())
	c.Database = w.db.Database()
	db, err := store.Open(context.Background(), c)
	if err != nil {
		w.Fatal(err)
	}
	cfg.Store = db
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg) }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
		_ = db.Close()
	}
	w.Cleanup(stop)
	return stop
}

// record makes the record of a touchpoint with the content's text.
func record(partition int32, id, text string, at int64) *kafka.Record {
	t := touchpoint.Touchpoint{ID: id, Time: at, Channel: "email", Direction: touchpoint.Inbound, Kind: "message",
		Actor: touchpoint.Actor{Type: touchpoint.Customer}, Identifiers: []touchpoint.Identifier{{Type: "email", Value: id + "@example.com", Verified: true}},
		Thread: []string{"ticket:" + id}, Text: text, Tags: []string{"a", "b"}, Properties: []byte(`{"n":1}`)}
	payload, err := t.AppendJSON(nil)
	if err != nil {
		panic(err)
	}
	e := touchpoint.Envelope{Workspace: "default", ID: id, Anchor: touchpoint.KeyOf("default", id), Time: at, Received: at, Payload: payload}
	copy(e.Content[:], text+"................")
	return &kafka.Record{Topic: string(topic.Touchpoints), Partition: partition, Key: touchpoint.RecordKey("default", id), Value: e.Append(nil)}
}

const spring = int64(1_770_000_000_000) // 2026-02-02
const month = int64(31 * 24 * 3_600_000)

func (w *world) produce(records ...*kafka.Record) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.producer.Produce(ctx, records); err != nil {
		w.Fatal(err)
	}
}

// records makes touchpoints from..to-1 of a partition, some months apart.
func records(partition int32, from, to int) (rs []*kafka.Record) {
	for i := from; i < to; i++ {
		rs = append(rs, record(partition, fmt.Sprintf("p%d-%d", partition, i), "hello", spring+int64(i%3)*month))
	}
	return rs
}

// count is a single number of the store.
func (w *world) count(query string) uint64 {
	w.Helper()
	var n uint64
	if _, err := w.db.One(context.Background(), query, nil, store.Limits{}, &n); err != nil {
		w.Fatalf("%s: %v", query, err)
	}
	return n
}

// eventually waits until a condition holds.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			w.Fatalf("in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// lagFree waits until everything on the log is loaded and committed, without a plan.
func (w *world) lagFree() {
	w.Helper()
	var topics []string
	for _, n := range DefaultConfig().Topics {
		topics = append(topics, string(n))
	}
	free := 0 // seen twice: what landing a touchpoint wrote to another topic came after that one's end was read the first time
	w.eventually("lag 0", func() bool {
		all, err := w.admin.GroupOffsets(context.Background(), Group(topic.First), topics...)
		if err != nil {
			return false // real brokers take a while to find their coordinator
		}
		for _, o := range all {
			if o.Lag() != 0 || o.Metadata != "" {
				free = 0
				return false
			}
		}
		free++
		return free == 2
	})
}

// exactly checks that the facts are these many, each once, and that all of their customers can be found.
func (w *world) exactly(n uint64) {
	w.Helper()
	if got := w.count("SELECT uniqExact(arrayJoin(identifiers)) FROM touchpoints WHERE (workspace, lower(substring(arrayJoin(identifiers), 7))) NOT IN (SELECT workspace, term FROM search_terms)"); got != 0 {
		w.Errorf("%d customers cannot be found", got)
	}
	for _, q := range []string{"count()", "uniqExact(_partition, _offset)", "uniqExact(key)"} {
		if got := w.count("SELECT " + q + " FROM touchpoints"); got != n {
			w.Errorf("%s = %d, want %d", q, got, n)
		}
	}
}

func (w *world) exec(statement string) {
	w.Helper()
	if err := w.db.Exec(context.Background(), statement, nil); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

// commitAs commits for a group as a member of it would.
func (w *world) commitAs(rc kafka.ReaderConfig, c kafka.Commit) {
	w.Helper()
	h := &committing{assigned: make(chan struct{})}
	r, err := kafka.NewReader(w.kafka.Config(), rc, h)
	if err != nil {
		w.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			_, _ = r.Poll(ctx)
			r.AllowRebalance()
		}
	}()
	<-h.assigned
	w.eventually("the commit", func() bool { return r.Commit(context.Background(), c) == nil })
}

type committing struct{ assigned chan struct{} }

func (h *committing) Assigned(_ context.Context, a kafka.Assignment) (int64, error) {
	close(h.assigned)
	return a.From(), nil
}
func (h *committing) Revoked(context.Context, []kafka.TopicPartition) {}
func (h *committing) Lost([]kafka.TopicPartition)                     {}

// metric is the sum of a metric over its labels.
func metric(t testing.TB, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

var noLimits = store.Limits{}
