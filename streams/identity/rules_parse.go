package identity

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"
	"github.com/nyaruka/phonenumbers"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/streams/yamlline"
)

// MaxRules is how long the YAML of rules may be, in bytes: as JSON it must fit into one record of the log.
const MaxRules = 400 << 10

// A person's identifiers and a thread's size are counted in 16 bits.
const maxCount = 60_000

// Of phone numbers that fit nowhere every region is tried.
const maxRegions = 20

// maxTypes leaves room in a byte for the code of types that are not listed.
const maxTypes = 200

var defaultRegistry = sync.OnceValue(registry.Default)

// ParseRules reads rules from YAML. Threads are ranked by the registry that ships with the product; see WithRegistry.
// The error is ErrBadRules.
func ParseRules(data []byte) (*Rules, error) {
	if len(data) > MaxRules {
		return nil, fmt.Errorf("%w: line 1: want at most %d bytes, got %d", ErrBadRules, MaxRules, len(data))
	}
	r := Rules{text: string(data), schemes: defaultRegistry()}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField()).Decode(&r); err != nil {
		return nil, unreadable(data, err)
	}
	if err := checkShape(data); err != nil {
		return nil, err
	}
	if field, err := r.compile(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %s: %w", ErrBadRules, yamlline.Of(data, field), field, err)
	}
	return &r, nil
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
	for i, region := range r.Regions {
		if !phonenumbers.GetSupportedRegions()[region] {
			return fmt.Sprintf("regions[%d]", i), fmt.Errorf("%q is not a region, want one such as DE", region)
		}
	}
	addresses, field, err := r.Email.compile()
	if err != nil {
		return "email." + field, err
	}
	if i, err := r.blocked.compile(r.Blocked); err != nil {
		return fmt.Sprintf("blocked[%d]", i), err
	}
	normalisers := normalisersOf(newPhones(r.Regions), addresses)
	r.types = make(map[string]int, len(r.Types))
	for i := range r.Types {
		t := &r.Types[i]
		if field, err := t.compile(normalisers); err != nil {
			return fmt.Sprintf("types[%d].%s", i, field), err
		}
		if _, twice := r.types[t.Name]; twice {
			return fmt.Sprintf("types[%d].name", i), fmt.Errorf("%q is there twice", t.Name)
		}
		r.types[t.Name] = i
	}
	return "", nil
}

func (t *Type) compile(normalisers map[string]normaliser) (field string, err error) {
	if err := checkType(t.Name); err != nil {
		return "name", err
	}
	if t.Max < 0 || t.Max > maxCount {
		return "max", fmt.Errorf("want 0 to %d, got %d", maxCount, t.Max)
	}
	if t.Share < 0 || t.Share > maxCount {
		return "share", fmt.Errorf("want 0 to %d, got %d", maxCount, t.Share)
	}
	if t.Normalise == "" {
		t.Normalise = "plain"
	}
	var known bool
	if t.normalise, known = normalisers[t.Normalise]; !known {
		return "normalise", fmt.Errorf("%q is not a normaliser, want plain, lower, email, phone, handle or uuid", t.Normalise)
	}
	if i, err := t.blocked.compile(t.Blocked); err != nil {
		return fmt.Sprintf("blocked[%d]", i), err
	}
	if i, err := t.allowed.compile(t.Allowed); err != nil {
		return fmt.Sprintf("allowed[%d]", i), err
	}
	return "", nil
}

// checkType refuses names that no touchpoint can carry, and those that would not be told apart from the platform's own:
// "thread", "touchpoint" and "claimed:...". Whoever could write those could write on another customer's card.
func checkType(name string) error {
	if name == "" || len(name) > 64 {
		return errors.New("want 1 to 64 characters")
	}
	for i, c := range []byte(name) {
		if letter := c >= 'a' && c <= 'z'; letter || i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-') {
			continue
		}
		return fmt.Errorf("%q: want lower-case letters, digits, _ and -, with a letter first", name)
	}
	if name == "thread" || name == "touchpoint" {
		return fmt.Errorf("%q is reserved", name)
	}
	return nil
}
