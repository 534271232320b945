package serve

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// memo remembers an answer per key for a while, so that many who ask for the same cost one question. Those who ask while it is under way
// share its answer, an error too; errors are not remembered.
type memo[K comparable, V any] struct {
	life time.Duration
	now  func() time.Time

	asking  singleflight.Group
	mu      sync.Mutex
	entries map[K]entry[V]
}

type entry[V any] struct {
	until time.Time
	value V
}

// maxEntries bounds what is remembered; beyond it everything is forgotten, which costs a question each.
const maxEntries = 1000

func newMemo[K comparable, V any](life time.Duration, now func() time.Time) *memo[K, V] {
	return &memo[K, V]{life: life, now: now, entries: map[K]entry[V]{}}
}

// get waits for the answer as long as ctx lasts. The question does not end with whoever asked it first: it must have a time limit of its
// own.
func (m *memo[K, V]) get(ctx context.Context, key K, ask func(context.Context) (V, error)) (V, error) {
	if value, ok := m.known(key); ok {
		return value, nil
	}
	answered := m.asking.DoChan(fmt.Sprintf("%#v", key), func() (any, error) {
		if value, ok := m.known(key); ok { // the last question ended in between
			return value, nil
		}
		value, err := ask(context.WithoutCancel(ctx))
		if err == nil {
			m.remember(key, value)
		}
		return value, err
	})
	select {
	case a := <-answered:
		return a.Val.(V), a.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (m *memo[K, V]) known(key K) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	return e.value, ok && m.now().Before(e.until)
}

func (m *memo[K, V]) remember(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) >= maxEntries {
		clear(m.entries)
	}
	m.entries[key] = entry[V]{m.now().Add(m.life), value}
}
