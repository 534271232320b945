package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func newTestClient(t *testing.T, h http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := DefaultConfig()
	c.URL, c.Key, c.Backoff, c.RetryFor, c.Plain = s.URL, "k", time.Millisecond, 10*time.Second, true
	for _, f := range change {
		f(&c)
	}
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestTriesAgainWhatMayPass(t *testing.T) {
	var n atomic.Int64
	cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			panic(http.ErrAbortHandler) // the connection breaks
		case 4:
			w.WriteHeader(http.StatusAccepted) // the answer is cut off
		default:
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"accepted":1,"rejected":[{"index":1,"id":"x","field":"kind","reason":"bad"}]}`)
		}
	})
	a, err := cl.Send(context.Background(), []byte("{}\n{}\n"))
	if err != nil || a.Accepted != 1 || len(a.Rejected) != 1 || a.Rejected[0].Reason != "bad" || n.Load() != 5 {
		t.Errorf("%+v, %v after %d requests", a, err, n.Load())
	}
}

// Who waits for a server that is away can be told so.
func TestSaysWhyItTriesAgain(t *testing.T) {
	var why []string
	cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		func(c *Config) {
			c.RetryFor, c.Backoff = 20*time.Millisecond, time.Millisecond
			c.Waiting = func(err error) { why = append(why, err.Error()) }
		})
	if _, err := cl.Send(context.Background(), []byte("{}\n")); err == nil || len(why) == 0 || !strings.Contains(why[0], "502") {
		t.Errorf("%v: %q", err, why)
	}
}

func TestDoesNotTryAgainWhatWillNotPass(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 413, 415, 422} {
		var n atomic.Int64
		cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
			n.Add(1)
			w.WriteHeader(status)
			fmt.Fprint(w, `{"title":"No","detail":"because","field":"body"}`)
		})
		_, err := cl.Send(context.Background(), []byte("{}\n"))
		var p *Problem
		if !errors.As(err, &p) || p.Status != status || !strings.Contains(err.Error(), "No: body: because") || n.Load() != 1 {
			t.Errorf("%d: %v after %d requests", status, err, n.Load())
		}
	}
}

func TestGivesUpInTheEnd(t *testing.T) {
	cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		func(c *Config) { c.RetryFor = 20 * time.Millisecond })
	if _, err := cl.Send(context.Background(), []byte("{}\n")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// TestFlowKeepsTheOrder: answers come in any order, done is told in the order in which the batches were made, and no
// more than the width are under way.
func TestFlowKeepsTheOrder(t *testing.T) {
	const width, batches = 4, 50
	var now, most atomic.Int64
	var n atomic.Int64
	cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		if k := now.Add(1); k > most.Load() {
			most.Store(k)
		}
		time.Sleep(time.Duration(n.Add(1)%5) * time.Millisecond) // so that they overtake one another
		now.Add(-1)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"accepted":1}`)
	})
	made, told := 0, 0
	err := Flow(context.Background(), cl, width, func(context.Context) (*Batch[int], bool, error) {
		made++
		return &Batch[int]{Lines: []byte("{}\n"), Count: 1, Tag: made}, made <= batches, nil
	}, func(b *Batch[int], a Answer) error {
		if told++; b.Tag != told || a.Accepted != 1 {
			t.Errorf("told of batch %d as number %d", b.Tag, told)
		}
		return nil
	})
	if err != nil || told != batches || most.Load() > width {
		t.Errorf("%d told, %d at once, %v", told, most.Load(), err)
	}
}

func TestFlowEndsWithTheFirstError(t *testing.T) {
	cl := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"accepted":1}`)
	})
	stop := errors.New("stop")
	endless := func(ctx context.Context) (*Batch[int], bool, error) {
		return &Batch[int]{Lines: []byte("{}\n")}, true, ctx.Err()
	}
	if err := Flow(context.Background(), cl, 3, endless, func(*Batch[int], Answer) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := Flow(ctx, cl, 3, endless, func(*Batch[int], Answer) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
