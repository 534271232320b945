package touchpoint

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSeenBatchRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in, out SeenBatch
		offset := int64(0)
		for i := range rapid.IntRange(0, 50).Draw(t, "n") {
			offset += rapid.Int64Range(0, 1<<40).Draw(t, "step")
			in.Add(offset, randomFingerprint(uint64(i)))
			offset++
		}
		if err := out.Decode(in.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(in.Offsets, out.Offsets) || !slices.Equal(in.Fingerprints, out.Fingerprints) {
			t.Fatalf("got %+v, want %+v", out, in)
		}
	})
}

func FuzzSeenBatch(f *testing.F) {
	var b SeenBatch
	f.Add(b.Append(nil))
	b.Add(7, randomFingerprint(1))
	b.Add(1<<40, randomFingerprint(2))
	f.Add(b.Append(nil))
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var b, again SeenBatch
		if b.Decode(data) != nil {
			return
		}
		out := b.Append(nil)
		if err := again.Decode(out); err != nil || !bytes.Equal(again.Append(nil), out) {
			t.Errorf("does not come back: %v", err)
		}
	})
}
