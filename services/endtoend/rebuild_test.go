package endtoend

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// Everything derived is built anew while touchpoints come in and somebody reads: no figure ever drops, nothing fails.
// A rebuild whose server is killed is finished by the next.
func TestRebuildWhileItIsUsed(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	u.send(crowd(3, "crowd-", 1500)...)
	if a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(message("refused", "r@example.com", m{"channel": "pigeon"}))); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("%d %v", a.status, err)
	}
	before := u.settle()
	for _, what := range []string{"store", "conversations", "identity"} {
		t.Run(what, func(t *testing.T) {
			life := startLife(t, u, what)
			run(t, append([]string{"rebuild", what}, u.server()...)...)
			life.stop()
			t.Logf("%d touchpoints sent and %d questions asked meanwhile", life.sent.Load(), life.asked.Load())
			if life.sent.Load() == 0 || life.asked.Load() < 5 {
				t.Error("nothing went on meanwhile")
			}
			after := u.settle()
			// A BI tool's saved questions go on being right.
			for name, want := range map[string]int{"touchpoints": after.Touchpoints, "conversations": after.Conversations, "rejected": 1} {
				if got := query(t, u, "SELECT count() FROM throughline.now_"+name); got != strconv.Itoa(want) {
					t.Errorf("now_%s has %s, want %d", name, got, want)
				}
			}
			if got := query(t, u, "SELECT uniq(person) FROM throughline.now_touchpoints WHERE id != ''"); got != strconv.Itoa(after.People) {
				t.Errorf("%s people, want %d", got, after.People)
			}
			if after.Touchpoints != before.Touchpoints+int(life.sent.Load()) || after.People != before.People+int(life.sent.Load()) {
				t.Errorf("%+v, before %+v and %d sent", after, before, life.sent.Load())
			}
			if letters := lettersOf(u); len(letters) != 1 || letters[0].Touchpoint != "refused" {
				t.Errorf("dead letters: %+v", letters)
			}
			before = after
		})
	}
	t.Run("killed", func(t *testing.T) {
		for _, after := range []string{"making", "records left"} {
			p := program.Start(t, "rebuild", append([]string{"rebuild", "identity"}, u.server()...)...)
			eventually(t, 30*time.Second, func() error {
				if !strings.Contains(p.Output(), after) && !p.Ended() {
					return fmt.Errorf("%q did not come: %s", after, p.Output())
				}
				return nil
			})
			u.Kill()
			if p.Wait(t, time.Minute) == 0 {
				t.Logf("the rebuild was done before the kill after %q", after)
			}
			u.start()
			life := startLife(t, u, "killed-"+after[:4])
			r := run(t, append([]string{"rebuild", "store"}, u.server()...)...)
			life.stop()
			t.Logf("the next: %s", strings.ReplaceAll(r.Stderr, "\n", "; "))
			if again := u.settle(); again.Touchpoints != before.Touchpoints+int(life.sent.Load()) {
				t.Errorf("%+v, before %+v and %d sent", again, before, life.sent.Load())
			} else {
				before = again
			}
		}
	})
}

// life is what goes on beside an operation: somebody sends, and somebody reads figures, which must never drop.
type life struct {
	sent, asked atomic.Int64
	stop        func()
}

func startLife(t *testing.T, u *up, prefix string) *life {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &life{}
	var wg sync.WaitGroup
	l.stop = func() { cancel(); wg.Wait() }
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			// Each is somebody new, so that people and conversations only grow.
			a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(message(fmt.Sprintf("%s-%d", prefix, i), fmt.Sprintf("%s-%d@example.net", prefix, i), nil)))
			if err != nil || a.status != http.StatusAccepted {
				t.Errorf("send: %d %s %v", a.status, a.body, err)
				return
			}
			l.sent.Add(1)
			pause(ctx, 20*time.Millisecond)
		}
	})
	watch := func(name string, read func() ([]int, error)) {
		wg.Go(func() {
			var least []int
			for ctx.Err() == nil {
				now, err := read()
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				for i := range least {
					if now[i] < least[i] {
						t.Errorf("%s: %v, before %v", name, now, least)
					}
				}
				least = now
				l.asked.Add(1)
				pause(ctx, 30*time.Millisecond)
			}
		})
	}
	watch("touchpoints", func() ([]int, error) {
		r, err := ask[reportAnswer[figures]](u, "/v1/reports/touchpoints?"+march2026)
		return []int{r.Totals.Touchpoints, r.Totals.People, r.Totals.Conversations}, err
	})
	watch("conversations", func() ([]int, error) {
		r, err := ask[reportAnswer[conversationRow]](u, "/v1/reports/conversations?"+march2026)
		return []int{r.Totals.Count, r.Totals.Resolved, r.Totals.Reopened, r.Totals.Response.N, r.Totals.Resolution.N}, err
	})
	watch("person", func() ([]int, error) {
		p, err := ask[struct{ Touchpoints, Conversations int }](u, "/v1/people?identifier=email:crowd-1@example.com")
		return []int{p.Touchpoints, p.Conversations}, err
	})
	watch("dead letters", func() ([]int, error) {
		d, err := ask[struct {
			DeadLetters []letter `json:"dead_letters"`
		}](u, "/v1/dead-letters")
		return []int{len(d.DeadLetters)}, err
	})
	return l
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
