package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// MaxViolations is how many of one touchpoint are told.
const MaxViolations = 16

// Violation is a field that is not what the contract says. The reason quotes nothing of what was sent.
type Violation struct {
	Field  string // such as properties.amount
	Reason string
}

// Check holds properties, which are a JSON object or nothing, against the contract.
func (c *Contract) Check(properties []byte) []Violation {
	if len(properties) == 0 {
		properties = []byte("{}")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(properties))
	if err != nil {
		return []Violation{{"properties", "want a JSON object"}}
	}
	// The validator computes with exact fractions: of 1e1000000 it would write out every digit.
	if at, ok := comparable(value, nil); !ok {
		return []Violation{{fieldOf(at), "a number beyond what can be compared"}}
	}
	err = c.validator.Validate(value)
	var bad *jsonschema.ValidationError
	if !errors.As(err, &bad) {
		return nil
	}
	var out []Violation
	collect(bad, &out)
	slices.SortStableFunc(out, func(a, b Violation) int { return strings.Compare(a.Field, b.Field) })
	return out[:min(len(out), MaxViolations)]
}

// comparable tells whether all numbers within a value are of a usual size, and where one is not.
func comparable(v any, at []string) (where []string, ok bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		_, exponent, _ := strings.Cut(strings.ToLower(string(v)), "e")
		e, _ := strconv.Atoi(exponent)
		return at, err == nil && !math.IsInf(f, 0) && len(v) <= 400 && e > -400 && e < 400 && len(exponent) < 6
	case map[string]any:
		for name, member := range v {
			if where, ok := comparable(member, append(slices.Clone(at), name)); !ok {
				return where, false
			}
		}
	case []any:
		for i, element := range v {
			if where, ok := comparable(element, append(slices.Clone(at), strconv.Itoa(i))); !ok {
				return where, false
			}
		}
	}
	return nil, true
}

// collect tells the violations at the leaves. Where one of several would have done, it is the whole that is wrong.
func collect(e *jsonschema.ValidationError, out *[]Violation) {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		for _, cause := range e.Causes {
			collect(cause, out)
		}
		return
	}
	at := func(name string) string { return fieldOf(append(slices.Clone(e.InstanceLocation), name)) }
	here := fieldOf(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			*out = append(*out, Violation{at(name), "missing"})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*out = append(*out, Violation{at(name), "not in the schema"})
		}
	case *kind.Type:
		*out = append(*out, Violation{here, fmt.Sprintf("want %s, got %s", strings.Join(k.Want, " or "), k.Got)})
	case *kind.Enum, *kind.Const:
		*out = append(*out, Violation{here, "none of the values that may be"})
	case *kind.Pattern:
		*out = append(*out, Violation{here, "does not match " + k.Want})
	case *kind.Format:
		*out = append(*out, Violation{here, "want the format " + k.Want})
	case *kind.FalseSchema:
		*out = append(*out, Violation{here, "not in the schema"})
	default:
		keyword := "the schema"
		if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
			keyword = path[len(path)-1]
		}
		*out = append(*out, Violation{here, "breaks " + keyword})
	}
}

// maxField bounds what a note says of names that somebody sent.
const maxField = 200

// fieldOf writes a path as a field.
func fieldOf(path []string) string {
	field := strings.Join(append([]string{"properties"}, path...), ".")
	if len(field) > maxField {
		field = strings.ToValidUTF8(field[:maxField], "")
	}
	return field
}
