package identity

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"github.com/nyaruka/phonenumbers"

	"github.com/throughline/throughline/schemas/registry"
)

// Rules say what points at a customer and how much it may join. They are data: see identity.yaml for what each field
// means. Rules are read only once made, and safe for use by several goroutines.
type Rules struct {
	Regions        []string `yaml:"regions"` // of phone numbers without a country code, the first that fits
	MaxIdentifiers int      `yaml:"max_identifiers"`
	MaxThread      int      `yaml:"max_thread"`
	Blocked        []string `yaml:"blocked"`
	Types          []Type   `yaml:"types"` // strongest first

	schemes *registry.Registry
	types   map[string]int
	blocked blocklist
}

// Type is the rule of one type of identifier.
type Type struct {
	Name      string   `yaml:"name"`
	Normalise string   `yaml:"normalise"`
	Max       int      `yaml:"max"`
	Share     int      `yaml:"share"` // how many persons may have the same value; 0 means 1
	Verified  Verified `yaml:"verified"`
	Blocked   []string `yaml:"blocked"`

	normalise normaliser
	blocked   blocklist
}

// Verified is the default of an identifier that does not say itself whether it is verified.
type Verified struct {
	Default  bool            `yaml:"default"`
	Channels map[string]bool `yaml:"channels"`
	Sources  map[string]bool `yaml:"sources"`
}

// ErrBadRules is returned by ParseRules; the message names the line and the field.
var ErrBadRules = errors.New("identity: bad rules")

// A person's identifiers and a thread's size are counted in 16 bits.
const maxCount = 60_000

// Of phone numbers that fit nowhere every region is tried.
const maxRegions = 20

// maxTypes leaves room in a byte for the code of types that are not listed.
const maxTypes = 200

//go:embed identity.yaml
var defaultRules []byte

// DefaultRules returns the rules that ship with the product.
func DefaultRules() *Rules {
	r, err := ParseRules(defaultRules)
	if err != nil {
		panic(err) // the file is compiled in and tested
	}
	return r
}

// ParseRules reads rules from YAML. Threads are ranked by the registry that ships with the product; see WithRegistry.
// The error is ErrBadRules.
func ParseRules(data []byte) (*Rules, error) {
	r := Rules{schemes: registry.Default()}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRules, err)
	}
	if field, err := r.compile(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %s: %w", ErrBadRules, lineOf(data, field), field, err)
	}
	return &r, nil
}

// WithRegistry returns the rules with threads ranked by another registry.
func (r *Rules) WithRegistry(reg *registry.Registry) *Rules {
	out := *r
	out.schemes = reg
	return &out
}

// compile checks the rules and prepares them for use. It returns the field that is wrong.
func (r *Rules) compile() (field string, err error) {
	switch {
	case len(r.Regions) == 0 || len(r.Regions) > maxRegions:
		return "regions", fmt.Errorf("want 1 to %d regions, got %d", maxRegions, len(r.Regions))
	case r.MaxIdentifiers < 2 || r.MaxIdentifiers > maxCount:
		return "max_identifiers", fmt.Errorf("want 2 to %d, got %d", maxCount, r.MaxIdentifiers)
	case r.MaxThread < 2 || r.MaxThread > maxCount:
		return "max_thread", fmt.Errorf("want 2 to %d, got %d", maxCount, r.MaxThread)
	case len(r.Types) == 0 || len(r.Types) > maxTypes:
		return "types", fmt.Errorf("want 1 to %d types, got %d", maxTypes, len(r.Types))
	}
	if i, err := r.blocked.compile(r.Blocked); err != nil {
		return fmt.Sprintf("blocked[%d]", i), err
	}
	for i, region := range r.Regions {
		if !phonenumbers.GetSupportedRegions()[region] {
			return fmt.Sprintf("regions[%d]", i), fmt.Errorf("%q is not a region, want one such as DE", region)
		}
	}
	numbers := newPhones(r.Regions)
	r.types = make(map[string]int, len(r.Types))
	r.Types = slices.Clone(r.Types) // the receiver may be a copy of rules in use
	for i := range r.Types {
		t := &r.Types[i]
		at := func(field string) string { return fmt.Sprintf("types[%d].%s", i, field) }
		if err := checkType(t.Name); err != nil {
			return at("name"), err
		}
		if _, twice := r.types[t.Name]; twice {
			return at("name"), fmt.Errorf("%q is there twice", t.Name)
		}
		if t.Max < 0 || t.Max > maxCount {
			return at("max"), fmt.Errorf("want 0 to %d, got %d", maxCount, t.Max)
		}
		if t.Share < 0 || t.Share > maxCount {
			return at("share"), fmt.Errorf("want 0 to %d, got %d", maxCount, t.Share)
		}
		var ok bool
		if t.normalise, ok = normaliserOf(t.Normalise, numbers); !ok {
			return at("normalise"), fmt.Errorf("%q is not a normaliser, want plain, lower, email, phone, handle or uuid", t.Normalise)
		}
		if j, err := t.blocked.compile(t.Blocked); err != nil {
			return at(fmt.Sprintf("blocked[%d]", j)), err
		}
		r.types[t.Name] = i
	}
	return "", nil
}

// Verified says whether an identifier is verified that does not say so itself. A source's exception wins over a
// channel's. A type that is not listed is claimed.
func (r *Rules) Verified(typ, channel, source string) bool {
	i, ok := r.types[typ]
	if !ok {
		return false
	}
	v := r.Types[i].Verified
	if verified, ok := v.Sources[source]; ok {
		return verified
	}
	if verified, ok := v.Channels[channel]; ok {
		return verified
	}
	return v.Default
}

// strength ranks a type: 0 is the strongest, types that are not listed are all weakest.
func (r *Rules) strength(typ string) int {
	if i, ok := r.types[typ]; ok {
		return i
	}
	return len(r.Types)
}

// blockedBy returns the pattern that blocks the value of the type, or "".
func (r *Rules) blockedBy(typ, value string) string {
	if pattern := r.blocked.match(value); pattern != "" {
		return pattern
	}
	if i, ok := r.types[typ]; ok {
		return r.Types[i].blocked.match(value)
	}
	return ""
}

// checkType refuses names that would not be told apart from the platform's own: "thread", "touchpoint" and
// "claimed:...". Whoever could write those could write on another customer's card.
func checkType(name string) error {
	if name == "" || len(name) > 64 {
		return errors.New("want 1 to 64 characters")
	}
	for i, c := range []byte(name) {
		if letter := c >= 'a' && c <= 'z'; letter || i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			continue
		}
		return fmt.Errorf("%q: want lower-case letters, digits and _-. with a letter first", name)
	}
	if name == "thread" || name == "touchpoint" {
		return fmt.Errorf("%q is reserved", name)
	}
	return nil
}

// lineOf finds the line of a field such as types[2].max; 1 when it is absent.
func lineOf(data []byte, field string) int {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return 1
	}
	for field != "" {
		if path, err := yaml.PathString("$." + field); err == nil {
			if node, err := path.FilterFile(file); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		field = field[:max(0, strings.LastIndexByte(field, '.'))] // an absent field is reported where its parent is
	}
	return 1
}
