package node

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/identity"
)

func rulesFor(region string) string {
	return "regions: [" + region + "]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: phone, normalise: phone, verified: {default: true}}]"
}

// A node that runs has the installation's rules, and a workspace's own from the moment that somebody else puts them in force.
func TestRulesOfWorkspacesReachTheDoor(t *testing.T) {
	var specs []kafka.TopicSpec
	for _, row := range topic.Table {
		specs = append(specs, kafka.TopicSpec{Name: string(row.Name)})
	}
	cluster := kafkatest.Start(t, specs...)
	dir := workspaces.DefaultConfig()
	dir.Kafka = cluster.Config()
	elsewhere, err := workspaces.NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = elsewhere.Close() })
	for _, name := range []string{"acme", "other"} {
		if err := elsewhere.Add(t.Context(), name+"-key", workspace.Key{Workspace: name}); err != nil {
			t.Fatal(err)
		}
	}
	c := DefaultConfig()
	c.Roles, c.Kafka, c.HTTP.Listen, c.Metrics = []Role{Collect}, cluster.Config(), "127.0.0.1:0", prometheus.NewRegistry()
	if c.Rules, err = identity.ParseRules([]byte(rulesFor("DE"))); err != nil {
		t.Fatal(err)
	}
	n, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	call := func(name string) string { return callFrom(t, n, cluster, name) }
	if a, b := call("acme"), call("other"); a != "+4930123456" || b != a {
		t.Fatalf("by the installation's rules it is %s and %s", a, b)
	}
	if err := elsewhere.SetRules(t.Context(), "acme", workspace.Rules{YAML: rulesFor("AT"), Version: 1}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); call("acme") != "+4330123456"; {
		if time.Now().After(deadline) {
			t.Fatal("the workspace's own rules never reach the door")
		}
	}
	if got := call("other"); got != "+4930123456" {
		t.Errorf("the other workspace's number is %s", got)
	}
}

// callFrom sends a call to the node, and returns the number that the log then has.
func callFrom(t *testing.T, n *Node, cluster *kafkatest.Cluster, name string) string {
	t.Helper()
	body := `{"channel":"phone","direction":"inbound","kind":"call.started","actor":{"type":"customer"},"identifiers":[{"type":"phone","value":"030 123456"}]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Addr()+"/v1/touchpoints", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+name+"-key")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s: %s", name, resp.Status)
	}
	all := cluster.Records(t, string(topic.Touchpoints))
	e, err := touchpoint.DecodeEnvelope(all[len(all)-1].Value)
	if err != nil {
		t.Fatal(err)
	}
	var said touchpoint.Touchpoint
	if err := touchpoint.DecodePayload(e.Payload, &said); err != nil {
		t.Fatal(err)
	}
	if len(said.Identifiers) != 1 || e.Workspace != name {
		t.Fatalf("%+v in %s", said, e.Workspace)
	}
	return said.Identifiers[0].Value
}
