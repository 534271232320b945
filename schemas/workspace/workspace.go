// Package workspace holds the records of topic workspaces: who may come in, by which rules people are told apart, and
// which generation of each derived thing is the one to read.
package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
)

// Default is the workspace of a new installation, and of records on touchpoints.raw that name none.
const Default = "default"

// ErrBadName is returned for a name that is not 1 to 64 lower-case letters, digits, _ and -, starting with a letter or
// digit. Anything else could run into its neighbour in a record key.
var ErrBadName = errors.New("workspace: a name is 1 to 64 lower-case letters, digits, _ and -, starting with a letter or digit")

// ValidName returns ErrBadName for a bad name of a workspace.
func ValidName(name string) error {
	if name == "" || len(name) > 64 {
		return ErrBadName
	}
	for i := range len(name) {
		switch b := name[i]; {
		case b >= 'a' && b <= 'z', b-'0' <= 9, i > 0 && (b == '_' || b == '-'):
		default:
			return ErrBadName
		}
	}
	return nil
}

// Key is an API key as it is kept: the record's key is its hash.
type Key struct {
	Workspace string `json:"workspace"`
	Name      string `json:"name,omitempty"` // for people
	Created   int64  `json:"created"`        // ms since 1970
	Revoked   int64  `json:"revoked,omitempty"`
	// Scopes are what the key may; none: everything, as every key could before there were scopes.
	Scopes []Scope `json:"scopes,omitempty"`
}

// HashOf is the record key of an API key: the SHA-256 in hexadecimal. Keys that the product makes are 192 random bits,
// so that there is nothing to gain from hashing them slowly; whoever chooses one should choose it as long.
func HashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// ControlKey is the record key of the Control record.
const ControlKey = "generations"

// Control says which generation is read, and which is being built beside it.
type Control struct {
	Current  topic.Generations  `json:"current"`
	Building *topic.Generations `json:"building,omitempty"`
	// HaltUntil, in ms since 1970, is how long the stages that only Current has stand still, so that Building can draw
	// level before reads switch to it. It passes by itself: a rebuild that dies must not leave reads standing.
	HaltUntil int64 `json:"halt_until,omitempty"`
	// Dropping is what was read before the switch, until its topics and tables are dropped: a rebuild that dies before must not leave them
	// for ever.
	Dropping *topic.Generations `json:"dropping,omitempty"`
}

// Running are the generations whose stages run at the time now, in ms since 1970.
func (c Control) Running(now int64) []topic.Generations {
	switch {
	case c.Building == nil:
		return []topic.Generations{c.Current}
	case now < c.HaltUntil:
		return []topic.Generations{*c.Building}
	}
	return []topic.Generations{c.Current, *c.Building}
}

// RulesPrefix is in front of the workspace in the record key of Rules.
const RulesPrefix = "rules/"

// RulesKey is the record key of a workspace's Rules.
func RulesKey(workspace string) string { return RulesPrefix + workspace }

// Rules are the identity rules of a workspace, in place of the installation's.
type Rules struct {
	YAML string `json:"yaml"`
	// Version is that of the link which put them in force: its offset in identity.links, plus 1. The highest is in force, in
	// whatever order the records came.
	Version uint64 `json:"version"`
	At      int64  `json:"at"` // ms since 1970
}

// Record is one record of the topic: exactly one of its parts is set, or none when the record was deleted.
type Record struct {
	Hash      string // of the key, when Key is set or was deleted
	Key       *Key
	Workspace string // whose rules they are, when Rules is set or was deleted
	Rules     *Rules
	Control   *Control
	// PromisesOf is the workspace whose promises they are, when Promises is set or was deleted.
	PromisesOf string
	Promises   *Promises
	// PrivacyOf is the workspace whose privacy rules they are, when Privacy is set or was deleted.
	PrivacyOf string
	Privacy   *Privacy
	SecretOf  string // whose secret it is, when Secret is set
	Secret    *Secret
	// SourceHash is the hash of the source key, when SourceKey is set or was deleted.
	SourceHash string
	SourceKey  *SourceKey
	// ChannelOf is the workspace whose settings of Channel they are, when Settings is set or was deleted.
	ChannelOf string
	Channel   string
	Settings  *registry.Settings
	Audit     *Audit
	// ContractOf is the workspace whose contract it is, when Contract is set.
	ContractOf string
	Contract   *Contract
}

// Decode reads a record of the topic.
func Decode(key, value []byte) (Record, error) {
	if string(key) == ControlKey {
		return decodeControl(value)
	}
	if name, ok := strings.CutPrefix(string(key), RulesPrefix); ok {
		return decodeRules(name, value)
	}
	if name, ok := strings.CutPrefix(string(key), PromisesPrefix); ok {
		return decodePromises(name, value)
	}
	if name, ok := strings.CutPrefix(string(key), PrivacyPrefix); ok {
		return decodePrivacy(name, value)
	}
	if name, ok := strings.CutPrefix(string(key), SecretPrefix); ok {
		return decodeSecret(name, value)
	}
	if hash, ok := strings.CutPrefix(string(key), SourceKeyPrefix); ok {
		return decodeSourceKey(hash, value)
	}
	if name, ok := strings.CutPrefix(string(key), ChannelPrefix); ok {
		return decodeChannel(name, value)
	}
	if string(key) == AuditKey {
		return decodeAudit(value)
	}
	if rest, ok := strings.CutPrefix(string(key), ContractPrefix); ok {
		return decodeContract(rest, value)
	}
	return decodeKey(string(key), value)
}

func decodeControl(value []byte) (Record, error) {
	c := new(Control)
	if err := json.Unmarshal(value, c); err != nil {
		return Record{}, fmt.Errorf("workspace: decode generations: %w", err)
	}
	if g := c.Current; g.Identity == 0 || g.Conversation == 0 || g.Store == 0 {
		return Record{}, fmt.Errorf("workspace: decode generations: %+v has one below 1", g)
	}
	return Record{Control: c}, nil
}

func decodeRules(name string, value []byte) (Record, error) {
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode rules: %w", err)
	}
	if value == nil {
		return Record{Workspace: name}, nil
	}
	r := new(Rules)
	if err := json.Unmarshal(value, r); err != nil {
		return Record{}, fmt.Errorf("workspace: decode rules: %w", err)
	}
	return Record{Workspace: name, Rules: r}, nil
}

func decodeKey(hash string, value []byte) (Record, error) {
	if len(hash) != 2*sha256.Size {
		return Record{}, fmt.Errorf("workspace: decode: %d bytes of key, want a SHA-256 in hexadecimal", len(hash))
	}
	if value == nil {
		return Record{Hash: hash}, nil
	}
	k := new(Key)
	if err := json.Unmarshal(value, k); err != nil {
		return Record{}, fmt.Errorf("workspace: decode key: %w", err)
	}
	if err := ValidName(k.Workspace); err != nil {
		return Record{}, fmt.Errorf("workspace: decode key: %w", err)
	}
	return Record{Hash: hash, Key: k}, nil
}

// Encode writes one of the topic's parts as the value of its record.
func Encode[T Key | SourceKey | Control | Rules | Promises | Privacy | Secret | registry.Settings | Audit | Contract](v T) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("workspace: encode: %w", err)
	}
	return b, nil
}
