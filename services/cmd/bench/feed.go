package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/services/simulate"
)

const (
	batch   = 500 // touchpoints a request
	clients = 4
)

// feed sends what the generator makes.
type feed struct {
	up  *upProcess
	gen *simulate.Generator
	end time.Time // of the history
}

func newFeed(up *upProcess, total uint64) (*feed, error) {
	// The history ends before the month of the latency measure begins, as reports on what is new find it.
	to := time.Now().AddDate(0, -2, 0)
	gen, err := simulate.NewGenerator(simulate.GeneratorConfig{
		Seed: 1, Customers: max(1, total/20), Touchpoints: total, From: to.AddDate(0, -3, 0).UnixMilli(), To: to.UnixMilli(),
	})
	return &feed{up: up, gen: gen, end: to}, err
}

// cost is what some touchpoints took.
type cost struct {
	count               uint64
	sending, all        time.Duration // until acknowledged, until stored and derived
	roles, engine, mine time.Duration // processor time of the program, of its engine and of this process
}

func (c cost) sent() float64    { return float64(c.count) / c.sending.Seconds() }
func (c cost) settled() float64 { return float64(c.count) / c.all.Seconds() }
func (c cost) cpu() float64     { return c.each(c.roles + c.engine + c.mine) }

// each is microseconds a touchpoint.
func (c cost) each(d time.Duration) float64 { return float64(d.Microseconds()) / float64(c.count) }

func (c cost) String() string {
	return fmt.Sprintf("%.1f us CPU each: roles and broker %.1f, engine %.1f, generator and client %.1f", c.cpu(), c.each(c.roles), c.each(c.engine), c.each(c.mine))
}

func (c cost) plus(o cost) cost {
	return cost{c.count + o.count, c.sending + o.sending, c.all + o.all, c.roles + o.roles, c.engine + o.engine, c.mine + o.mine}
}

// send sends the touchpoints from..to and waits until they have gone all the way.
func (f *feed) send(ctx context.Context, from, to uint64) (cost, error) {
	started, mine := time.Now(), ownCPU()
	roles, engine := f.up.cpu()
	var next atomic.Uint64
	next.Store(from)
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			var body []byte
			for {
				first := next.Add(batch) - batch
				if first >= to {
					return nil
				}
				body = body[:0]
				for i := first; i < min(first+batch, to); i++ {
					body = append(f.gen.At(body, i), '\n')
				}
				if err := f.up.post(ctx, body); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return cost{}, err
	}
	sending := time.Since(started)
	if err := f.up.settle(context.WithoutCancel(ctx)); err != nil {
		return cost{}, err
	}
	all := time.Since(started)
	rolesNow, engineNow := f.up.cpu()
	return cost{to - from, sending, all, rolesNow - roles, engineNow - engine, ownCPU() - mine}, nil
}

// post sends NDJSON, again while the server is busy.
func (u *upProcess) post(ctx context.Context, body []byte) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.url+"/v1/touchpoints", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-ndjson")
		var answer struct {
			Accepted int   `json:"accepted"`
			Rejected []any `json:"rejected"`
		}
		err = u.do(req, http.StatusAccepted, &answer)
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
