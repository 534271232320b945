package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// read skips one value and wants nothing behind it.
func read(data []byte) *Error {
	c := NewCursor(data)
	if c.Skip(); c.Err() == nil {
		c.End()
	}
	return c.Err()
}

func TestReasons(t *testing.T) {
	keys := func(n int, last string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`"k` + strings.Repeat("x", i) + `":1,`)
		}
		return "{" + b.String() + `"` + last + `":1}`
	}
	for _, tc := range []struct {
		text, reason string
		syntax       bool
	}{
		{``, "ends too early", true}, {`{`, "ends too early", true}, {`{"a"}`, "colon", true}, {`{"a":1,}`, "name", true},
		{`[1,]`, "want a value before ], and no comma", true}, {`[1 2]`, "want ,", true}, {`01`, "number", true}, {`1.`, "decimal", true}, {`1e`, "exponent", true},
		{`tru`, "want true", true}, {`hello`, "'h' begins no value; want an object", true}, {"\ufeff{}", "byte order mark", true}, {"\xff", "UTF-8", true}, {`"a`, "closing quote", true}, {`"\x"`, "backslash", true}, {`1 1`, "nothing behind", true}, {`}`, "want a value before }", true},
		{`"\u12g4"`, "hexadecimal", false}, {`"\u000`, "closing quote", true}, {"\"\x01\"", `\u0001`, false}, {"\"\x00\"", "NUL", false},
		{`"\u0000"`, "NUL", false}, {`"\ud800"`, "surrogate", false}, {`"\ud800\u0041"`, "surrogate", false}, {"\"\xc3\"", "UTF-8", false},
		{`{"a":1,"a":2}`, `"a" is there twice`, false}, {`{"a":1,"\u0061":2}`, "twice", false}, {`[{"a":{"b":1,"b":1}}]`, "twice", false},
		{keys(40, "kxxx"), "twice", false}, {keys(16, "kx"), "twice", false}, {keys(15, "kx"), "twice", false},
		{strings.Repeat("[", 65) + strings.Repeat("]", 65), "deeper", false}, {strings.Repeat("[", 1_000_000), "deeper", false},
	} {
		err := read([]byte(tc.text))
		if err == nil || !strings.Contains(err.Reason, tc.reason) || err.Syntax != tc.syntax {
			t.Errorf("%.60q: %+v, want %q, syntax %v", tc.text, err, tc.reason, tc.syntax)
		}
	}
	for _, good := range []string{`{}`, `[]`, ` [ 1 , -0.5e+7 , null , true , false , "a\/b" ] `, `{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, keys(40, "z"),
		strings.Repeat("[", 64) + strings.Repeat("]", 64), `"😀 😀"`} {
		if err := read([]byte(good)); err != nil {
			t.Errorf("%.60q: %v", good, err)
		}
	}
}

// TestStringsAreRead: what is read from a string is what encoding/json reads, wherever quotes and escapes lie.
func TestStringsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune(`ab"\/`+"\n\t\x7f")), rapid.Rune())).Filter(func(s string) bool {
			return utf8.ValidString(s) && !strings.Contains(s, "\x00")
		}).Draw(t, "s")
		pad := strings.Repeat(" ", rapid.IntRange(0, 9).Draw(t, "pad"))
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		c := NewCursor([]byte(pad + string(text) + "x"))
		if got := c.String(); got != s || c.Err() != nil || c.Offset() != len(pad)+len(text) {
			t.Fatalf("%q gives %q, %v", text, got, c.Err())
		}
	})
}

// strict is the slow and obvious twin of read: encoding/json decides what is JSON, then its tokens are gone through.
func strict(data []byte) bool {
	if !json.Valid(data) || !utf8.Valid(data) || bytes.Contains(data, []byte(`\u0000`)) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type object struct {
		keys  map[string]bool // nil: an array
		value bool            // a value is next
	}
	var open []object
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
		top := len(open) - 1
		if text, ok := token.(string); ok && top >= 0 && open[top].keys != nil && !open[top].value {
			if open[top].keys[text] {
				return false
			}
			open[top].keys[text], open[top].value = true, true
			continue
		}
		if top >= 0 {
			open[top].value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{keys: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
		if len(open) > MaxDepth {
			return false
		}
	}
}

// FuzzSkip: the same texts are good to the fast reader and to the obvious one, but for escapes that are no characters.
func FuzzSkip(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,{"b":null}],"c":"d\u00e4\n"}`, `[[[]]]`, `{"a":1,"a":2}`, "\"\x00\"", `"\ud83d\ude00"`, `-`, `{"a" :true , "b": false}`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := read(data)
		if bytes.Contains(bytes.ToLower(data), []byte(`\ud`)) {
			return // halves of surrogate pairs, which encoding/json replaces
		}
		if good := strict(data); good != (err == nil) {
			t.Fatalf("%q: %v, but the twin says %v", data, err, good)
		}
		if err == nil {
			if n, ok := Extent(data); !ok || len(bytes.TrimSpace(data[n:])) > 0 {
				t.Fatalf("%q: extent %d, %v", data, n, ok)
			}
		}
	})
}

// FuzzExtent: whatever it passes over, it stays within the text and goes forward.
func FuzzExtent(f *testing.F) {
	for _, seed := range []string{`{"a":"}"},1`, `[}`, `"a\"b" `, `tru,`, "\"\x00\"", `]`, ``, `{"a`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok := Extent(data)
		if n < 0 || n > len(data) || (ok && n == 0) {
			t.Fatalf("%q: %d, %v", data, n, ok)
		}
	})
}
