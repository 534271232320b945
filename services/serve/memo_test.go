package serve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// A question that is under way is everybody's, its error too; who has less time leaves, and whoever asked first may go without ending it.
func TestOneQuestionForMany(t *testing.T) {
	m := newMemo[string, int](time.Hour, time.Now)
	asked, answer := make(chan struct{}), make(chan error)
	var questions atomic.Int32
	ask := func(ctx context.Context) (int, error) {
		questions.Add(1)
		asked <- struct{}{}
		select {
		case err := <-answer:
			return 7, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	first, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := m.get(first, "key", ask); left <- err }()
	<-asked
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	var all sync.WaitGroup
	var waiting atomic.Int32
	for range 20 {
		all.Go(func() {
			waiting.Add(1)
			if _, err := m.get(t.Context(), "key", ask); !errors.Is(err, errBusy) {
				t.Errorf("who waited: %v", err)
			}
		})
	}
	for waiting.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := m.get(hurried, "key", ask); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who has no time: %v", err)
	}
	answer <- errBusy
	all.Wait()
	// An error is not remembered, an answer is.
	go func() { <-asked; answer <- nil }()
	for range 2 {
		if n, err := m.get(t.Context(), "key", ask); n != 7 || err != nil {
			t.Errorf("%d %v", n, err)
		}
	}
	if n := questions.Load(); n != 2 {
		t.Errorf("%d questions, want 2", n)
	}
}

// silent is a log that does not answer at all.
type silent struct{}

func (silent) Ping(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (silent) GroupOffsets(ctx context.Context, _ string, _ ...string) ([]kafka.Offsets, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// While the log does not answer, each report waits for one question and not for those of the reports before it.
func TestReportsWhileTheLogIsAway(t *testing.T) {
	f := start(t, func(c *Config) { c.Log = silent{} })
	begin := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { f.get(200, "/v1/reports/touchpoints?by=channel") })
	}
	all.Wait()
	if waited := time.Since(begin); waited > 2*logPatience+5*time.Second {
		t.Errorf("twenty reports took %v", waited)
	}
}
