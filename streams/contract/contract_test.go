package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/workspace"
)

func compiled(t testing.TB, schema string) *Contract {
	t.Helper()
	c, err := Compile(workspace.Contract{Kind: "order.placed", Version: 1, Schema: []byte(schema), OnViolation: workspace.Flag})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const order = `{"type":"object","required":["order","amount"],"additionalProperties":false,"properties":{
 "order":{"type":"string","pattern":"^A-"},"amount":{"type":"number","minimum":0},"state":{"enum":["new","paid"]},"at":{"type":"string","format":"date-time"},
 "lines":{"type":"array","items":{"type":"object","required":["sku"],"properties":{"sku":{"type":"string","maxLength":5}}}},
 "to":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}`

func TestCheck(t *testing.T) {
	c := compiled(t, order)
	for properties, want := range map[string]string{
		`{"order":"A-1","amount":1.5,"state":"new","at":"2026-01-01T00:00:00Z","lines":[{"sku":"x"}],"to":7}`: "",
		"":                                     "properties.amount: missing; properties.order: missing",
		`{"order":"secret","amount":"secret"}`: "properties.amount: want number, got string; properties.order: does not match ^A-",
		`{"order":"A-1","amount":-7}`:          "properties.amount: breaks minimum",
		`{"order":"A-1","amount":1,"state":"gone"}`:                             "properties.state: none of the values that may be",
		`{"order":"A-1","amount":1,"at":"monday"}`:                              "properties.at: want the format date-time",
		`{"order":"A-1","amount":1,"x":{"y":1}}`:                                "properties.x: not in the schema",
		`{"order":"A-1","amount":1,"lines":[{"sku":"a"},{},{"sku":"toolong"}]}`: "properties.lines.1.sku: missing; properties.lines.2.sku: breaks maxLength",
		`{"order":"A-1","amount":1,"to":[]}`:                                    "properties.to: breaks anyOf",
		`{"order":"A-1","amount":1e1000000}`:                                    "properties.amount: a number beyond what can be compared",
		`{"order":"A-1","amount":1e-999999999}`:                                 "properties.amount: a number beyond what can be compared",
	} {
		var got []string
		for _, v := range c.Check([]byte(properties)) {
			got = append(got, v.Field+": "+v.Reason)
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%s\ngot  %s\nwant %s", properties, text, want)
		}
	}
	many := `{"order":"A-1","amount":1`
	for i := range 100 {
		many += fmt.Sprintf(`,"x%d":1`, i)
	}
	if got := c.Check([]byte(many + "}")); len(got) != MaxViolations {
		t.Errorf("%d violations", len(got))
	}
}

func TestBadSchemas(t *testing.T) {
	for _, schema := range []string{"", "7", "true", "{}", `{"type":"array"}`, `{"type":["object","null"]}`, `{"type":"object","properties":7}`, `{"type":"object","required":"x"}`,
		`{"type":"object","properties":{"x":{"pattern":"("}}}`, `{"type":"object","$ref":"file:///etc/passwd"}`, `{"type":"object","$ref":"https://example.com/x.json"}`,
		`{"type":"object","$schema":"https://example.com/meta"}`, `{"type":"object","description":"` + strings.Repeat("x", MaxSchema) + `"}`} {
		if _, err := Compile(workspace.Contract{Kind: "k", Version: 1, Schema: []byte(schema)}); !errors.Is(err, ErrBadSchema) {
			t.Errorf("%.60s: %v", schema, err)
		}
	}
}

func TestBreaks(t *testing.T) {
	object := func(members string) string { return `{"type":"object",` + members + `}` }
	property := func(s string) string { return object(`"properties":{"a":` + s + `}`) }
	for _, c := range []struct{ before, next, want string }{
		{property(`{"type":"integer"}`), property(`{"type":"number"}`), ""},
		{property(`{"type":"number"}`), property(`{"type":"integer"}`), "properties.a: was number, and is integer"},
		{property(`{"type":"string"}`), property(`{"type":["string","null"],"title":"A"}`), ""},
		{property(`true`), property(`{"type":"string"}`), "properties.a: was of any type, and is string"},
		{property(`{"type":"string"}`), property(`false`), "properties.a: was allowed, and is not any more"},
		{property(`{"type":"string"}`), object(`"properties":{"a":{"type":"string"},"b":{"type":"string"}}`), ""},
		{property(`{"type":"string"}`), object(`"required":["b"],"properties":{"a":{"type":"string"},"b":{"type":"string"}}`), "properties.b: is required now"},
		{object(`"required":["a"]`), object(`"title":"x"`), ""},
		{property(`{"type":"string"}`), object(`"additionalProperties":false`), "properties: other names were allowed"},
		{object(`"additionalProperties":false,"properties":{"a":true}`), object(`"additionalProperties":false`), "properties.a: is gone"},
		{object(`"additionalProperties":false,"properties":{"a":true}`), object(`"title":"x"`), ""},
		{property(`{"enum":["x"]}`), property(`{"enum":["x","y"]}`), ""},
		{property(`{"enum":["x","y"]}`), property(`{"enum":["x"]}`), `properties.a: took "y"`},
		{property(`{"type":"string"}`), property(`{"type":"string","enum":["x"]}`), "properties.a: took any value"},
		{property(`{"minimum":1}`), property(`{"minimum":0}`), ""},
		{property(`{"minimum":1}`), property(`{"minimum":2}`), "properties.a: minimum was 1, and is 2"},
		{property(`{"maxLength":5}`), property(`{"maxLength":4}`), "properties.a: maxLength was 5"},
		{property(`{"type":"string"}`), property(`{"type":"string","pattern":"x"}`), "properties.a: pattern"},
		{property(`{"type":"array","items":{"type":"string"}}`), property(`{"type":"array","items":{"type":"number"}}`), "properties.a.*: was string"},
		{property(`{"anyOf":[{"type":"string"}]}`), property(`{"anyOf":[{"type":"string"}]}`), ""},
		{property(`{"anyOf":[{"type":"string"}]}`), property(`{"anyOf":[{"type":"number"}]}`), "properties.a: anyOf has changed"},
		{object(`"$defs":{"x":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/x"}}`), object(`"$defs":{"x":{"type":"number"}},"properties":{"a":{"$ref":"#/$defs/x"}}`), "properties: $defs has changed"},
	} {
		compiled(t, c.before)
		compiled(t, c.next)
		got := Breaks([]byte(c.before), []byte(c.next))
		text := ""
		if len(got) > 0 {
			text = got[0].Field + ": " + got[0].Reason
		}
		if (c.want == "") != (text == "") || !strings.HasPrefix(text, c.want) {
			t.Errorf("%s\n-> %s\ngot  %s\nwant %s", c.before, c.next, text, c.want)
		}
		if same := Breaks([]byte(c.next), []byte(c.next)); len(same) != 0 {
			t.Errorf("%s breaks itself: %v", c.next, same)
		}
	}
}

func anySchema(t *rapid.T, depth int) any {
	s := map[string]any{}
	switch rapid.IntRange(0, 5+min(depth, 1)*2).Draw(t, "type") {
	case 0:
		return rapid.Bool().Draw(t, "bool")
	case 1:
		s["type"] = "string"
		if rapid.Bool().Draw(t, "long") {
			s["maxLength"] = rapid.IntRange(0, 3).Draw(t, "maxLength")
		}
	case 2:
		s["type"] = rapid.SampledFrom([]any{"integer", "number", []string{"integer", "string"}, []string{"number", "null"}}).Draw(t, "number")
		if rapid.Bool().Draw(t, "bounded") {
			s["minimum"] = rapid.IntRange(-2, 2).Draw(t, "minimum")
		}
	case 3:
		s["enum"] = rapid.SliceOfNDistinct(rapid.SampledFrom([]any{"a", "b", 1, nil}), 1, 3, func(v any) string { return fmt.Sprint(v) }).Draw(t, "enum")
	case 4, 5:
		return map[string]any{}
	case 6:
		s["type"] = "array"
		if rapid.Bool().Draw(t, "of") {
			s["items"] = anySchema(t, depth-1)
		}
		if rapid.Bool().Draw(t, "few") {
			s["minItems"] = rapid.IntRange(0, 2).Draw(t, "minItems")
		}
	case 7:
		return anyObject(t, depth-1)
	}
	return s
}

func anyObject(t *rapid.T, depth int) any {
	s := map[string]any{"type": "object"}
	properties := map[string]any{}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "names") {
		properties[name] = anySchema(t, depth)
	}
	s["properties"] = properties
	if required := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b"}), rapid.ID).Draw(t, "required"); len(required) > 0 {
		s["required"] = required
	}
	switch rapid.IntRange(0, 3).Draw(t, "others") {
	case 0:
		s["additionalProperties"] = false
	case 1:
		s["additionalProperties"] = anySchema(t, 0)
	}
	return s
}

