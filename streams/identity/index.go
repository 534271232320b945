package identity

import (
	"hash/maphash"
	"math/bits"

	"github.com/throughline/throughline/schemas/identity"
)

// ref says where an anchor's node is: the index of a customer, or of a thread.
type ref uint32

const threadRef ref = 1 << 31

func (r ref) isThread() bool { return r&threadRef != 0 }
func (r ref) at() uint32     { return uint32(r &^ threadRef) }

// index finds the node of an anchor in 6 to 9 bytes each, because the anchors themselves are in the nodes. It
// hashes with a seed of its own: anchors are hashes, but whoever tries enough values finds anchors that begin alike.
type index struct {
	seed   maphash.Seed
	shards [indexShards]indexShard
}

// One shard grows at a time, so that no link waits for a table of millions.
const (
	indexShards   = 256
	indexLoad     = 85 // percent at which a shard grows
	indexSmallest = 4
)

// indexShard is an open-addressed table with linear probing. A tag of 0 is a free slot, any other is a piece of the hash,
// which saves most looks at nodes that are not the one.
type indexShard struct {
	tags []uint8
	refs []ref
	used int
}

func (x *index) hash(a identity.Anchor) uint64 { return maphash.Bytes(x.seed, a[:]) }

func (x *index) shard(hash uint64) *indexShard { return &x.shards[hash&(indexShards-1)] }

// slot returns where the search for a hash begins.
func (s *indexShard) slot(hash uint64) int {
	at, _ := bits.Mul64(hash, uint64(len(s.tags)))
	return int(at)
}

func tagOf(hash uint64) uint8 { return uint8(hash>>8) | 1 }

// put adds a node that is not there yet. hashOf returns the hash of a node that is.
func (s *indexShard) put(hash uint64, r ref, hashOf func(ref) uint64) {
	if (s.used+1)*100 > len(s.tags)*indexLoad {
		old := *s
		n := max(indexSmallest, len(old.tags)+len(old.tags)/2)
		s.tags, s.refs = make([]uint8, n), make([]ref, n)
		for i, tag := range old.tags {
			if tag != 0 {
				s.place(hashOf(old.refs[i]), old.refs[i])
			}
		}
	}
	s.place(hash, r)
	s.used++
}

func (s *indexShard) place(hash uint64, r ref) {
	at := s.slot(hash)
	for s.tags[at] != 0 {
		if at++; at == len(s.tags) {
			at = 0
		}
	}
	s.tags[at], s.refs[at] = tagOf(hash), r
}

// find returns the node of an anchor.
func (r *Resolver) find(a identity.Anchor) (ref, bool) {
	hash := r.index.hash(a)
	s := r.index.shard(hash)
	if len(s.tags) == 0 {
		return 0, false
	}
	tag := tagOf(hash)
	for at := s.slot(hash); s.tags[at] != 0; {
		if s.tags[at] == tag && *r.anchorAt(s.refs[at]) == a {
			return s.refs[at], true
		}
		if at++; at == len(s.tags) {
			at = 0
		}
	}
	return 0, false
}

// remember adds the node of an anchor that find did not find.
func (r *Resolver) remember(a identity.Anchor, to ref) {
	hash := r.index.hash(a)
	r.index.shard(hash).put(hash, to, func(old ref) uint64 { return r.index.hash(*r.anchorAt(old)) })
}

func (r *Resolver) anchorAt(n ref) *identity.Anchor {
	if n.isThread() {
		return &r.threads.at(n.at()).anchor
	}
	return &r.customers.at(n.at()).anchor
}
