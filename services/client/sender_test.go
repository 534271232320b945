package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/klauspost/compress/gzip"

	"github.com/throughline/throughline/schemas/openapi"
)

// moody is a server that answers badly, and remembers what came in the order in which it was first seen.
type moody struct {
	mu    sync.Mutex
	order []string
	known map[string]bool
	calls int
	mood  func(call, lines int) (status int, stored bool)
}

func (s *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(z)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	status, stored := s.mood(s.calls, len(lines))
	if stored {
		for _, line := range lines {
			var t Touchpoint
			if err := json.Unmarshal([]byte(line), &t); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			if !s.known[t.ID] {
				s.known[t.ID] = true
				s.order = append(s.order, t.Text)
			}
		}
	}
	w.WriteHeader(status)
	if status == http.StatusAccepted {
		_, _ = fmt.Fprintf(w, `{"accepted":%d,"rejected":[]}`, len(lines))
	}
}

func sender(t *testing.T, s *moody, change func(*SenderConfig)) *Sender {
	t.Helper()
	s.known = map[string]bool{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := DefaultConfig()
	c.URL, c.Key, c.Backoff, c.RetryFor = server.URL, "k", time.Millisecond, 5*time.Millisecond
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	config := DefaultSenderConfig()
	config.Linger = time.Millisecond
	if change != nil {
		change(&config)
	}
	out, err := NewSender(client, config)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func some(n int) Touchpoint {
	return Touchpoint{Channel: "chat", Direction: "inbound", Kind: "message", Actor: Actor{Type: "customer"}, Text: fmt.Sprint(n)}
}

// Whatever the server does meanwhile, everything arrives, in order.
func TestSenderKeepsOrder(t *testing.T) {
	s := &moody{mood: func(call, _ int) (int, bool) {
		switch call * 7919 % 5 {
		case 0:
			return http.StatusServiceUnavailable, false
		case 1:
			return http.StatusInternalServerError, true // stored, and the answer says otherwise
		case 2:
			return http.StatusTooManyRequests, false
		}
		return http.StatusAccepted, true
	}}
	out := sender(t, s, func(c *SenderConfig) { c.Batch, c.Queue = 7, 20 })
	var want []string
	for n := range 300 {
		if _, err := out.Add(t.Context(), some(n)); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprint(n))
		if n == 100 {
			if err := out.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			if len(s.order) != 101 {
				t.Errorf("%d are there after Flush", len(s.order))
			}
			s.mu.Unlock()
		}
	}
	if err := out.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.order, want) {
		t.Errorf("%v", s.order)
	}
	for range 100 { // what ends a sender and what closes it are both there: whichever is seen first, nothing is taken
		if _, err := out.Add(t.Context(), some(1)); !errors.Is(err, ErrClosed) {
			t.Fatalf("after Close: %v", err)
		}
	}
}

func TestSenderHalvesWhatIsTooLarge(t *testing.T) {
	s := &moody{mood: func(_, lines int) (int, bool) {
		if lines > 3 {
			return http.StatusRequestEntityTooLarge, false
		}
		return http.StatusAccepted, true
	}}
	out := sender(t, s, func(c *SenderConfig) { c.Linger = time.Hour })
	for n := range 10 {
		if _, err := out.Add(t.Context(), some(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(t.Context()); err != nil || len(s.order) != 10 {
		t.Errorf("%v %v", s.order, err)
	}
}

func TestSenderSaysThatTheKeyIsWrong(t *testing.T) {
	out := sender(t, &moody{mood: func(int, int) (int, bool) { return http.StatusUnauthorized, false }}, nil)
	if _, err := out.Add(t.Context(), some(1)); err != nil {
		t.Fatal(err)
	}
	var problem *Problem
	if err := out.Flush(t.Context()); !errors.As(err, &problem) || problem.Status != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
	if err := out.Close(t.Context()); !errors.As(err, &problem) {
		t.Errorf("%v", err)
	}
}

// A full queue blocks, and a context ends that; so does Close while the server is away.
func TestSenderIsBounded(t *testing.T) {
	out := sender(t, &moody{mood: func(int, int) (int, bool) { return http.StatusServiceUnavailable, false }}, func(c *SenderConfig) { c.Queue, c.Batch = 2, 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var err error
	for n := 0; err == nil && n < 100; n++ {
		_, err = out.Add(ctx, some(n))
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := out.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// The type has the fields of the API's description, and no others.
func TestTouchpointIsTheDescribedOne(t *testing.T) {
	var d struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := yaml.Unmarshal(openapi.Document, &d); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for name := range d.Components.Schemas["NewTouchpoint"].Properties {
		want = append(want, name)
	}
	for f := range reflect.TypeFor[Touchpoint]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q, described are %q", got, want)
	}
}
