package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"
)

// SecretPrefix is in front of the workspace in the record key of a Secret.
const SecretPrefix = "secret/"

// Secret is what a workspace hashes and signs with: made once, where it is needed first. Of several the first on the log counts, for
// ever: what was hashed with it could not be found again by another. Each has a record key of its own, so that compaction
// keeps the first.
type Secret struct {
	Bytes []byte `json:"bytes"` // base64 in JSON
	At    int64  `json:"at"`    // ms since 1970
}

// SecretSize is how many random bytes a Secret has.
const SecretSize = 32

// Key is the record key of the secret.
func (s Secret) Key(workspace string) string {
	sum := sha256.Sum256(s.Bytes)
	return SecretPrefix + workspace + "/" + hex.EncodeToString(sum[:8])
}

func decodeSecret(rest string, value []byte) (Record, error) {
	name, _, _ := strings.Cut(rest, "/")
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode secret: %w", err)
	}
	s := new(Secret)
	if err := json.Unmarshal(value, s); err != nil {
		return Record{}, fmt.Errorf("workspace: decode secret: %w", err)
	}
	if len(s.Bytes) != SecretSize {
		return Record{}, fmt.Errorf("workspace: decode secret: %d bytes, want %d", len(s.Bytes), SecretSize)
	}
	return Record{SecretOf: name, Secret: s}, nil
}
