package identity

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
)

// Resolver decides, for one workspace, who is who: it applies the log of links in order and says which anchors move to
// which person. It is a function of that log: the same links at the same offsets give the same moves and refusals, bit
// for bit, and a link that comes again gives none.
//
//   - A verified link joins two persons. The person that is older, by first appearance in the log (a link's A before
//     its B), keeps its id, and all anchors of the other move. When the younger is much the heavier, it is the younger that
//     keeps its id: otherwise a chain of links could be made to move the same anchors over and over.
//   - Threads that are linked are one story. A story belongs to its first customer, by (time, touchpoint key) of the links
//     that say who wrote in it. Its anonymous threads move to that customer's person; who else wrote in it takes part: the
//     participation moves, the customer does not.
//   - A link that breaks a rule joins nothing and is refused, with the rule and the reason.
//
// As long as no limit is met, the persons and the owners of stories do not depend on the order of the links; only which of its
// anchors gives a person its name does.
//
// It takes some 45 bytes an identifier and 80 a thread, values are not kept. It is not safe for use by several goroutines.
type Resolver struct {
	workspace string
	rules     *Rules

	index     index
	customers column[customer]
	threads   column[thread]
	edges     column[edge]
	crowded   map[uint64]struct{}    // edges of threads with many
	counts    map[uint32][]uint16    // identifiers by type code, of persons with many
	reported  map[reportKey]struct{} // refusals that were recorded
	merges    uint32                 // how many persons have gone into others
	capacity  uint32                 // nodes of a kind
	visited   map[uint32]struct{}    // stories, within one merge
	sum       []uint16               // scratch, by type code
	link      *identity.Link         // the link at hand,
	version   uint64                 // the version of what it moves,
	at        int64                  // and when it came to the log
	out       *Outcome
}

// Outcome collects what links bring about.
type Outcome struct {
	Moves []identity.Move
	Edges []identity.Edge
}

// customer is an identifier that anchors or may anchor touchpoints.
type customer struct {
	anchor identity.Anchor
	person uint32 // the customer that names its person
	next   uint32 // ring of the person's customers
	edges  uint32 // 1 + its last edge; 0: none
	weight uint32 // at the name of a person: what moving the person has to touch
	size   uint16 // at the name of a person: its customers
	typ    uint8  // code of its type
}

// maxNodes keeps a free bit in every index.
const maxNodes = 1<<31 - 2

// NewResolver makes the resolver of a workspace that has no links yet.
func NewResolver(workspace string, rules *Rules) *Resolver {
	return &Resolver{
		workspace: workspace,
		rules:     rules,
		index:     index{seed: maphash.MakeSeed()},
		crowded:   map[uint64]struct{}{},
		counts:    map[uint32][]uint16{},
		reported:  map[reportKey]struct{}{},
		capacity:  maxNodes,
		visited:   map[uint32]struct{}{},
		sum:       make([]uint16, len(rules.Types)+1),
	}
}

// Apply adds the link at the offset of the log, which has it since the time at (ms since 1970), and appends to out what it brings about. The versions of moves are the
// offset + 1, which is unique per anchor, since a link moves an anchor at most once. A move's Value is set where the
// link names it, and empty for anchors that move along.
func (r *Resolver) Apply(offset, at int64, l *identity.Link, out *Outcome) {
	r.link, r.version, r.at, r.out = l, uint64(offset)+1, at, out
	switch {
	case l.Workspace != r.workspace || l.A.Anchor.IsZero():
		r.refuse("malformed", "the link names another workspace, or nobody")
	case isBlocked(l):
		r.refuse(l.Rule, "the value means nobody in particular")
	case l.Kind == identity.LinkVerified:
		r.verified(l)
	case l.Kind == identity.LinkClaimed:
		r.claimed(l)
	case l.Kind == identity.LinkThread:
		r.wrote(l)
	case l.Kind == identity.LinkThreads:
		r.tied(l)
	case l.Kind == identity.LinkAnonymous:
		r.anonymous(l)
	default:
		r.refuse("malformed", fmt.Sprintf("%q is no kind of link", l.Kind))
	}
	r.link, r.out = nil, nil
}

// Person returns whose the anchor is, and false for one that no link has named. It is for tests and audits: those who
// follow the moves know.
func (r *Resolver) Person(a identity.Anchor) (identity.PersonID, bool) {
	n, ok := r.find(a)
	switch {
	case !ok:
		return a, false
	case n.isThread():
		return r.storyPerson(r.threads.at(n.at()).story), true
	}
	return r.personOf(n.at()), true
}

