package identity

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Stitcher reads one partition of the touchpoints in order: it tells a touchpoint from its duplicates and conflicts, and
// finds the links that it makes. It is not safe for use by several goroutines.
//
// It leaves out links that it gave not long ago. That is to save work and changes nothing: links are a set, and what was
// forgotten, also in a restart, is given again.
type Stitcher struct {
	rules  *Rules
	seen   touchpoint.Seen
	recent []recentLink
	given  int // links since recent last grew
}

// recentLink is a link that was given, with the earliest evidence that it was given with.
type recentLink struct {
	pair identity.Anchor // of its ends and kind
	time int64
	key  uint64
}

// ErrForeignAnchor is returned for a touchpoint whose envelope names an anchor that is none of its own.
var ErrForeignAnchor = errors.New("identity: the envelope's anchor is none of the touchpoint's identifiers or threads")

// A stitcher remembers fewRecent links at first and manyRecent at most, in 32 bytes each: 4 MiB. A link that is left out is
// a record less on the log and one less to resolve, and a partition sees the links of all customers.
const (
	fewRecent  = 1 << 9
	manyRecent = 1 << 17
)

// NewStitcher makes a stitcher that has seen nothing.
func NewStitcher(rules *Rules) *Stitcher {
	return &Stitcher{rules: rules, recent: make([]recentLink, fewRecent)}
}

// Judge tells what the next touchpoint of the partition is. Only a new one makes links.
func (s *Stitcher) Judge(f touchpoint.Fingerprint) touchpoint.Verdict { return s.seen.Judge(f) }

// Seen is how many touchpoints were seen.
func (s *Stitcher) Seen() int { return s.seen.Len() }

// Bytes is the memory that remembering the touchpoints takes.
func (s *Stitcher) Bytes() int { return s.seen.Bytes() }

// Links appends the links that a new touchpoint makes. The error is ErrForeignAnchor.
//
// The anchor is taken from the envelope, not from the rules: it was decided when the touchpoint was accepted, the facts
// are stored under it, and new rules must not part the two.
func (s *Stitcher) Links(e *touchpoint.Envelope, key touchpoint.Key, t *touchpoint.Touchpoint, dst []identity.Link) ([]identity.Link, error) {
	anchor, verified, err := s.anchorNode(e, key, t)
	if err != nil {
		return dst, err
	}
	give := func(kind identity.LinkKind, a, b identity.Node, rule string) {
		l := identity.Link{
			Workspace: e.Workspace, Kind: kind, A: a, B: b,
			Touchpoint: e.ID, Key: key, Time: e.Time, Source: t.Source, Rule: rule,
		}
		if s.fresh(&l) {
			dst = append(dst, l)
		}
	}
	isThread := anchor.Type == identity.ThreadType
	for _, id := range t.Identifiers {
		if verified && id.Verified && id.Type == anchor.Type && id.Value == anchor.Value {
			continue // the anchor itself, told without hashing it again
		}
		n := identifierNode(e.Workspace, id)
		switch {
		case n.Anchor == anchor.Anchor:
		case !id.Verified || isClaimedType(anchor.Type):
			give(identity.LinkClaimed, anchor, n, "claimed by one touchpoint")
		case isThread:
			give(identity.LinkThread, n, anchor, "wrote in the thread")
		default:
			give(identity.LinkVerified, anchor, n, "verified by one touchpoint")
		}
	}
	strongest := s.rules.strongestThread(t.Thread)
	if strongest < 0 {
		return dst, nil
	}
	first := ThreadNode(e.Workspace, t.Thread[strongest])
	if isThread {
		first = anchor
		give(identity.LinkAnonymous, anchor, identity.Node{}, "thread of nobody known")
	}
	for _, thread := range t.Thread {
		n := ThreadNode(e.Workspace, thread)
		if verified {
			give(identity.LinkThread, anchor, n, "wrote in the thread")
		}
		if n.Anchor != first.Anchor {
			give(identity.LinkThreads, first, n, "threads of one touchpoint")
		}
	}
	return dst, nil
}

// anchorNode finds what the envelope's anchor is the hash of, and whether that is a verified identifier.
func (s *Stitcher) anchorNode(e *touchpoint.Envelope, key touchpoint.Key, t *touchpoint.Touchpoint) (n identity.Node, verified bool, err error) {
	if n = s.rules.AnchorOf(e.Workspace, key, t); n.Anchor == e.Anchor {
		return n, n.Type != identity.ThreadType && n.Type != TouchpointType && !isClaimedType(n.Type), nil
	}
	for _, id := range t.Identifiers { // accepted under other rules
		if n = identifierNode(e.Workspace, id); n.Anchor == e.Anchor && id.Verified {
			return n, true, nil
		}
		id.Type = ClaimedPrefix + id.Type
		if n = identifierNode(e.Workspace, id); n.Anchor == e.Anchor && !id.Verified {
			return n, false, nil
		}
	}
	for _, thread := range t.Thread {
		if n = ThreadNode(e.Workspace, thread); n.Anchor == e.Anchor {
			return n, false, nil
		}
	}
	if e.Anchor == key {
		return identity.Node{Anchor: key, Type: TouchpointType, Value: t.ID}, false, nil
	}
	return identity.Node{}, false, ErrForeignAnchor
}

// fresh tells whether the link says more than what was given not long ago. Who wrote first in a thread owns it: earlier
// evidence is news. So is everything that makes a claim stronger.
func (s *Stitcher) fresh(l *identity.Link) bool {
	if l.Kind == identity.LinkClaimed {
		return true
	}
	r := recentLink{pair: pairOf(l.A.Anchor, l.B.Anchor), time: l.Time, key: binary.BigEndian.Uint64(l.Key[:])}
	r.pair[0] ^= kindCode(l.Kind)
	old := s.slot(r.pair)
	if old.pair == r.pair {
		if l.Kind != identity.LinkThread || r.time > old.time || r.time == old.time && r.key >= old.key {
			return false
		}
	}
	*old = r
	if s.given++; s.given > len(s.recent) && len(s.recent) < manyRecent {
		s.remember(4 * len(s.recent))
	}
	return true
}

// slot is where a link is remembered, if it is.
func (s *Stitcher) slot(pair identity.Anchor) *recentLink {
	at, _ := bits.Mul64(pair.Low()*0x9e3779b97f4a7c15, uint64(len(s.recent)))
	return &s.recent[at]
}

// remember makes room for n links.
func (s *Stitcher) remember(n int) {
	old := s.recent
	s.recent, s.given = make([]recentLink, n), 0
	for _, r := range old {
		if r != (recentLink{}) {
			*s.slot(r.pair) = r
		}
	}
}

func kindCode(k identity.LinkKind) byte {
	switch k {
	case identity.LinkVerified:
		return 1
	case identity.LinkClaimed:
		return 2
	case identity.LinkThread:
		return 3
	case identity.LinkThreads:
		return 4
	}
	return 5
}
