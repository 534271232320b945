package api

import (
	"container/list"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// connections counts what is open and knows who rests. At the limit the connection that has rested longest is closed
// to let a new one in: idle clients then cost other idle clients, not those that have something to say. When nobody
// rests, accepting waits.
type connections struct {
	gauge prometheus.Gauge

	mu    sync.Mutex
	freed *sync.Cond
	limit int
	open  map[net.Conn]*list.Element // nil while a request is under way
	idle  list.List                  // of net.Conn, longest first
	ended bool
}

func newConnections(limit int, gauge prometheus.Gauge) *connections {
	c := &connections{gauge: gauge, limit: limit, open: map[net.Conn]*list.Element{}}
	c.freed = sync.NewCond(&c.mu)
	return c
}

// state follows the connections of an http.Server.
func (c *connections) state(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.open[conn]
	if !known {
		return
	}
	switch s {
	case http.StateNew, http.StateIdle:
		if at == nil {
			c.open[conn] = c.idle.PushBack(conn)
		}
		c.freed.Signal()
	case http.StateActive:
		if at != nil {
			c.idle.Remove(at)
			c.open[conn] = nil
		}
	case http.StateClosed, http.StateHijacked:
		c.forget(conn, at)
	}
}

func (c *connections) forget(conn net.Conn, at *list.Element) {
	if at != nil {
		c.idle.Remove(at)
	}
	delete(c.open, conn)
	c.gauge.Dec()
	c.freed.Signal()
}

// admit waits until there is room for a connection; false when the server has ended.
func (c *connections) admit(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) >= c.limit && !c.ended {
		if longest := c.idle.Front(); longest != nil {
			old := longest.Value.(net.Conn)
			c.forget(old, longest)
			old.Close()
			continue
		}
		c.freed.Wait()
	}
	if c.ended {
		return false
	}
	c.open[conn] = nil
	c.gauge.Inc()
	return true
}

func (c *connections) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.freed.Broadcast()
}

// boundedListener admits what it accepts.
type boundedListener struct {
	net.Listener
	conns *connections
}

func (l *boundedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !l.conns.admit(conn) {
		conn.Close()
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *boundedListener) Close() error {
	l.conns.end()
	return l.Listener.Close()
}
