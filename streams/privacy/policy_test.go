package privacy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/touchpoint"
)

func policy(t testing.TB, yaml string) *Policy {
	t.Helper()
	p, err := Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return p.WithSecret([]byte("a secret"))
}

func TestDefault(t *testing.T) {
	for _, p := range []*Policy{Default(), policy(t, "fields: []")} {
		one := touchpoint.Touchpoint{Subject: "4111 1111 1111 1111", Text: "DE89 3704 0044 0532 0130 00", Topic: "4111111111111111",
			Properties: []byte(`{"order":"4111111111111111"}`)}
		if err := p.Apply(&one, nil); err != nil {
			t.Fatal(err)
		}
		if one.Subject != "**** **** **** 1111" || one.Text != "DE** **** **** **** **30 00" || one.Topic != "4111111111111111" || string(one.Properties) != `{"order":"4111111111111111"}` {
			t.Errorf("%+v", one)
		}
		want := []touchpoint.Note{{About: "privacy", Rule: "card", Field: "subject"}, {About: "privacy", Rule: "iban", Field: "text"}}
		if !reflect.DeepEqual(one.Notes, want) {
			t.Errorf("notes %+v", one.Notes)
		}
	}
	off := touchpoint.Touchpoint{Text: "4111 1111 1111 1111"}
	if err := policy(t, "find: []").Apply(&off, nil); err != nil || off.Text != "4111 1111 1111 1111" || off.Notes != nil {
		t.Errorf("find: [] finds %+v, %v", off, err)
	}
}

const many = `
find:
  - {what: card, in: [text, tags, properties.notes, properties.lines.words]}
  - {what: iban, in: [properties]}
fields:
  - {field: actor.name, do: hash}
  - {field: team, do: drop}
  - {field: account, do: mask}
  - {field: properties.passport, do: drop}
  - {field: properties.customer.mail, do: hash}
  - {field: properties.lines.serial, do: mask}
  - {field: identifiers.passport, do: drop}
  - {field: identifiers.email, do: hash}
`

func lower(id touchpoint.Identifier) (touchpoint.Identifier, error) {
	if id.Value == "bad" {
		return id, errors.New(`"bad" is no address`)
	}
	id.Value = strings.ToLower(id.Value)
	return id, nil
}

