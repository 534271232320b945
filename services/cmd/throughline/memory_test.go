package main

import "testing"

func TestMemoryLimitFollowsWhatStays(t *testing.T) {
	for _, c := range []struct {
		base int64
		live uint64
		want int64
	}{{1 << 30, 0, 1 << 30}, {1 << 30, 1 << 29, 1 << 30}, {1 << 30, 1 << 30, 2 << 30}, {430 << 20, 5 << 30, 10 << 30}} {
		if got := memoryLimit(c.base, c.live); got != c.want {
			t.Errorf("base %d, live %d: %d, want %d", c.base, c.live, got, c.want)
		}
	}
}
