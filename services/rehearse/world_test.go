package rehearse

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/identity"
)

// now is when every test takes place.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a log of links and a store, both empty at first.
type world struct {
	tb       testing.TB
	db       *clickhouse.DB
	cluster  *kafkatest.Cluster
	producer *kafka.Producer
	links    []*kafka.Record
}

var linksTopic = kafka.TopicSpec{Name: string(topic.Links), Partitions: 3}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{tb: tb, db: clickhousetest.Start(tb)}
	if err := w.db.Migrate(tb.Context(), tables.Migrations, clickhouse.Layout{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// First, because the engine trips over a dictionary that is loaded while its database is dropped.
		for _, name := range []string{"moved_lately", "moved"} {
			if err := w.db.Exec(context.Background(), "DROP DICTIONARY IF EXISTS "+name+" SYNC", nil); err != nil {
				tb.Error(err)
			}
		}
	})
	w.cluster = kafkatest.Start(tb, linksTopic,
		kafka.TopicSpec{Name: string(topic.Rehearsals)})
	w.producer = w.cluster.Producer(tb)
	return w
}

// rulesWith are rules in which a person may have so many e-mail addresses.
func rulesWith(emails int) string {
	return fmt.Sprintf(`regions: [DE]
max_identifiers: 50
max_thread: 50
types:
  - {name: customer_id, normalise: plain, max: 1, verified: {default: true}}
  - {name: email, normalise: email, max: %d, verified: {default: true}}
  - {name: cookie, normalise: plain, verified: {default: true}}
`, emails)
}

func parsed(tb testing.TB, text string) *identity.Rules {
	tb.Helper()
	r, err := identity.ParseRules([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func node(text string) schema.Node {
	typ, value, _ := strings.Cut(text, ":")
	return schema.Node{Anchor: schema.AnchorOf("ours", typ, value), Type: typ, Value: value}
}

// link adds what a touchpoint says to the log, when produce is called.
func (w *world) link(a, b string, at time.Time) {
	l := schema.Link{
		Workspace: "ours", Kind: schema.LinkVerified, A: node(a), B: node(b), Touchpoint: a + "+" + b, Time: at.UnixMilli(),
		Source: "shop", Rule: "verified by one touchpoint",
	}
	w.add(&l)
}

func (w *world) add(l *schema.Link) {
	w.links = append(w.links, &kafka.Record{Topic: string(topic.Links), Key: []byte(l.Workspace), Value: schema.AppendLink(nil, l)})
}

func (w *world) produce() {
	w.tb.Helper()
	if err := w.producer.Produce(w.tb.Context(), w.links); err != nil {
		w.tb.Fatal(err)
	}
	w.links = nil
}

// touchpoints stores n touchpoints of an identifier.
func (w *world) touchpoints(of, channel string, at time.Time, n int) {
	w.tb.Helper()
	number := func(a schema.Anchor) string { return new(big.Int).SetBytes(a[:]).String() }
	columns := map[string]func(i int) string{
		"workspace": func(int) string { return "ours" }, "anchor": func(int) string { return number(node(of).Anchor) },
		"key":     func(i int) string { return number(schema.AnchorOf("ours", of+channel, fmt.Sprint(at.Unix()+int64(i)))) },
		"channel": func(int) string { return channel }, "direction": func(int) string { return "inbound" }, "actor_type": func(int) string { return "customer" },
		"time": func(int) string { return at.UTC().Format("2006-01-02 15:04:05.000") },
	}
	var all []clickhouse.Column
	for name, value := range columns {
		data := new(clickhouse.StringColumn)
		for i := range n {
			data.Append(value(i))
		}
		all = append(all, clickhouse.Column{Name: name, Data: data})
	}
	if err := w.db.Insert(w.tb.Context(), "touchpoints", "", all); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) rehearse(inForce, new string, since int64) *rehearsal.Difference {
	w.tb.Helper()
	d, err := Run(w.tb.Context(), Config{
		Log: w.cluster.Admin(w.tb), Store: w.db, Generations: topic.First, Workspace: "ours",
		InForce: parsed(w.tb, inForce), New: parsed(w.tb, new), Since: since, Now: now,
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	return d
}

// directory has rules in memory.
type directory struct {
	mu    sync.Mutex
	rules map[string]*identity.Rules
	set   []workspace.Rules
}

func (d *directory) Rules(name string) *identity.Rules {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.rules[name]; r != nil {
		return r
	}
	return identity.DefaultRules()
}

func (d *directory) Generations() (topic.Generations, *topic.Generations) { return topic.First, nil }

func (d *directory) SetRules(_ context.Context, name string, r workspace.Rules) error {
	rules, err := identity.ParseRules([]byte(r.YAML))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules[name] = rules
	d.set = append(d.set, r)
	return nil
}

func (w *world) desk(d *directory, change ...func(*DeskConfig)) *Desk {
	w.tb.Helper()
	c := DeskConfig{
		Log: w.cluster.Admin(w.tb), Store: w.db, Producer: w.producer, Directory: d, Running: 1,
		Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(w.tb.Output(), nil)),
	}
	for _, change := range change {
		change(&c)
	}
	desk, err := NewDesk(c)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(desk.Close)
	return desk
}

// finished waits until the rehearsal is over.
func finished(tb testing.TB, d *Desk, id string) *rehearsal.Record {
	tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		r, err := d.Get(tb.Context(), "ours", id)
		if err != nil {
			tb.Fatal(err)
		}
		if r.Status != rehearsal.Running {
			return r
		}
		if time.Now().After(deadline) {
			tb.Fatalf("still %+v", r.Progress)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// slowLog says where its end is when held is closed.
type slowLog struct {
	Log
	held chan struct{}
}

func (l slowLog) LogOffsets(ctx context.Context, topics ...string) ([]kafka.Offsets, error) {
	select {
	case <-l.held:
		return l.Log.LogOffsets(ctx, topics...)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