func TestEveryRule(t *testing.T) {
	p := policy(t, many)
	one := touchpoint.Touchpoint{
		Text: "4111111111111111", Tags: []string{"vip", "4111111111111111"}, Team: "second", Account: "Acme 7-a", Subject: "4111111111111111",
		Actor:       touchpoint.Actor{Name: "Anna"},
		Identifiers: []touchpoint.Identifier{{Type: "passport", Value: "P1"}, {Type: "email", Value: "A@B.de"}, {Type: "phone", Value: "1"}},
		Properties: []byte(`{"passport": "P1", "notes" : {"a":[4111111111111111,"4111\u0020111111111111"]}, "customer":{"mail":"x@y.de","n":1},
 "lines":[{"serial":"AB-12","words":"4111111111111111","keep": 1.50},{"serial":17}], "bank":"DE89370400440532013000", "plain":  [1,  null]}`),
	}
	again := touchpoint.Touchpoint{Identifiers: []touchpoint.Identifier{{Type: "email", Value: "A@B.de"}}}
	if err := p.Apply(&one, lower); err != nil {
		t.Fatal(err)
	}
	mail := p.hash("properties.customer.mail", "x@y.de")
	want := `{ "notes" :{"a":["************1111","**** ********1111"]}, "customer":{"mail":"` + mail + `","n":1},
 "lines":[{"serial":"**-**","words":"************1111","keep":1.50},{"serial":"**"}], "bank":"DE****************3000", "plain":[1,null]}`
	if canonical(t, one.Properties) != canonical(t, []byte(want)) {
		t.Errorf("properties %s\nwant       %s", one.Properties, want)
	}
	if !bytes.Contains(one.Properties, []byte("1.50")) {
		t.Error("a number was written anew")
	}
	if one.Text != "************1111" || one.Tags[1] != "************1111" || one.Team != "" || one.Account != "**** *-*" || one.Subject != "4111111111111111" {
		t.Errorf("%+v", one)
	}
	hashed := p.hash("identifiers.email", "a@b.de")
	if ids := one.Identifiers; ids[0].Value != "" || ids[1].Value != hashed || ids[2].Value != "1" || !isHash(hashed) || !isHash(one.Actor.Name) {
		t.Errorf("identifiers %+v, actor %+v", one.Identifiers, one.Actor)
	}
	if p.Identifier(touchpoint.Identifier{Type: "email", Value: "a@b.de"}).Value != hashed {
		t.Error("who looks for an address does not find its hash")
	}
	if same, err := p.Normalise(lower)(touchpoint.Identifier{Type: "email", Value: hashed}); err != nil || same.Value != hashed {
		t.Errorf("a hash is normalised to %q, %v", same.Value, err)
	}
	if len(one.Notes) != 13 {
		t.Errorf("%d notes: %+v", len(one.Notes), one.Notes)
	}
	first := one
	first.Notes = nil
	if err := p.Apply(&one, p.Normalise(lower)); err != nil {
		t.Fatal(err)
	}
	if one.Notes = nil; !reflect.DeepEqual(one, first) {
		t.Errorf("done twice it is %+v, and not %+v", one, first)
	}
	if err := p.WithSecret([]byte("another")).Apply(&again, lower); err != nil || again.Identifiers[0].Value == hashed {
		t.Errorf("two secrets make one hash: %v", err)
	}
	if bad := (touchpoint.Touchpoint{Identifiers: []touchpoint.Identifier{{Type: "email", Value: "bad"}}}); p.Apply(&bad, lower) == nil {
		t.Error("what does not normalise is hashed")
	}
}

func canonical(t testing.TB, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// Without a secret a hash would be a riddle that anybody can solve: nothing is kept.
func TestNoSecretNoHash(t *testing.T) {
	p, err := Parse([]byte(many))
	if err != nil || !p.Hashes() || Default().Hashes() {
		t.Fatal(err)
	}
	one := touchpoint.Touchpoint{Actor: touchpoint.Actor{Name: "Anna"}, Identifiers: []touchpoint.Identifier{{Type: "email", Value: "a@b.de"}},
		Properties: []byte(`{"customer":{"mail":"x@y.de"}}`)}
	if err := p.Apply(&one, lower); err != nil || one.Actor.Name != "" || one.Identifiers[0].Value != "" || string(one.Properties) != `{"customer":{}}` {
		t.Errorf("%+v %s %v", one, one.Properties, err)
	}
}

func TestBadPolicies(t *testing.T) {
	for yaml, want := range map[string]string{
		"":                                                  "line 1",
		"find: 7":                                           "line 1",
		"\nfinds: []":                                       "line 2",
		"find:\n  - {what: cvv, in: [text]}":                "line 2: find[0].what",
		"find:\n  - {what: card}":                           "line 2: find[0].in",
		"find:\n  - {what: card, in: [id]}":                 "line 2: find[0].in[0]",
		"fields:\n\n  - {field: text, do: burn}":            "line 3: fields[0].do",
		"fields:\n  - {field: id, do: drop}":                "line 2: fields[0].field",
		"fields:\n  - {field: properties, do: drop}":        "line 2: fields[0].field",
		"fields:\n  - {field: properties..a, do: drop}":     "line 2: fields[0].field",
		"fields:\n  - {field: identifiers.email, do: mask}": "line 2: fields[0].do",
		"fields:\n  - {field: identifiers.E, do: drop}":     "line 2: fields[0].field",
		"fields:\n  - {field: team, do: drop}\n  - {field: team, do: mask}":                            "line 3: fields[1].field",
		"fields:\n  - {field: properties.a, do: drop}\n  - {field: properties.a, do: mask}":            "line 3: fields[1].field",
		"fields:\n  - {field: identifiers.a, do: drop}\n  - {field: identifiers.a, do: hash}":          "line 3: fields[1].field",
		"fields: [" + strings.Repeat("{field: text, do: drop},", MaxFields+1) + "]":                    "fields: want at most",
		"# " + strings.Repeat("x", MaxYAML):                                                            "at most",
		"fields:\n  - {field: properties" + strings.Repeat(".a", maxDepth) + ", do: drop}":             "line 2: fields[0].field",
		"find:\n  - {what: card, in: [" + strings.Repeat("properties.a.b.c.d, ", MaxFields) + "text]}": "line 2: find[0].in",
	} {
		_, err := Parse([]byte(yaml))
		if !errors.Is(err, ErrBadPolicy) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", yaml, err, want)
		}
	}
}

