package kafka

import (
	"math/bits"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordPool keeps the memory of fetched records for the next fetch: without it a stage that reads 100,000 records a
// second makes as much garbage as it reads.
type recordPool struct {
	records [maxClass]sync.Pool // of *[]kgo.Record, by the power of two of their capacity
	bytes   [maxClass]sync.Pool // of *[]byte
}

const maxClass = 25

func newRecordPool() *recordPool { return &recordPool{} }

func class(n int) int { return bits.Len(uint(max(n, 1) - 1)) }

func (p *recordPool) GetRecords(n int) []kgo.Record {
	c := class(n)
	if c >= maxClass {
		return make([]kgo.Record, 0, n)
	}
	if s, ok := p.records[c].Get().(*[]kgo.Record); ok {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, 1<<c)
}

func (p *recordPool) PutRecords(s []kgo.Record) {
	if c := bits.Len(uint(cap(s))) - 1; cap(s) > 0 && c < maxClass {
		p.records[c].Put(&s)
	}
}

func (p *recordPool) GetDecompressBytes(compressed []byte, _ kgo.CompressionCodecType) []byte {
	// JSON shrinks to between a half and a fifth; a slice that is too small is grown and comes back larger.
	c := class(4 * len(compressed))
	if c >= maxClass {
		return nil
	}
	if s, ok := p.bytes[c].Get().(*[]byte); ok {
		return (*s)[:0]
	}
	return make([]byte, 0, 1<<c)
}

func (p *recordPool) PutDecompressBytes(s []byte) {
	if c := bits.Len(uint(cap(s))) - 1; cap(s) > 0 && c < maxClass {
		p.bytes[c].Put(&s)
	}
}
