package workspace

import (
	"fmt"

	"github.com/segmentio/encoding/json"
)

// AuditKey is the record key of the Audit.
const AuditKey = "audit"

// Audit is what the last audit of the installation found.
type Audit struct {
	At            int64    `json:"at"`   // when it was done, in ms since 1970
	Took          int64    `json:"took"` // ms
	Touchpoints   int      `json:"touchpoints"`
	People        int      `json:"people"`
	Conversations int      `json:"conversations"`
	Count         int      `json:"difference_count"` // 0: the store is what the log says
	Differences   []string `json:"differences,omitempty"`
	Error         string   `json:"error,omitempty"` // why it came to no result
}

func decodeAudit(value []byte) (Record, error) {
	a := new(Audit)
	if err := json.Unmarshal(value, a); err != nil {
		return Record{}, fmt.Errorf("workspace: decode audit: %w", err)
	}
	return Record{Audit: a}, nil
}
