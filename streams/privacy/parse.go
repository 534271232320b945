package privacy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/throughline/throughline/streams/yamlline"
)

// ErrBadPolicy is wrapped by the errors of Parse, which name line and field.
var ErrBadPolicy = errors.New("bad privacy rules")

// Limits of a policy.
const (
	MaxYAML   = 64 << 10
	MaxFields = 200
	maxDepth  = 16 // names in a path
)

type document struct {
	Find   *[]documentFind `yaml:"find"`
	Fields []documentField `yaml:"fields"`
}

type documentFind struct {
	What string   `yaml:"what"`
	In   []string `yaml:"in"`
}

type documentField struct {
	Field string `yaml:"field"`
	Do    Action `yaml:"do"`
}

// Fields that are words, and those of them that a rule about a field may name.
var words = []string{"subject", "text", "actor.name", "tags", "topic", "team", "account"}
var named = append([]string{"actor.id"}, words...)

// identifierType is what a touchpoint takes for one.
var identifierType = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// Parse reads a policy from YAML; the error names line and field.
func Parse(data []byte) (*Policy, error) {
	if len(data) > MaxYAML {
		return nil, fmt.Errorf("%w: line 1: want at most %d bytes, got %d", ErrBadPolicy, MaxYAML, len(data))
	}
	var d document
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&d); err != nil {
		return nil, unreadable(err)
	}
	if d.Find == nil {
		d.Find = &[]documentFind{{Card, []string{"subject", "text"}}, {IBAN, []string{"subject", "text"}}}
	}
	p := &Policy{yaml: bytes.Clone(data), find: map[string]numbers{}, fields: map[string]Action{}, types: map[string]Action{}}
	if field, err := p.compile(*d.Find, d.Fields); err != nil {
		return nil, fmt.Errorf("%w: line %d: %s: %w", ErrBadPolicy, yamlline.Of(data, field), field, err)
	}
	return p, nil
}

func (p *Policy) compile(find []documentFind, fields []documentField) (field string, err error) {
	if len(find) > MaxFields {
		return "find", fmt.Errorf("want at most %d", MaxFields)
	}
	if len(fields) > MaxFields {
		return "fields", fmt.Errorf("want at most %d", MaxFields)
	}
	for i, f := range find {
		if field, err := p.compileFind(f); err != nil {
			return fmt.Sprintf("find[%d].%s", i, field), err
		}
	}
	for i, f := range fields {
		if field, err := p.compileField(f); err != nil {
			return fmt.Sprintf("fields[%d].%s", i, field), err
		}
	}
	for _, name := range named {
		if do, find := p.fields[name], p.find[name]; (do != "" || find != 0) && name != "tags" {
			p.texts = append(p.texts, text{name, do, find})
		}
	}
	p.letter = p.letterTree()
	return "", nil
}

func (p *Policy) compileFind(f documentFind) (field string, err error) {
	var what numbers
	switch f.What {
	case Card:
		what = cards
	case IBAN:
		what = ibans
	default:
		return "what", fmt.Errorf("%q: want card or iban", f.What)
	}
	if len(f.In) == 0 || len(f.In) > MaxFields {
		return "in", fmt.Errorf("want 1 to %d fields", MaxFields)
	}
	for i, name := range f.In {
		if path, ok := propertyPath(name); ok {
			n := p.property(path)
			n.find |= what
			n.finds = name
		} else if slices.Contains(words, name) {
			p.find[name] |= what
		} else {
			return fmt.Sprintf("in[%d]", i), fmt.Errorf("%q: want properties, properties.NAME or one of %s", name, strings.Join(words, ", "))
		}
		p.all |= what
	}
	return "", nil
}

func (p *Policy) compileField(f documentField) (field string, err error) {
	switch f.Do {
	case Drop, Hash, Mask:
	default:
		return "do", fmt.Errorf("%q: want drop, hash or mask", f.Do)
	}
	p.ruled = append(p.ruled, f.Field)
	p.hashes = p.hashes || f.Do == Hash
	path, ok := propertyPath(f.Field)
	typ, isType := strings.CutPrefix(f.Field, "identifiers.")
	switch {
	case ok && len(path) > 0:
		n := p.property(path)
		if n.do != "" {
			return "field", fmt.Errorf("%q is there twice", f.Field)
		}
		n.do, n.path = f.Do, f.Field
	case isType:
		switch {
		case !identifierType.MatchString(typ):
			return "field", fmt.Errorf("%q: want the name of an identifier's type behind identifiers., such as passport", f.Field)
		case f.Do == Mask:
			return "do", errors.New("an identifier that is masked would be another customer's too: want drop or hash")
		case p.types[typ] != "":
			return "field", fmt.Errorf("%q is there twice", f.Field)
		}
		p.types[typ] = f.Do
	case slices.Contains(named, f.Field):
		if p.fields[f.Field] != "" {
			return "field", fmt.Errorf("%q is there twice", f.Field)
		}
		p.fields[f.Field] = f.Do
	default:
		return "field", fmt.Errorf("%q: want properties.NAME, identifiers.TYPE or one of %s", f.Field, strings.Join(named, ", "))
	}
	return "", nil
}

// propertyPath are the names behind properties; none are all properties.
func propertyPath(field string) (path []string, ok bool) {
	path = strings.Split(field, ".")
	if path[0] != "properties" || len(path) > maxDepth || slices.Contains(path, "") || len(field) > 512 {
		return nil, false
	}
	return path[1:], true
}

// property is the node of a path within properties, made where it is not there.
func (p *Policy) property(path []string) *node {
	if p.tree == nil {
		p.tree = &node{}
	}
	n := p.tree
	for _, name := range path {
		if n.members == nil {
			n.members = map[string]*node{}
		}
		if n.members[name] == nil {
			n.members[name] = &node{}
		}
		n = n.members[name]
	}
	return n
}

// unreadable says in one line where the YAML is none, or not what a policy is made of.
func unreadable(err error) error {
	var bad yaml.Error
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: line 1: there is nothing in it; find: [] looks for nothing", ErrBadPolicy)
	case !errors.As(err, &bad) || bad.GetToken() == nil || bad.GetToken().Position == nil:
		return fmt.Errorf("%w: line 1: %w", ErrBadPolicy, err)
	}
	return fmt.Errorf("%w: line %d: %s: %s", ErrBadPolicy, bad.GetToken().Position.Line, bad.GetToken().Value, bad.GetMessage())
}
