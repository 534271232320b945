package workspace

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"
)

// SourceKeyPrefix is in front of the hash in the record key of a SourceKey.
const SourceKeyPrefix = "source-keys/"

// SourceKey is what stands in the address that a provider's requests come to. It is no API key: it says whose they are, and
// the request has to prove itself besides. Only its hash is kept.
type SourceKey struct {
	Workspace string `json:"workspace"`
	Source    string `json:"source"`         // name of the source, such as zendesk
	Name      string `json:"name,omitempty"` // for people
	Created   int64  `json:"created"`        // ms since 1970
	Revoked   int64  `json:"revoked,omitempty"`
}

// SourceKeyRecord is the record key of a source key.
func SourceKeyRecord(key string) string { return SourceKeyPrefix + HashOf(key) }

// SourceKeyID names a source key where it must not be shown: the first 12 digits of its hash.
func SourceKeyID(hash string) string { return strings.TrimPrefix(hash, SourceKeyPrefix)[:12] }

func decodeSourceKey(hash string, value []byte) (Record, error) {
	if len(hash) != 2*sha256.Size {
		return Record{}, fmt.Errorf("workspace: decode source key: %d bytes of key, want a SHA-256 in hexadecimal", len(hash))
	}
	if value == nil {
		return Record{SourceHash: hash}, nil
	}
	k := new(SourceKey)
	if err := json.Unmarshal(value, k); err != nil {
		return Record{}, fmt.Errorf("workspace: decode source key: %w", err)
	}
	if err := ValidName(k.Workspace); err != nil {
		return Record{}, fmt.Errorf("workspace: decode source key: %w", err)
	}
	return Record{SourceHash: hash, SourceKey: k}, nil
}
