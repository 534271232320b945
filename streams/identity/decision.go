package identity

import (
	"bytes"
	"encoding/binary"

	"github.com/throughline/throughline/schemas/identity"
)

// reason is why a pair was refused: a case, and the code of the type that it is about. The same refusal is recorded once,
// however often its evidence comes; another one of the same pair is news.
type reason uint16

const (
	reasonMalformed reason = iota + 1
	reasonFull
	reasonBlocked
	reasonRetracted
	reasonShared
	reasonBarred
	reasonSize
	reasonMax
	reasonThread
	reasonClaimed
)

func reasonOfType(why reason, typ uint8) reason { return why | reason(typ)<<8 }

// pairOf mixes two anchors, in either order, into 128 bits.
func pairOf(a, b identity.Anchor) (out identity.Anchor) {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	high := binary.BigEndian.Uint64(a[:8]) ^ binary.BigEndian.Uint64(b[8:])*0x9e3779b97f4a7c15
	low := binary.BigEndian.Uint64(a[8:]) ^ binary.BigEndian.Uint64(b[:8])*0xc2b2ae3d27d4eb4f
	return identity.FromHalves(high, low)
}

// linkPair is the pair of the link at hand.
func (r *Resolver) linkPair() identity.Anchor { return pairOf(r.link.A.Anchor, r.link.B.Anchor) }

// decide records what became of two nodes, of the link at hand or others that it concerns.
func (r *Resolver) decide(a, b identity.Node, decision identity.Decision, rule, detail string) {
	r.out.Edges = append(r.out.Edges, identity.Edge{
		Workspace: r.workspace, Kind: r.link.Kind, A: a, B: b, Decision: decision, Rule: rule, Detail: detail,
		Version: r.version, At: r.at, Evidence: r.link.Evidence(),
	})
}

// refuse records that the link joins nothing: what touchpoints say once, what users say each time, since somebody waits
// for the answer.
func (r *Resolver) refuse(why reason, rule, detail string) {
	r.refusePair(r.linkPair(), why, rule, detail)
}

// refuseBlocked records it once for the value, not for everything it comes with.
func (r *Resolver) refuseBlocked(value identity.Anchor, pattern string) {
	r.refusePair(value, reasonBlocked, "blocked: "+pattern, "the value means nobody in particular")
}

func (r *Resolver) refusePair(pair identity.Anchor, why reason, rule, detail string) {
	if r.reported[pair] == why && !r.link.Kind.Manual() {
		return
	}
	r.reported[pair] = why
	r.decide(r.link.A, r.link.B, identity.Refused, rule, detail)
}

// blockedEnd refuses a link of which an end means nobody in particular. Values that are known were looked at when they were
// new: blocked ones do not become known.
func (r *Resolver) blockedEnd(nodes ...*identity.Node) bool {
	for _, n := range nodes {
		if n.Type == identity.ThreadType {
			continue
		}
		if at, known := r.find(n.Anchor); known && r.isOpen(at) {
			continue
		}
		if pattern := r.rules.BlockedBy(n.Type, n.Value); pattern != "" {
			r.refuseBlocked(n.Anchor, pattern)
			return true
		}
	}
	return false
}

// isOpen tells that a link may name the node as an identifier.
func (r *Resolver) isOpen(at ref) bool {
	return !at.isThread() && r.customers.at(at.at()).flags&flagBlocked == 0
}

// claimed links only suggest; not even that when there is nothing to ask: the two are one person, or somebody has said no,
// or a yes would be refused. What anchors at a claim alone belongs to everybody who will ever claim the same: nobody can
// say of all of them who they are.
func (r *Resolver) claimed(l *identity.Link) {
	if l.A.Anchor == l.B.Anchor || isClaimedType(l.A.Type) || r.blockedEnd(&l.A, &l.B) || r.says(r.declined) || r.says(r.retracted) {
		return
	}
	personA, okA := r.Person(l.A.Anchor)
	personB, okB := r.Person(l.B.Anchor)
	if okA && okB && personA == personB {
		return
	}
	a, okA := r.knownCustomer(l.A.Anchor)
	b, okB := r.knownCustomer(l.B.Anchor)
	if okA && r.customers.at(a).flags&flagShared != 0 || okB && r.customers.at(b).flags&flagShared != 0 {
		return
	}
	if okA && okB && (r.findPair(a, b) || r.barrier(r.customers.at(a).person, r.customers.at(b).person)) {
		return
	}
	r.decide(l.A, l.B, identity.Suggested, l.Rule, "claimed, not verified: a suggestion")
}

// says tells that a set has the pair of the link at hand.
func (r *Resolver) says(pairs map[identity.Anchor]struct{}) bool {
	if len(pairs) == 0 {
		return false
	}
	_, ok := pairs[r.linkPair()]
	return ok
}
