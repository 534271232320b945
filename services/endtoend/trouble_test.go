package endtoend

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// senders send one touchpoint after the other, each until it is accepted, and count what was answered.
type senders struct {
	tb       testing.TB
	accepted atomic.Int64
	mu       sync.Mutex
	statuses map[int]int
	odd      []string // answers that a client should not get
	wait     func()
}

// startSenders starts them; they end with ctx, or when stop is called.
func startSenders(tb testing.TB, u *up, prefix string) *senders {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	s := &senders{tb: tb, statuses: map[int]int{}}
	var wg sync.WaitGroup
	s.wait = func() { cancel(); wg.Wait() }
	for n := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				body := encode(message(fmt.Sprintf("%s-%d-%d", prefix, n, i), fmt.Sprintf("%s%d@example.com", prefix, i%20), nil))
				for ctx.Err() == nil && !s.once(u, body) {
					pause(ctx, 50*time.Millisecond)
				}
				pause(ctx, 20*time.Millisecond)
			}
		})
	}
	tb.Cleanup(s.wait)
	return s
}

func (s *senders) once(u *up, body []byte) bool {
	began := time.Now()
	a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, body)
	took := time.Since(began)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return false // the server is away: the tests that take it away know
	}
	s.statuses[a.status]++
	switch a.status {
	case http.StatusAccepted:
		s.accepted.Add(1)
		return true
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if after, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && after > 0 && strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
			break
		}
		fallthrough
	default:
		s.odd = append(s.odd, fmt.Sprintf("%d %s %s", a.status, a.header, a.body))
	}
	if took > 20*time.Second {
		s.odd = append(s.odd, fmt.Sprintf("an answer after %s", took))
	}
	return false
}

// more waits until so many more were accepted.
func (s *senders) more(n int64) {
	s.tb.Helper()
	from := s.accepted.Load()
	eventually(s.tb, 90*time.Second, func() error {
		if got := s.accepted.Load() - from; got < n {
			return fmt.Errorf("%d more accepted, want %d; answers %v", got, n, s.answers())
		}
		return nil
	})
}

func (s *senders) answers() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.statuses, s.odd)
}

// refused waits until the door answers 503.
func (s *senders) refused() {
	s.tb.Helper()
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.statuses[http.StatusServiceUnavailable]
	}
	from := count()
	eventually(s.tb, time.Minute, func() error {
		if count() == from {
			return fmt.Errorf("nothing was refused: %s", s.answers())
		}
		return nil
	})
}

// stop ends them, and looks at how they were answered.
func (s *senders) stop() {
	s.tb.Helper()
	s.wait()
	if len(s.odd) > 0 {
		s.tb.Errorf("odd answers: %s", s.odd[:min(5, len(s.odd))])
	}
}

const aReport = "/v1/reports/touchpoints?" + march2026

const aLookup = "/v1/people?identifier=email:nobody@example.com"

// reads asks questions. Each must be answered in time, with 200, or with 503 and when to come again.
func reads(t *testing.T, u *up, paths ...string) (all200 bool) {
	t.Helper()
	all200 = true
	for _, path := range paths {
		began := time.Now()
		a, err := u.request(http.MethodGet, path, nil, nil)
		took := time.Since(began)
		switch {
		case err != nil:
			t.Errorf("GET %s: %v", path, err)
		case a.status == http.StatusOK || a.status == http.StatusNotFound:
		case a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != "":
			all200 = false
		default:
			all200 = false
			t.Errorf("GET %s: %d %s %s", path, a.status, a.header, a.body)
		}
		if took > 20*time.Second {
			t.Errorf("GET %s: answered after %s", path, took)
		}
	}
	return all200
}

// engineOf is the process id of the embedded ClickHouse of a program.
func engineOf(t *testing.T, p *program.Process) int {
	t.Helper()
	found := 0
	eventually(t, 30*time.Second, func() error {
		processes, err := os.ReadDir("/proc")
		if err != nil {
			t.Skipf("there is no /proc to find the engine's process in: %v", err)
		}
		for _, dir := range processes {
			stat, err := os.ReadFile("/proc/" + dir.Name() + "/stat")
			if err != nil {
				continue
			}
			_, after, _ := strings.Cut(string(stat), ") ")
			if fields := strings.Fields(after); len(fields) > 1 && fields[0] != "Z" && fields[1] == strconv.Itoa(p.PID()) {
				found, _ = strconv.Atoi(dir.Name())
				return nil
			}
		}
		return fmt.Errorf("the program has no child")
	})
	return found
}

// ClickHouse is killed, and hangs, while clients send: what comes in is accepted all the same, reading says when to come
// again, and afterwards everything is there.
func TestStoreInTrouble(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	s := startSenders(t, u, "store")
	s.more(100)
	for range 3 {
		_ = syscall.Kill(engineOf(t, u.Process), syscall.SIGKILL)
		reads(t, u, aLookup, aReport)
		s.more(50)
	}
	eventually(t, time.Minute, func() error {
		if !reads(t, u, aLookup, aReport) {
			return fmt.Errorf("reading does not come back")
		}
		return nil
	})

	child := engineOf(t, u.Process)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGCONT) })
	began := time.Now()
	s.more(50)
	if reads(t, u, aLookup) { // a report is given six times as long
		t.Error("a store that hangs answered")
	}
	if a, err := u.request(http.MethodGet, "/readyz", nil, nil); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("ready: %d %v", a.status, err)
	}
	t.Logf("the store hung for %s", time.Since(began).Round(time.Millisecond))
	if err := syscall.Kill(child, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.more(50)
	s.stop()
	t.Logf("answers: %s", s.answers())
	if n := s.statuses[http.StatusServiceUnavailable]; n > 0 {
		t.Errorf("the door refused %d because of the store", n)
	}
	if report := u.settle(); int64(report.Touchpoints) < s.accepted.Load() {
		t.Errorf("%+v, %d accepted", report, s.accepted.Load())
	}
	if got := get[reportAnswer[figures]](u, aReport).Totals.Touchpoints; int64(got) < s.accepted.Load() {
		t.Errorf("the report has %d", got)
	}
}
