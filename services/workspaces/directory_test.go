package workspaces

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func open(t *testing.T, c *kafkatest.Cluster) *Directory {
	t.Helper()
	config := DefaultConfig()
	config.Kafka = c.Config()
	config.Every = 5 * time.Millisecond
	d, err := NewDirectory(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { d.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; d.Close() })
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestKeysAreFollowedByAll(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	key := NewKey()
	if _, ok := one.Authenticate(key); ok {
		t.Fatal("a key that was never added is good")
	}
	if err := one.Add(t.Context(), key, workspace.Key{Workspace: "acme", Name: "shop", Created: 1}); err != nil {
		t.Fatal(err)
	}
	if name, ok := one.Authenticate(key); !ok || name != "acme" {
		t.Fatalf("Add returned, yet the key gives %q, %v", name, ok)
	}
	eventually(t, "the other directory knows the key", func() bool { name, ok := other.Authenticate(key); return ok && name == "acme" })
	if err := other.Revoke(t.Context(), key, 2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key is shut out", func() bool { _, ok := one.Authenticate(key); return !ok })
	if _, ok := one.Authenticate(""); ok {
		t.Fatal("the empty key is good")
	}

	late := open(t, cluster)
	if _, ok := late.Authenticate(key); ok {
		t.Fatal("a directory that starts later forgot the revocation")
	}
	if got := late.Workspaces(); len(got) != 1 || got[0] != "acme" {
		t.Fatalf("workspaces are %v", got)
	}
}

func TestTheLogHoldsNoKey(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	d := open(t, cluster)
	const key = "a key that must not be found in the log"
	if err := d.Add(t.Context(), key, workspace.Key{Workspace: "default"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range cluster.Records(t, string(topic.Workspaces)) {
		if string(r.Key) != workspace.HashOf(key) {
			t.Fatalf("record key %q", r.Key)
		}
	}
}

func TestGenerations(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	if current, building := one.Generations(); current != topic.First || building != nil {
		t.Fatalf("a new installation reads %v and builds %v", current, building)
	}
	next := topic.First
	next.Store = 2
	if err := one.SetGenerations(t.Context(), workspace.Control{Current: topic.First, Building: &next}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other sees what is built", func() bool { _, b := other.Generations(); return b != nil && *b == next })
}

func TestABadRecordKeepsNobodyOut(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	bad := []*kafka.Record{
		{Topic: string(topic.Workspaces), Key: []byte("x"), Value: []byte("{}")},
		{Topic: string(topic.Workspaces), Key: []byte(workspace.ControlKey), Value: []byte(`{"current":{}}`)},
		{Topic: string(topic.Workspaces), Key: []byte(workspace.HashOf("k")), Value: []byte(`{"workspace":"Not/Good"}`)},
	}
	if err := cluster.Producer(t).Produce(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	d := open(t, cluster)
	key := NewKey()
	if err := d.Add(t.Context(), key, workspace.Key{Workspace: "default"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Authenticate(key); !ok {
		t.Fatal("the good key behind the bad records is not known")
	}
	if _, ok := d.Authenticate("k"); ok {
		t.Fatal("a key of a bad workspace is good")
	}
}

// A key that is in use is not taken from who uses it; the same again is nothing new, and once revoked it is free.
func TestKeysInForceStayWhatTheyAre(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	d, key := open(t, cluster), NewKey()
	add := func(k workspace.Key) error { return d.Add(t.Context(), key, k) }
	if err := errors.Join(add(workspace.Key{Workspace: "default"}), add(workspace.Key{Workspace: "default"})); err != nil {
		t.Fatal(err)
	}
	for _, k := range []workspace.Key{{Workspace: "acme"}, {Workspace: "default", Scopes: []workspace.Scope{workspace.Read}}} {
		if err := add(k); !errors.Is(err, ErrKeyInForce) {
			t.Errorf("%+v: %v", k, err)
		}
	}
	if name, _ := d.Authenticate(key); name != "default" || !d.May(key, workspace.Admin) {
		t.Errorf("the key is of %q now", name)
	}
	if err := errors.Join(d.Revoke(t.Context(), key, 1), add(workspace.Key{Workspace: "acme"})); err != nil {
		t.Error(err)
	}
}

func TestBadKeysAreRefused(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	d := open(t, cluster)
	if err := d.Add(t.Context(), "", workspace.Key{Workspace: "default"}); !errors.Is(err, ErrEmptyKey) {
		t.Errorf("an empty key: %v", err)
	}
	if err := d.Add(t.Context(), NewKey(), workspace.Key{Workspace: "Ä"}); !errors.Is(err, workspace.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
	if err := d.Revoke(t.Context(), NewKey(), 1); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("revoking an unknown key: %v", err)
	}
}

// While the log is away, nobody who wants to change something waits for ever, or behind who waits already.
func TestTheLogIsAway(t *testing.T) {
	c := DefaultConfig()
	c.Kafka = kafka.Config{Brokers: []string{"127.0.0.1:1"}}
	c.Patience = 500 * time.Millisecond
	d, err := NewDirectory(c)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	begin := time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := d.Revoke(t.Context(), "key", 1); !errors.Is(err, kafka.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if waited := time.Since(begin); waited > 4*time.Second {
		t.Errorf("ten waited %v, of whom each may half a second", waited)
	}
}
