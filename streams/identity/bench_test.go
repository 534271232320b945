package identity

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
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

// Each customer of the benchmarks has a number, an address, a phone and a chat session: all rules have something to look at.
// The address is new to the resolver with the first link, the session with the second and the phone with the fourth.
func benchLink(customer uint64, kind int) identity.Link {
	id := identity.Node{Anchor: benchAnchor(customer * 4), Type: "customer_id", Value: "C-1234567"}
	session := identity.Node{Anchor: benchAnchor(customer*4 + 2), Type: identity.ThreadType, Value: "session:7a3f"}
	l := identity.Link{Workspace: "w", Kind: identity.LinkVerified, A: id, Rule: "verified by one touchpoint"}
	switch kind {
	case 0:
		l.B = identity.Node{Anchor: benchAnchor(customer*4 + 1), Type: "email", Value: "somebody@example.com"}
	case 1:
		l.Kind, l.B = identity.LinkThread, session
	case 2:
		l.Kind, l.A = identity.LinkAnonymous, session
	case 3:
		l.B = identity.Node{Anchor: benchAnchor(customer*4 + 3), Type: "phone", Value: "+4930123456"}
	}
	return l
}

// benchRules are the default ones, with phones that two may share.
func benchRules() *Rules {
	r := DefaultRules()
	r.Types = slices.Clone(r.Types)
	for i := range r.Types {
		if r.Types[i].Name == "phone" {
			r.Types[i].Share = 2
		}
	}
	return r
}

func benchResolver(customers, kinds int) *Resolver {
	r := NewResolver("w", benchRules())
	var out Outcome
	for i := range customers {
		for kind := range kinds {
			l := benchLink(uint64(i), kind)
			out.Moves, out.Edges = out.Moves[:0], out.Edges[:0]
			r.Apply(int64(i*kinds+kind), 0, &l, &out)
		}
	}
	return r
}

// BenchmarkResolve is one link with all rules on: of a workspace in which most are known (one in twenty names a new customer),
// and of one in which all are new.
func BenchmarkResolve(b *testing.B) {
	for _, anchors := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(anchors, " anchors"), func(b *testing.B) {
			customers := anchors / 4
			r := benchResolver(customers, 4)
			rnd := rand.New(rand.NewPCG(1, 1))
			benchApply(b, r, func() identity.Link {
				customer := uint64(rnd.IntN(customers))
				if rnd.IntN(20) == 0 {
					customers++
					customer = uint64(customers)
				}
				return benchLink(customer, rnd.IntN(4))
			})
		})
	}
	b.Run("new", func(b *testing.B) {
		n := 0
		benchApply(b, NewResolver("w", benchRules()), func() identity.Link {
			n++
			return benchLink(uint64(n/4), n%4)
		})
	})
}

// benchApply applies links that are drawn while the clock stands still.
func benchApply(b *testing.B, r *Resolver, draw func() identity.Link) {
	links := make([]identity.Link, 1<<16)
	var out Outcome
	offset := int64(1) << 32
	b.ReportAllocs()
	for b.Loop() {
		if offset&(1<<16-1) == 0 {
			b.StopTimer()
			for i := range links {
				links[i] = draw()
			}
			b.StartTimer()
		}
		out.Moves, out.Edges = out.Moves[:0], out.Edges[:0]
		r.Apply(offset, 0, &links[offset&(1<<16-1)], &out)
		offset++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "links/s")
}

// BenchmarkMemory fills a workspace and reads the heap before and after.
func BenchmarkMemory(b *testing.B) {
	for _, tc := range []struct {
		name  string
		kinds int
		per   int
	}{{"identifiers", 1, 2}, {"identifiers and threads", 3, 3}, {"identifiers, threads and shared phones", 4, 4}} {
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
