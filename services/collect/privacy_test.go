package collect

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/privacy"
)

// policies are privacy rules by workspace that change while requests go on.
type policies struct {
	mu  sync.Mutex
	own map[string]*privacy.Policy
}

func (p *policies) Privacy(workspace string) *privacy.Policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own := p.own[workspace]; own != nil {
		return own
	}
	return privacy.Default()
}

func (p *policies) set(t *testing.T, workspace, yaml string) {
	policy, err := privacy.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.own[workspace] = policy.WithSecret([]byte("secret of " + workspace))
}

const card, masked = "4111 1111 1111 1111", "**** **** **** 1111"

// nowhere wants a text to be in no record of the log, in no form.
func (d *door) nowhere(texts ...string) {
	d.t.Helper()
	for _, name := range []topic.Name{topic.Touchpoints, topic.Rejected} {
		for _, r := range d.cluster.Records(d.t, string(name)) {
			value := r.Value
			if name == topic.Rejected {
				letter, err := touchpoint.DecodeRejected(r.Value)
				if err != nil {
					d.t.Fatal(err)
				}
				value = append(append([]byte(letter.Reason), letter.Bytes...), value...)
			}
			for _, text := range texts {
				if bytes.Contains(value, []byte(text)) {
					d.t.Errorf("%s is on topic %s: %s", text, name, value)
				}
			}
		}
	}
}

// By every way in, what must not be kept is on no topic of ours; what is kept of a refused touchpoint neither.
func TestPrivacyAtEveryDoor(t *testing.T) {
	d := openDoor(t)
	say := func(id string) string {
		return strings.Replace(with("text", `"my card: `+card+`"`), `"a"`, `"`+id+`"`, 1)
	}
	d.sendOK(say("object"))
	d.sendOK("[" + say("array-1") + "," + say("array-2") + "]")
	d.sendOK(say("line-1")+"\n"+say("line-2"), "Content-Type", "application/x-ndjson")
	event := `{"specversion":"1.0","id":"e","source":"s","type":"t","data":` + say("event") + `}`
	d.sendOK(event, "Content-Type", "application/cloudevents+json")
	d.sendOK("["+strings.Replace(event, `"event"`, `"event-2"`, 1)+"]", "Content-Type", "application/cloudevents-batch+json")
	d.sendOK(say("binary"), "ce-specversion", "1.0", "ce-id", "x", "ce-source", "s", "ce-type", "t")
	bad := func(id string) string { return strings.Replace(say(id), `"email"`, `"pigeon"`, 1) }
	d.sendOK(bad("bad-object"))
	d.sendOK("[" + bad("bad-array") + "," + good("fine") + "," + `{"id":"cut","text":"` + card)
	d.sendOK(strings.Replace(event, `"email"`, `"pigeon"`, 1), "Content-Type", "application/cloudevents+json")
	d.sendOK(bad("bad-binary"), "ce-specversion", "1.0", "ce-id", "x", "ce-source", "s", "ce-type", "t")
	d.send(`{"text":"` + card)
	d.sendOK(strings.Replace(good("reason"), `"kind":"message"`, `"kind":"`+card+`"`, 1))
	d.writeRaw(
		&kafka.Record{Partition: 1, Value: []byte(say("raw"))},
		&kafka.Record{Partition: 1, Value: []byte(bad("raw-bad"))},
		&kafka.Record{Partition: 1, Value: []byte("\xff" + card)},
		&kafka.Record{Partition: 1, Value: []byte(bad("raw-header")), Headers: []kafka.Header{{Key: WorkspaceHeader, Value: []byte("No Workspace")}}},
	)
	d.runRaw()
	eventually(t, "all are judged", func() bool { return len(d.stored()) == 10 && len(d.letters()) == 10 })
	d.nowhere(card, "4111")
	for id, got := range d.stored() {
		if id == "default/fine" {
			continue
		}
		if got.Text != "my card: "+masked || len(got.Notes) != 1 || got.Notes[0].String() != "privacy:card:text" {
			t.Errorf("%s: %q %v", id, got.Text, got.Notes)
		}
	}
	for _, l := range d.letters() {
		if !bytes.Contains(l.Bytes, []byte("1111")) {
			t.Errorf("nothing is kept of %s: %s", l.Touchpoint, l.Bytes)
		}
	}
	// The same again is the same, in the content and in the derived id.
	bare := strings.Replace(say("x"), `"id":"x",`, "", 1)
	first, again := d.sendOK(bare), d.sendOK(bare)
	if len(first.IDs) != 1 || first.IDs[0] != again.IDs[0] {
		t.Errorf("%+v and %+v", first, again)
	}
	other := d.sendOK(strings.Replace(bare, card, "5555 5555 5555 1111", 1))
	if fake := d.sendOK(strings.Replace(bare, card, masked, 1)); fake.IDs[0] != first.IDs[0] || other.IDs[0] == first.IDs[0] {
		t.Error("the id is made of what is not kept")
	}
}

