package touchpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

func compiledSchema(t interface{ Fatal(...any) }) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema(testRegistry)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("touchpoint.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("touchpoint.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// words are what a field may be and what it may not be.
type words struct{ good, bad []any }

var someText = words{[]any{"", "a", "Ä ö 😀", "line\nline", "x:y"}, []any{7, []any{}}}

func object(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

var fieldWords = map[string]words{
	"id":        {[]any{"a", "a b", "ä-1", "😀"}, []any{"", "a\tb", "\u200b", 1}},
	"time":      {[]any{1, 1767225600000, json.RawMessage("1767225600000.0"), json.RawMessage("1.7e12"), "2025-12-31T10:00:00Z", "2025-12-31t10:00:00.5+01:00", "1980-02-29T23:59:59-23:59"}, []any{"2025-12-31T10:00:00", "2025-13-01T00:00:00Z", "2025-12-31 10:00:00Z", 0, -1, json.RawMessage("1767225600000.5"), "now", "", true}},
	"channel":   {[]any{"email", "chat", "voice_assistant"}, []any{"pigeon", "", "Email", 1}},
	"direction": {[]any{"inbound", "outbound", "internal"}, []any{"in", "", 1}},
	"kind":      {[]any{"message", "call.started", "a.b_1.c"}, []any{"Message", "a..b", ".a", "a.", "1a", "", 1}},
	"actor": {[]any{object("type", "customer"), object("type", "agent", "id", "7", "name", "Bo"), object("type", "bot", "id", "")},
		[]any{object("type", "human"), object(), object("type", "bot", "x", 1), object("type", "bot", "id", 1), "bot", nil}},
	"identifiers": {[]any{[]any{}, []any{object("type", "email", "value", "a@b.de")}, []any{object("type", "x-y_1", "value", "Ä", "verified", true), object("type", "phone", "value", " 1 ", "verified", false)}},
		[]any{[]any{object("type", "email", "value", "")}, []any{object("type", "email", "value", " ")}, []any{object("type", "thread", "value", "a")}, []any{object("type", "touchpoint", "value", "a")},
			[]any{object("type", "E", "value", "a")}, []any{object("value", "a")}, []any{object("type", "a")}, []any{object("type", "a", "value", "b", "verified", "yes")}, []any{object("type", "a", "value", "b", "more", 1)}, []any{"a"}, object()}},
	"thread":   {[]any{[]any{}, []any{"ticket:1"}, []any{"message-id:<a@b>", "x:y z"}, []any{"a: b"}, []any{"a::"}, []any{"a:\nb"}}, []any{[]any{"ticket"}, []any{":1"}, []any{"T:1"}, []any{"a:"}, []any{"a: "}, []any{7}, "a:b"}},
	"subject":  someText,
	"text":     someText,
	"language": {[]any{"de", "en-GB", "zh-Hant-TW", ""}, []any{"d", "de_DE", "toolonglang", "de-", "1a", 1}},
	"topic":    someText,
	"team":     someText,
	"tags":     {[]any{[]any{}, []any{"vip", "ä"}}, []any{[]any{""}, []any{1}, "vip"}},
	"account":  someText,
	"source":   someText,
	"rating": {[]any{object("scale", "csat", "value", 4.5), object("scale", "nps", "value", -3)},
		[]any{object("scale", "csat"), object("scale", "C", "value", 1), object("value", 1), object("scale", "a", "value", "1"), object("scale", "a", "value", 1, "more", 1), 5}},
	"properties": {[]any{object(), object("a", []any{1, object("b", nil)})}, []any{[]any{}, "a", nil}},
}

// anyTouchpoint draws an object that is a touchpoint about half of the time.
func anyTouchpoint(t *rapid.T) map[string]any {
	m := map[string]any{}
	for _, name := range fieldNames {
		w := fieldWords[name]
		required := name == "channel" || name == "direction" || name == "kind" || name == "actor" || name == "identifiers"
		switch dice := rapid.IntRange(0, 59).Draw(t, name); {
		case dice == 59:
			m[name] = rapid.SampledFrom(w.bad).Draw(t, "bad "+name)
		case dice == 58, !required && dice > 30:
		default:
			m[name] = rapid.SampledFrom(w.good).Draw(t, "good "+name)
		}
	}
	if rapid.IntRange(0, 59).Draw(t, "surprise") == 59 {
		m["surprise"] = 1
	}
	return m
}

// TestTheSchemaSaysWhatDecodeDoes: what one takes the other takes, for all a schema can say.
func TestTheSchemaSaysWhatDecodeDoes(t *testing.T) {
	schema := compiledSchema(t)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(anyTouchpoint(t))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`\u0000`)) || bytes.ContainsRune(text, 0xfffd) {
			t.Skip("NUL, and what is no character, are not the schema's matter")
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		says := schema.Validate(value)
		_, _, does := Decode(text, testOptions())
		if (says == nil) != (does == nil) {
			t.Fatalf("%s\nschema: %v\ncode:   %v", text, says, does)
		}
		if does == nil {
			taken++
		}
	})
	if taken == 0 {
		t.Error("not one touchpoint that was drawn was good")
	}
}

