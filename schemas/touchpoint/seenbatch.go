package touchpoint

import (
	"encoding/binary"
	"errors"
)

// SeenBatch is a record of topic touchpoints.seen: the new touchpoints of one batch of a partition, by offset. Reading
// all of them restores the partition's Seen without reading the touchpoints again.
//
//	byte 0      version, 1
//	then        uvarint number, and per touchpoint: uvarint offset less the one before (the first: as it is), 10 bytes of
//	            key, 6 bytes of content
type SeenBatch struct {
	Offsets      []int64 // growing
	Fingerprints []Fingerprint
}

// ErrBadSeen is returned when a record of topic touchpoints.seen is not a batch that this version reads.
var ErrBadSeen = errors.New("touchpoint: not a batch of fingerprints of version 1")

const seenVersion = 1

// Add adds a new touchpoint; its offset must be above those before.
func (b *SeenBatch) Add(offset int64, f Fingerprint) {
	b.Offsets = append(b.Offsets, offset)
	b.Fingerprints = append(b.Fingerprints, f)
}

// Reset empties the batch and keeps its memory.
func (b *SeenBatch) Reset() { b.Offsets, b.Fingerprints = b.Offsets[:0], b.Fingerprints[:0] }

// Append writes the batch to the end of dst.
func (b *SeenBatch) Append(dst []byte) []byte {
	dst = append(dst, seenVersion)
	dst = binary.AppendUvarint(dst, uint64(len(b.Offsets)))
	before := int64(0)
	for i, offset := range b.Offsets {
		dst = binary.AppendUvarint(dst, uint64(offset-before))
		dst = append(dst, b.Fingerprints[i].Key[:]...)
		dst = append(dst, b.Fingerprints[i].Content[:]...)
		before = offset
	}
	return dst
}

// Decode reads a batch in place of what b holds. The error is ErrBadSeen.
func (b *SeenBatch) Decode(data []byte) error {
	b.Reset()
	if len(data) == 0 || data[0] != seenVersion {
		return ErrBadSeen
	}
	n, w := binary.Uvarint(data[1:])
	if w <= 0 {
		return ErrBadSeen
	}
	data = data[1+w:]
	offset := int64(0)
	for range n { // ends with the data, whatever n says
		step, w := binary.Uvarint(data)
		if w <= 0 || len(data) < w+16 || int64(step) < 0 || offset+int64(step) < offset {
			return ErrBadSeen
		}
		offset += int64(step)
		var f Fingerprint
		copy(f.Key[:], data[w:])
		copy(f.Content[:], data[w+10:])
		b.Add(offset, f)
		data = data[w+16:]
	}
	if len(data) > 0 {
		return ErrBadSeen
	}
	return nil
}
