package serve

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/clickhouse"
)

// class is a kind of query with its caps. Look-ups and reports wait in different queues, so that a caller on the
// phone does not wait behind somebody's yearly report.
type class struct {
	limits clickhouse.Limits
	slots  chan struct{}
	wait   time.Duration
}

func newClass(l clickhouse.Limits, slots int, wait time.Duration) *class {
	return &class{limits: l, slots: make(chan struct{}, slots), wait: wait}
}

// enter takes a slot, or returns errBusy when none came free in time.
func (c *class) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-c.slots }
	select {
	case c.slots <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, errBusy
	}
}

// store runs queries under the caps of their class.
type store struct {
	db     *clickhouse.DB
	lookup *class
	report *class
}

// each runs the query and calls scan once per row.
func (s *store) each(ctx context.Context, c *class, sql string, params clickhouse.Params, scan func(*clickhouse.Rows) error) (err error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, c.limits.MaxTime)
	defer cancel()
	rows, err := s.db.Query(ctx, sql, params, c.limits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// measure registers how many queries run.
func (s *store) measure(r prometheus.Registerer) {
	if r == nil {
		return
	}
	for name, c := range map[string]*class{"lookup": s.lookup, "report": s.report} {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "throughline_serve_queries_running", Help: "Queries of the store that run now.", ConstLabels: prometheus.Labels{"class": name},
		}, func() float64 { return float64(len(c.slots)) }))
	}
}
