package identity

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/touchpoint"
)

// What means the same is made the same, and what does not stays apart: each draw says what its value must be called, so
// that two of different names can never be one. Addresses are in normalise_email_test.go.
func TestValuesJoinByWhatTheyMean(t *testing.T) {
	r := DefaultRules()
	for typ, draw := range map[string]func(*rapid.T) (typed, name string){
		"phone": drawPhone, "whatsapp": drawPhone, "instagram": drawHandle, "device": drawLower, "customer_id": drawPlain, "unheard": drawPlain,
	} {
		t.Run(typ, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				typed, name := draw(t)
				got, err := r.Normalise(touchpoint.Identifier{Type: typ, Value: typed})
				if err != nil || got.Value != name {
					t.Fatalf("%q is %q, %v, want %q", typed, got.Value, err, name)
				}
			})
		})
	}
}

// drawPhone writes a German mobile number, with or without an extension, in one of the ways that people do.
func drawPhone(t *rapid.T) (typed, name string) {
	digits := rapid.StringMatching(`[1-9][0-9]{6}`).Draw(t, "digits")
	extension := rapid.SampledFrom([]string{"", "5", "05", "512"}).Draw(t, "extension")
	name = "+49176" + digits
	mark := ""
	if extension != "" {
		name += ";ext=" + extension
		mark = rapid.SampledFrom([]string{" x", "x", " ext. ", " ext ", ";ext=", " extension "}).Draw(t, "mark")
	}
	front := rapid.SampledFrom([]string{"0176 ", "0176", "(0176) ", "+49 176 ", "+49176", "+49 (0) 176 ", "0049 176-", "tel:+49-176-", "＋49 176 ", " 0176/"}).Draw(t, "front")
	if cut := rapid.IntRange(0, 6).Draw(t, "cut"); cut > 0 {
		digits = digits[:cut] + rapid.SampledFrom([]string{" ", "-", ".", "/", " - "}).Draw(t, "between") + digits[cut:]
	}
	return front + digits + mark + extension, name
}

var letters = rapid.SampledFrom([]string{"a", "b", "A", "é", "e\u0301", "É", "ß", "ẞ", "ss", "1", "_", ".", "-", "ж", "Ж", "中"})

func drawText(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(letters, 1, 6).Draw(t, "letters"), "")
}

var composed = strings.NewReplacer("e\u0301", "é")

func drawPlain(t *rapid.T) (typed, name string) {
	text := "x" + drawText(t)
	return rapid.SampledFrom([]string{"", " ", "\u00a0"}).Draw(t, "in front") + text + rapid.SampledFrom([]string{"", " "}).Draw(t, "behind"), composed.Replace(text)
}

func drawLower(t *rapid.T) (typed, name string) {
	typed, name = drawPlain(t)
	return typed, strings.NewReplacer("A", "a", "É", "é", "ẞ", "ß", "Ж", "ж").Replace(name)
}

func drawHandle(t *rapid.T) (typed, name string) {
	typed, name = drawLower(t)
	return rapid.SampledFrom([]string{"", "@", " @ "}).Draw(t, "at") + typed, name
}

// skeleton is what no normaliser of texts may lose: letters and digits, and in plain values also what stands between.
func skeleton(typ, s string) string {
	s = norm.NFC.String(s)
	switch typ {
	case "customer_id":
		return strings.TrimSpace(s)
	case "device":
		return norm.NFC.String(strings.TrimSpace(strings.ToLower(s)))
	}
	return norm.NFC.String(strings.Map(func(c rune) rune {
		if c == '@' || unicode.IsSpace(c) {
			return -1
		}
		return c
	}, strings.ToLower(s)))
}

// FuzzNormaliseJoins: two values that are made one differ in nothing that counts.
func FuzzNormaliseJoins(f *testing.F) {
	for _, pair := range [][2]string{{"Anna", "anna"}, {"@anna", "anna "}, {"e\u0301", "é"}, {"ß", "ss"}, {"İ", "i̇"}, {"K", "k"}, {"-1", " -1"}} {
		f.Add(pair[0], pair[1])
	}
	r := DefaultRules()
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, typ := range []string{"customer_id", "device", "instagram"} {
			one, err := r.Normalise(touchpoint.Identifier{Type: typ, Value: a})
			if err != nil {
				continue
			}
			other, err := r.Normalise(touchpoint.Identifier{Type: typ, Value: b})
			if err == nil && one == other && skeleton(typ, a) != skeleton(typ, b) {
				t.Errorf("%s %q and %q are both %q", typ, a, b, one.Value)
			}
		}
	})
}

// FuzzNormaliseByOwnRules: normalising twice changes nothing, also with mailboxes, and with values that are blocked or allowed.
func FuzzNormaliseByOwnRules(f *testing.F) {
	r, err := ParseRules([]byte(`
regions: [CH, US]
max_identifiers: 10
max_thread: 10
email: ` + mailboxes + `
blocked: ["*+49*", "x"]
types:
  - {name: email, normalise: email, blocked: ["info@*", "a.b@*", "*+x@*"], allowed: ["info@gm.example", "x"]}
  - {name: phone, normalise: phone, blocked: ["0800*", "*;ext=*"]}
  - {name: handle, normalise: handle, blocked: ["@x*"]}
  - {name: uuid, normalise: uuid, blocked: ["{*"]}
`))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"A.B+x@g.example", "+x+x@gm.example", "Info@GM.example", "a.b@Bücher.example", "0800 123 456", "044 668 18 00 x12", "+1 650 253 0000;ext=07", "@X", "{0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f}", "İ@g.example"} {
		for _, typ := range []string{"email", "phone", "handle", "uuid", "other"} {
			f.Add(typ, s)
		}
	}
	f.Fuzz(func(t *testing.T, typ, value string) {
		once, err := r.Normalise(touchpoint.Identifier{Type: typ, Value: value})
		if err != nil {
			return
		}
		if twice, err := r.Normalise(once); err != nil || twice != once {
			t.Errorf("%s %q is %q once and %q twice, %v", typ, value, once.Value, twice.Value, err)
		}
	})
}
