package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
)

// SenderConfig says how touchpoints wait for each other. Start from DefaultSenderConfig.
type SenderConfig struct {
	Batch  int             // how many a request carries at most; up to MaxLines
	Linger time.Duration   // how long one waits for others
	Queue  int             // how many may wait; Add blocks when so many do
	Reject func(Rejection) // told of every touchpoint that the server refused and keeps in the dead letters; nil: nobody is told
}

// DefaultSenderConfig sends up to 500 at a time, after a fifth of a second, and holds 10,000.
func DefaultSenderConfig() SenderConfig {
	return SenderConfig{Batch: 500, Linger: 200 * time.Millisecond, Queue: 10_000}
}

// Validate reports what cannot work.
func (c SenderConfig) Validate() error {
	if c.Batch <= 0 || c.Batch > MaxLines || c.Queue <= 0 || c.Linger < 0 {
		return fmt.Errorf("client: sender: batch must be 1 to %d, queue positive and linger not negative", MaxLines)
	}
	return nil
}

// ErrClosed is returned by Add and Flush after Close.
var ErrClosed = errors.New("client: the sender is closed")

// Sender sends touchpoints one by one, in batches. One request is under way at a time, and what it carries is tried until the server
// has it, so that the touchpoints of a customer arrive in the order in which they were added; each has its id and time from the
// beginning, so that what is sent twice is there once. It is safe for use by several goroutines.
type Sender struct {
	client *Client
	config SenderConfig
	queue  chan queued
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // once ended is closed

	closing chan struct{}
	mu      sync.RWMutex // held while something is added: the queue is closed when nobody adds any more
	once    sync.Once
}

// queued is a touchpoint that waits, or somebody who waits until all before are sent.
type queued struct {
	line  []byte
	flush chan<- struct{}
}

// NewSender makes a Sender, which must be closed.
func NewSender(c *Client, config SenderConfig) (*Sender, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sender{client: c, config: config, queue: make(chan queued, config.Queue), cancel: cancel, ended: make(chan struct{}), closing: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.err = s.run(ctx)
	}()
	return s, nil
}

// Add takes a touchpoint and returns its id. It blocks while the queue is full. The error is ErrClosed, the context's, that of a value
// that is no JSON, or a *Problem: the server refuses all, as for a wrong key, and nothing is sent any more.
func (s *Sender) Add(ctx context.Context, t Touchpoint) (id string, err error) {
	if t.ID == "" {
		made, err := uuid.NewV7()
		if err != nil {
			return "", fmt.Errorf("client: make an id: %w", err)
		}
		t.ID = made.String()
	}
	if t.Time.IsZero() {
		t.Time = time.Now().UTC()
	}
	line, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("client: encode: %w", err)
	}
	return t.ID, s.put(ctx, queued{line: append(line, '\n')})
}

// Flush returns when the log has everything that was added before. The errors are those of Add.
func (s *Sender) Flush(ctx context.Context) error {
	done := make(chan struct{})
	if err := s.put(ctx, queued{flush: done}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close takes no more, and returns when the log has everything, or ctx ends: what waits then is lost.
func (s *Sender) Close(ctx context.Context) error {
	err := ErrClosed
	s.once.Do(func() {
		err = nil
		close(s.closing) // whoever waits for room in the queue gives up
		s.mu.Lock()
		close(s.queue)
		s.mu.Unlock()
	})
	if err != nil {
		return err
	}
	defer s.cancel()
	select {
	case <-s.ended:
		return s.err
	case <-ctx.Done():
		s.cancel()
		<-s.ended
		return ctx.Err()
	}
}

func (s *Sender) put(ctx context.Context, q queued) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	select {
	case <-s.ended:
		return s.refusal()
	case <-s.closing:
		return ErrClosed
	default:
	}
	select {
	case s.queue <- q:
		return nil
	case <-s.ended:
		return s.refusal()
	case <-s.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refusal says why nothing is taken once ended is closed: never nil, for what is not taken must not look sent.
func (s *Sender) refusal() error {
	if s.err != nil {
		return s.err
	}
	return ErrClosed
}

// run sends batches until the queue is closed and empty.
func (s *Sender) run(ctx context.Context) error {
	for {
		first, ok := <-s.queue
		if !ok {
			return nil
		}
		lines, flush := s.gather(first)
		if err := s.send(ctx, lines); err != nil {
			return err
		}
		if flush != nil {
			close(flush)
		}
	}
}

// gather takes what comes until the batch is full, it has waited long enough, or somebody wants it sent.
func (s *Sender) gather(q queued) (lines [][]byte, flush chan<- struct{}) {
	linger := time.NewTimer(s.config.Linger)
	defer linger.Stop()
	for bytes := 0; ; {
		if q.flush != nil {
			return lines, q.flush
		}
		lines = append(lines, q.line)
		if bytes += len(q.line); len(lines) == s.config.Batch || bytes > MaxBytes/2 {
			return lines, nil
		}
		var ok bool
		select {
		case q, ok = <-s.queue:
			if !ok {
				return lines, nil
			}
		case <-linger.C:
			return lines, nil
		}
	}
}

// send tries until the server has the lines, says that it never will take them, or ctx ends.
func (s *Sender) send(ctx context.Context, lines [][]byte) error {
	if len(lines) == 0 {
		return nil
	}
	var body []byte
	for _, line := range lines {
		body = append(body, line...)
	}
	for {
		answer, err := s.client.Send(ctx, body)
		var problem *Problem
		switch {
		case err == nil:
			if s.config.Reject != nil {
				for _, r := range answer.Rejected {
					s.config.Reject(r)
				}
			}
			return nil
		case errors.Is(err, ErrUnavailable):
			continue // the client has waited in between
		case errors.As(err, &problem) && problem.Status == http.StatusRequestEntityTooLarge && len(lines) > 1:
			half := len(lines) / 2
			if err := s.send(ctx, lines[:half]); err != nil {
				return err
			}
			return s.send(ctx, lines[half:])
		}
		return err
	}
}
