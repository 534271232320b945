package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Break is something that the version before took and the next would not.
type Break struct {
	Field  string // such as properties.amount
	Reason string
}

// Breaks are why the next schema would not take everything that the one before took (backward compatibility); none when it does. Names
// that the one before does not mention are taken for unused. Where it cannot be told, it is a break: about keywords that combine
// schemas nothing is known but that they are the same. Both are schemas that Compile took.
func Breaks(before, next []byte) []Break {
	a, errA := jsonschema.UnmarshalJSON(bytes.NewReader(before))
	b, errB := jsonschema.UnmarshalJSON(bytes.NewReader(next))
	if errA != nil || errB != nil {
		return []Break{{"properties", "one of both is no JSON"}}
	}
	var c comparison
	c.schemas(nil, a, b)
	slices.SortStableFunc(c.breaks, func(a, b Break) int {
		return bytes.Compare([]byte(a.Field), []byte(b.Field))
	})
	return c.breaks
}

type comparison struct{ breaks []Break }

func (c *comparison) add(at []string, format string, args ...any) {
	c.breaks = append(c.breaks, Break{fieldOf(at), fmt.Sprintf(format, args...)})
}

func (c *comparison) schemas(at []string, before, next any) {
	if next == true || before == false {
		return
	}
	b, okB := next.(map[string]any)
	if !okB {
		c.add(at, "was allowed, and is not any more")
		return
	}
	a, _ := before.(map[string]any) // true is the empty schema
	c.types(at, a, b)
	c.values(at, a, b)
	c.bounds(at, a, b)
	c.objects(at, a, b)
	c.lists(at, a, b)
	c.others(at, a, b)
}

func (c *comparison) types(at []string, a, b map[string]any) {
	was, is := names(a["type"]), names(b["type"])
	if is == nil {
		return
	}
	if was == nil {
		for _, v := range choices(a) {
			was = append(was, typeOf(v))
		}
	}
	if was == nil {
		c.add(at, "was of any type, and is %s", join(is))
		return
	}
	for _, one := range was {
		if !slices.Contains(is, one) && !(one == "integer" && slices.Contains(is, "number")) {
			c.add(at, "was %s, and is %s", join(was), join(is))
			return
		}
	}
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if n, ok := number(v); ok && n.IsInt() {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// values compares which values may be: enum, and const as an enum of one.
func (c *comparison) values(at []string, a, b map[string]any) {
	was, is := choices(a), choices(b)
	if is == nil {
		return
	}
	if was == nil {
		c.add(at, "took any value, and takes %d", len(is))
		return
	}
	for _, v := range was {
		if !slices.ContainsFunc(is, func(other any) bool { return reflect.DeepEqual(v, other) }) {
			text, _ := json.Marshal(v)
			c.add(at, "took %s, and does not any more", text)
		}
	}
}

func choices(s map[string]any) []any {
	if v, ok := s["const"]; ok {
		return []any{v}
	}
	list, _ := s["enum"].([]any)
	return list
}

// bounds compares what a bound further out, or none, makes wider.
func (c *comparison) bounds(at []string, a, b map[string]any) {
	for keyword, upper := range map[string]bool{
		"minimum": false, "exclusiveMinimum": false, "minLength": false, "minItems": false, "minProperties": false,
		"maximum": true, "exclusiveMaximum": true, "maxLength": true, "maxItems": true, "maxProperties": true,
	} {
		is, bounded := number(b[keyword])
		if !bounded {
			continue
		}
		was, wasBounded := number(a[keyword])
		if !wasBounded {
			if is.Sign() == 0 && (keyword == "minLength" || keyword == "minItems" || keyword == "minProperties") {
				continue
			}
			c.add(at, "had no %s, and has %s", keyword, b[keyword])
		} else if order := is.Cmp(was); upper && order < 0 || !upper && order > 0 {
			c.add(at, "%s was %s, and is %s", keyword, a[keyword], b[keyword])
		}
	}
	for _, keyword := range []string{"pattern", "format", "multipleOf"} {
		if is, ok := b[keyword]; ok && !reflect.DeepEqual(a[keyword], is) {
			c.add(at, "%s is another: %v", keyword, is)
		}
	}
	if b["uniqueItems"] == true && a["uniqueItems"] != true {
		c.add(at, "elements could be there twice, and cannot any more")
	}
}

func (c *comparison) objects(at []string, a, b map[string]any) {
	was, is := names(a["required"]), names(b["required"])
	for _, name := range is {
		if !slices.Contains(was, name) {
			c.add(below(at, name), "is required now; what was sent before need not have it")
		}
	}
	before, _ := a["properties"].(map[string]any)
	next, _ := b["properties"].(map[string]any)
	otherwise, closed := b["additionalProperties"]
	for name, s := range before {
		if to, ok := next[name]; ok {
			c.schemas(below(at, name), s, to)
		} else if closed && s != false {
			if otherwise == false {
				c.add(below(at, name), "is gone, and other names are not allowed")
			} else {
				c.schemas(below(at, name), s, otherwise)
			}
		}
	}
	if open, ok := a["additionalProperties"].(map[string]any); ok {
		for name, s := range next {
			if _, known := before[name]; !known {
				c.schemas(below(at, name), open, s)
			}
		}
	}
	if !closed {
		return
	}
	// Names that neither mentions.
	if open, ok := a["additionalProperties"]; !ok || open == true {
		if otherwise != true {
			c.add(at, "other names were allowed, and are not as before")
		}
	} else if otherwise != true {
		c.schemas(below(at, "*"), open, otherwise)
	}
}

func (c *comparison) lists(at []string, a, b map[string]any) {
	is, ok := b["items"]
	if !ok {
		return
	}
	was, ok := a["items"]
	if !ok {
		was = true
	}
	c.schemas(below(at, "*"), was, is)
}

// understood are the keywords that are compared above, and those that say nothing about what is valid.
var understood = map[string]bool{
	"type": true, "enum": true, "const": true, "minimum": true, "exclusiveMinimum": true, "minLength": true, "minItems": true, "minProperties": true,
	"maximum": true, "exclusiveMaximum": true, "maxLength": true, "maxItems": true, "maxProperties": true, "pattern": true, "format": true,
	"multipleOf": true, "uniqueItems": true, "required": true, "properties": true, "additionalProperties": true, "items": true,
	"title": true, "description": true, "default": true, "examples": true, "$comment": true, "deprecated": true, "readOnly": true, "writeOnly": true,
}

func (c *comparison) others(at []string, a, b map[string]any) {
	for _, s := range []map[string]any{a, b} {
		for keyword := range s {
			if !understood[keyword] && !reflect.DeepEqual(a[keyword], b[keyword]) {
				c.add(at, "%s has changed, of which nobody can tell whether it still takes what it took", keyword)
				return
			}
		}
	}
}

func below(at []string, name string) []string { return append(slices.Clone(at), name) }

// names is a text, or a list of texts, as a list.
func names(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

func join(all []string) string {
	out := all[0]
	for _, one := range all[1:] {
		out += " or " + one
	}
	return out
}

func number(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok || len(n) > 40 {
		return nil, false
	}
	return new(big.Rat).SetString(string(n))
}
