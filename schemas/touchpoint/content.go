package touchpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
)

// idOf derives an id from the content, for a touchpoint that came with a time but no id: sent again, it is the same.
func idOf(c Content) string { return "c-" + hex.EncodeToString(c[:]) }

// contentOf hashes what was said, with lengths, so that no two different touchpoints meet in one input. The id is left
// out: an id derived from the content may be given back with the touchpoint.
func contentOf(t *Touchpoint, s *said) (c Content) {
	var room [1024]byte
	b := room[:0]
	if s.has(fieldTime) {
		b = appendNumber(append(b, 1), uint64(t.Time))
	} else {
		b = append(b, 0)
	}
	b = appendText(b, t.Channel)
	b = appendText(b, string(t.Direction))
	b = appendText(b, t.Kind)
	b = appendText(b, string(t.Actor.Type))
	b = appendText(b, t.Actor.ID)
	b = appendText(b, t.Actor.Name)
	b = appendNumber(b, uint64(len(t.Identifiers)))
	for i, id := range t.Identifiers {
		b = appendText(b, id.Type)
		b = appendText(b, id.Value)
		b = append(b, verifiedByte(id.Verified, s.verified&(1<<i) != 0))
	}
	b = appendTexts(b, t.Thread)
	for _, text := range [...]string{t.Subject, t.Text, t.Language, t.Topic, t.Team, t.Account, t.Source} {
		b = appendText(b, text)
	}
	b = appendTexts(b, t.Tags)
	if t.Rating != nil {
		b = appendText(append(b, 1), t.Rating.Scale)
		b = appendFloat(b, t.Rating.Value)
	} else {
		b = append(b, 0)
	}
	b = append(b, t.Properties...)
	sum := sha256.Sum256(b)
	copy(c[:], sum[:])
	return c
}

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func appendFloat(b []byte, f float64) []byte { return appendNumber(b, math.Float64bits(f)) }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, texts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(texts)))
	for _, s := range texts {
		b = appendText(b, s)
	}
	return b
}

// verifiedByte keeps apart what was said and what was left open: the default of the day is not the client's word.
func verifiedByte(verified, there bool) byte {
	switch {
	case !there:
		return 2
	case verified:
		return 1
	}
	return 0
}

// IsDerived tells whether the id is the one that a touchpoint of this content gets when it comes with a time but no id.
func IsDerived(id string, c Content) bool {
	return len(id) == len("c-")+2*len(c) && id == idOf(c)
}
