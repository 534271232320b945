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
	At        int64    `json:"at"` // when the link came to the log, ms since 1970: since then agents saw it so
	Evidence  Evidence `json:"evidence"`
}

// Evidence says why a move or an edge came about.
type Evidence struct {
	Touchpoint string `json:"touchpoint,omitempty"`
	Key        Anchor `json:"key,omitzero"`
	Rule       string `json:"rule"`
	Source     string `json:"source,omitempty"`
	User       string `json:"user,omitempty"`
	Reason     string `json:"reason,omitempty"` // what the user said
	Time       int64  `json:"time"`             // of the evidence, ms since 1970
}

// Decision names what became of a link.
type Decision string

const (
	// Joined: the two were, or became, one person by it. It is kept and counts.
	Joined Decision = "joined"
	// Held: the value is one of the person's, but of a type that several may share, and joins nobody.
	Held Decision = "held"
	// Suggested: it was only claimed, and waits for somebody to say whether it is so. One per claim: more touchpoints that
	// claim it make it stronger.
	Suggested Decision = "suggested"
	// Declined: somebody said that it is not so. It is not suggested again.
	Declined Decision = "declined"
	// Refused: it would have broken a rule.
	Refused Decision = "refused"
	// Undone: it had joined, and counts no more: the value was found to be shared, or somebody split or retracted it.
	Undone Decision = "undone"
	// Shared: A alone; the value was found to be used by several persons. It joins nobody from now on.
	Shared Decision = "shared"
	// Ruled: the workspace's rules were replaced, and everything decided again by the new ones.
	Ruled Decision = "ruled"
)

// Edge is what was decided about two nodes: a record of topic identity.edges. The highest Version per pair is in force. Of
// what a link decides about threads only refusals are recorded: moves tell the rest.
type Edge struct {
	Workspace string   `json:"workspace"`
	Kind      LinkKind `json:"kind"` // of the link that brought the decision about
	A         Node     `json:"a"`
	B         Node     `json:"b,omitzero"`
	Decision  Decision `json:"decision"`
	Rule      string   `json:"rule"`             // that decided
	Detail    string   `json:"detail,omitempty"` // what broke the rule, for people
	Version   uint64   `json:"version"`          // the link's offset + 1
	At        int64    `json:"at"`               // as of a Move
	Evidence  Evidence `json:"evidence"`
}

// ErrIncomplete is wrapped when a Move does not say whom or where, or an Edge not what.
var ErrIncomplete = errors.New("it lacks workspace, anchor, person, decision or version")

// Decode reads the JSON of a Move or Edge from the log.
func Decode[T Move | Edge](data []byte) (v T, err error) {
	if err = json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("identity: decode %T: %w", v, err)
	}
	complete := true
	switch r := any(&v).(type) {
	case *Move:
		complete = r.Workspace != "" && !r.Anchor.IsZero() && !r.Person.IsZero() && r.Version != 0
	case *Edge:
		complete = r.Workspace != "" && r.Decision != "" && r.Version != 0
	}
	if !complete {
		return v, fmt.Errorf("identity: decode %T: %w", v, ErrIncomplete)
	}
	return v, nil
}

// Append writes a Move or Edge as JSON to the end of dst.
func Append[T Move | Edge](dst []byte, v *T) ([]byte, error) {
	out, err := json.Append(dst, v, 0)
	if err != nil {
		return dst, fmt.Errorf("identity: encode %T: %w", *v, err)
	}
	return out, nil
}
