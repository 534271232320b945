package workspace

import (
	"reflect"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
)

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{"default": true, "a": true, "7-eleven_x": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "A": false, "-a": false, "a/b": false, "ä": false, "a b": false} {
		if err := ValidName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRecordsComeBack(t *testing.T) {
	next := topic.Generations{Identity: 2, Conversation: 1, Store: 3}
	for _, want := range []Record{
		{Hash: HashOf("k"), Key: &Key{Workspace: "default", Name: "shop", Created: 1, Revoked: 2}},
		{Hash: HashOf("k")},
		{Workspace: "acme", Rules: &Rules{YAML: "regions: [DE]\n", Version: 8, At: 1}},
		{Workspace: "acme"},
		{PromisesOf: "acme", Promises: &Promises{YAML: "targets: []\n", At: 1}},
		{PromisesOf: "acme"},
		{ChannelOf: "acme", Channel: "email", Settings: &registry.Settings{Label: registry.Text{EN: "Mail", DE: "Post"}, Respond: 60, Tone: "formal", Cost: 1.5}},
		{ChannelOf: "acme", Channel: "email"},
		{Audit: &Audit{At: 1, Took: 2, Touchpoints: 3, Count: 1, Differences: []string{"one"}}},
		{Control: &Control{Current: topic.First, Building: &next}},
	} {
		key, value := []byte(want.Hash), []byte(nil)
		var err error
		switch {
		case want.Key != nil:
			value, err = Encode(*want.Key)
		case want.Workspace != "":
			key = []byte(RulesKey(want.Workspace))
			if want.Rules != nil {
				value, err = Encode(*want.Rules)
			}
		case want.PromisesOf != "":
			key = []byte(PromisesKey(want.PromisesOf))
			if want.Promises != nil {
				value, err = Encode(*want.Promises)
			}
		case want.ChannelOf != "":
			key = []byte(ChannelKey(want.ChannelOf, want.Channel))
			if want.Settings != nil {
				value, err = Encode(*want.Settings)
			}
		case want.Audit != nil:
			key = []byte(AuditKey)
			value, err = Encode(*want.Audit)
		case want.Control != nil:
			key = []byte(ControlKey)
			value, err = Encode(*want.Control)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(key, value); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s came back as %+v, %v", value, got, err)
		}
	}
}

// FuzzDecode: a record lets in nobody by accident.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(HashOf("k")), []byte(`{"workspace":"default","created":1}`))
	f.Add([]byte(ControlKey), []byte(`{"current":{"identity":1,"conversation":1,"store":1}}`))
	f.Add([]byte(RulesKey("acme")), []byte(`{"yaml":"regions: [DE]","version":1,"at":1}`))
	f.Add([]byte("rules/Not/Good"), []byte(`{}`))
	f.Add([]byte(PromisesKey("acme")), []byte(`{"yaml":"targets: []","at":1}`))
	f.Add([]byte(ChannelKey("acme", "email")), []byte(`{"label":{"en":"a","de":"b"},"respond_seconds":1,"tone":"formal","cost":1}`))
	f.Add([]byte(AuditKey), []byte(`{"at":1,"touchpoints":2,"differences":[]}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r, err := Decode(key, value)
		if err != nil {
			return
		}
		if r.Key != nil && ValidName(r.Key.Workspace) != nil {
			t.Fatalf("a key of workspace %q", r.Key.Workspace)
		}
		if r.Rules != nil && (ValidName(r.Workspace) != nil || r.Key != nil) {
			t.Fatalf("rules of workspace %q", r.Workspace)
		}
		if r.Settings != nil && (ValidName(r.ChannelOf) != nil || r.Settings.Validate() != nil || r.Key != nil) {
			t.Fatalf("settings %+v of %q in workspace %q", r.Settings, r.Channel, r.ChannelOf)
		}
		if r.Control != nil && (r.Control.Current.Identity == 0 || r.Control.Current.Conversation == 0 || r.Control.Current.Store == 0) {
			t.Fatalf("%+v", r.Control)
		}
	})
}
