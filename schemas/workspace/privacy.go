package workspace

import (
	_ "embed"
	"fmt"

	"github.com/segmentio/encoding/json"
)

// PrivacyPrefix is in front of the workspace in the record key of Privacy.
const PrivacyPrefix = "privacy/"

// PrivacyKey is the record key of a workspace's Privacy.
func PrivacyKey(workspace string) string { return PrivacyPrefix + workspace }

// Privacy are the rules of what a workspace does not keep. The last record is in force.
type Privacy struct {
	YAML string `json:"yaml"`
	At   int64  `json:"at"` // ms since 1970
}

// PrivacySchema is the JSON Schema (2020-12) of privacy rules. Whoever reads them also refuses a field that is named twice.
//
//go:embed privacy.schema.json
var PrivacySchema []byte

func decodePrivacy(name string, value []byte) (Record, error) {
	if err := ValidName(name); err != nil {
		return Record{}, fmt.Errorf("workspace: decode privacy: %w", err)
	}
	if value == nil {
		return Record{PrivacyOf: name}, nil
	}
	p := new(Privacy)
	if err := json.Unmarshal(value, p); err != nil {
		return Record{}, fmt.Errorf("workspace: decode privacy: %w", err)
	}
	return Record{PrivacyOf: name, Privacy: p}, nil
}