func anyValue(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 4+min(depth, 1)*2).Draw(t, "value") {
	case 0:
		return nil
	case 1, 2:
		return rapid.SampledFrom([]string{"", "a", "b", "long"}).Draw(t, "text")
	case 3, 4:
		return rapid.SampledFrom([]any{-3, 0, 1, 1.5, 7}).Draw(t, "number")
	case 5:
		list := []any{}
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			list = append(list, anyValue(t, depth-1))
		}
		return list
	}
	return anyMembers(t, depth-1)
}

func anyMembers(t *rapid.T, depth int) map[string]any {
	m := map[string]any{}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.ID).Draw(t, "members") {
		m[name] = anyValue(t, depth)
	}
	return m
}

// mentioned tells whether the schema mentions every name that a value uses.
func mentioned(schema, v any) bool {
	s, _ := schema.(map[string]any)
	switch v := v.(type) {
	case map[string]any:
		properties, _ := s["properties"].(map[string]any)
		for name, member := range v {
			if sub, ok := properties[name]; !ok && (s["additionalProperties"] == nil || s["additionalProperties"] == true) || !mentioned(or(sub, s["additionalProperties"], ok), member) {
				return false
			}
		}
	case []any:
		for _, element := range v {
			if !mentioned(s["items"], element) {
				return false
			}
		}
	}
	return true
}

