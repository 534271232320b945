package collect

import (
	"strings"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// book is rules by workspace that change while requests go on.
type book struct {
	mu    sync.Mutex
	rules map[string]*identity.Rules
}

func (b *book) Rules(workspace string) *identity.Rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules[workspace]
}

func (b *book) set(t *testing.T, workspace, yaml string) {
	r, err := identity.ParseRules([]byte("max_identifiers: 10\nmax_thread: 10\n" + yaml))
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules[workspace] = r
}

// Each workspace's touchpoints are judged by its own rules, and by new ones as soon as these are in force.
func TestRulesOfTheWorkspace(t *testing.T) {
	b := &book{rules: map[string]*identity.Rules{}}
	b.set(t, "default", "regions: [DE]\ntypes: [{name: phone, normalise: phone, verified: {default: true}}]")
	b.set(t, "other", "regions: [AT]\ntypes: [{name: phone, normalise: phone}]")
	d := openDoor(t, func(c *Config, _ *api.Config) { c.Rules = b })
	call := func(id string) string {
		return strings.NewReplacer(`"x"`, `"`+id+`"`, `{"type":"email","value":"Anna@Example.com","verified":true}`, `{"type":"phone","value":"030 123456"}`).Replace(good("x"))
	}
	d.sendOK(call("a"))
	d.sendOK(call("b"), "Authorization", "Bearer k2")
	d.writeRaw(
		&kafka.Record{Partition: 1, Value: []byte(call("r1"))},
		&kafka.Record{Partition: 1, Value: []byte(call("r2")), Headers: []kafka.Header{{Key: WorkspaceHeader, Value: []byte("other")}}},
		&kafka.Record{Partition: 1, Value: []byte(call("r3"))},
	)
	d.runRaw()
	eventually(t, "all are judged", func() bool { return len(d.stored()) == 5 })
	b.set(t, "default", "regions: [AT]\ntypes: [{name: phone, normalise: plain}]")
	d.sendOK(call("c"))
	stored := d.stored()
	german := touchpoint.Identifier{Type: "phone", Value: "+4930123456", Verified: true}
	austrian := touchpoint.Identifier{Type: "phone", Value: "+4330123456"}
	for id, want := range map[string]touchpoint.Identifier{
		"default/a": german, "other/b": austrian, "default/r1": german, "other/r2": austrian, "default/r3": german,
		"default/c": {Type: "phone", Value: "030 123456"},
	} {
		if got := stored[id].Identifiers; len(got) != 1 || got[0] != want {
			t.Errorf("%s has %+v, want %+v", id, got, want)
		}
	}
}
