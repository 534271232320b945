package load

import (
	"hash/maphash"

	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/search"
)

// termRows are by what the customers of facts are found while somebody types. A row says the same each time, so it may be written again.
type termRows struct {
	workspace, kind   store.DictionaryColumn
	term, value, also store.StringColumn
	anchor            store.UInt128Column
	table             table
}

func newTermRows(names clickhouse.Tables) *termRows {
	t := &termRows{}
	t.table = table{names.Terms, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "term", Data: &t.term}, {Name: "type", Data: &t.kind}, {Name: "value", Data: &t.value},
		{Name: "anchor", Data: &t.anchor}, {Name: "also", Data: &t.also},
	}}
	return t
}

func (t *termRows) reset() { resetAll(t.table.columns) }

// add adds the terms of a fact that were not added lately.
func (t *termRows) add(f *fact, known knownTerms) {
	for i := range f.Identifiers {
		id := &f.Identifiers[i]
		switch {
		case id.Verified && !known.add(f.envelope.Workspace, id.Type, id.Value, identity.Anchor{}):
			t.row(f, search.Term(id.Value), id.Type, id.Value, identity.AnchorOf(f.envelope.Workspace, id.Type, id.Value), "")
		case !id.Verified && !known.add(f.envelope.Workspace, id.Type, id.Value, f.envelope.Anchor):
			t.row(f, search.Term(id.Value), touchpoint.ClaimedPrefix+id.Type, id.Value, f.envelope.Anchor, "")
		}
	}
	if f.Actor.Type != touchpoint.Customer || f.Actor.Name == "" || known.add(f.envelope.Workspace, search.Name, f.Actor.Name, f.envelope.Anchor) {
		return
	}
	also := f.anchorIdentifier()
	for _, term := range search.NameTerms(f.Actor.Name) {
		t.row(f, term, search.Name, f.Actor.Name, f.envelope.Anchor, also)
	}
}

// anchorIdentifier is the identifier that the fact's anchor is made of, the strongest that is not blocked; "" when it has none.
func (f *fact) anchorIdentifier() string {
	for _, id := range f.Identifiers {
		typ := id.Type
		if !id.Verified {
			typ = touchpoint.ClaimedPrefix + typ
		}
		if identity.AnchorOf(f.envelope.Workspace, typ, id.Value) == f.envelope.Anchor {
			return id.String()
		}
	}
	return ""
}

func (t *termRows) row(f *fact, term, typ, value string, anchor identity.Anchor, also string) {
	t.workspace.Append(f.envelope.Workspace)
	t.term.Append(term)
	t.kind.Append(typ)
	t.value.Append(value)
	t.anchor.Append(uint128(anchor))
	t.also.Append(also)
}

// knownTerms are hashes of what was added lately: the same customers come again, and each of their touchpoints says who they are. It is forgotten
// with the session of its lane, so that what is in it has been written or is in the block that is being built.
type knownTerms struct {
	seed  maphash.Seed
	slots []uint64
}

func newKnownTerms() knownTerms { return knownTerms{maphash.MakeSeed(), make([]uint64, 1<<16)} }

// add tells whether it was there already.
func (k knownTerms) add(workspace, typ, value string, anchor identity.Anchor) (known bool) {
	hash := maphash.Comparable(k.seed, struct {
		workspace, typ, value string
		anchor                identity.Anchor
	}{workspace, typ, value, anchor})
	slot := &k.slots[hash%uint64(len(k.slots))]
	known, *slot = *slot == hash, hash
	return known
}
