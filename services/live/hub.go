// Package live tells those who watch which conversations change, as it happens. One reader per process follows the end of the topic,
// for as long as anybody watches, and hands what it finds to each watcher's own bounded queue.
//
// What it says is a hint and not the truth: the truth is in the store, some hundred milliseconds later. So nothing is kept, and whoever
// is too slow, or missed something, is told to look again.
package live

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
)

// Log is what the hub asks the log. *kafka.Admin does.
type Log interface {
	kafka.Ranges
	LogOffsets(ctx context.Context, topics ...string) ([]kafka.Offsets, error)
}

// Config configures a Hub. Start from DefaultConfig.
type Config struct {
	Log         Log
	Generations func() (current topic.Generations, building *topic.Generations)
	Every       time.Duration // between two looks at the end of the topic
	Queue       int           // changes that wait for one watcher
	Watchers    int           // at the same time
	Logger      *slog.Logger  // nil discards
}

// DefaultConfig looks ten times a second.
func DefaultConfig() Config {
	return Config{Every: 100 * time.Millisecond, Queue: 256, Watchers: 1000}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.Log == nil || c.Generations == nil:
		return errors.New("live: Log and Generations must be set")
	case c.Every <= 0 || c.Queue < 1 || c.Watchers < 1:
		return errors.New("live: Every, Queue and Watchers must be positive")
	}
	return nil
}

// ErrFull is returned by Watch when as many watch as may.
var ErrFull = errors.New("live: too many watch")

// Hub hands out changes. It is safe for use by several goroutines.
type Hub struct {
	config Config
	log    *slog.Logger
	woken  chan struct{} // the first watcher came
	ended  chan struct{}
	end    sync.Once

	mu       sync.Mutex
	watchers map[*Watcher]struct{}
}

// NewHub makes a Hub; see Run.
func NewHub(c Config) (*Hub, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &Hub{config: c, log: c.Logger, woken: make(chan struct{}, 1), ended: make(chan struct{}), watchers: map[*Watcher]struct{}{}}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h, nil
}

// Watcher is told of the changes of one workspace.
type Watcher struct {
	workspace string
	hub       *Hub
	// Changes are conversations as they are now.
	Changes chan conversation.Conversation
	// Lost has an entry when what was known may have changed unseen: at the begin, and after a queue that was full.
	Lost chan struct{}
}

// Watch begins to watch a workspace. Close ends it.
func (h *Hub) Watch(workspace string) (*Watcher, error) {
	w := &Watcher{workspace: workspace, hub: h, Changes: make(chan conversation.Conversation, h.config.Queue), Lost: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) >= h.config.Watchers {
		return nil, ErrFull
	}
	h.watchers[w] = struct{}{}
	select {
	case h.woken <- struct{}{}:
	default:
	}
	return w, nil
}

// End sends all watchers away, so that a server that stops need not wait for them.
func (h *Hub) End() { h.end.Do(func() { close(h.ended) }) }

// Ended is closed when the watcher should go.
func (w *Watcher) Ended() <-chan struct{} { return w.hub.ended }

// Close ends it.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	delete(w.hub.watchers, w)
}

func (w *Watcher) lose() {
	select {
	case w.Lost <- struct{}{}:
	default: // it knows already
	}
}

// Run follows the topic until ctx ends. While the broker is away nothing is said.
func (h *Hub) Run(ctx context.Context) error {
	tick := time.NewTicker(h.config.Every)
	defer tick.Stop()
	var at tail
	for {
		if h.watched() == 0 {
			at = tail{}
			select {
			case <-h.woken:
			case <-ctx.Done():
				return nil
			}
			continue
		}
		if err := h.advance(ctx, &at); err != nil && ctx.Err() == nil {
			h.log.Warn("live: cannot follow the conversations", "error", err)
			at = tail{}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (h *Hub) watched() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

// tail is how far the topic was read.
type tail struct {
	generations topic.Generations
	next        map[int32]int64 // by partition; nil before the first look
	told        map[*Watcher]struct{}
}

// patience bounds one look at the topic.
const patience = 10 * time.Second

// most bounds what one look reads of a partition: those who watch during an import are told to look again instead.
const most = 2000

func (h *Hub) advance(ctx context.Context, at *tail) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	current, _ := h.config.Generations()
	name := topic.Conversations.In(current)
	offsets, err := h.config.Log.LogOffsets(ctx, name)
	if err != nil {
		return err
	}
	fresh := at.next == nil || at.generations != current
	if fresh {
		*at = tail{generations: current, next: map[int32]int64{}, told: map[*Watcher]struct{}{}}
	}
	h.greet(at)
	for _, o := range offsets {
		from, known := at.next[o.Partition]
		at.next[o.Partition] = o.End
		switch {
		case fresh || !known || from >= o.End:
		case o.End-from > most:
			h.loseAll()
		default:
			if err := h.config.Log.ReadRange(ctx, name, o.Partition, from, o.End, h.tell); err != nil {
				return err
			}
		}
	}
	return nil
}

// greet tells watchers that came since the last look, and after a rebuild all of them, to look: what they read before this look's
// offsets were taken may be old.
func (h *Hub) greet(at *tail) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if _, told := at.told[w]; !told {
			w.lose()
		}
	}
	at.told = maps.Clone(h.watchers)
}

func (h *Hub) loseAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.lose()
	}
}

func (h *Hub) tell(records []*kafka.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range records {
		c, err := conversation.Decode(r.Value)
		if err != nil {
			continue // no stage wrote it, and load reports it
		}
		for w := range h.watchers {
			if w.workspace != c.Workspace {
				continue
			}
			select {
			case w.Changes <- c:
			default:
				w.lose()
			}
		}
	}
	return nil
}
