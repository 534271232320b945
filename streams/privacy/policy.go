package privacy

import (
	_ "embed"
	"sync"
)

// Action is what is done with a field.
type Action string

// The actions.
const (
	Drop Action = "drop" // as if it had not been said
	Hash Action = "hash" // HMAC-SHA256 with the workspace's secret: the same value stays the same, and nobody can read it
	Mask Action = "mask" // stars in place of letters and digits
)

// The rules about numbers, as notes name them.
const (
	Card = "card"
	IBAN = "iban"
)

// Policy says what is taken out of a workspace's touchpoints. It never changes: it is safe for concurrent use.
type Policy struct {
	yaml   []byte
	secret []byte
	find   map[string]numbers // by field, without those within properties
	fields map[string]Action  // by field, likewise
	types  map[string]Action  // of identifiers
	tree   *node              // of properties; nil: nothing in them is looked at
	letter *node              // of a whole touchpoint, as it comes from outside
	texts  []text             // what is done outside of identifiers, tags and properties
	ruled  []string           // all fields that rules name
	all    numbers            // found anywhere
	hashes bool
}

//go:embed privacy.yaml
var defaultYAML []byte

// Default is the policy of workspaces that have none of their own: numbers of cards and accounts are masked in subject and text.
var Default = sync.OnceValue(func() *Policy {
	p, err := Parse(defaultYAML)
	if err != nil {
		panic(err) // the file is compiled in and tested
	}
	return p
})

// YAML is what the policy was read from.
func (p *Policy) YAML() []byte { return p.yaml }

// Hashes tells whether the policy needs a secret.
func (p *Policy) Hashes() bool { return p.hashes }

// WithSecret is the policy with the workspace's secret. Without one, what is to be hashed is dropped.
func (p *Policy) WithSecret(secret []byte) *Policy {
	with := *p
	with.secret = secret
	return &with
}

// ByWorkspace knows the policy in force in each workspace.
type ByWorkspace interface {
	Privacy(workspace string) *Policy
}

// Of gives every workspace the same policy.
func Of(p *Policy) ByWorkspace { return everywhere{p} }

type everywhere struct{ policy *Policy }

func (e everywhere) Privacy(string) *Policy { return e.policy }
