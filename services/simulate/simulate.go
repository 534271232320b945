// Package simulate is a company that does not exist: its customers, its people and what happens between them, told as
// touchpoints. Run posts a history and then live traffic to a server; Generator makes touchpoints fast, for measuring.
//
//	company.yaml, phrases.yaml, stories.yaml + seed -> company -> feed (by time) -> client.Flow -> POST /v1/touchpoints
//
// Everything is a function of the seed and the calendar, so sending it again adds nothing. The state file only saves
// the sending again.
package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/services/progress"
)

// Config says how large the company is and where its touchpoints go.
type Config struct {
	Client    client.Config
	Seed      uint64
	Customers int
	Days      int     // of history
	Rate      float64 // live touchpoints a second; 0: Run ends when the history is there
	StateFile string  // remembers what is acknowledged; empty: nothing does. It belongs beside the server's data
	Width     int     // batches under way at once
	Progress  io.Writer
	Logger    *slog.Logger
	Now       func() time.Time
	Loaded    func(Loaded) // called once, when the history is there; may be nil
}

// Loaded is worth showing when the history is there.
type Loaded struct {
	Sent     int // in this run
	Rejected int
	Resumed  bool      // an earlier run had sent history
	From, To time.Time // of the history
	Look     []Sample  // some customers to look at
}

// Sample is a customer.
type Sample struct{ Name, Email, Phone, CustomerID string }

// DefaultConfig is the company of the demonstration: 2,000 customers, 30 days of history, two touchpoints a second.
func DefaultConfig() Config {
	c := client.DefaultConfig()
	c.Plain = true // the server is usually on this machine
	return Config{Client: c, Seed: 1, Customers: 2000, Days: 30, Rate: 2, Width: 4, Logger: slog.New(slog.DiscardHandler), Now: time.Now}
}

// Validate reports what cannot work.
func (c Config) Validate() error {
	switch {
	case c.Customers < 2 || c.Customers > 1_000_000:
		return fmt.Errorf("simulate: customers: %d is not between 2 and 1000000", c.Customers)
	case c.Days < 1 || c.Days > 3650:
		return fmt.Errorf("simulate: days: %d is not between 1 and 3650", c.Days)
	case c.Rate < 0 || c.Rate > 10_000:
		return fmt.Errorf("simulate: rate: %v is not between 0 and 10000", c.Rate)
	case c.Width < 1 || c.Width > 64:
		return fmt.Errorf("simulate: width: %d is not between 1 and 64", c.Width)
	case c.Now == nil || c.Logger == nil:
		return errors.New("simulate: now and logger must be given")
	}
	return c.Client.Validate()
}

// state is what the state file says, in ms since 1970.
type state struct {
	Seed      uint64 `json:"seed"`
	Customers int    `json:"customers"`

	First   int64 `json:"first"`   // when the history begins
	Live    int64 `json:"live"`    // when live traffic began
	Through int64 `json:"through"` // everything up to here is acknowledged
}

// away is how much live traffic is made up for after a pause; of a longer one only the history goes on.
const away = time.Hour

// Run sends the history, then live traffic until the context ends, which is no error.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	co, err := newCompany(c.Seed, c.Customers)
	if err != nil {
		return err
	}
	cl, err := client.New(c.Client)
	if err != nil {
		return err
	}
	now := c.Now()
	st, err := loadState(c.StateFile)
	if err != nil {
		return err
	}
	resumed := st.Seed == c.Seed && st.Customers == c.Customers // else it is about another company
	if !resumed {
		y, m, d := now.In(co.zone).Date()
		first := time.Date(y, m, d-c.Days, 0, 0, 0, 0, co.zone)
		st = state{Seed: c.Seed, Customers: c.Customers, First: first.UnixMilli(), Live: now.UnixMilli(), Through: first.UnixMilli() - 1}
	}
	live := time.UnixMilli(max(st.Live, now.Add(-away).UnixMilli()))
	s := &sender{c: &c, state: st, saved: now,
		feed: newFeed(co, time.UnixMilli(st.First), time.UnixMilli(st.Through), live, c.Rate)}

	err = s.history(ctx, cl, now)
	if err == nil {
		if c.Loaded != nil {
			c.Loaded(Loaded{Sent: s.sent, Rejected: s.rejected, Resumed: resumed, From: time.UnixMilli(st.First), To: now, Look: co.samples()})
		}
		if c.Rate > 0 {
			err = s.live(ctx, cl)
		}
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return errors.Join(err, s.save())
}

