package touchpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/segmentio/encoding/json"
)

// Where a touchpoint was refused.
const (
	SourceHTTP     = "http"     // POST /v1/touchpoints
	SourceRaw      = "raw"      // topic touchpoints.raw
	SourceSegment  = "segment"  // the calls of Segment's HTTP API
	SourceWebhook  = "webhook"  // the webhooks of providers
	SourceConflict = "conflict" // an id that was used before with another content
	SourceLog      = "log"      // a record on a topic of our own that could not be read
)

// What became of a refused touchpoint.
const (
	Kept   = "kept"
	Resent = "resent"
)

// MaxRejectedBytes is how much of what was refused is kept: twice what a touchpoint may have, and in base64 still below
// what a record of the log may have.
const MaxRejectedBytes = 2 * MaxSize

// Rejected is a dead letter, a record of topic touchpoints.rejected: what was refused, with its bytes and the reason.
// The highest Version per (Workspace, ID) is in force.
type Rejected struct {
	Workspace  string `json:"workspace"`
	ID         string `json:"id"` // of Position, so that the same refusal written twice is one
	Version    uint64 `json:"version"`
	Time       int64  `json:"time"` // when it was refused, ms since 1970
	Source     string `json:"source"`
	Position   string `json:"position"`             // topic/partition/offset, or http/ and the hash of the bytes
	Touchpoint string `json:"touchpoint,omitempty"` // its id, where one could be read
	Field      string `json:"field,omitempty"`
	Reason     string `json:"reason"`
	Bytes      []byte `json:"bytes"` // base64 in JSON
	Status     string `json:"status"`
}

// NewRejected makes the dead letter of a first refusal. Bytes beyond MaxRejectedBytes are cut off, and the reason says so.
func NewRejected(workspace string, source string, position string, time int64, bytes []byte, why *FieldError) Rejected {
	r := Rejected{Workspace: workspace, ID: RejectedID(workspace, position), Version: 1, Time: time, Source: source,
		Position: position, Field: why.Field, Reason: why.Reason, Bytes: bytes, Status: Kept}
	if len(bytes) > MaxRejectedBytes {
		r.Bytes = bytes[:MaxRejectedBytes]
		r.Reason += fmt.Sprintf(" (the first %d of %d bytes are kept)", len(r.Bytes), len(bytes))
	}
	return r
}

// RejectedID is the id of the dead letter of a position: 32 hexadecimal digits.
func RejectedID(workspace, position string) string {
	sum := sha256.Sum256(appendText(appendText(nil, workspace), position))
	return hex.EncodeToString(sum[:16])
}

// Append writes the dead letter as JSON to the end of dst.
func (r *Rejected) Append(dst []byte) ([]byte, error) {
	out, err := json.Append(dst, r, 0)
	if err != nil {
		return dst, fmt.Errorf("touchpoint: encode rejected: %w", err)
	}
	return out, nil
}

// DecodeRejected reads a dead letter from the log.
func DecodeRejected(data []byte) (r Rejected, err error) {
	if err = json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("touchpoint: decode rejected: %w", err)
	}
	return r, nil
}
