package contract

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of what is inferred.
const (
	maxNames   = 200 // of one object: more are values rather than names
	maxDepth   = 8
	maxChoices = 8  // of texts that look like a choice
	perChoice  = 10 // samples for each
)

// Infer proposes a schema that takes all samples, which are JSON objects: the types of what was seen, required what was always there,
// and as a choice what was one of few texts again and again. It is where to begin, and is to be read before it is agreed on.
func Infer(samples [][]byte) json.RawMessage {
	seen := &shape{}
	for _, sample := range samples {
		if v, err := jsonschema.UnmarshalJSON(bytes.NewReader(sample)); err == nil {
			seen.add(v, 0)
		}
	}
	schema := seen.schema()
	schema["type"] = "object"
	out, err := json.Marshal(schema)
	if err != nil {
		panic(err) // of texts and lists
	}
	return out
}

// shape is what was seen at a place.
type shape struct {
	count   int
	types   map[string]int
	members map[string]*shape
	wide    bool // too many names, or too deep
	items   *shape
	texts   map[string]int // nil when there were too many
	many    bool
	formats map[string]int
}

func (s *shape) add(v any, depth int) {
	s.count++
	if s.types == nil {
		s.types, s.members, s.texts, s.formats = map[string]int{}, map[string]*shape{}, map[string]int{}, map[string]int{}
	}
	switch v := v.(type) {
	case nil:
		s.types["null"]++
	case bool:
		s.types["boolean"]++
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			s.types["number"]++
		} else {
			s.types["integer"]++
		}
	case string:
		s.types["string"]++
		s.text(v)
	case []any:
		s.types["array"]++
		if s.items == nil {
			s.items = &shape{}
		}
		if depth == maxDepth {
			s.wide = true
			return
		}
		for _, element := range v {
			s.items.add(element, depth+1)
		}
	case map[string]any:
		s.types["object"]++
		if depth == maxDepth {
			s.wide = true
			return
		}
		for name, member := range v {
			if s.members[name] == nil {
				if len(s.members) == maxNames {
					s.wide = true
					continue
				}
				s.members[name] = &shape{}
			}
			s.members[name].add(member, depth+1)
		}
	}
}

// word is a text that may be one of a choice: no words of people, and no numbers.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z_.-]{0,31}$`)

func (s *shape) text(v string) {
	if !s.many {
		if s.texts[v]++; len(s.texts) > maxChoices || !word.MatchString(v) {
			s.texts, s.many = nil, true
		}
	}
	for name, fits := range formats {
		if fits(v) {
			s.formats[name]++
		}
	}
}

var formats = map[string]func(string) bool{
	"date-time": func(v string) bool {
		_, err := time.Parse(time.RFC3339, v)
		return err == nil && strings.Contains(v, "T")
	},
	"date": func(v string) bool { _, err := time.Parse(time.DateOnly, v); return err == nil },
}

func (s *shape) schema() map[string]any {
	out := map[string]any{}
	types := slices.Sorted(maps.Keys(s.types))
	if s.types["number"] > 0 {
		types = slices.DeleteFunc(types, func(t string) bool { return t == "integer" })
	}
	switch len(types) {
	case 0:
	case 1:
		out["type"] = types[0]
	default:
		out["type"] = types
	}
	if n := s.types["string"]; n > 0 && len(types) == 1 {
		if !s.many && n >= perChoice*len(s.texts) {
			out["enum"] = slices.Sorted(maps.Keys(s.texts))
		}
		for name, fits := range s.formats {
			if fits == n {
				out["format"] = name
			}
		}
	}
	if len(s.members) > 0 && !s.wide {
		properties, required := map[string]any{}, []string{}
		for name, m := range s.members {
			properties[name] = m.schema()
			if m.count == s.types["object"] {
				required = append(required, name)
			}
		}
		out["properties"] = properties
		if len(required) > 0 {
			slices.Sort(required)
			out["required"] = required
		}
	}
	if s.items != nil && s.items.count > 0 && !s.wide {
		out["items"] = s.items.schema()
	}
	return out
}
