package identify

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func topics(partitions int32) (specs []kafka.TopicSpec) {
	for _, n := range []topic.Name{topic.Touchpoints, topic.Seen, topic.Links, topic.Moves, topic.Edges, topic.ByPerson, topic.Rejected} {
		specs = append(specs, kafka.TopicSpec{Name: string(n), Partitions: partitions})
	}
	return specs
}

// role is one instance, until stop.
type role struct {
	cancel context.CancelFunc
	done   chan error
}

func start(tb testing.TB, c Config) *role {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &role{cancel, make(chan error, 1)}
	go func() { r.done <- Run(ctx, c) }()
	tb.Cleanup(func() { r.stop(tb) })
	return r
}

func (r *role) stop(tb testing.TB) {
	tb.Helper()
	if r.done == nil {
		return
	}
	r.cancel()
	if err := <-r.done; err != nil && !errors.Is(err, context.Canceled) {
		tb.Errorf("Run: %v", err)
	}
	r.done = nil
}

// settled waits until both groups have committed all there is; links end where the stitched touchpoints do.
func settled(tb testing.TB, cluster *kafkatest.Cluster) {
	tb.Helper()
	waitFor(tb, func(ctx context.Context, a *kafka.Admin) (bool, error) {
		for _, half := range []struct {
			group string
			input topic.Name
		}{{StitchGroup(topic.First), topic.Touchpoints}, {ResolveGroup(topic.First), topic.Links}} {
			all, err := a.GroupOffsets(ctx, half.group, string(half.input))
			if err != nil {
				return false, err
			}
			for _, o := range all {
				if o.Lag() > 0 {
					return false, nil
				}
			}
		}
		return true, nil
	}, cluster)
}

// committed waits until the stitching half has committed something.
func committed(tb testing.TB, cluster *kafkatest.Cluster) {
	tb.Helper()
	waitFor(tb, func(ctx context.Context, a *kafka.Admin) (bool, error) {
		all, err := a.GroupOffsets(ctx, StitchGroup(topic.First), string(topic.Touchpoints))
		for _, o := range all {
			if o.Committed > 0 {
				return true, err
			}
		}
		return false, err
	}, cluster)
}

func waitFor(tb testing.TB, ready func(context.Context, *kafka.Admin) (bool, error), cluster *kafkatest.Cluster) {
	tb.Helper()
	a := cluster.Admin(tb)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		ok, err := ready(ctx, a)
		if err != nil {
			tb.Fatal(err)
		}
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatal("did not settle within a minute")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Two instances share the partitions; one is stopped while at work and another joins. Nothing is lost, and the moves are
// those of the links in their order.
func TestInstancesComeAndGo(t *testing.T) {
	cluster := kafkatest.Start(t, topics(4)...)
	producer := cluster.Producer(t)
	input := company(t, 7, 2000)
	produce := func(records []*kafka.Record) {
		t.Helper()
		if err := producer.Produce(t.Context(), records); err != nil {
			t.Fatal(err)
		}
	}
	third := len(input) / 3
	produce(input[:third])

	c := DefaultConfig()
	c.Kafka = cluster.Config()
	c.BatchRecords = 50
	c.SessionTimeout = 2 * time.Second
	first := start(t, c)
	committed(t, cluster)
	second := start(t, c)
	produce(input[third : 2*third])
	first.stop(t)
	produce(input[2*third:])
	third3 := start(t, c)
	settled(t, cluster)
	second.stop(t)
	third3.stop(t)

	got := read(t, allOf(t, cluster))
	same(t, "stubs", got.stubs, firsts(t, input))
	moves, edges := people(t, cluster.Records(t, string(topic.Links)))
	same(t, "moves", got.moves, moves)
	same(t, "edges", got.edges, edges)
	if len(got.moved) != len(moves) || len(moves) == 0 {
		t.Errorf("%d moves for homes, %d for the store", len(got.moved), len(moves))
	}
}

// What came before a restart is remembered after it, and counted.
func TestRestartRemembers(t *testing.T) {
	cluster := kafkatest.Start(t, topics(2)...)
	producer := cluster.Producer(t)
	input := company(t, 3, 300)
	c := DefaultConfig()
	c.Kafka = cluster.Config()
	for range 3 {
		copies := make([]*kafka.Record, len(input))
		for i, r := range input {
			copies[i] = copyOf(r)
		}
		if err := producer.Produce(t.Context(), copies); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewRegistry()
		c.Registerer = reg
		r := start(t, c)
		settled(t, cluster)
		waitFor(t, func(context.Context, *kafka.Admin) (bool, error) { // who they are is known again
			return gathered(t, reg)["throughline_identify_persons"], nil
		}, cluster)
		r.stop(t)
		if left := gathered(t, reg); len(left) > 0 {
			t.Errorf("metrics are left behind: %v", left)
		}
	}
	got := read(t, allOf(t, cluster))
	same(t, "stubs", got.stubs, firsts(t, input))
	again := 0
	for _, n := range got.stubs {
		again += n - 1
	}
	if again > len(got.stubs)/2 { // a machine that stalls may lose a session, and do some work twice
		t.Errorf("of %d touchpoints %d were stitched again", len(got.stubs), again)
	}
}

func gathered(tb testing.TB, reg *prometheus.Registry) map[string]bool {
	tb.Helper()
	families, err := reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	return names
}

func allOf(tb testing.TB, cluster *kafkatest.Cluster) (out []*kafka.Record) {
	tb.Helper()
	for _, s := range topics(1) {
		if topic.Name(s.Name) != topic.Touchpoints {
			out = append(out, cluster.Records(tb, s.Name)...)
		}
	}
	return out
}

func TestConfig(t *testing.T) {
	good := DefaultConfig()
	good.Kafka.Brokers = []string{"127.0.0.1:1"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Config){
		"rules":      func(c *Config) { c.Rules = nil },
		"logger":     func(c *Config) { c.Logger = nil },
		"generation": func(c *Config) { c.Generations.Identity = 0 },
		"batch":      func(c *Config) { c.BatchRecords = 1 << 20 },
		"commit":     func(c *Config) { c.CommitEvery = -1 },
		"brokers":    func(c *Config) { c.Kafka.Brokers = nil },
	} {
		bad := good
		spoil(&bad)
		if bad.Validate() == nil || Run(t.Context(), bad) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if StitchGroup(topic.Generations{Identity: 2}) != "identify.stitch.g2" || ResolveGroup(topic.First) != "identify.resolve" {
		t.Error("names of the groups")
	}
}