// Each workspace has its own rules, in force as soon as they are known, and its own secret.
func TestPrivacyOfTheWorkspace(t *testing.T) {
	p := &policies{own: map[string]*privacy.Policy{}}
	d := openDoor(t, func(c *Config, _ *api.Config) { c.Privacy = p })
	const rules = "find: []\nfields: [{field: identifiers.email, do: hash}, {field: properties.passport, do: drop}, {field: actor.name, do: mask}]"
	p.set(t, "default", rules)
	p.set(t, "other", rules)
	const secret = `,"properties":{"passport":"P1","plain":1},"text":"` + card + `"}`
	say := func(id string) string { return strings.TrimSuffix(good(id), "}") + secret }
	d.sendOK(say("a"))
	d.sendOK(strings.Replace(say("b"), "Anna@Example.com", "ANNA@example.com", 1))
	d.sendOK(say("c"), "Authorization", "Bearer k2")
	stored := d.stored()
	a, b, c := stored["default/a"], stored["default/b"], stored["other/c"]
	if a.Text != card || string(a.Properties) != `{"plain":1}` || !strings.HasPrefix(a.Identifiers[0].Value, "hmac:") {
		t.Errorf("%+v", a)
	}
	if a.Identifiers[0] != b.Identifiers[0] || a.Identifiers[0].Value == c.Identifiers[0].Value {
		t.Errorf("hashes %v, %v, %v", a.Identifiers, b.Identifiers, c.Identifiers)
	}
	// A refused one is kept without it, can be repaired and sent again, and is then the same customer's.
	d.sendOK(strings.Replace(say("d"), `"email","direction"`, `"pigeon","direction"`, 1))
	d.send(`{"broken` + secret)
	d.nowhere("P1", "nna@", "NNA@")
	var letter touchpoint.Rejected
	for _, l := range d.letters() {
		if l.Touchpoint == "d" {
			letter = l
		} else if len(l.Bytes) != 0 || !strings.Contains(l.Reason, "not kept") {
			t.Errorf("of what cannot be read is kept %s: %s", l.Bytes, l.Reason)
		}
	}
	d.now = d.now.Add(time.Minute)
	if _, err := d.c.Resend(t.Context(), "default", letter, bytes.Replace(letter.Bytes, []byte("pigeon"), []byte("letter"), 1)); err != nil {
		t.Fatal(err)
	}
	if got := d.stored()["default/d"]; len(got.Identifiers) == 0 || got.Identifiers[0] != a.Identifiers[0] {
		t.Errorf("sent again it is %+v, want %v", got, a.Identifiers)
	}
	p.set(t, "default", "fields: []")
	d.sendOK(say("e"))
	if got := d.stored()["default/e"]; got.Text != masked || got.Identifiers[0].Value != "anna@example.com" {
		t.Errorf("by the new rules it is %+v", got)
	}
}
