package engine

import (
	"context"
	"fmt"
	"sync"
)

// pool is the engine of this process: a bounded number of sessions on one folder. Statements of
// different sessions run side by side; within a session one at a time.
type pool struct {
	lib   *library
	args  []string
	slots chan struct{}

	mu     sync.Mutex
	idle   []*session
	keeper *conn // never leased: the last connection to close would shut the engine down for good
}

// tooManyQueries is ClickHouse's TOO_MANY_SIMULTANEOUS_QUERIES.
const tooManyQueries = 202

// openPool starts the engine on the folder named by args.
func openPool(lib *library, args []string, size int) (*pool, error) {
	keeper, err := lib.open(args)
	if err != nil {
		return nil, err
	}
	return &pool{lib: lib, args: args, slots: make(chan struct{}, size), keeper: keeper}, nil
}

// get leases a session, waiting for a free one as long as ctx lasts.
func (p *pool) get(ctx context.Context) (*session, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &Exception{Code: tooManyQueries, Message: fmt.Sprintf(
			"Code: %d. DB::Exception: Too many simultaneous queries. Maximum: %d. (TOO_MANY_SIMULTANEOUS_QUERIES)", tooManyQueries, cap(p.slots))}
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	c, err := p.lib.open(p.args)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return &session{conn: c, database: "default"}, nil
}

// put gives a session back.
func (p *pool) put(s *session) {
	if s.dirty {
		s.conn.close()
	} else {
		p.mu.Lock()
		p.idle = append(p.idle, s)
		p.mu.Unlock()
	}
	<-p.slots
}

// close waits for the leased sessions, at most until ctx ends, and closes the idle ones; the engine
// flushes what it holds and stops.
func (p *pool) close(ctx context.Context) error {
	for range cap(p.slots) {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("engine: close: statements still run: %w", ctx.Err())
		}
	}
	for _, s := range p.idle {
		s.conn.close()
	}
	p.keeper.close()
	return nil
}
