package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"
)

// ContractPrefix is in front of workspace, kind, version and hash in the record key of a Contract.
const ContractPrefix = "contract/"

// Contract is a version of what a workspace agreed with those who send touchpoints of a kind. Versions of a kind count from 1 without a
// gap. Of two records of one version the first on the log counts; each has a key of its own, so that compaction keeps both.
type Contract struct {
	Kind        string          `json:"kind"`
	Version     int             `json:"version"`
	Schema      json.RawMessage `json:"schema"` // of properties
	OnViolation OnViolation     `json:"on_violation"`
	Breaking    bool            `json:"breaking,omitempty"` // said to be: it may refuse what the version before took
	User        string          `json:"user,omitempty"`     // who agreed
	At          int64           `json:"at"`                 // ms since 1970
}

// OnViolation is what becomes of a touchpoint that breaks the contract.
type OnViolation string

// What may become of it.
const (
	Flag   OnViolation = "flag"   // it is kept, and says so
	Refuse OnViolation = "refuse" // it goes to the dead letters
)

// ErrBadContract is returned for a contract whose parts no contract can have.
var ErrBadContract = errors.New("workspace: a contract has a kind of 1 to 128 bytes, a version from 1 on, and flags or refuses")

// Validate reports ErrBadContract.
func (c Contract) Validate() error {
	if c.Kind == "" || len(c.Kind) > 128 || strings.ContainsAny(c.Kind, "/@:") || c.Version < 1 || c.OnViolation != Flag && c.OnViolation != Refuse {
		return ErrBadContract
	}
	return nil
}

// Name is kind@version.
func (c Contract) Name() string { return fmt.Sprintf("%s@%d", c.Kind, c.Version) }

// Key is the record key of the contract.
func (c Contract) Key(workspace string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %s", c.Schema, c.OnViolation, c.At, c.User))
	return fmt.Sprintf("%s%s/%s/%d/%s", ContractPrefix, workspace, c.Kind, c.Version, hex.EncodeToString(sum[:8]))
}

func decodeContract(rest string, value []byte) (Record, error) {
	name, _, _ := strings.Cut(rest, "/")
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode contract: %w", err)
	}
	c := new(Contract)
	if err := json.Unmarshal(value, c); err != nil {
		return Record{}, fmt.Errorf("workspace: decode contract: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Record{}, fmt.Errorf("workspace: decode contract: %w", err)
	}
	return Record{ContractOf: name, Contract: c}, nil
}
