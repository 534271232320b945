package workspaces

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/privacy"
)

func TestPrivacyOfAWorkspace(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	if one.Privacy("acme") != privacy.Default() {
		t.Error("it does not begin with the rules that ship")
	}
	const yaml = "fields: [{field: identifiers.email, do: hash}]"
	for _, name := range []string{"acme", "globex"} {
		if err := one.SetPrivacy(t.Context(), name, workspace.Privacy{YAML: yaml}); err != nil {
			t.Fatal(err)
		}
	}
	hash := func(d *Directory, name string) string {
		return d.Privacy(name).Identifier(touchpoint.Identifier{Type: "email", Value: "a@x.example"}).Value
	}
	eventually(t, "the other hashes alike", func() bool { return hash(other, "acme") != "" && hash(other, "acme") == hash(one, "acme") })
	if hash(one, "acme") == hash(one, "globex") || hash(one, "acme") == "a@x.example" {
		t.Error("two workspaces hash alike")
	}
	before := hash(one, "acme")
	if err := other.SetPrivacy(t.Context(), "acme", workspace.Privacy{YAML: yaml + " # again"}); err != nil {
		t.Fatal(err)
	}
	if hash(other, "acme") != before || hash(open(t, cluster), "acme") != before {
		t.Error("new rules, or a new process, hash otherwise")
	}
	if err := one.SetPrivacy(t.Context(), "acme", workspace.Privacy{YAML: "fields: 7"}); !errors.Is(err, privacy.ErrBadPolicy) {
		t.Errorf("bad rules: %v", err)
	}
	if err := one.SetPrivacy(t.Context(), "Ä", workspace.Privacy{YAML: yaml}); !errors.Is(err, workspace.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
}

// Many processes that need a secret at once, and one that starts later, have the same.
func TestOneSecret(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	directories := []*Directory{open(t, cluster), open(t, cluster), open(t, cluster), open(t, cluster)}
	secrets := make([][]byte, len(directories))
	var all sync.WaitGroup
	for i, d := range directories {
		all.Go(func() {
			var err error
			if secrets[i], err = d.Secret(t.Context(), "acme", 1); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	late, err := open(t, cluster).Secret(t.Context(), "acme", 2)
	if err != nil || len(late) != workspace.SecretSize {
		t.Fatalf("%d bytes, %v", len(late), err)
	}
	for i, s := range secrets {
		if !bytes.Equal(s, late) {
			t.Errorf("process %d has another secret", i)
		}
	}
	if other, err := directories[0].Secret(t.Context(), "globex", 1); err != nil || bytes.Equal(other, late) {
		t.Errorf("two workspaces have one secret, %v", err)
	}
}
