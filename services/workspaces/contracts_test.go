package workspaces

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/streams/contract"
)

func agreed(schema string) workspace.Contract {
	return workspace.Contract{Kind: "order.placed", Schema: []byte(schema), OnViolation: workspace.Flag, At: 1}
}

func TestContractsOfAWorkspace(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	one, other := open(t, cluster), open(t, cluster)
	if one.Contracts("acme").Of("order.placed") != nil {
		t.Error("it begins with a contract")
	}
	const first, next, bad = `{"type":"object","properties":{"n":{"type":"number"}}}`, `{"type":"object","properties":{"n":{"type":["number","null"]}}}`, `{"type":"object","properties":{"n":{"type":"string"}}}`
	for range 2 { // the second says nothing new
		if c, err := one.AddContract(t.Context(), "acme", agreed(first)); err != nil || c.Version != 1 {
			t.Fatalf("%v %v", c, err)
		}
	}
	// The other has not read it yet, and must not make a second first.
	var breaks *IncompatibleError
	if _, err := other.AddContract(t.Context(), "acme", agreed(bad)); !errors.As(err, &breaks) || breaks.Breaks[0].Field != "properties.n" || breaks.Before != "order.placed@1" {
		t.Fatalf("%v", err)
	}
	if c, err := other.AddContract(t.Context(), "acme", agreed(next)); err != nil || c.Version != 2 {
		t.Fatalf("%v %v", c, err)
	}
	breaking := agreed(bad)
	breaking.Breaking = true
	if c, err := one.AddContract(t.Context(), "acme", breaking); err != nil || c.Version != 3 {
		t.Fatalf("%v %v", c, err)
	}
	if one.Contracts("globex") != nil {
		t.Error("contracts of one workspace are another's")
	}
	if _, err := one.AddContract(t.Context(), "acme", agreed("7")); !errors.Is(err, contract.ErrBadSchema) {
		t.Errorf("%v", err)
	}
	if _, err := one.AddContract(t.Context(), "acme", workspace.Contract{Kind: "a/b", Schema: []byte(first), OnViolation: workspace.Flag}); !errors.Is(err, workspace.ErrBadContract) {
		t.Errorf("%v", err)
	}
	eventually(t, "all know all versions", func() bool {
		return len(other.Contracts("acme").Versions("order.placed")) == 3 && len(open(t, cluster).Contracts("acme").Versions("order.placed")) == 3
	})
}

// Many who agree on something at once get versions without a gap, and every process has the same.
func TestContractsAtOnce(t *testing.T) {
	cluster := kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Workspaces)})
	directories := []*Directory{open(t, cluster), open(t, cluster), open(t, cluster), open(t, cluster)}
	var all sync.WaitGroup
	for i, d := range directories {
		all.Go(func() {
			c := agreed(fmt.Sprintf(`{"type":"object","title":"%d"}`, i))
			if _, err := d.AddContract(t.Context(), "acme", c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want := ""
	for _, d := range append(directories, open(t, cluster)) {
		eventually(t, "it has them all", func() bool { return len(d.Contracts("acme").Versions("order.placed")) == 4 })
		var got []string
		for _, c := range d.Contracts("acme").Versions("order.placed") {
			got = append(got, c.String()+string(c.Schema))
		}
		if text := strings.Join(got, " "); want == "" {
			want = text
		} else if text != want {
			t.Errorf("%s\nand %s", text, want)
		}
	}
}
