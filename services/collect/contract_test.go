package collect

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/contract"
	"github.com/throughline/throughline/streams/privacy"
)

// agreements are contracts by workspace.
type agreements map[string]*contract.Set

func (a agreements) Contracts(workspace string) *contract.Set { return a[workspace] }

func agree(t *testing.T, schema string, on workspace.OnViolation) *contract.Set {
	t.Helper()
	c, err := contract.Compile(workspace.Contract{Kind: "message", Version: 1, Schema: []byte(schema), OnViolation: on})
	if err != nil {
		t.Fatal(err)
	}
	set, _ := (*contract.Set)(nil).Add(c)
	return set
}

// What is not as agreed is kept and says so, or goes to the dead letters, by every way in; what was sent is in no note and no reason.
func TestContracts(t *testing.T) {
	const schema = `{"type":"object","required":["order"],"properties":{"order":{"type":"string"},"passport":{"type":"number"}}}`
	p := &policies{own: map[string]*privacy.Policy{}}
	p.set(t, "default", "fields: [{field: properties.passport, do: drop}]")
	p.set(t, "other", "fields: [{field: properties.passport, do: drop}]")
	d := openDoor(t, func(c *Config, _ *api.Config) {
		c.Privacy = p
		c.Contracts = agreements{"default": agree(t, schema, workspace.Flag), "other": agree(t, schema, workspace.Refuse)}
	})
	say := func(id, properties string) string {
		return strings.TrimSuffix(good(id), "}") + `,"properties":` + properties + "}"
	}
	const wrong = `{"passport":"P-4711"}`
	d.sendOK(say("fine", `{"order":"A-1","passport":7}`))
	d.sendOK(say("flagged", wrong))
	d.sendOK(strings.Replace(say("elsewhere", wrong), `"kind":"message"`, `"kind":"note"`, 1))
	a := d.sendOK("["+say("refused", wrong)+","+say("fine", `{"order":"A-1"}`)+"]", "Authorization", "Bearer k2")
	if a.Accepted != 1 || len(a.Rejected) != 1 || a.Rejected[0].Field != "properties.order" || a.Rejected[0].Reason != "contract message@1: missing" {
		t.Errorf("%+v", a)
	}
	d.writeRaw(&kafka.Record{Partition: 1, Value: []byte(say("raw", wrong))})
	d.runRaw()
	eventually(t, "all are judged", func() bool { return len(d.stored()) == 5 && len(d.letters()) == 1 })
	d.nowhere("P-4711")
	stored := d.stored()
	want := []touchpoint.Note{
		{About: "contract", Rule: "message@1", Field: "properties.order", Detail: "missing"},
		{About: "contract", Rule: "message@1", Field: "properties.passport", Detail: "want number, got string"},
		{About: "privacy", Rule: "drop", Field: "properties.passport"},
	}
	for id, notes := range map[string][]touchpoint.Note{"default/fine": want[2:], "default/flagged": want, "default/raw": want, "default/elsewhere": want[2:], "other/fine": nil} {
		if got := stored[id].Notes; len(got) != len(notes) {
			t.Errorf("%s: %+v", id, got)
		} else {
			for i := range got {
				if got[i] != notes[i] {
					t.Errorf("%s: %+v, want %+v", id, got[i], notes[i])
				}
			}
		}
	}
	// Sent again it is the same, whatever is agreed on meanwhile.
	if l := d.only(); l.Reason != "contract message@1: missing" || l.Touchpoint != "refused" {
		t.Errorf("%+v", l)
	}
}
