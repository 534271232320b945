package crash

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// cluster is the five roles as processes, on engines that run apart, and whatever else may be killed.
type cluster struct {
	tb    testing.TB
	kafka string
	store string
	parts map[string]part
	ready map[string]string // where roles say that they are
	live  map[string]*program.Process
}

// part is something that can be killed and started again.
type part struct{ kill, start func() }

func newCluster(tb testing.TB, brokers []string, store string) *cluster {
	return &cluster{tb: tb, kafka: strings.Join(brokers, ","), store: store, parts: map[string]part{}, ready: map[string]string{}, live: map[string]*program.Process{}}
}

// add starts a process of the program, which answers on url when it is ready.
func (c *cluster) add(name, url string, args ...string) {
	start := func() { c.live[name] = program.Start(c.tb, name, args...) }
	c.parts[name] = part{kill: func() { c.live[name].Kill() }, start: start}
	if url != "" {
		c.ready[name] = url
	}
	start()
}

// prepare makes topics, tables and a key, and starts the roles.
func (c *cluster) prepare(topics ...string) {
	tb := c.tb
	tb.Helper()
	c.eventually(append([]string{"topics", "--kafka", c.kafka}, topics...)...)
	c.eventually("migrate", "--clickhouse", c.store)
	c.eventually("keys", "create", "--kafka", c.kafka, "--key", key)
	for _, role := range []string{"collect", "identify", "converse", "load", "serve"} {
		listen := program.FreeAddress(tb)
		args := []string{role, "--kafka", c.kafka, "--listen", listen}
		if role == "load" || role == "serve" {
			args = append(args, "--clickhouse", c.store)
		}
		c.add(role, "http://"+listen, args...)
	}
	c.wait()
}

// eventually runs a command until it succeeds: the engines may still be starting.
func (c *cluster) eventually(args ...string) {
	c.tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		r := program.Command(c.tb, args...)
		if r.Code == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.tb.Fatalf("%v: not done after a minute: %s", args, r)
		}
	}
}

// wait waits until every role is ready.
func (c *cluster) wait() {
	c.tb.Helper()
	for role, url := range c.ready {
		c.live[role].Ready(c.tb, url+"/readyz")
	}
}

// run kills one part after the other under load, then verifies.
func (c *cluster) run(rng *rand.Rand, seed uint64, kills int) {
	c.tb.Helper()
	names := slices.Sorted(maps.Keys(c.parts))
	l := &load{url: c.ready["collect"], people: c.ready["serve"], seed: seed, clients: 4}
	ctx, cancel := context.WithCancel(c.tb.Context())
	loaded := make(chan struct{})
	go func() { defer close(loaded); l.run(ctx) }()
	killed := map[string]int{}
	for range kills {
		pause(c.tb, rng, 800*time.Millisecond)
		name := names[rng.IntN(len(names))]
		killed[name]++
		c.parts[name].kill()
		c.parts[name].start()
	}
	pause(c.tb, rng, time.Second)
	c.wait()
	l.heard(c.tb)
	cancel()
	<-loaded
	c.tb.Logf("%d touchpoints acknowledged, %d batches sent again, %d words of users, kills: %v", l.count.Load(), l.resent.Load(), l.said.Load(), killed)
	c.wait()
	verify(c.tb, l, "--kafka", c.kafka, "--clickhouse", c.store)
}