// What is kept of a refused touchpoint has nothing that would not be kept of a good one.
func TestLetters(t *testing.T) {
	plain, ruled := Default(), policy(t, many)
	const card = "4111111111111111"
	for name, text := range map[string]string{
		"touchpoint":   `{"text":"` + card + `"}`,
		"escaped":      `{"text":"\u0034111111111111111"}`,
		"number":       `{"text":` + card + `}`,
		"object":       `{"text":{"deep":["` + card + `"]}}`,
		"twice":        `{"text":"","text":"` + card + `"}`,
		"unknown":      `{"txt":"` + card + `"}`,
		"unknown deep": `{"actor":{"nmae":"` + card + `"}}`,
		"event":        `{"specversion":"1.0","id":"x","data":{"text":"` + card + `"}}`,
		"in base64":    `{"specversion":"1.0","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(`{"text":"`+card+`"}`)) + `"}`,
		"list":         `[{"text":"` + card + `"}]`,
		"broken":       `{"text":"` + card + `"`,
		"no JSON":      "\xff" + card,
	} {
		for _, p := range []*Policy{plain, ruled} {
			kept := p.Letter([]byte(text), lower)
			if bytes.Contains(kept, []byte("4111")) || bytes.Contains(kept, []byte(base64.StdEncoding.EncodeToString([]byte(`{"text":"411`)))) || bytes.Contains(kept, []byte(`\u0034`)) {
				t.Errorf("%s: %s", name, kept)
			}
			if again := p.Letter(kept, lower); !bytes.Equal(again, kept) {
				t.Errorf("%s: done twice it is %s", name, again)
			}
		}
	}
	secret := `{"id":"a","actor":{"name":"Anna"},"team":"second","propertis":{"passport":"P1"},"properties":{"passport":"P1","plain": 1},
"identifiers":[{"type":"passport","value":"P1"},{"typ":"passport","value":"P1"},{"type":"email","value":"A@b.de"},{"type":"phone","valu":"P1","value":"+49"}]}`
	kept := string(ruled.Letter([]byte(secret), lower))
	for _, gone := range []string{"Anna", "second", "P1", "A@b.de"} {
		if strings.Contains(kept, gone) {
			t.Errorf("%s is in %s", gone, kept)
		}
	}
	for _, there := range []string{`"id":"a"`, `"plain":1`, ruled.hash("identifiers.email", "a@b.de"), `"+49"`} {
		if !strings.Contains(strings.ReplaceAll(kept, " ", ""), there) {
			t.Errorf("%s is not in %s", there, kept)
		}
	}
	if left := ruled.Letter([]byte(`{"broken`), lower); left != nil {
		t.Errorf("of what cannot be read is kept %s", left)
	}
	fine := []byte(`{"id": "4111111111111111",  "thread":["order:4111111111111111"]}`)
	if kept := plain.Letter(fine, lower); &kept[0] != &fine[0] {
		t.Errorf("what no rule is about became %s", kept)
	}
}

