package workspaces

import (
	"errors"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
)

func TestSourceKeysAreNoAPIKeys(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	id, err := one.AddSourceKey(t.Context(), "in-the-url", workspace.SourceKey{Workspace: "acme", Source: "zendesk", Name: "desk", Created: 1})
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := one.SourceKey("in-the-url"); !ok || k.Workspace != "acme" || k.Source != "zendesk" {
		t.Errorf("AddSourceKey returned, yet the key gives %+v, %v", k, ok)
	}
	if _, ok := one.Authenticate("in-the-url"); ok {
		t.Error("what stands in a URL lets in as an API key")
	}
	if err := one.Add(t.Context(), "api", workspace.Key{Workspace: "acme", Created: 1}); err != nil {
		t.Fatal(err)
	}
	if _, ok := one.SourceKey("api"); ok {
		t.Error("an API key is a source key")
	}
	eventually(t, "the other directory knows the key", func() bool { _, ok := other.SourceKey("in-the-url"); return ok })
	if err := other.RevokeSourceKey(t.Context(), "umbrella", id, 2); !errors.Is(err, ErrUnknownSourceKey) {
		t.Errorf("another workspace revokes it: %v", err)
	}
	if err := other.RevokeSourceKey(t.Context(), "acme", id, 2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revoked key is shut out", func() bool { _, ok := one.SourceKey("in-the-url"); return !ok })
	if keys := one.SourceKeys("acme"); len(keys) != 1 || keys[0].Revoked != 2 || keys[0].ID != id {
		t.Errorf("listed: %+v", keys)
	}
	if keys := one.SourceKeys("umbrella"); len(keys) != 0 {
		t.Errorf("another workspace sees %+v", keys)
	}
}
