// Package client posts touchpoints to a running Throughline, over HTTP as any other producer does, and keeps at it
// while the server is busy or away.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Limits of what one request should carry: well under the server's limit for a body.
const (
	MaxLines = 1000
	MaxBytes = 4 << 20
)

// ErrUnavailable is wrapped when the server was away or busy for longer than Config.RetryFor.
var ErrUnavailable = errors.New("client: the server is not available")

// Problem is an answer that no retry will change, such as a wrong key (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

func (p *Problem) Error() string {
	s := fmt.Sprintf("client: the server answered %d %s", p.Status, p.Title)
	if p.Field != "" {
		s += ": " + p.Field
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// Config says where to post and how patiently.
type Config struct {
	URL      string        // of the server, such as http://127.0.0.1:8080
	Key      string        // of the workspace; never logged
	Plain    bool          // bodies are not compressed: for a server on the same machine
	Timeout  time.Duration // of one request
	RetryFor time.Duration // how long one batch is tried
	Backoff  time.Duration // before the second attempt; it doubles up to 10 s
	HTTP     *http.Client  // nil: one of its own
	Waiting  func(error)   // told why a batch is tried again; several batches at a time may be; nil: nobody
}

// DefaultConfig waits half a minute for an answer and ten minutes for a server.
func DefaultConfig() Config {
	return Config{URL: "http://127.0.0.1:8080", Timeout: 30 * time.Second, RetryFor: 10 * time.Minute, Backoff: 100 * time.Millisecond}
}

// Validate reports what cannot work.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("client: url: %q is not an http or https URL", c.URL)
	}
	if c.Key == "" {
		return errors.New("client: key: an API key is needed")
	}
	if c.Timeout <= 0 || c.RetryFor <= 0 || c.Backoff <= 0 {
		return errors.New("client: timeout, retry-for and backoff must be positive")
	}
	return nil
}

// Client posts to one server. It is safe for use by several goroutines.
type Client struct {
	c    Config
	url  string
	zips sync.Pool
}

// New makes a client; no request is made yet.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		c.HTTP = &http.Client{Transport: t}
	}
	return &Client{c: c, url: strings.TrimSuffix(c.URL, "/") + "/v1/touchpoints"}, nil
}

// Answer is what the server made of a batch.
type Answer struct {
	Accepted int         `json:"accepted"`
	Rejected []Rejection `json:"rejected"`
}

// Rejection is one touchpoint that was refused and went to the dead letters.
type Rejection struct {
	Index  int    `json:"index"` // of its line in the batch, from 0
	ID     string `json:"id"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// Send posts lines of JSON and returns when the server has them on its log. It tries again on everything that may
// pass; a batch that was accepted although the answer got lost is sent twice, which changes nothing as long as its
// touchpoints have ids or times. Errors: a *Problem, ErrUnavailable, or the context's.
func (c *Client) Send(ctx context.Context, lines []byte) (Answer, error) {
	if len(lines) == 0 {
		return Answer{}, nil
	}
	body, err := c.body(lines)
	if err != nil {
		return Answer{}, err
	}
	deadline := time.Now().Add(c.c.RetryFor)
	for attempt := 0; ; attempt++ {
		a, wait, err := c.once(ctx, body)
		if err == nil {
			return a, nil
		}
		var p *Problem
		if errors.As(err, &p) && !passing(p.Status) {
			return Answer{}, p
		}
		if ctx.Err() != nil {
			return Answer{}, ctx.Err()
		}
		wait = max(wait, c.backoff(attempt))
		if time.Now().Add(wait).After(deadline) {
			return Answer{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if c.c.Waiting != nil {
			c.c.Waiting(err)
		}
		select {
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// body compresses the lines once for all attempts.
func (c *Client) body(lines []byte) ([]byte, error) {
	if c.c.Plain {
		return lines, nil
	}
	var b bytes.Buffer
	z, _ := c.zips.Get().(*gzip.Writer)
	if z == nil {
		var err error
		if z, err = gzip.NewWriterLevel(&b, gzip.BestSpeed); err != nil {
			return nil, fmt.Errorf("client: compress: %w", err)
		}
	} else {
		z.Reset(&b)
	}
	defer c.zips.Put(z)
	if _, err := z.Write(lines); err != nil {
		return nil, fmt.Errorf("client: compress: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("client: compress: %w", err)
	}
	return b.Bytes(), nil
}

// once makes one attempt. wait is what the server asks for before the next.
func (c *Client) once(ctx context.Context, body []byte) (a Answer, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return a, 0, fmt.Errorf("client: request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+c.c.Key)
	if !c.c.Plain {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := c.c.HTTP.Do(req)
	if err != nil {
		return a, 0, fmt.Errorf("client: send: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return a, 0, fmt.Errorf("client: read answer: %w", err)
	}
	if resp.StatusCode == http.StatusAccepted {
		if err := json.Unmarshal(text, &a); err != nil {
			return a, 0, fmt.Errorf("client: read answer: %w", err)
		}
		return a, 0, nil
	}
	p := &Problem{}
	if json.Unmarshal(text, p) != nil {
		p.Detail = string(text[:min(len(text), 200)])
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		wait = min(time.Duration(s)*time.Second, time.Minute)
	}
	return a, wait, p
}

// passing tells whether another attempt may fare better.
func passing(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

// backoff is spread so that clients do not come back together.
func (c *Client) backoff(attempt int) time.Duration {
	d := min(c.c.Backoff<<min(attempt, 10), 10*time.Second)
	return d/2 + rand.N(d/2+1)
}
