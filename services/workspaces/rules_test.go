package workspaces

import (
	"errors"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/identity"
)

// readingAs are rules that read phone numbers as of a region: what they are can be told from what they make of one.
func readingAs(region string, version uint64) workspace.Rules {
	return workspace.Rules{
		YAML:    "regions: [" + region + "]\nmax_identifiers: 10\nmax_thread: 10\ntypes: [{name: phone, normalise: phone}]\n",
		Version: version, At: 1,
	}
}

// regionOf tells which rules a workspace has: 030123456 is a number in both regions.
func regionOf(t *testing.T, d *Directory, name string) string {
	t.Helper()
	id, err := d.Rules(name).Normalise(touchpoint.Identifier{Type: "phone", Value: "030 123456"})
	if err != nil {
		t.Fatal(err)
	}
	switch id.Value {
	case "+4930123456":
		return "DE"
	case "+4330123456":
		return "AT"
	}
	return id.Value
}

func TestRulesOfAWorkspace(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	installation := one.Rules("acme")
	if err := one.SetRules(t.Context(), "acme", readingAs("AT", 5)); err != nil {
		t.Fatal(err)
	}
	if got := regionOf(t, one, "acme"); got != "AT" {
		t.Fatalf("SetRules returned, yet the rules are those of %s", got)
	}
	if again := one.Rules("acme"); again != one.Rules("acme") {
		t.Error("the rules are compiled again for every question")
	}
	if one.Rules("other") != installation {
		t.Error("the rules of one workspace are those of another")
	}
	eventually(t, "the other directory has the rules", func() bool { return regionOf(t, other, "acme") == "AT" })
	if got := regionOf(t, open(t, cluster), "acme"); got != "AT" {
		t.Errorf("a directory that starts later has the rules of %s", got)
	}
	gone := &kafka.Record{Topic: string(topic.Workspaces), Key: []byte(workspace.RulesKey("acme"))}
	if err := cluster.Producer(t).Produce(t.Context(), []*kafka.Record{gone}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the installation's rules are back", func() bool { return one.Rules("acme") == installation })
}

// The highest version is in force whatever came last, and comes last itself.
func TestTheHighestVersionOfRulesWins(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	var both sync.WaitGroup
	for i, d := range []*Directory{one, other} {
		for version := range uint64(5) {
			both.Go(func() {
				region := []string{"DE", "AT"}[i]
				if err := d.SetRules(t.Context(), "acme", readingAs(region, 2*version+uint64(i))); err != nil {
					t.Error(err)
				}
			})
		}
	}
	both.Wait()
	eventually(t, "both have the highest version", func() bool { return regionOf(t, one, "acme") == "AT" && regionOf(t, other, "acme") == "AT" })
	all := cluster.Records(t, string(topic.Workspaces))
	last, err := workspace.Decode(all[len(all)-1].Key, all[len(all)-1].Value)
	if err != nil || last.Rules.Version != 9 {
		t.Errorf("a compacted log keeps %+v, %v", last.Rules, err)
	}
}

func TestBadRulesChangeNothing(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	d := open(t, cluster)
	if err := d.SetRules(t.Context(), "acme", readingAs("Austria", 5)); !errors.Is(err, identity.ErrBadRules) {
		t.Errorf("bad rules: %v", err)
	}
	if err := d.SetRules(t.Context(), "Ä", readingAs("AT", 5)); !errors.Is(err, workspace.ErrBadName) {
		t.Errorf("a bad name: %v", err)
	}
	if err := d.SetRules(t.Context(), "acme", readingAs("AT", 5)); err != nil {
		t.Fatal(err)
	}
	bad := []*kafka.Record{
		{Topic: string(topic.Workspaces), Key: []byte(workspace.RulesKey("acme")), Value: []byte(`{"yaml":"types: 7","version":6}`)},
		{Topic: string(topic.Workspaces), Key: []byte(workspace.RulesKey("acme")), Value: []byte(`regions: [DE]`)},
		{Topic: string(topic.Workspaces), Key: []byte(workspace.RulesKey("Not/Good")), Value: []byte(`{}`)},
	}
	if err := cluster.Producer(t).Produce(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	key := NewKey()
	if err := d.Add(t.Context(), key, workspace.Key{Workspace: "acme"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Authenticate(key); !ok {
		t.Error("the good key behind the bad rules is not known")
	}
	if got := regionOf(t, d, "acme"); got != "AT" {
		t.Errorf("after bad rules those of %s are in force", got)
	}
}