func TestTheSchemaHasTheLimitsOfTheCode(t *testing.T) {
	schema := compiledSchema(t)
	text := func(n int) string {
		b := bytes.Repeat([]byte("x"), n)
		return string(b)
	}
	list := func(n int, element any) []any {
		out := make([]any, n)
		for i := range out {
			out[i] = element
		}
		return out
	}
	for name, at := range map[string]func(over int) (string, any){
		"id":         func(o int) (string, any) { return "id", text(MaxID + o) },
		"kind":       func(o int) (string, any) { return "kind", text(MaxKind + o) },
		"subject":    func(o int) (string, any) { return "subject", text(MaxSubject + o) },
		"topic":      func(o int) (string, any) { return "topic", text(MaxLabel + o) },
		"team":       func(o int) (string, any) { return "team", text(MaxLabel + o) },
		"account":    func(o int) (string, any) { return "account", text(MaxLabel + o) },
		"source":     func(o int) (string, any) { return "source", text(MaxLabel + o) },
		"actor id":   func(o int) (string, any) { return "actor", map[string]any{"type": "bot", "id": text(MaxLabel + o)} },
		"actor name": func(o int) (string, any) { return "actor", map[string]any{"type": "bot", "name": text(MaxLabel + o)} },
		"tags":       func(o int) (string, any) { return "tags", list(MaxTags+o, "a") },
		"tag":        func(o int) (string, any) { return "tags", list(1, text(MaxTag+o)) },
		"threads":    func(o int) (string, any) { return "thread", list(MaxThreads+o, "a:b") },
		"thread":     func(o int) (string, any) { return "thread", list(1, "a:"+text(MaxThread-2+o)) },
		"scheme":     func(o int) (string, any) { return "thread", list(1, text(MaxName+o)+":b") },
		"identifiers": func(o int) (string, any) {
			return "identifiers", list(MaxIdentifiers+o, map[string]any{"type": "a", "value": "b"})
		},
		"type": func(o int) (string, any) {
			return "identifiers", list(1, map[string]any{"type": text(MaxName + o), "value": "b"})
		},
		"value": func(o int) (string, any) {
			return "identifiers", list(1, map[string]any{"type": "a", "value": text(MaxValue + o)})
		},
		"scale": func(o int) (string, any) { return "rating", map[string]any{"scale": text(MaxName + o), "value": 1} },
	} {
		for over := range 2 {
			m := map[string]any{"channel": "email", "direction": "inbound", "kind": "message", "actor": map[string]any{"type": "customer"},
				"identifiers": list(1, map[string]any{"type": "email", "value": "a@b.de"})}
			field, value := at(over)
			m[field] = value
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			_, _, does := Decode(data, testOptions())
			says := schema.Validate(parsed)
			if (says == nil) != (over == 0) || (does == nil) != (over == 0) {
				t.Errorf("%s: %d over the limit: schema %v, code %v", name, over, fmt.Sprint(says), does)
			}
		}
	}
}

// 0 means elsewhere that there is no time, and is what a broken clock or an empty field sends.
func TestTheBeginningOfTimeIsNone(t *testing.T) {
	for _, at := range []string{`0`, `0.0`, `"1970-01-01T00:00:00Z"`, `"1970-01-01T01:00:00.0009+01:00"`} {
		_, _, err := Decode([]byte(plainOne[:len(plainOne)-1]+`,"time":`+at+`}`), testOptions())
		if err == nil || err.Field != "time" || !strings.Contains(err.Reason, "broken clients") {
			t.Errorf("%s: %v", at, err)
		}
	}
}
