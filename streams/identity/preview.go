package identity

import (
	"cmp"
	"slices"

	"github.com/throughline/throughline/schemas/identity"
)

// Known is what is known of some persons: all that a user's word about them can change.
type Known struct {
	Workspace string
	Nodes     []identity.Node                       // their identifiers, those first that links named first: after the oldest a person is named
	Edges     []identity.Edge                       // those in force that joined, all of these persons
	Threads   []identity.Link                       // what the persons' touchpoints say of threads: who wrote in them, and which belong together
	Persons   map[identity.Anchor]identity.PersonID // whose each of their anchors is
}

// Foreseen is what a user's word would bring about.
type Foreseen struct {
	Persons map[identity.Anchor]identity.PersonID // whose each anchor of Known would be
	Moves   []identity.Move                       // of the anchors whose person changes, and of participations
	Edges   []identity.Edge                       // what would be decided: Refused among them when nothing would come of it
}

// Foresee answers what a merge, split or retraction would bring about, without anything being done: a resolver is given
// the evidence that these persons rest on, and then the word. What it decides about these persons is what the one owner of
// the log would decide, as long as nothing happens in between.
//
// A person keeps its id as long as it has the anchor that it is named after, also where the resolver, which does not know
// all that went before, would name it otherwise. Of two that merge it says which is the older; if that is wrong, since
// one of them is much the heavier for touchpoints that nobody counted here, the ids are the other way round.
func Foresee(rules *Rules, k Known, word *identity.Link) Foreseen {
	r := NewResolver(k.Workspace, rules)
	var ignored Outcome
	offset := int64(0)
	give := func(l *identity.Link) {
		r.Apply(offset, 0, l, &ignored)
		offset++
	}
	for _, n := range k.Nodes {
		give(&identity.Link{Workspace: k.Workspace, Kind: identity.LinkMerge, A: n, B: n}) // joins nothing, and makes it known
	}
	edges := slices.Clone(k.Edges)
	slices.SortStableFunc(edges, func(a, b identity.Edge) int { return cmp.Compare(a.Version, b.Version) })
	for i := range edges {
		// By a user's word, because it is in force: no limit is to be asked again.
		give(&identity.Link{Workspace: k.Workspace, Kind: identity.LinkMerge, A: edges[i].A, B: edges[i].B})
	}
	for i := range k.Threads {
		give(&k.Threads[i])
	}
	var out Outcome
	r.Apply(offset, 0, word, &out)

	f := Foreseen{Persons: map[identity.Anchor]identity.PersonID{}, Edges: out.Edges}
	called := k.names(r)
	for a := range k.Persons {
		f.Persons[a] = called(k.personIn(r, a))
	}
	for _, m := range out.Moves {
		if !m.Thread.IsZero() {
			m.Person, m.From = called(m.Person), called(m.From)
			f.Moves = append(f.Moves, m)
		}
	}
	for a, before := range k.Persons {
		if after := f.Persons[a]; after != before {
			f.Moves = append(f.Moves, identity.Move{Workspace: k.Workspace, Anchor: a, Home: a, From: before, Person: after})
		}
	}
	slices.SortFunc(f.Moves, func(a, b identity.Move) int { return slices.Compare(a.Anchor[:], b.Anchor[:]) })
	return f
}

// personIn is the resolver's person of an anchor. One that no link names is its person's, if that is named.
func (k *Known) personIn(r *Resolver, a identity.Anchor) identity.PersonID {
	if p, ok := r.Person(a); ok {
		return p
	}
	p, _ := r.Person(k.Persons[a])
	return p
}

// names returns what the resolver's persons are called.
func (k *Known) names(r *Resolver) func(identity.PersonID) identity.PersonID {
	called := map[identity.PersonID]identity.PersonID{}
	for a, id := range k.Persons {
		if a != id {
			continue
		}
		p := k.personIn(r, a)
		// Of several, the one whose anchor the resolver's choice belonged to.
		if _, named := called[p]; !named || id == k.Persons[p] {
			called[p] = id
		}
	}
	return func(p identity.PersonID) identity.PersonID {
		if id, named := called[p]; named {
			return id
		}
		return p
	}
}

// ThreadLinks are the links that a touchpoint with this anchor and these threads makes of them.
func ThreadLinks(workspace string, anchor identity.Node, threads []string, key identity.Anchor, time int64) (out []identity.Link) {
	give := func(kind identity.LinkKind, a, b identity.Node) {
		out = append(out, identity.Link{Workspace: workspace, Kind: kind, A: a, B: b, Key: key, Time: time})
	}
	if anchor.Type == identity.ThreadType {
		give(identity.LinkAnonymous, anchor, identity.Node{})
	}
	for i, thread := range threads {
		n := ThreadNode(workspace, thread)
		if isVerifiedType(anchor.Type) {
			give(identity.LinkThread, anchor, n)
		}
		if i > 0 {
			give(identity.LinkThreads, ThreadNode(workspace, threads[0]), n)
		}
	}
	return out
}

// isVerifiedType tells whether a node of the type is an identifier that somebody verified.
func isVerifiedType(typ string) bool {
	return typ != identity.ThreadType && typ != TouchpointType && !isClaimedType(typ)
}
