package live

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

type world struct {
	t        *testing.T
	hub      *Hub
	producer *kafka.Producer
}

func start(t *testing.T, change func(*Config)) *world {
	t.Helper()
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Conversations), Partitions: 3})
	c := DefaultConfig()
	c.Log, c.Every = cluster.Admin(t), 5*time.Millisecond
	c.Generations = func() (topic.Generations, *topic.Generations) { return topic.First, nil }
	if change != nil {
		change(&c)
	}
	hub, err := NewHub(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &world{t, hub, cluster.Producer(t)}
}

func (w *world) change(workspace, id string) {
	w.t.Helper()
	c := conversation.Conversation{Workspace: workspace, ID: touchpoint.KeyOf(workspace, id), Version: 1, State: conversation.Open}
	value, err := c.Append(nil)
	if err == nil {
		err = w.producer.Produce(w.t.Context(), []*kafka.Record{{Topic: string(topic.Conversations), Key: c.ID[:], Value: value}})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) watch(workspace string) *Watcher {
	w.t.Helper()
	watcher, err := w.hub.Watch(workspace)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(watcher.Close)
	w.lost(watcher)
	return watcher
}

func (w *world) lost(watcher *Watcher) {
	w.t.Helper()
	select {
	case <-watcher.Lost:
	case <-time.After(20 * time.Second):
		w.t.Fatal("the watcher was never told to look")
	}
}

func (w *world) hears(watcher *Watcher, workspace, id string) {
	w.t.Helper()
	select {
	case c := <-watcher.Changes:
		if c.Workspace != workspace || c.ID != touchpoint.KeyOf(workspace, id) {
			w.t.Fatalf("heard of %s %s, want %s %s", c.Workspace, c.ID, workspace, id)
		}
	case <-time.After(20 * time.Second):
		w.t.Fatalf("%s was never heard of", id)
	}
}

func TestWatchersHearOfTheirWorkspaceAlone(t *testing.T) {
	w := start(t, nil)
	w.change("ours", "before anybody watched")
	ours, theirs := w.watch("ours"), w.watch("theirs")
	w.change("ours", "a")
	w.hears(ours, "ours", "a")
	w.change("theirs", "b")
	w.hears(theirs, "theirs", "b")
	second := w.watch("ours")
	w.change("ours", "c")
	w.hears(ours, "ours", "c")
	w.hears(second, "ours", "c")
	if len(ours.Changes)+len(theirs.Changes)+len(second.Changes) > 0 {
		t.Error("somebody heard of something twice, or of others")
	}
}

func TestWhoIsTooSlowIsToldToLook(t *testing.T) {
	w := start(t, func(c *Config) { c.Queue = 2 })
	slow := w.watch("ours")
	for i := range 5 {
		w.change("ours", fmt.Sprint(i))
	}
	w.lost(slow)
	if len(slow.Changes) != 2 {
		t.Errorf("%d changes wait, want what the queue holds", len(slow.Changes))
	}
}

func TestNoMoreWatchThanMay(t *testing.T) {
	w := start(t, func(c *Config) { c.Watchers = 1 })
	first := w.watch("ours")
	if _, err := w.hub.Watch("ours"); err != ErrFull {
		t.Errorf("a second watcher: %v", err)
	}
	first.Close()
	w.watch("ours")
	w.hub.End()
	select {
	case <-first.Ended():
	default:
		t.Error("nobody was sent away")
	}
}