// Anchors is how many identifiers and threads the links have named, and Persons how many people the identifiers are.
func (r *Resolver) Anchors() int { return int(r.customers.n + r.threads.n) }

// Persons is how many people the identifiers are.
func (r *Resolver) Persons() int { return int(r.customers.n - r.merges) }

// claimed links only suggest; not even that when the two are one person already.
func (r *Resolver) claimed(l *identity.Link) {
	a, okA := r.Person(l.A.Anchor)
	b, okB := r.Person(l.B.Anchor)
	if okA && okB && a == b {
		return
	}
	r.refuse(l.Rule, "claimed, not verified: a suggestion")
}

// customerOf returns the customer of a node, made when it is new; false for a thread.
func (r *Resolver) customerOf(n *identity.Node) (uint32, bool) {
	if n.Type == identity.ThreadType || n.Anchor.IsZero() {
		return 0, false
	}
	if known, ok := r.find(n.Anchor); ok {
		return known.at(), !known.isThread()
	}
	i := r.customers.n
	r.customers.push(customer{anchor: n.Anchor, person: i, next: i, size: 1, weight: 1, typ: uint8(r.rules.strength(n.Type))})
	r.remember(n.Anchor, ref(i))
	return i, true
}

func (r *Resolver) personOf(customer uint32) identity.PersonID {
	return r.customers.at(r.customers.at(customer).person).anchor
}

// full tells that no node can be added, and refuses the link.
func (r *Resolver) full() bool {
	if r.customers.n < r.capacity && r.threads.n < r.capacity && r.edges.n < r.capacity {
		return false
	}
	r.refuse("capacity", fmt.Sprintf("the workspace has %d identifiers, %d threads and %d uses of them", r.customers.n, r.threads.n, r.edges.n))
	return true
}

func (r *Resolver) emit(m identity.Move) {
	m.Workspace, m.Version, m.At, m.Evidence = r.workspace, r.version, r.at, r.link.Evidence()
	r.out.Moves = append(r.out.Moves, m)
}

// valueOf returns the value of the anchor where the link at hand names it.
func (r *Resolver) valueOf(a identity.Anchor) string {
	switch a {
	case r.link.A.Anchor:
		return r.link.A.Value
	case r.link.B.Anchor:
		return r.link.B.Value
	}
	return ""
}

// reportKey is what makes two refusals the same.
type reportKey struct {
	pair identity.Anchor
	kind uint8
}

const (
	reportOther uint8 = iota
	reportBlocked
	reportClaimed
)

// refuse records that the link joins nothing, once however often it comes. A refusal is final: persons only grow, so
// that a limit that was met stays met.
func (r *Resolver) refuse(rule, reason string) {
	l := r.link
	key := reportKey{pair: pairOf(l.A.Anchor, l.B.Anchor), kind: reportOther}
	switch {
	case isBlocked(l): // once for the value, not for every touchpoint that carries it
		key = reportKey{pair: l.B.Anchor, kind: reportBlocked}
	case l.Kind == identity.LinkClaimed: // the same two may break a rule later, and that is another thing to say
		key.kind = reportClaimed
	}
	if _, known := r.reported[key]; known {
		return
	}
	r.reported[key] = struct{}{}
	decision := identity.Refused
	if key.kind == reportClaimed {
		decision = identity.Suggested
	}
	r.out.Edges = append(r.out.Edges, identity.Edge{
		Workspace: r.workspace, Kind: l.Kind, A: l.A, B: l.B, Decision: decision, Rule: rule, Detail: reason,
		Version: r.version, At: r.at, Evidence: r.link.Evidence(),
	})
}

// pairOf mixes two anchors, in that order, into 128 bits.
func pairOf(a, b identity.Anchor) (out identity.Anchor) {
	high := binary.BigEndian.Uint64(a[:8]) ^ binary.BigEndian.Uint64(b[8:])*0x9e3779b97f4a7c15
	low := binary.BigEndian.Uint64(a[8:]) ^ binary.BigEndian.Uint64(b[:8])*0xc2b2ae3d27d4eb4f
	return identity.FromHalves(high, low)
}

// blockedRule begins the Rule of links that carry a blocked value.
const blockedRule = "blocked: "

// isBlocked tells that the link is there only to be refused.
func isBlocked(l *identity.Link) bool { return strings.HasPrefix(l.Rule, blockedRule) }

// Bytes is the memory that the workspace takes, but for maps of what is rare.
func (r *Resolver) Bytes() int {
	n := r.customers.bytes() + r.threads.bytes() + r.edges.bytes()
	for i := range r.index.shards {
		n += cap(r.index.shards[i].tags) * 5
	}
	return n
}