// samples are the first customers.
func (c *company) samples() (out []Sample) {
	for _, x := range c.customers[:min(5, len(c.customers))] {
		out = append(out, Sample{x.Name, x.ids["email"], x.ids["phone"], x.ids["customer_id"]})
	}
	return out
}

// sender moves a feed to the server.
type sender struct {
	c        *Config
	feed     *feed
	state    state
	saved    time.Time
	sent     int
	rejected int
}

// history sends what happened up to now.
func (s *sender) history(ctx context.Context, cl *client.Client, now time.Time) error {
	from := s.state.Through
	bar := progress.Start(s.c.Progress, "history", now.UnixMilli()-from)
	defer bar.Stop()
	finished := false
	return client.Flow(ctx, cl, s.c.Width, func(ctx context.Context) (*client.Batch[int64], bool, error) {
		if finished || ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		out, all := s.feed.until(now, client.MaxLines)
		finished = all
		return batch(out, all, now), true, nil
	}, func(b *client.Batch[int64], a client.Answer) error {
		err := s.done(b, a)
		bar.Set(s.state.Through-from, fmt.Sprintf("%d touchpoints", s.sent))
		return err
	})
}

// tick is how often live traffic is sent.
const tick = 200 * time.Millisecond

// live sends what happens as it happens.
func (s *sender) live(ctx context.Context, cl *client.Client) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	behind := false
	return client.Flow(ctx, cl, s.c.Width, func(ctx context.Context) (*client.Batch[int64], bool, error) {
		for {
			if !behind {
				select {
				case <-ctx.Done():
					return nil, false, ctx.Err()
				case <-t.C:
				}
			}
			now := s.c.Now()
			out, all := s.feed.until(now, client.MaxLines)
			behind = !all
			if len(out) > 0 {
				return batch(out, all, now), true, nil
			}
		}
	}, s.done)
}

// batch makes lines of touchpoints. Its tag is the time up to which everything is in it or before it.
func batch(ts []touch, all bool, until time.Time) *client.Batch[int64] {
	b := &client.Batch[int64]{Count: len(ts), Tag: until.UnixMilli()}
	for _, t := range ts {
		b.Lines = append(append(b.Lines, t.line...), '\n')
	}
	if !all && len(ts) > 0 {
		b.Tag = ts[len(ts)-1].time - 1 // the next batch may begin in the same millisecond
	}
	return b
}

func (s *sender) done(b *client.Batch[int64], a client.Answer) error {
	s.sent += a.Accepted
	s.rejected += len(a.Rejected)
	for _, r := range a.Rejected[:min(len(a.Rejected), 3)] {
		s.c.Logger.Warn("a simulated touchpoint was rejected", "id", r.ID, "field", r.Field, "reason", r.Reason)
	}
	s.state.Through = max(s.state.Through, b.Tag)
	if now := s.c.Now(); now.Sub(s.saved) > time.Second {
		s.saved = now
		return s.save()
	}
	return nil
}

func loadState(path string) (st state, err error) {
	if path == "" {
		return st, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return st, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &st)
	}
	if err != nil {
		return state{}, fmt.Errorf("simulate: state file %s: %w", path, err)
	}
	return st, nil
}

// save writes a new file and puts it in the place of the old, so that a kill leaves one of the two.
func (s *sender) save() error {
	if s.c.StateFile == "" {
		return nil
	}
	b, err := json.Marshal(s.state)
	if err != nil {
		return fmt.Errorf("simulate: state file: %w", err)
	}
	if err := os.WriteFile(s.c.StateFile+".new", b, 0o600); err != nil {
		return fmt.Errorf("simulate: state file: %w", err)
	}
	if err := os.Rename(s.c.StateFile+".new", s.c.StateFile); err != nil {
		return fmt.Errorf("simulate: state file: %w", err)
	}
	return nil
}
