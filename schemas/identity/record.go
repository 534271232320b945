package identity

import (
	"errors"
	"fmt"

	"github.com/segmentio/encoding/json"
)

// Node is one end of a link: a normalised identifier or a thread.
type Node struct {
	Anchor Anchor `json:"anchor"`
	Type   string `json:"type"`  // identifier type, or "thread" (Value is then "scheme:value")
	Value  string `json:"value"` // normalised
}

// ThreadType is the Node type of threads.
const ThreadType = "thread"

// LinkKind names what a link says.
type LinkKind string

const (
	// LinkVerified joins two identifiers of one customer.
	LinkVerified LinkKind = "verified"
	// LinkClaimed suggests that they belong together; it never joins.
	LinkClaimed LinkKind = "claimed"
	// LinkThread says that customer A wrote in thread B. The thread belongs to its first customer.
	LinkThread LinkKind = "thread"
	// LinkThreads says that threads A and B are one story.
	LinkThreads LinkKind = "threads"
	// LinkAnonymous says that thread A anchors touchpoints of nobody known; B is zero.
	LinkAnonymous LinkKind = "anonymous"
)

// Link is the claim, made by one touchpoint, that two nodes belong together: a record of topic identity.links.
type Link struct {
	Workspace  string   `json:"workspace"`
	Kind       LinkKind `json:"kind"`
	A          Node     `json:"a"`
	B          Node     `json:"b,omitzero"`
	Touchpoint string   `json:"touchpoint"` // id of the evidence
	Key        Anchor   `json:"key"`        // touchpoint key of the evidence
	Time       int64    `json:"time"`       // of the evidence, ms since 1970
	Source     string   `json:"source,omitempty"`
	Rule       string   `json:"rule"` // the rule that made the link
}

// Move assigns an anchor to a person from now on: a record of topic identity.moves. The highest Version per
// Anchor is in force.
type Move struct {
	Workspace string   `json:"workspace"`
	Anchor    Anchor   `json:"anchor"`
	Home      Anchor   `json:"home"`            // whose home keeps the stubs: Anchor itself, or the participant's anchor
	Thread    Anchor   `json:"thread,omitzero"` // set for a participation: only stubs of Home that carry this thread move
	From      PersonID `json:"from"`
	Person    PersonID `json:"person"`
	Version   uint64   `json:"version"` // grows with the log of links; unique per (Anchor, assignment)
	Type      string   `json:"type"`    // of the anchor's node
	Value     string   `json:"value"`
	Evidence  Evidence `json:"evidence"`
}

// Evidence says why a move or refusal came about.
type Evidence struct {
	Touchpoint string `json:"touchpoint,omitempty"`
	Key        Anchor `json:"key,omitzero"`
	Rule       string `json:"rule"`
	Source     string `json:"source,omitempty"`
	User       string `json:"user,omitempty"`
	Time       int64  `json:"time"` // of the evidence, ms since 1970
}

// Refusal records a link that did not join: a record of topic identity.refusals.
type Refusal struct {
	Workspace string   `json:"workspace"`
	Kind      LinkKind `json:"kind"` // claimed: a suggestion; otherwise a link that broke a rule
	A         Node     `json:"a"`
	B         Node     `json:"b,omitzero"`
	Rule      string   `json:"rule"`
	Reason    string   `json:"reason"`
	Version   uint64   `json:"version"`
	Evidence  Evidence `json:"evidence"`
}

// ErrIncomplete is wrapped when a Move says who or where not: it would move somebody to nobody.
var ErrIncomplete = errors.New("it lacks workspace, anchor, person or version")

// Decode reads the JSON of a Link, Move or Refusal from the log.
func Decode[T Link | Move | Refusal](data []byte) (v T, err error) {
	if err = json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("identity: decode %T: %w", v, err)
	}
	if m, ok := any(&v).(*Move); ok && (m.Workspace == "" || m.Anchor.IsZero() || m.Person.IsZero() || m.Version == 0) {
		return v, fmt.Errorf("identity: decode %T: %w", v, ErrIncomplete)
	}
	return v, nil
}

// Append writes a Link, Move or Refusal as JSON to the end of dst.
func Append[T Link | Move | Refusal](dst []byte, v *T) ([]byte, error) {
	out, err := json.Append(dst, v, 0)
	if err != nil {
		return dst, fmt.Errorf("identity: encode %T: %w", *v, err)
	}
	return out, nil
}
