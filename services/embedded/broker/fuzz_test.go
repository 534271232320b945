package broker

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// FuzzTornLogs: whatever a kill leaves, what is kept is a prefix, is kept again, and whole entries before it stay.
func FuzzTornLogs(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{200, 0, 0, 0, 1, 2, 3, 4, 1, 0, '{', '"'})
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, torn []byte) {
		entry := []byte{1, 0, '{', '}'}
		whole := binary.LittleEndian.AppendUint32(nil, uint32(len(entry)))
		whole = binary.LittleEndian.AppendUint32(whole, crc32.Checksum(entry, castagnoli))
		whole = append(whole, entry...)
		b := append(whole, torn...)
		n := validEntries(b)
		if n < len(whole) || n > len(b) || validEntries(b[:n]) != n {
			t.Fatalf("kept %d of %d bytes, the first %d are whole", n, len(b), len(whole))
		}

		batch := make([]byte, 70)
		binary.BigEndian.PutUint64(batch, 5)
		binary.BigEndian.PutUint32(batch[8:], 70-12)
		binary.BigEndian.PutUint32(batch[23:], 2)
		binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], castagnoli))
		if size, end := nextBatch(append(batch, torn...)); size != 70 || end != 8 {
			t.Fatalf("batch of 70 bytes up to offset 8: %d bytes up to %d", size, end)
		}
		if size, _ := nextBatch(torn); size > len(torn) || size < 0 {
			t.Fatalf("%d bytes of %d", size, len(torn))
		}
	})
}
