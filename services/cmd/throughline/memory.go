package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// boundGarbage keeps garbage from piling up: the process takes no more memory than base, as long as half of that is enough for what must stay.
// What must stay grows with history, and the limit follows it: near a limit the collector would run all the time, and each touchpoint cost more
// than the one before. Whoever sets GOMEMLIMIT decides instead.
func boundGarbage(ctx context.Context, base int64) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(base)
	go func() {
		limit, live := base, []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // as of the last collection
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				metrics.Read(live)
				if next := memoryLimit(base, live[0].Value.Uint64()); next != limit {
					limit = next
					debug.SetMemoryLimit(limit)
				}
			}
		}
	}()
}

// memoryLimit is the base, or twice what must stay: by then the collector's own measure (GOGC) is the tighter one.
func memoryLimit(base int64, live uint64) int64 { return max(base, 2*int64(live)) }