func TestReasons(t *testing.T) {
	p := policy(t, many)
	for field, hidden := range map[string]bool{
		"actor.name": true, "identifiers[0].value": true, "properties.customer": true, "properties.customer.mail": true, "team": true,
		"kind": false, "teams": false, "": false,
	} {
		kept := p.Reason(field, `"Anna" is not right, 4111 1111 1111 1111`)
		if strings.Contains(kept, "Anna") == hidden || strings.Contains(kept, "4111") {
			t.Errorf("%s: %s", field, kept)
		}
	}
}

// anyJSON draws a value of JSON; names are few, so that rules meet them.
func anyJSON(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return strings.ToValidUTF8(anyWords(t), "?") // else json.Marshal writes an escape, and the character itself when it writes what it read
	case 1:
		return json.Number(rapid.SampledFrom([]string{"0", "1.5", "4111111111111111", "-4111111111111111"}).Draw(t, "number"))
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return nil
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, anyJSON(t, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"passport", "customer", "mail", "lines", "serial", "words", "notes", "x"}), rapid.ID).Draw(t, "names") {
		object[name] = anyJSON(t, depth-1)
	}
	return object
}

// slowTree does to a decoded value what the rules of many say.
func slowTree(p *Policy, v any, path string, found numbers) any {
	switch path {
	case "properties.customer.mail", "properties.lines.serial":
		do := map[string]Action{"properties.customer.mail": Hash, "properties.lines.serial": Mask}[path]
		switch x := v.(type) {
		case nil:
			return nil
		case []any:
			for i := range x {
				x[i] = slowTree(p, x[i], path, found)
			}
			return x
		case string:
			return p.value(path, do, 0, x, func(string, string) {})
		default:
			text, _ := json.Marshal(x)
			if _, object := x.(map[string]any); object && do == Mask {
				return "*"
			}
			return p.value(path, do, 0, string(text), func(string, string) {})
		}
	case "properties.notes", "properties.lines.words":
		found |= cards
	}
	switch x := v.(type) {
	case string:
		return slowly(x, found)
	case json.Number:
		if masked := slowly(string(x), found); masked != string(x) {
			return masked
		}
	case []any:
		for i := range x {
			x[i] = slowTree(p, x[i], path, found)
		}
	case map[string]any:
		for name := range x {
			if path+"."+name == "properties.passport" {
				delete(x, name)
				continue
			}
			x[name] = slowTree(p, x[name], path+"."+name, found)
		}
	}
	return v
}

func TestPropertiesAreTheirDefinition(t *testing.T) {
	p := policy(t, many)
	rapid.Check(t, func(t *rapid.T) {
		object, ok := anyJSON(t, 4).(map[string]any)
		if !ok {
			object = map[string]any{}
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		one := touchpoint.Touchpoint{Properties: text}
		if err := p.Apply(&one, lower); err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var again map[string]any
		if err := d.Decode(&again); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(slowTree(p, again, "properties", ibans))
		var got any
		g := json.NewDecoder(bytes.NewReader(one.Properties))
		g.UseNumber()
		if err := g.Decode(&got); err != nil {
			t.Fatalf("%s is no JSON: %v", one.Properties, err)
		}
		if have, _ := json.Marshal(got); string(have) != string(want) {
			t.Fatalf("%s\nis   %s\nwant %s", text, have, want)
		}
	})
}

func FuzzLetter(f *testing.F) {
	f.Add([]byte(`{"text":"4111111111111111","data":{"data_base64":"e30="},"identifiers":[{"type":"passport","value":"x"}]}`))
	f.Add([]byte(`[[1,{"actor":{"name":"x"}}]]`))
	p := policy(f, many)
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := p.Letter(data, lower)
		if again := p.Letter(kept, lower); !bytes.Equal(again, kept) {
			t.Errorf("%q becomes %q and then %q", data, kept, again)
		}
		if json.Valid(data) && len(kept) > 0 && !json.Valid(kept) {
			t.Errorf("%q becomes %q", data, kept)
		}
	})
}
