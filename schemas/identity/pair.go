package identity

import (
	"bytes"
	"crypto/sha256"
)

// PairID names two anchors, whichever comes first: what a suggestion or a refusal is known by. It is hashed, because nobody
// may be able to find another pair with the same name: who accepts one suggestion must not accept another.
func PairID(a, b Anchor) Anchor {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	var in [33]byte
	in[0] = 'e'
	copy(in[1:], a[:])
	copy(in[17:], b[:])
	return truncate(sha256.Sum256(in[:]))
}
