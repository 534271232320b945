package identity

import (
	"fmt"
	"hash/maphash"

	"github.com/throughline/throughline/schemas/identity"
)

// Resolver decides, for one workspace, who is who: it applies the log of links in order and says which anchors move to
// which person, and what was decided about which two identifiers. It is a function of that log: the same links at the same
// offsets give the same moves and decisions, bit for bit, and evidence that comes again changes nothing.
//
//   - It keeps the graph of evidence: pairs of identifiers that a link put together, each once, also those that were one person
//     already. Persons are what hangs together in that graph.
//   - When two persons become one, the one that is older, by first appearance in the log (a link's A before its B), keeps its
//     id, and all anchors of the other move. When the younger is much the heavier, it is the younger that keeps its id:
//     otherwise a chain of links could be made to move the same anchors over and over.
//   - When a person falls into parts, because pairs are undone, the part with the identifier that the person is named after
//     keeps the id; each other part is named after its oldest identifier.
//   - Where one person would have more of a type than the rules allow, the weakest identifier between two that cannot be one
//     gives way: it is found to be shared, and joins nobody from then on. See giveWay.
//   - A user's word (merge, split, retract, accept, decline) is a link like others, in the same order. See manual.go.
//   - Threads that are linked are one story. A story belongs to its first customer, by (time, touchpoint key) of the links
//     that say who wrote in it. Its anonymous threads move to that customer's person; who else wrote in it takes part: the
//     participation moves, the customer does not.
//   - A link that breaks a rule joins nothing and is refused, with the rule and the reason.
//
// A link costs at most time in proportion to the persons it touches, which max_identifiers bounds, and what it moves.
//
// It takes some 55 bytes an identifier with its evidence and 76 a thread; values are not kept. It is not safe for use by several
// goroutines.
type Resolver struct {
	workspace string
	rules     *Rules

	index     index
	customers column[customer]
	threads   column[thread]
	edges     column[edge]
	pairs     column[pair]
	freePairs []uint32 // undone, to be used again

	crowded      map[uint64]struct{} // edges of threads with many
	crowdedPairs map[uint64]struct{} // pairs of two identifiers with many
	crowds       map[uint32]*crowd   // of persons with many identifiers
	barred       map[uint32]*bar     // customer -> its sides of the splits it was in

	retracted map[identity.Anchor]struct{} // pairs that do not join whatever comes
	declined  map[identity.Anchor]struct{} // pairs that are not suggested
	reported  map[identity.Anchor]reason   // pair, or blocked value -> why it was refused last

	persons  int
	capacity uint32 // nodes of a kind

	// Of the link at hand:
	link     *identity.Link
	version  uint64 // the version of what it moves
	at       int64  // when it came to the log
	out      *Outcome
	moves    int                        // where its moves begin in out
	changes  int                        // how often persons have joined or parted
	partings int                        // and parted
	shares   []identity.Anchor          // participations that it moved first
	named    map[identity.Anchor]string // values that it names besides A's and B's

	// Scratch.
	sum     []uint16 // by type code
	one     []uint16
	visited map[uint32]struct{} // stories, within one change
	parents map[uint32]uint32   // of a search
	queue   []uint32
	touched int // identifiers and pairs looked at, for tests of what a link may cost
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
	pairs  uint32 // 1 + its last pair, which the first follows; 0: none
	weight uint32 // at the name of a person: what moving the person has to touch
	size   uint16 // at the name of a person: its customers
	typ    uint8  // code of its type
	flags  flags
}

// flags say in one byte what a link must know of an identifier before it looks further.
type flags uint8

const (
	flagShared  flags = 1 << iota // used by several persons; joins nobody
	flagCrowded                   // has had more than fewPairs pairs; see evidence.go
	flagHolds                     // has or had held pairs
	flagBarred                    // at the name of a person: somebody in it was in a split
	flagBlocked                   // means nobody by these rules, and did not by earlier ones; see Inherit
)

// maxNodes keeps two free bits in every index.
const maxNodes = 1<<30 - 2

// NewResolver makes the resolver of a workspace that has no links yet.
func NewResolver(workspace string, rules *Rules) *Resolver {
	return &Resolver{
		workspace:    workspace,
		rules:        rules,
		index:        index{seed: maphash.MakeSeed()},
		crowded:      map[uint64]struct{}{},
		crowdedPairs: map[uint64]struct{}{},
		crowds:       map[uint32]*crowd{},
		barred:       map[uint32]*bar{},
		retracted:    map[identity.Anchor]struct{}{},
		declined:     map[identity.Anchor]struct{}{},
		reported:     map[identity.Anchor]reason{},
		capacity:     maxNodes,
		visited:      map[uint32]struct{}{},
		parents:      map[uint32]uint32{},
		sum:          make([]uint16, len(rules.Types)+1),
		one:          make([]uint16, len(rules.Types)+1),
	}
}

