package identity

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
)

func rulesSchema(t *testing.T) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(identity.RulesSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("rules.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDefaultRulesFitTheSchema(t *testing.T) {
	text, err := yaml.YAMLToJSON(defaultRules)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := rulesSchema(t).Validate(doc); err != nil {
		t.Error(err)
	}
}

// Each field that is read stands in the schema, and no other.
func TestSchemaHasTheFieldsOfRules(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(identity.RulesSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var compare func(path string, schema map[string]any, of reflect.Type)
	compare = func(path string, schema map[string]any, of reflect.Type) {
		switch of.Kind() {
		case reflect.Slice:
			if items, ok := schema["items"].(map[string]any); ok {
				compare(path+"[]", items, of.Elem())
			}
		case reflect.Struct:
			properties, _ := schema["properties"].(map[string]any)
			fields := map[string]reflect.Type{}
			for i := range of.NumField() {
				if name, ok := of.Field(i).Tag.Lookup("yaml"); ok {
					fields[name] = of.Field(i).Type
				}
			}
			if got, want := slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
				t.Errorf("%s has %v in the schema, and %v are read", path, got, want)
			}
			for name, field := range fields {
				if property, ok := properties[name].(map[string]any); ok {
					compare(path+"."+name, property, field)
				}
			}
		}
	}
	compare("", schema, reflect.TypeFor[Rules]())
}

// words are what a field may be and what it may not be.
type words struct{ good, bad []any }

func object(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

type list = []any

var (
	domains  = words{list{list{}, list{"gm.example", "Bücher.example"}}, list{list{""}, list{"a b"}, list{"@x"}, list{1}, "x", nil}}
	patterns = words{list{list{}, list{"-1", "Noreply@*"}, list{"*a*", "ä b"}}, list{list{""}, list{"*"}, list{" ** "}, list{1}, list{true}, "x", nil, object()}}
	mostly   = words{list{0, 1, 60_000}, list{-1, 60_001, 1.5, "1", true, nil, list{}}}
	caps     = words{list{2, 60_000}, list{0, 1, 60_001, 2.5, "2", nil}}

	ruleWords = map[string]words{
		"regions":         {list{list{"DE"}, list{"CH", "NO"}}, list{list{}, list{"de"}, list{"Germany"}, list{1}, "DE", nil}},
		"max_identifiers": caps,
		"max_thread":      caps,
		"blocked":         patterns,
		"types":           {nil, list{list{}, object(), nil, "email", list{"email"}, list{nil}}},
		"email":           {nil, list{list{}, "gm.example", nil, object("dot", list{})}},
	}
	emailWords = map[string]words{
		"aliases":   {list{object(), object("gm.example", "mail.example", "bücher.example", "Mail.example")}, list{object("a b", "c.example"), object("a.example", ""), object("a.example", 1), list{}, "x"}},
		"plus_tags": domains,
		"dots":      domains,
	}
	typeWords = map[string]words{
		"name":      {list{"email", "a", "a-b_c9"}, list{"", "Email", "9a", "a.b", "thread", "touchpoint", "claimed:email", "ä", strings.Repeat("a", 65), 7, nil, list{}}},
		"normalise": {list{"plain", "lower", "email", "phone", "handle", "uuid"}, list{"soundex", "Plain", 1, nil}},
		"max":       mostly,
		"share":     mostly,
		"verified":  {list{object(), object("default", true), object("default", false, "channels", object("chat", true), "sources", object("a: b", false))}, list{true, list{}, nil, object("default", "yes"), object("default", 1), object("channels", object("chat", 1)), object("more", true)}},
		"blocked":   patterns,
		"allowed":   patterns,
	}
)

func drawObject(t *rapid.T, fields map[string]words, required ...string) map[string]any {
	m := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		w := fields[name]
		switch dice := rapid.IntRange(0, 79).Draw(t, name); {
		case dice == 53:
			m[name] = rapid.SampledFrom(w.bad).Draw(t, "bad "+name)
		case dice == 37, dice > 40 && !slices.Contains(required, name):
		case w.good != nil:
			m[name] = rapid.SampledFrom(w.good).Draw(t, "good "+name)
		case name == "email":
			m[name] = drawObject(t, emailWords)
		case name == "types":
			types := make(list, rapid.IntRange(1, 3).Draw(t, "types"))
			for i := range types {
				types[i] = drawObject(t, typeWords, "name")
			}
			m[name] = types
		}
	}
	if rapid.IntRange(0, 79).Draw(t, "typo") == 53 {
		m["typo"] = 1
	}
	return m
}

// beyond are the reasons that a schema cannot give.
var beyond = regexp.MustCompile(`is there twice|is not a region|is not a domain|is an alias itself|which is one itself`)

// What the schema takes is read, and what it refuses is not, but for what it cannot say.
func TestSchemaAgreesWithParseRules(t *testing.T) {
	schema := rulesSchema(t)
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(drawObject(t, ruleWords, "regions", "max_identifiers", "max_thread", "types"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		invalid := schema.Validate(doc)
		_, err = ParseRules(text) // JSON is YAML
		switch {
		case invalid == nil && err != nil && !beyond.MatchString(err.Error()):
			t.Fatalf("%s fits the schema, and is refused: %v", text, err)
		case invalid != nil && err == nil:
			t.Fatalf("%s is read, and does not fit: %v", text, invalid)
		case err == nil:
			good++
		}
	})
	if good == 0 {
		t.Error("nothing was good")
	}
}
