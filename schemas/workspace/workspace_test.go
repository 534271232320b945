package workspace

import (
	"reflect"
	"strings"
	"testing"

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
		if r.Control != nil && (r.Control.Current.Identity == 0 || r.Control.Current.Conversation == 0 || r.Control.Current.Store == 0) {
			t.Fatalf("%+v", r.Control)
		}
	})
}
