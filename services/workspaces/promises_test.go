package workspaces

import (
	"errors"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/promise"
)

func TestPromisesOfAWorkspace(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	everybodys := one.Promises("acme")
	if len(everybodys.Targets) == 0 {
		t.Error("the registry promises nothing")
	}
	if err := one.SetPromises(t.Context(), "acme", workspace.Promises{YAML: "targets: [{first_response: 1h}]"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other knows the promises", func() bool { return len(other.Promises("acme").Targets) == 1 })
	if other.Promises("globex") == other.Promises("acme") {
		t.Error("promises of one workspace are another's")
	}
	if err := one.SetPromises(t.Context(), "acme", workspace.Promises{YAML: "targets: [{}]"}); !errors.Is(err, promise.ErrBadPolicy) {
		t.Errorf("bad promises: %v", err)
	}
	err := one.SetPromises(t.Context(), "acme", workspace.Promises{YAML: "targets: [{first_response: 1h}, {channels: [email, emial], first_response: 4h}]"})
	if !errors.Is(err, promise.ErrBadPolicy) || !strings.Contains(err.Error(), `targets[1].channels: there is no channel "emial"; want any of `) || !strings.Contains(err.Error(), "email") {
		t.Errorf("a channel that there is not: %v", err)
	}
	if err := one.SetPromises(t.Context(), "Ä", workspace.Promises{YAML: "targets: []"}); !errors.Is(err, workspace.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
	records := []*kafka.Record{{Topic: string(topic.Workspaces), Key: []byte(workspace.PromisesKey("acme")), Value: []byte(`{"yaml":"targets: 7"}`)}}
	if err := cluster.Producer(t).Produce(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := one.Add(t.Context(), NewKey(), workspace.Key{Workspace: "acme"}); err != nil { // reads what is before it
		t.Fatal(err)
	}
	if len(one.Promises("acme").Targets) != 1 {
		t.Error("bad promises are in force")
	}
	records[0].Value = nil
	if err := cluster.Producer(t).Produce(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the registry's promises are back", func() bool { return len(other.Promises("acme").Targets) == len(everybodys.Targets) })
}
