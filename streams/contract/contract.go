// Package contract holds the properties of touchpoints against what a workspace agreed with those who send them: a JSON Schema per
// kind, in versions of which each takes what the one before took.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/throughline/throughline/schemas/workspace"
)

// ErrBadSchema is wrapped by the errors of Compile.
var ErrBadSchema = errors.New("bad schema")

// MaxSchema is how long a schema may be, in bytes.
const MaxSchema = 64 << 10

// Contract is one version of what is agreed about a kind. It never changes: it is safe for concurrent use.
type Contract struct {
	workspace.Contract
	validator *jsonschema.Schema
	name      string
}

// Compile reads a contract. The error is ErrBadSchema: the schema is no JSON Schema (draft 2020-12 unless it names another), refers to
// another document, or is about something that is no object.
func Compile(c workspace.Contract) (*Contract, error) {
	if len(c.Schema) > MaxSchema {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrBadSchema, len(c.Schema), MaxSchema)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSchema, err)
	}
	root, ok := document.(map[string]any)
	if !ok || !slices.Equal(names(root["type"]), []string{"object"}) {
		return nil, fmt.Errorf(`%w: want an object with "type": "object", because properties are one`, ErrBadSchema)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	const here = "contract.json"
	if err := compiler.AddResource(here, document); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSchema, err)
	}
	validator, err := compiler.Compile(here)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSchema, err)
	}
	return &Contract{c, validator, c.Name()}, nil
}

// noLoader keeps a schema from reading files and other servers.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: a schema refers to nothing outside of itself", url)
}

// Same tells whether another schema says the same, however it is written.
func (c *Contract) Same(schema []byte) bool {
	var a, b bytes.Buffer
	return json.Compact(&a, c.Schema) == nil && json.Compact(&b, schema) == nil && bytes.Equal(a.Bytes(), b.Bytes())
}

// String is kind@version.
func (c *Contract) String() string { return c.name }

// Set is the contracts of a workspace. It never changes: Add makes another.
type Set struct {
	kinds map[string][]*Contract // by kind, in the order of versions
}

// Of is the contract in force about a kind; nil when there is none.
func (s *Set) Of(kind string) *Contract {
	if s == nil {
		return nil
	}
	if all := s.kinds[kind]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// Versions are all contracts about a kind, the oldest first.
func (s *Set) Versions(kind string) []*Contract {
	if s == nil {
		return nil
	}
	return s.kinds[kind]
}

// Kinds are those that have contracts, in order.
func (s *Set) Kinds() []string {
	if s == nil {
		return nil
	}
	kinds := make([]string, 0, len(s.kinds))
	for kind := range s.kinds {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Add is the set with one more contract. Of two with one version the first that comes counts, and one that skips a version is
// none: added is then false, and the set is the same.
func (s *Set) Add(c *Contract) (with *Set, added bool) {
	if c.Version != len(s.Versions(c.Kind))+1 {
		return s, false
	}
	with = &Set{kinds: map[string][]*Contract{}}
	if s != nil {
		for kind, all := range s.kinds {
			with.kinds[kind] = all
		}
	}
	with.kinds[c.Kind] = append(slices.Clone(with.kinds[c.Kind]), c)
	return with, true
}

// ByWorkspace knows the contracts of each workspace.
type ByWorkspace interface {
	Contracts(workspace string) *Set
}

// None are the contracts of workspaces that have agreed on nothing.
type None struct{}

// Contracts is nil.
func (None) Contracts(string) *Set { return nil }
