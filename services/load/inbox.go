package load

import (
	"sync"

	"github.com/throughline/throughline/services/kafka"
)

// inbox hands batches from the reader to a lane. Its size is bounded by the loader's budget of bytes.
type inbox struct {
	mu      sync.Mutex
	batches []kafka.Batch
	wake    chan struct{} // holds a token while there may be batches
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (i *inbox) put(b kafka.Batch) {
	i.mu.Lock()
	i.batches = append(i.batches, b)
	i.mu.Unlock()
	i.signal()
}

func (i *inbox) take() (kafka.Batch, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.batches) == 0 {
		return kafka.Batch{}, false
	}
	b := i.batches[0]
	i.batches[0] = kafka.Batch{}
	i.batches = i.batches[1:]
	return b, true
}

func (i *inbox) empty() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.batches) == 0
}

func (i *inbox) signal() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

func bytesOf(rs []*kafka.Record) (n int) {
	for _, r := range rs {
		n += len(r.Key) + len(r.Value)
	}
	return n
}
