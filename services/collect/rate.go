package collect

import (
	"errors"
	"sync"
	"time"
)

// RateConfig bounds how many touchpoints a second each workspace may send. The zero value bounds nothing.
type RateConfig struct {
	PerSecond float64
	Burst     int // how many may come at once after a rest
}

// Validate reports what is wrong.
func (c RateConfig) Validate() error {
	if c.PerSecond < 0 || (c.PerSecond > 0 && c.Burst <= 0) {
		return errors.New("collect: rate must not be negative, and a rate needs a burst")
	}
	return nil
}

// rates is a token bucket per workspace. How many touchpoints a request carries is known only once it is read, so a
// bucket may go into debt: a request is let in while there is anything left, and the next ones pay for it.
type rates struct {
	config  RateConfig
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newRates(c RateConfig) *rates { return &rates{config: c, buckets: map[string]*bucket{}} }

// admit tells whether the workspace may send now, and otherwise how long it must wait.
func (r *rates) admit(workspace string, now time.Time) (wait time.Duration, ok bool) {
	if r.config.PerSecond == 0 {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.of(workspace, now)
	if b.left >= 1 {
		return 0, true
	}
	return time.Duration((1 - b.left) / r.config.PerSecond * float64(time.Second)), false
}

// spend takes n touchpoints off the workspace's bucket.
func (r *rates) spend(workspace string, n int, now time.Time) {
	if r.config.PerSecond == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(workspace, now).left -= float64(n)
}

func (r *rates) of(workspace string, now time.Time) *bucket {
	b := r.buckets[workspace]
	if b == nil {
		b = &bucket{left: float64(r.config.Burst), at: now}
		r.buckets[workspace] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(float64(r.config.Burst), b.left+passed.Seconds()*r.config.PerSecond)
		b.at = now
	}
	return b
}
