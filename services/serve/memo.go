package serve

import (
	"sync"
	"time"
)

// memo remembers an answer per key for a while, so that many who ask for the same cost one question. Errors are not remembered.
type memo[K comparable, V any] struct {
	life time.Duration
	now  func() time.Time

	mu      sync.Mutex
	entries map[K]*entry[V]
}

type entry[V any] struct {
	mu    sync.Mutex
	until time.Time
	value V
}

// maxEntries bounds what is remembered; beyond it everything is forgotten, which costs a question each.
const maxEntries = 1000

func newMemo[K comparable, V any](life time.Duration, now func() time.Time) *memo[K, V] {
	return &memo[K, V]{life: life, now: now, entries: map[K]*entry[V]{}}
}

func (m *memo[K, V]) get(key K, ask func() (V, error)) (V, error) {
	m.mu.Lock()
	e := m.entries[key]
	if e == nil {
		if len(m.entries) >= maxEntries {
			clear(m.entries)
		}
		e = new(entry[V])
		m.entries[key] = e
	}
	m.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := m.now(); now.Before(e.until) {
		return e.value, nil
	}
	value, err := ask()
	if err == nil {
		e.value, e.until = value, m.now().Add(m.life)
	}
	return value, err
}
