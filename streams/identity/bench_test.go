package identity

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/throughline/throughline/schemas/identity"
)

// benchAnchor spreads n over 128 bits as the hash does.
func benchAnchor(n uint64) (a identity.Anchor) {
	mix := func(x uint64) uint64 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		return x ^ x>>31
	}
	binary.BigEndian.PutUint64(a[:], mix(n))
	binary.BigEndian.PutUint64(a[8:], mix(n^1<<63))
	return a
}

// Each customer of the benchmarks has a number, an address and a chat session: three anchors, two of them one person.
func benchLink(customer uint64, kind int) identity.Link {
	id := identity.Node{Anchor: benchAnchor(customer * 4), Type: "customer_id"}
	l := identity.Link{Workspace: "w", Kind: identity.LinkVerified, A: id, B: identity.Node{Anchor: benchAnchor(customer*4 + 1), Type: "email"}, Rule: "verified by one touchpoint"}
	switch kind {
	case 1:
		l.Kind, l.B = identity.LinkThread, identity.Node{Anchor: benchAnchor(customer*4 + 2), Type: identity.ThreadType}
	case 2:
		l.Kind, l.A, l.B = identity.LinkAnonymous, identity.Node{Anchor: benchAnchor(customer*4 + 2), Type: identity.ThreadType}, identity.Node{}
	}
	return l
}

func benchResolver(customers int, kinds int) *Resolver {
	r := NewResolver("w", DefaultRules())
	var out Outcome
	for i := range customers {
		for kind := range kinds {
			l := benchLink(uint64(i), kind)
			out.Moves = out.Moves[:0]
			r.Apply(int64(i*kinds+kind), 0, &l, &out)
		}
	}
	return r
}

// BenchmarkResolve is one link of a workspace in which most are known: one in twenty names a new customer.
func BenchmarkResolve(b *testing.B) {
	for _, anchors := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(anchors, " anchors"), func(b *testing.B) {
			customers := anchors / 3
			r := benchResolver(customers, 3)
			rnd := rand.New(rand.NewPCG(1, 1))
			links := make([]identity.Link, 1<<16)
			var out Outcome
			offset := int64(3 * customers)
			b.ReportAllocs()
			for b.Loop() {
				if offset&(1<<16-1) == 0 || links[0].Workspace == "" {
					b.StopTimer()
					for i := range links {
						customer := uint64(rnd.IntN(customers))
						if rnd.IntN(20) == 0 {
							customers++
							customer = uint64(customers)
						}
						links[i] = benchLink(customer, rnd.IntN(3))
					}
					b.StartTimer()
				}
				out.Moves, out.Edges = out.Moves[:0], out.Edges[:0]
				r.Apply(offset, 0, &links[offset&(1<<16-1)], &out)
				offset++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "links/s")
		})
	}
}

// BenchmarkMemory fills a workspace and reads the heap before and after.
func BenchmarkMemory(b *testing.B) {
	for _, tc := range []struct {
		name  string
		kinds int
		per   int
	}{{"identifiers", 1, 2}, {"identifiers and threads", 3, 3}} {
		for _, anchors := range []int{1_000_000, 10_000_000} {
			b.Run(fmt.Sprint(tc.name, " ", anchors), func(b *testing.B) {
				for b.Loop() {
					before := heap()
					r := benchResolver(anchors/tc.per, tc.kinds)
					b.ReportMetric(float64(heap()-before)/float64(r.Anchors()), "bytes/anchor")
					b.ReportMetric(float64(r.Bytes())/float64(r.Anchors()), "counted-bytes/anchor")
				}
			})
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
