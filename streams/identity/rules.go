package identity

import (
	_ "embed"
	"errors"
	"strings"

	"github.com/throughline/throughline/schemas/registry"
)

// Rules say what points at a customer and how much it may join. They are data: see identity.yaml for what each field
// means. Rules are read only once made, and safe for use by several goroutines.
type Rules struct {
	Regions        []string `yaml:"regions"` // of phone numbers without a country code, the first that fits
	Email          Email    `yaml:"email"`
	MaxIdentifiers int      `yaml:"max_identifiers"`
	MaxThread      int      `yaml:"max_thread"`
	Blocked        []string `yaml:"blocked"`
	Types          []Type   `yaml:"types"` // strongest first

	text    string
	schemes *registry.Registry
	types   map[string]int
	blocked blocklist
}

// Email says which addresses lead to one mailbox. Domains that are not named are taken at their word.
type Email struct {
	Aliases  map[string]string `yaml:"aliases"`   // domain -> the domain that has the same mailboxes
	PlusTags []string          `yaml:"plus_tags"` // domains in which anna+shop is anna
	Dots     []string          `yaml:"dots"`      // domains in which an.na is anna
}

// Type is the rule of one type of identifier.
type Type struct {
	Name      string   `yaml:"name"`
	Normalise string   `yaml:"normalise"`
	Max       int      `yaml:"max"`
	Share     int      `yaml:"share"` // how many persons may have the same value; 0 means 1
	Verified  Verified `yaml:"verified"`
	Blocked   []string `yaml:"blocked"`
	Allowed   []string `yaml:"allowed"` // whatever Blocked says, here and of the Rules

	normalise normaliser
	blocked   blocklist
	allowed   blocklist
}

// Verified is the default of an identifier that does not say itself whether it is verified.
type Verified struct {
	Default  bool            `yaml:"default"`
	Channels map[string]bool `yaml:"channels"`
	Sources  map[string]bool `yaml:"sources"`
}

// ErrBadRules is returned by ParseRules; the message names the line and the field.
var ErrBadRules = errors.New("identity: bad rules")

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

// YAML is the text that the rules were read from.
func (r *Rules) YAML() string { return r.text }

// WithRegistry returns the rules with threads ranked by another registry.
func (r *Rules) WithRegistry(reg *registry.Registry) *Rules {
	out := *r
	out.schemes = reg
	return &out
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

// BlockedBy returns the pattern that blocks the value of the type, or "".
func (r *Rules) BlockedBy(typ, value string) string {
	value = strings.ToLower(value) // as it is, without a copy, for most values
	pattern := r.blocked.match(value)
	i, listed := r.types[typ]
	if !listed {
		return pattern
	}
	if pattern == "" {
		pattern = r.Types[i].blocked.match(value)
	}
	if pattern != "" && r.Types[i].allowed.match(value) != "" {
		return ""
	}
	return pattern
}
