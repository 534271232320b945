// Package wire reads the parts of the binary records of the log.
package wire

import "encoding/binary"

// Reader takes parts off the front of a record. After the first part that is not there it is bad and gives zeros.
type Reader struct {
	Rest []byte
	Bad  bool
}

// Take returns the next n bytes, which alias the record; nil when they are not there.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.Rest)) {
		r.Bad, r.Rest = true, nil
		return nil
	}
	part := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return part
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uvarint reads an unsigned number.
func (r *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.Rest)
	if n <= 0 {
		r.Bad, r.Rest = true, nil
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Varint reads a signed number.
func (r *Reader) Varint() int64 {
	v, n := binary.Varint(r.Rest)
	if n <= 0 {
		r.Bad, r.Rest = true, nil
		return 0
	}
	r.Rest = r.Rest[n:]
	return v
}

// Count reads the length of a list whose elements take at least size bytes each.
func (r *Reader) Count(size int) int {
	n := r.Uvarint()
	if n > uint64(len(r.Rest)/size) {
		r.Bad, r.Rest = true, nil
		return 0
	}
	return int(n)
}
