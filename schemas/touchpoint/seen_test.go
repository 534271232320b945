package touchpoint

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// naiveSeen is the obvious set.
type naiveSeen map[[10]byte][6]byte

func (s naiveSeen) judge(f Fingerprint) Verdict {
	content, ok := s[f.Key]
	switch {
	case !ok:
		s[f.Key] = f.Content
		return New
	case content == f.Content:
		return Duplicate
	}
	return Conflict
}

func TestSeenAgreesWithTheObviousSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		naive := naiveSeen{}
		n := rapid.IntRange(0, 500).Draw(t, "n")
		for range n {
			var f Fingerprint
			// Few high parts, so that segments fill, wrap around and grow; few contents, so that ids are used again.
			f.Key[0] = byte(rapid.IntRange(0, 1).Draw(t, "segment"))
			f.Key[2] = byte(rapid.SampledFrom([]int{0, 1, 128, 255}).Draw(t, "home"))
			f.Key[9] = byte(rapid.IntRange(1, 60).Draw(t, "low"))
			f.Content[0] = byte(rapid.IntRange(0, 1).Draw(t, "content"))
			if got, want := s.Judge(f), naive.judge(f); got != want {
				t.Fatalf("Judge(%x) = %d, want %d", f, got, want)
			}
		}
		if s.Len() != len(naive) {
			t.Fatalf("Len = %d, want %d", s.Len(), len(naive))
		}
	})
}

func TestSeenTakesAZeroKey(t *testing.T) {
	var s Seen
	if got := s.Judge(Fingerprint{}); got != New {
		t.Errorf("first = %d, want New", got)
	}
	if got := s.Judge(Fingerprint{}); got != Duplicate {
		t.Errorf("second = %d, want Duplicate", got)
	}
}

func TestSeenStaysWithinItsBytes(t *testing.T) {
	var s Seen
	for i := range 2_000_000 {
		s.Judge(randomFingerprint(uint64(i)))
		if n := i + 1; n%100_000 == 0 && n >= 500_000 {
			if per := float64(s.Bytes()) / float64(n); per > 26 {
				t.Errorf("%d fingerprints take %.1f bytes each, want at most 26", n, per)
			}
		}
	}
}

func BenchmarkSeen(b *testing.B) {
	var s Seen
	i := uint64(0)
	for b.Loop() {
		s.Judge(randomFingerprint(i))
		i++
	}
	b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "bytes/fingerprint")
}

// randomFingerprint spreads i over the bits as a hash does (splitmix64).
func randomFingerprint(i uint64) (f Fingerprint) {
	mix := func(x uint64) uint64 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
	binary.BigEndian.PutUint64(f.Key[:], mix(i))
	binary.BigEndian.PutUint16(f.Key[8:], uint16(mix(i+1)))
	copy(f.Content[:], f.Key[:])
	return f
}
