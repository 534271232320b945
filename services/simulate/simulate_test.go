package simulate

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/services/client/clienttest"
)

// clock is a clock that runs as fast as the test wants.
type clock struct{ now atomic.Int64 }

func (c *clock) Now() time.Time { return time.UnixMilli(c.now.Load()) }

func (c *clock) set(t time.Time) { c.now.Store(t.UnixMilli()) }

// TestRunsAndGoesOn: history, live traffic, a pause, and again: what is on the log is what the company did, each
// touchpoint once, with the state file as without.
func TestRunsAndGoesOn(t *testing.T) {
	server := clienttest.Start(t)
	at := &clock{}
	c := DefaultConfig()
	c.Client, c.Customers, c.Days, c.Rate, c.Now = server.Config(), 60, 8, 5, at.Now
	c.StateFile = filepath.Join(t.TempDir(), "simulate.json")
	launch := time.Now().Add(-2 * time.Hour).Truncate(time.Second)

	// run starts at a moment and lets time go on until everything up to another has been acknowledged.
	run := func(from, to time.Time) (l Loaded) {
		t.Helper()
		at.set(from)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		loaded := make(chan Loaded, 1)
		c.Loaded = func(l Loaded) { loaded <- l }
		done := make(chan error, 1)
		go func() { done <- Run(ctx, c) }()
		select {
		case l = <-loaded:
		case err := <-done:
			t.Fatal(err)
		}
		limit := time.After(30 * time.Second)
		for now := from; ; { // five seconds of the company take as many ms
			now = now.Add(5 * time.Second)
			at.set(now)
			st, err := loadState(c.StateFile)
			if err != nil {
				t.Fatal(err)
			}
			if st.Through >= to.UnixMilli() {
				break
			}
			select {
			case err := <-done:
				t.Fatal(err)
			case <-limit:
				t.Fatalf("through %v, want %v", time.UnixMilli(st.Through), to)
			case <-time.After(5 * time.Millisecond):
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return l
	}

	first := run(launch, launch.Add(10*time.Minute))
	if first.Sent == 0 || first.Rejected > 0 || first.Resumed || server.Rejected(t) > 0 {
		t.Fatalf("%+v, %d dead letters", first, server.Rejected(t))
	}
	again := run(launch.Add(30*time.Minute), launch.Add(40*time.Minute))
	if !again.Resumed || again.Sent < 20*60*5/2 {
		t.Errorf("the second run made up for %d touchpoints of 20 minutes", again.Sent)
	}
	byID, records := server.Touchpoints(t)
	for id, n := range records {
		if byID[id].Time < launch.UnixMilli() && n > 1 {
			t.Fatalf("touchpoint %s of the history was sent again", id)
		}
	}
	c.StateFile = filepath.Join(t.TempDir(), "lost.json")
	run(launch, launch.Add(10*time.Minute)) // as if it had never run
	after, repeated := server.Touchpoints(t)
	for id, tp := range byID {
		if tp.Time <= launch.Add(10*time.Minute).UnixMilli() && repeated[id] < 2 {
			t.Fatalf("touchpoint %s of the first run is not one of a third that begins like it", id)
		}
	}
	live := 0
	for _, tp := range after {
		if tp.Time >= launch.UnixMilli() && tp.Time < launch.Add(10*time.Minute).UnixMilli() {
			live++
		}
	}
	if live < 10*60*5/2 || len(after) < len(byID) {
		t.Errorf("%d live touchpoints in ten minutes at five a second; %d touchpoints, then %d", live, len(byID), len(after))
	}
}

func TestBadConfigs(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"customers": func(c *Config) { c.Customers = 1 },
		"days":      func(c *Config) { c.Days = 0 },
		"rate":      func(c *Config) { c.Rate = -1 },
		"width":     func(c *Config) { c.Width = 0 },
		"key":       func(c *Config) { c.Client.Key = "" },
		"url":       func(c *Config) { c.Client.URL = "example.com" },
	} {
		c := DefaultConfig()
		c.Client.Key = "k"
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := Run(context.Background(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
