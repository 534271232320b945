package serve

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// nodeNames say which identifier or thread an anchor is the hash of.
type nodeNames map[identity.Anchor]Node

func (n nodeNames) add(node Node) {
	if node.Type != "" && node.Value != "" {
		n[node.anchor] = node
	}
}

// of is the node of an anchor; what nobody named has the anchor itself for a value.
func (n nodeNames) of(a identity.Anchor) Node {
	if node, ok := n[a]; ok {
		return node
	}
	return Node{Type: unnamed, Value: a.String(), anchor: a}
}

// unnamed is the Type of an anchor whose identifier nothing says any more.
const unnamed = "anchor"

// namesOf finds what the anchors are called: evidence and moves that were read say it of most, and of the others any
// touchpoint that they anchor.
func (s *Server) namesOf(ctx context.Context, c *call, anchors []identity.Anchor, evidence []Evidence, moves []Move) (nodeNames, error) {
	out := nodeNames{}
	for i := range evidence {
		if out.add(evidence[i].A); evidence[i].B != nil {
			out.add(*evidence[i].B)
		}
	}
	for i := range moves {
		out.add(moves[i].Identifier)
	}
	var unnamed []identity.Anchor
	for _, a := range anchors {
		if _, named := out[a]; !named {
			unnamed = append(unnamed, a)
		}
	}
	sql := `SELECT anchor, identifiers, thread FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} LIMIT 1 BY anchor`
	for some := range slices.Chunk(unnamed, 1000) { // parameters travel in the address
		params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(some)}
		err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
			var anchor wide
			var carried []string
			var t Touchpoint
			if err := r.Scan(&anchor, &carried, &t.Thread); err != nil {
				return err
			}
			t.anchor = asAnchor(&anchor)
			for _, name := range carried {
				t.Identifiers = append(t.Identifiers, touchpoint.IdentifierOf(name))
			}
			out.add(anchorNode(c.workspace, &t))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// anchorNode is what a touchpoint's anchor is the hash of; without a type when the touchpoint does not say.
func anchorNode(workspace string, t *Touchpoint) Node {
	for _, id := range t.Identifiers {
		if !id.Verified {
			id.Type = streams.ClaimedPrefix + id.Type
		}
		if identity.AnchorOf(workspace, id.Type, id.Value) == t.anchor {
			return Node{Type: id.Type, Value: id.Value, anchor: t.anchor}
		}
	}
	for _, thread := range t.Thread {
		if n := streams.ThreadNode(workspace, thread); n.Anchor == t.anchor {
			return Node{Type: n.Type, Value: n.Value, anchor: t.anchor}
		}
	}
	if t.anchor == touchpoint.KeyOf(workspace, t.ID) {
		return Node{Type: streams.TouchpointType, Value: t.ID, anchor: t.anchor}
	}
	return Node{anchor: t.anchor}
}

// group lists persons with what they are called, both in order.
func (n nodeNames) group(persons map[identity.Anchor]identity.PersonID) []PersonNow {
	all := map[identity.PersonID][]Node{}
	for a, p := range persons {
		all[p] = append(all[p], n.of(a))
	}
	out := []PersonNow{}
	for _, p := range sortedAnchors(all) {
		slices.SortFunc(all[p], func(a, b Node) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value)) })
		out = append(out, PersonNow{p, all[p]})
	}
	return out
}

func keysOf[V any](m map[identity.Anchor]V) []identity.Anchor {
	return slices.Collect(maps.Keys(m))
}

func sortedAnchors[V any](m map[identity.Anchor]V) []identity.Anchor {
	return slices.SortedFunc(maps.Keys(m), func(a, b identity.Anchor) int { return bytes.Compare(a[:], b[:]) })
}