// Apply adds the link at the offset of the log, which has it since the time at (ms since 1970), and appends to out what it
// brings about. The versions of moves and decisions are the offset + 1; a link moves an anchor at most once, and decides
// about a pair at most once. A node's value is set where the link names it, and empty for those that it concerns besides.
//
// New rules (LinkRules) are not for a resolver: another one, made with them, is given all links again. See Inherit.
func (r *Resolver) Apply(offset, at int64, l *identity.Link, out *Outcome) {
	r.begin(offset, at, l, out)
	switch {
	case l.Workspace != r.workspace || l.A.Anchor.IsZero():
		r.refuse(reasonMalformed, "malformed", "the link names another workspace, or nobody")
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
	case l.Kind == identity.LinkMerge:
		r.merge(l)
	case l.Kind == identity.LinkSplit:
		r.split(l)
	case l.Kind == identity.LinkRetract:
		r.retract(l)
	case l.Kind == identity.LinkAccept:
		r.accept(l)
	case l.Kind == identity.LinkDecline:
		r.decline(l)
	default:
		r.refuse(reasonMalformed, "malformed", fmt.Sprintf("%q is no kind of link", l.Kind))
	}
	r.end()
}

func (r *Resolver) begin(offset, at int64, l *identity.Link, out *Outcome) {
	r.link, r.version, r.at, r.out = l, uint64(offset)+1, at, out
	r.moves, r.changes, r.partings, r.shares = len(out.Moves), 0, 0, r.shares[:0]
}

func (r *Resolver) end() {
	if r.partings > 0 && r.changes > 1 {
		r.settle()
	}
	r.link, r.out, r.named = nil, nil, nil
}

// settle leaves one move per anchor of those that the link made: from where it was to where it is.
func (r *Resolver) settle() {
	made := r.out.Moves[r.moves:]
	last := make(map[identity.Anchor]int, len(made))
	for i := range made {
		m := &made[i]
		if before, twice := last[m.Anchor]; twice {
			m.From = made[before].From
		}
		last[m.Anchor] = i
	}
	first := make(map[identity.Anchor]struct{}, len(r.shares))
	for _, a := range r.shares {
		first[a] = struct{}{}
	}
	kept := r.out.Moves[:r.moves]
	for i := range made {
		m := &made[i]
		if last[m.Anchor] != i {
			continue
		}
		// A share that moves for the first time stays a share even where it came back: it no longer follows its customer.
		if _, isFirst := first[m.Anchor]; m.From != m.Person || isFirst {
			kept = append(kept, *m)
		}
	}
	r.out.Moves = kept
}

// Person returns whose the anchor is, and false for one that no link has named. Those who follow the moves know, too.
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

// Anchors is how many identifiers and threads the links have named.
func (r *Resolver) Anchors() int { return int(r.customers.n + r.threads.n) }

// Persons is how many people the identifiers are.
func (r *Resolver) Persons() int { return r.persons }

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
	r.persons++
	return i, true
}

// knownCustomer returns the customer of an anchor that is one.
func (r *Resolver) knownCustomer(a identity.Anchor) (uint32, bool) {
	n, ok := r.find(a)
	return n.at(), ok && !n.isThread()
}

func (r *Resolver) personOf(customer uint32) identity.PersonID {
	return r.customers.at(r.customers.at(customer).person).anchor
}

// full tells that no node can be added, and refuses the link.
func (r *Resolver) full() bool {
	if max(r.customers.n, r.threads.n, r.edges.n, r.pairs.n) < r.capacity {
		return false
	}
	r.refuse(reasonFull, "capacity", fmt.Sprintf("the workspace has %d identifiers with %d pairs, %d threads and %d uses of them",
		r.customers.n, r.pairs.n, r.threads.n, r.edges.n))
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
	return r.named[a]
}

// nodeOf is a customer as a decision names it.
func (r *Resolver) nodeOf(customer uint32) identity.Node {
	c := r.customers.at(customer)
	switch c.anchor {
	case r.link.A.Anchor:
		return r.link.A
	case r.link.B.Anchor:
		return r.link.B
	}
	return identity.Node{Anchor: c.anchor, Type: r.typeName(c.typ), Value: r.named[c.anchor]}
}

func (r *Resolver) typeName(code uint8) string {
	if int(code) < len(r.rules.Types) {
		return r.rules.Types[code].Name
	}
	return "" // of a type that no rule names, the name is not kept
}

// Bytes is the memory that the workspace takes, but for maps of what is rare.
func (r *Resolver) Bytes() int {
	n := r.customers.bytes() + r.threads.bytes() + r.edges.bytes() + r.pairs.bytes()
	for i := range r.index.shards {
		n += cap(r.index.shards[i].tags) * 5
	}
	return n
}
