// Package transfer holds the records of topic transfers: conversations that were offered to go on in another channel, who opened them
// there, and who was refused.
package transfer

import (
	"errors"
	"fmt"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/identity"
)

// Scheme is the thread scheme that ties a conversation in one channel to its continuation in another.
const Scheme = "transfer"

// The kinds of touchpoints that tell of transfers.
const (
	Offered = "transfer.offered"
	Opened  = "transfer.opened"
	Refused = "transfer.refused"
)

// Record is one record of the topic: one of its parts is set. Of a transfer the first Claim on the log is the opening, for ever.
type Record struct {
	Workspace string   `json:"workspace"`
	ID        string   `json:"id"` // of the transfer; of a refusal it may be empty
	At        int64    `json:"at"` // ms since 1970
	Offer     *Offer   `json:"offer,omitempty"`
	Claim     *Claim   `json:"claim,omitempty"`
	Refusal   *Refusal `json:"refusal,omitempty"`
}

// Offer is that a conversation may go on elsewhere.
type Offer struct {
	Conversation identity.Anchor `json:"conversation"`
	Channel      string          `json:"channel"` // where it may go on
	Expires      int64           `json:"expires"` // ms since 1970
	Code         string          `json:"code"`    // HMAC of the code to say; what was said is not kept
	CodeExpires  int64           `json:"code_expires"`
}

// Claim is somebody who wants to open a transfer, and may unless somebody was first.
type Claim struct {
	Attempt string `json:"attempt"` // tells two claims apart
}

// Refusal is somebody who was not let in.
type Refusal struct {
	Reason  string `json:"reason"`
	Channel string `json:"channel,omitempty"` // where they came from
}

// ErrBadRecord is wrapped by the errors of Decode.
var ErrBadRecord = errors.New("transfer: not a record of this topic")

// Key is the record's key.
func (r *Record) Key() []byte { return []byte(r.Workspace + "/" + r.ID) }

// Encode writes the record's value.
func (r *Record) Encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("transfer: encode: %w", err)
	}
	return b, nil
}

// Decode reads a record's value.
func Decode(value []byte) (r Record, err error) {
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrBadRecord, err)
	}
	parts := 0
	for _, there := range []bool{r.Offer != nil, r.Claim != nil, r.Refusal != nil} {
		if there {
			parts++
		}
	}
	if r.Workspace == "" || parts != 1 || r.ID == "" && r.Refusal == nil {
		return r, ErrBadRecord
	}
	return r, nil
}
