package identity

import (
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// ClaimedPrefix marks the space in which claimed identifiers anchor. What a stranger types into a chat lands there, and
// never on the card of the customer whose address it is.
const ClaimedPrefix = touchpoint.ClaimedPrefix

// TouchpointType is the Node type of touchpoints that point at nobody.
const TouchpointType = "touchpoint"

// AnchorOf returns what says whose touchpoint it is: its strongest verified identifier that is not blocked; else its
// strongest thread, so that an anonymous chat follows its customer; else its strongest claimed identifier, in a space
// of its own; else the touchpoint itself. Among equals the lesser value wins, so that the order in which a client
// lists them does not matter. The identifiers must be normalised.
func (r *Rules) AnchorOf(workspace string, key touchpoint.Key, t *touchpoint.Touchpoint) identity.Node {
	if i := r.strongest(t.Identifiers, true); i >= 0 {
		return identifierNode(workspace, t.Identifiers[i])
	}
	if i := r.strongestThread(t.Thread); i >= 0 {
		return ThreadNode(workspace, t.Thread[i])
	}
	if i := r.strongest(t.Identifiers, false); i >= 0 {
		id := t.Identifiers[i]
		id.Type = ClaimedPrefix + id.Type
		return identifierNode(workspace, id)
	}
	return identity.Node{Anchor: key, Type: TouchpointType, Value: t.ID}
}

// ThreadNode is the node of a thread, given as scheme:value.
func ThreadNode(workspace, thread string) identity.Node {
	return identity.Node{Anchor: identity.AnchorOf(workspace, identity.ThreadType, thread), Type: identity.ThreadType, Value: thread}
}

func isClaimedType(typ string) bool { return strings.HasPrefix(typ, ClaimedPrefix) }

func identifierNode(workspace string, id touchpoint.Identifier) identity.Node {
	return identity.Node{Anchor: identity.AnchorOf(workspace, id.Type, id.Value), Type: id.Type, Value: id.Value}
}

// strongest returns the index of the strongest identifier that is not blocked and is verified, or claimed; else -1.
func (r *Rules) strongest(ids []touchpoint.Identifier, verified bool) int {
	best, rank := -1, 0
	for i, id := range ids {
		if id.Verified != verified {
			continue
		}
		switch n := r.strength(id.Type); {
		case best >= 0 && (n > rank || n == rank && !lessIdentifier(id, ids[best])):
		case r.BlockedBy(id.Type, id.Value) != "":
		default:
			best, rank = i, n
		}
	}
	return best
}

// strongestThread returns the index of the thread whose scheme the registry ranks first; -1 without threads.
func (r *Rules) strongestThread(threads []string) int {
	best, rank := -1, 0
	for i, thread := range threads {
		scheme, _, _ := strings.Cut(thread, ":")
		if _, n := r.schemes.Scheme(scheme); best < 0 || n < rank || n == rank && thread < threads[best] {
			best, rank = i, n
		}
	}
	return best
}

func lessIdentifier(a, b touchpoint.Identifier) bool {
	if a.Type != b.Type {
		return a.Type < b.Type
	}
	return a.Value < b.Value
}
