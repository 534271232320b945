package workspaces

import (
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func TestChannelsOfAWorkspace(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	cost := func(d *Directory, name, channel string) float64 {
		c, _ := d.Registry(name).Channel(channel)
		return c.Cost
	}
	was := cost(one, "acme", "email")
	settings := registry.Settings{Label: registry.Text{EN: "Mail", DE: "Post"}, Respond: 7, Tone: "casual", Cost: was + 1}
	if err := one.SetChannel(t.Context(), "acme", "email", settings); err != nil {
		t.Fatal(err)
	}
	if cost(one, "acme", "email") != was+1 {
		t.Error("SetChannel returned, yet the settings are not in force")
	}
	if err := other.SetChannel(t.Context(), "acme", "chat", settings); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both know both", func() bool {
		return cost(other, "acme", "email") == was+1 && cost(one, "acme", "chat") == was+1
	})
	if cost(one, "globex", "email") != was {
		t.Error("settings of one workspace are another's")
	}
	within := func(name string) (ms int64) {
		for _, target := range one.Promises(name).Targets {
			for _, c := range target.Channels {
				if c == "email" {
					ms = target.Within["first_response"]
				}
			}
		}
		return ms
	}
	if within("acme") != 7000 || within("globex") == 7000 {
		t.Errorf("what customers expect is promised: %d ms, and elsewhere %d", within("acme"), within("globex"))
	}
	if err := one.SetPromises(t.Context(), "acme", workspace.Promises{YAML: "targets: [{channels: [email], first_response: 1h}]"}); err != nil {
		t.Fatal(err)
	}
	if within("acme") != time.Hour.Milliseconds() {
		t.Error("what a channel expects stands above what the workspace promised")
	}

	if err := one.SetChannel(t.Context(), "acme", "pigeon", settings); !errors.Is(err, ErrUnknownChannel) {
		t.Errorf("a channel that there is not: %v", err)
	}
	if err := one.SetChannel(t.Context(), "acme", "email", registry.Settings{}); !errors.Is(err, registry.ErrBadSettings) {
		t.Errorf("bad settings: %v", err)
	}
	if err := one.SetChannel(t.Context(), "Ä", "email", settings); !errors.Is(err, workspace.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
	for _, channel := range []string{"email", "chat"} {
		if err := one.ResetChannel(t.Context(), "acme", channel); err != nil {
			t.Fatal(err)
		}
	}
	if one.Registry("acme") != one.Registry("globex") {
		t.Error("nothing is changed any more, yet the registry is another")
	}
}

func TestTheLastAuditIsKept(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	if one.Audit() != nil {
		t.Error("an audit before the first")
	}
	for n := range 2 {
		if err := one.SetAudit(t.Context(), workspace.Audit{At: int64(n + 1), Count: n}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the other knows the last", func() bool { a := other.Audit(); return a != nil && a.Count == 1 })
	if late := open(t, cluster).Audit(); late == nil || late.At != 2 {
		t.Errorf("a directory that starts later knows %+v", late)
	}
}
