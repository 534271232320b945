package load

import "sync"

// blockPool keeps the memory of blocks for the next ones. What nobody uses for a while is let go.
type blockPool struct{ pool sync.Pool }

func newBlockPool(make func() *block) *blockPool {
	return &blockPool{sync.Pool{New: func() any { return make() }}}
}

func (p *blockPool) get() *block { return p.pool.Get().(*block) }

func (p *blockPool) put(b *block) {
	b.reset()
	p.pool.Put(b)
}
