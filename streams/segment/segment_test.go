package segment

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/identity"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios give into their files")

const now = 1_800_000_000_000

var rules, channels = identity.DefaultRules(), registry.Default()

func options() *touchpoint.Options {
	return &touchpoint.Options{Now: now, Registry: channels, Normalise: rules.Normalise, Verified: rules.Verified, NewID: func() string { return "made" }}
}

func good(typ, value string) bool {
	_, err := rules.Normalise(touchpoint.Identifier{Type: typ, Value: value})
	return err == nil
}

// judged is what a message becomes, as the log has it.
func judged(call Call, message string) (touchpoint.Touchpoint, touchpoint.Content, *touchpoint.FieldError) {
	made, why := Translate(nil, []byte(message), Request{Call: call, Good: good})
	if why != nil {
		return touchpoint.Touchpoint{}, touchpoint.Content{}, why
	}
	o := options()
	o.Carrier.Sent = made.SentAt
	return touchpoint.Decode(made.Touchpoint, o)
}

// The documented examples, as a newcomer reads them.
func TestDocumentedCalls(t *testing.T) {
	const file = "testdata/documented.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, part := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
		var comment, rest []string
		for _, line := range strings.Split(part, "\n") {
			if strings.HasPrefix(line, "#") {
				comment = append(comment, line)
			} else {
				rest = append(rest, line)
			}
		}
		head, want, _ := strings.Cut(strings.Join(rest, "\n"), "\n---")
		call, message, _ := strings.Cut(head, "\n")
		var got string
		if call != "" {
			got = story(Call(call), message)
			if want = strings.TrimPrefix(want, "\n"); got != want && !*rewrite {
				t.Errorf("example %d, %s %s:\n%s\nwant\n%s", i, call, message, got, want)
			}
		}
		if i > 0 {
			out.WriteString("\n\n")
		}
		for _, line := range comment {
			out.WriteString(line + "\n")
		}
		if call != "" {
			out.WriteString(call + "\n" + message + "\n---\n" + got)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func story(call Call, message string) string {
	tp, _, why := judged(call, message)
	if why != nil {
		return "refused: " + why.Field + ": " + why.Reason
	}
	if strings.HasPrefix(tp.ID, "c-") {
		tp.ID = "of its content"
	}
	line, err := tp.AppendJSON(nil)
	if err != nil {
		return err.Error()
	}
	return string(line)
}

// A client whose clock is wrong says when it sent; the same message sent again later, by whatever clock, is the same touchpoint.
func TestClocksArePutRight(t *testing.T) {
	message := func(at, sent string) string {
		return fmt.Sprintf(`{"userId":"u","event":"e","messageId":"m","timestamp":%q,"sentAt":%q}`, at, sent)
	}
	first, content, why := judged(Track, message("2026-01-01T00:00:00Z", "2026-01-01T00:00:10Z"))
	if why != nil || first.Time != now-10_000 {
		t.Fatalf("%d, %v; want ten seconds before now", first.Time, why)
	}
	_, again, why := judged(Track, message("2026-01-01T00:00:00Z", "2026-01-02T00:00:10Z"))
	if why != nil || again != content {
		t.Fatalf("the second attempt is another touchpoint: %v", why)
	}
	// What happened after it was sent was not told by that clock.
	if later, _, why := judged(Track, message("2026-01-01T00:00:20Z", "2026-01-01T00:00:10Z")); why != nil || later.Time != 1767225620000 {
		t.Fatalf("%d, %v", later.Time, why)
	}
	// A clock that is ten years ahead.
	if ahead, _, why := judged(Track, message("2040-01-01T00:00:00Z", "2040-01-01T00:00:01Z")); why != nil || ahead.Time != now-1000 {
		t.Fatalf("%d, %v", ahead.Time, why)
	}
}

// Whatever keys and values a client invents, everything it says is in the touchpoint, once.
func TestNothingIsLost(t *testing.T) {
	name := rapid.SampledFrom([]string{"event", "context", "name", "a", "properties.event", "integrations", "email", "ü", `q"`})
	rapid.Check(t, func(t *rapid.T) {
		bag := map[string]any{}
		for range rapid.IntRange(0, 6).Draw(t, "members") {
			bag[name.Draw(t, "name")] = rapid.IntRange(0, 9).Draw(t, "value")
		}
		if _, clash := bag["properties.event"]; clash {
			delete(bag, "event")
		}
		message, err := json.Marshal(map[string]any{"userId": "u", "event": "E", "messageId": "m", "properties": bag, "extra": 1, "context": map[string]any{"ip": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		tp, _, why := judged(Track, string(message))
		if why != nil {
			t.Fatalf("%s: %v", message, why)
		}
		var got map[string]any
		if err := json.Unmarshal(tp.Properties, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"event": "E", "extra": 1.0, "context": map[string]any{"ip": "x"}}
		for k, v := range bag {
			if _, taken := want[k]; taken {
				k = "properties." + k
			}
			want[k] = float64(v.(int))
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s became %s, want %v", message, tp.Properties, want)
		}
	})
}

func TestBatches(t *testing.T) {
	b, why := ReadBatch([]byte(`{"batch":[{"a":1}, {"b":"]"} ,[],oops],"sentAt":"2026-01-01T00:00:00Z","writeKey":"k","context":{"ip":"1"}}`))
	if why != nil {
		t.Fatal(why)
	}
	var got []string
	b.Messages(nil, Request{}, func(m []byte, _ Translation, _ *touchpoint.FieldError) bool {
		got = append(got, string(m))
		return true
	})
	if want := []string{`{"a":1}`, `{"b":"]"}`, `[]`, `oops`}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if b.SentAt != 1767225600000 || string(b.Context) != `{"ip":"1"}` {
		t.Errorf("%+v", b)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"batch":{}}`, `{"batch":[]`, `{"batch":[]}x`, `{"batch":[],"batch":[]}`, `{"batch":[],"context":1}`} {
		if _, why := ReadBatch([]byte(bad)); why == nil {
			t.Errorf("%s was read", bad)
		}
	}
	if key := WriteKeyOf([]byte(`{"batch":[{"writeKey":"other"}],"writeKey":"mine"}`)); key != "mine" {
		t.Errorf("write key %q", key)
	}
}

// What is missing can be put into what was made of the message; until then it is no touchpoint.
func TestWhatIsRefusedCanBeRepaired(t *testing.T) {
	for call, message := range map[Call]string{Track: `{"userId":"u"}`, Alias: `{"userId":"u"}`, Group: `{"anonymousId":"a"}`, Page: `{}`, "": `{"type":"dance","userId":"u"}`} {
		made, why := Translate(nil, []byte(message), Request{Call: call})
		if why == nil || made.Touchpoint == nil {
			t.Errorf("%s %s: %v", call, message, why)
			continue
		}
		if _, _, why := touchpoint.Decode(made.Touchpoint, options()); why == nil {
			t.Errorf("%s %s is a touchpoint as it is: %s", call, message, made.Touchpoint)
		}
		repaired := `{"kind":"message",` + strings.Replace(string(made.Touchpoint[1:]), `"identifiers":[]`, `"identifiers":[{"type":"cookie","value":"c"}]`, 1)
		if _, _, why := touchpoint.Decode([]byte(repaired), options()); why != nil {
			t.Errorf("%s: %v", repaired, why)
		}
	}
}

// FuzzTranslate: no message takes the door down, and what is made of one is JSON that the judge can read or refuse.
func FuzzTranslate(f *testing.F) {
	text, err := os.ReadFile("testdata/documented.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range bytes.Split(text, []byte("\n")) {
		f.Add(line, byte(0))
	}
	f.Add([]byte(`{"batch":[{"type":"track","userId":"u","event":"e"},]}`), byte(6))
	f.Fuzz(func(t *testing.T, data []byte, n byte) {
		request := Request{Good: good}
		if int(n) < len(Calls()) {
			request.Call = Calls()[n]
		}
		if b, why := ReadBatch(data); why == nil {
			b.Messages(nil, request, func(m []byte, made Translation, why *touchpoint.FieldError) bool {
				if why != nil && why.Syntax {
					return true // perhaps only of what stands before it
				}
				alone, same := Translate(nil, m, request)
				if string(alone.Touchpoint) != string(made.Touchpoint) || (why == nil) != (same == nil) {
					t.Fatalf("%q became %s, %v, and alone %s, %v", m, made.Touchpoint, why, alone.Touchpoint, same)
				}
				return true
			})
		}
		made, why := Translate(nil, data, request)
		if made.Touchpoint == nil {
			if why == nil {
				t.Fatal("neither a touchpoint nor a reason")
			}
			return
		}
		if _, _, why := touchpoint.Decode(made.Touchpoint, options()); why == nil && !json.Valid(data) {
			t.Fatalf("%q, which is no JSON, became %s", data, made.Touchpoint)
		}
	})
}

func BenchmarkTranslate(b *testing.B) {
	message := []byte(browserMessage)
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	buffer := make([]byte, 0, 4096)
	for b.Loop() {
		if _, why := Translate(buffer, message, Request{}); why != nil {
			b.Fatal(why)
		}
	}
}

// browserMessage is what the browser's library sends for an ordinary event.
const browserMessage = `{"timestamp":"2026-11-20T10:00:00.123Z","integrations":{},"userId":"C-1029384","anonymousId":"0b8a1c1e-7d0f-4b1c-9a51-0d6a2f5a9b11","event":"Product Viewed","type":"track","properties":{"product_id":"507f1f77","sku":"G-32","name":"Monopoly","price":18.99,"currency":"EUR"},"context":{"page":{"path":"/games/monopoly","referrer":"","search":"","title":"Monopoly","url":"https://shop.example/games/monopoly"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","locale":"de-DE","library":{"name":"analytics.js","version":"npm:next-1.84.3"},"timezone":"Europe/Berlin"},"messageId":"ajs-next-1780000000000-0b8a1c1e-7d0f-4b1c-9a51-0d6a2f5a9b11","writeKey":"k","sentAt":"2026-11-20T10:00:00.223Z","_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}`

func TestEveryEventIsFound(t *testing.T) {
	for name := range events {
		if _, ok := known(strings.ToUpper(name)); !ok {
			t.Errorf("%q is not found: longestEvent is %d", name, longestEvent)
		}
	}
}