func or(a, b any, first bool) any {
	if first {
		return a
	}
	return b
}

// What the version before takes, the next takes, when nothing is said to break.
func TestCompatibleMeansTaken(t *testing.T) {
	compatible := 0
	rapid.Check(t, func(t *rapid.T) {
		before := anyObject(t, 2)
		next := before
		if rapid.IntRange(0, 3).Draw(t, "same") > 0 {
			next = anyObject(t, 2)
		}
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(next)
		if len(Breaks(a, b)) > 0 {
			return
		}
		compatible++
		was, err := Compile(workspace.Contract{Kind: "k", Version: 1, Schema: a})
		if err != nil {
			t.Fatal(err)
		}
		is, err := Compile(workspace.Contract{Kind: "k", Version: 2, Schema: b})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			value := anyMembers(t, 2)
			text, _ := json.Marshal(value)
			if mentioned(before, value) && len(was.Check(text)) == 0 && len(is.Check(text)) > 0 {
				t.Fatalf("%s\n-> %s\n%s was taken, and is not: %v", a, b, text, is.Check(text))
			}
		}
	})
	if compatible == 0 {
		t.Error("no two versions were compatible")
	}
}

// What is proposed takes every sample.
func TestInferredTakesItsSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var samples [][]byte
		for range rapid.IntRange(1, 30).Draw(t, "samples") {
			text, _ := json.Marshal(anyMembers(t, 3))
			samples = append(samples, text)
		}
		schema := Infer(samples)
		c, err := Compile(workspace.Contract{Kind: "k", Version: 1, Schema: schema})
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		for _, sample := range samples {
			if got := c.Check(sample); len(got) > 0 {
				t.Fatalf("%s does not take %s: %v", schema, sample, got)
			}
		}
	})
}

func TestInfer(t *testing.T) {
	var samples [][]byte
	for i := range 40 {
		samples = append(samples, fmt.Appendf(nil, `{"order":"A-%d","amount":%d.5,"n":%d,"state":"%s","at":"2026-01-01T00:00:00Z","lines":[{"sku":"x%d"}]%s}`, i, i, i, []string{"new", "paid"}[i%2], i, []string{"", `,"note":null`}[i%2]))
	}
	const want = `{"properties":{"amount":{"type":"number"},"at":{"format":"date-time","type":"string"},"lines":{"items":{"properties":{"sku":{"type":"string"}},"required":["sku"],"type":"object"},"type":"array"},` +
		`"n":{"type":"integer"},"note":{"type":"null"},"order":{"type":"string"},"state":{"enum":["new","paid"],"type":"string"}},"required":["amount","at","lines","n","order","state"],"type":"object"}`
	if got := string(Infer(samples)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(Infer(nil)); got != `{"type":"object"}` {
		t.Errorf("of nothing: %s", got)
	}
}

func TestSets(t *testing.T) {
	var none *Set
	if none.Of("k") != nil || none.Kinds() != nil {
		t.Error("there are contracts in nothing")
	}
	at := func(version int) *Contract {
		c := compiled(t, order)
		c.Version = version
		return c
	}
	one, added := none.Add(at(1))
	late, again := one.Add(at(1))
	_, gap := one.Add(at(3))
	two, next := one.Add(at(2))
	if !added || again || gap || !next || late != one || one.Of("order.placed").Version != 1 || two.Of("order.placed").Version != 2 || len(two.Versions("order.placed")) != 2 {
		t.Error("versions do not count from 1 without a gap, the first of each")
	}
	if !compiled(t, order).Same([]byte(strings.ReplaceAll(order, ",", " , "))) {
		t.Error("white space makes another schema")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"order":"A-1","amount":1e5,"lines":[{"sku":7}]}`))
	f.Add([]byte(`{"amount":1e-400}`))
	c := compiled(f, order)
	f.Fuzz(func(t *testing.T, properties []byte) {
		for _, v := range c.Check(properties) {
			if !strings.HasPrefix(v.Field, "properties") || v.Reason == "" || len(v.Field) > maxField {
				t.Errorf("%q: %+v", properties, v)
			}
		}
	})
}
