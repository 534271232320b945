// Package identity holds the words of customer identity: anchors, persons, links, moves and refusals,
// with the form they take on the log. It decides nothing; package streams/identity does.
package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Anchor is the first 128 bits of the SHA-256 of (workspace, type, normalised value). It never changes.
// A cryptographic hash, because whoever can choose an identifier's value must not be able to choose
// another customer's anchor.
type Anchor [16]byte

// PersonID names a person. In generation 0 it is the person's first anchor itself, so that a person with
// one anchor, which most are, needs no entry in any mapping; later generations (after a split) are hashed.
type PersonID = Anchor

// ErrBadAnchor is returned when a text is not 32 hexadecimal digits.
var ErrBadAnchor = errors.New("want 32 hexadecimal digits")

// AnchorOf returns the anchor of a normalised identifier. Lengths are hashed with the parts, so that no two
// different triples meet in one input.
func AnchorOf(workspace, typ, value string) Anchor {
	var buf [192]byte
	b := appendPart(buf[:0], workspace)
	b = appendPart(b, typ)
	b = appendPart(b, value)
	return truncate(sha256.Sum256(b))
}

// ParticipationOf returns the anchor under which the touchpoints that customer anchor wrote into a thread of
// somebody else are assigned to the thread's owner, without making the two customers one.
func ParticipationOf(customer, thread Anchor) Anchor {
	var b [33]byte
	b[0] = 'p'
	copy(b[1:], customer[:])
	copy(b[17:], thread[:])
	return truncate(sha256.Sum256(b[:]))
}

// Generation returns the id of the n-th person to start from the anchor: n is 0 for the first, and grows by one
// with each split that leaves the anchor as the first of a new person.
func (a Anchor) Generation(n uint32) PersonID {
	if n == 0 {
		return a
	}
	var b [21]byte
	b[0] = 'g'
	copy(b[1:], a[:])
	binary.BigEndian.PutUint32(b[17:], n)
	return truncate(sha256.Sum256(b[:]))
}

// High and Low are the two halves of the anchor as a big-endian 128-bit number: the form the store keeps it in.
// Low alone is the key of the store's dictionary of moved anchors.
func (a Anchor) High() uint64 { return binary.BigEndian.Uint64(a[:8]) }

// Low is the lower half; see High.
func (a Anchor) Low() uint64 { return binary.BigEndian.Uint64(a[8:]) }

// FromHalves is the inverse of High and Low.
func FromHalves(high, low uint64) (a Anchor) {
	binary.BigEndian.PutUint64(a[:8], high)
	binary.BigEndian.PutUint64(a[8:], low)
	return a
}

// IsZero tells whether the anchor was never set.
func (a Anchor) IsZero() bool { return a == Anchor{} }

// String is the anchor as 32 lower-case hexadecimal digits.
func (a Anchor) String() string { return hex.EncodeToString(a[:]) }

// MarshalText writes the 32 digits.
func (a Anchor) MarshalText() ([]byte, error) {
	return hex.AppendEncode(make([]byte, 0, 32), a[:]), nil
}

// UnmarshalText reads the 32 digits; anything else is ErrBadAnchor.
func (a *Anchor) UnmarshalText(text []byte) error {
	if len(text) != 32 {
		return fmt.Errorf("%w, got %d characters", ErrBadAnchor, len(text))
	}
	var out Anchor
	if _, err := hex.Decode(out[:], text); err != nil {
		return fmt.Errorf("%w: %w", ErrBadAnchor, err)
	}
	*a = out
	return nil
}

// ParseAnchor reads what String wrote.
func ParseAnchor(s string) (a Anchor, err error) {
	err = a.UnmarshalText([]byte(s))
	return a, err
}

func appendPart(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func truncate(sum [32]byte) (a Anchor) {
	copy(a[:], sum[:])
	return a
}
