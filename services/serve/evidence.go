package serve

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Node is an identifier, or a thread, in an answer about evidence.
type Node struct {
	Type  string `json:"type"`
	Value string `json:"value"`

	anchor identity.Anchor
}

// Evidence is what was decided about two identifiers, or about one alone.
type Evidence struct {
	ID         identity.Anchor   `json:"id"` // of the pair
	A          Node              `json:"a"`
	B          *Node             `json:"b,omitempty"`
	Decision   identity.Decision `json:"decision"`
	InForce    bool              `json:"in_force"` // no later decision about the two has overtaken it
	By         string            `json:"by"`       // verified, claimed or hand
	Rule       string            `json:"rule"`
	Detail     string            `json:"detail,omitempty"`
	Touchpoint string            `json:"touchpoint,omitempty"`
	Source     string            `json:"source,omitempty"`
	User       string            `json:"user,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Time       Time              `json:"time"` // of the evidence
	At         Time              `json:"at"`   // when it came to the log
	Version    uint64            `json:"version"`

	kind identity.LinkKind
	key  identity.Anchor // of the touchpoint
	time time.Time
	at   time.Time
}

const evidenceColumns = `node, other, version, kind, decision, turned, node_type, node_value, other_type, other_value, rule, detail,
touchpoint, key, source, user, reason, time, at`

// scanEvidence reads evidenceColumns, and what further columns follow them into more.
func scanEvidence(r *clickhouse.Rows, more ...any) (e Evidence, err error) {
	var (
		node, other, key wide
		kind, decision   string
		turned           bool
		a, b             Node
	)
	err = r.Scan(append([]any{&node, &other, &e.Version, &kind, &decision, &turned, &a.Type, &a.Value, &b.Type, &b.Value, &e.Rule, &e.Detail,
		&e.Touchpoint, &key, &e.Source, &e.User, &e.Reason, &e.time, &e.at}, more...)...)
	if err != nil {
		return e, err
	}
	a.anchor, b.anchor = asAnchor(&node), asAnchor(&other)
	if turned {
		a, b = b, a
	}
	e.ID = identity.PairID(a.anchor, b.anchor)
	if e.A = a; !b.anchor.IsZero() {
		e.B = &b
	}
	e.kind, e.key, e.Decision = identity.LinkKind(kind), asAnchor(&key), identity.Decision(decision)
	e.By = by(e.kind)
	e.Time, e.At = Time(e.time), Time(e.at)
	return e, nil
}

// by says whose word a decision follows.
func by(k identity.LinkKind) string {
	switch {
	case k.Manual():
		return "hand"
	case k == identity.LinkClaimed:
		return "claimed"
	}
	return "verified"
}

// maxEvidence bounds what one answer reads of it; beyond, the newest is kept.
const maxEvidence = 8000

// evidence reads the last decision of each sort about every pair that has one of the anchors, newest first.
//
// What somebody merely claimed, and what was said about that, is on the side of who claimed it alone: whoever types a
// customer's address into a chat must not appear on that customer's card.
func (s *Server) evidence(ctx context.Context, c *call, anchors []identity.Anchor) ([]Evidence, error) {
	sql := `SELECT ` + evidenceColumns + ` FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {anchors:Array(UInt128)}
	AND (NOT turned OR other NOT IN {anchors:Array(UInt128)} AND kind NOT IN ('claimed', 'accept', 'decline'))
ORDER BY version DESC, node, other LIMIT 1 BY node, other, decision LIMIT {limit:UInt32}`
	out := []Evidence{}
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{
		"workspace": c.workspace, "anchors": numbers(anchors), "limit": maxEvidence,
	}, func(r *clickhouse.Rows) error {
		e, err := scanEvidence(r)
		out = append(out, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	markInForce(out)
	return out, s.nameEnds(ctx, c, out)
}

// nameEnds fills in the values that a decision does not say: the resolver keeps none, and names what the link at hand names. The
// evidence that brought an identifier in has it.
func (s *Server) nameEnds(ctx context.Context, c *call, list []Evidence) error {
	called := nodeNames{}
	missing := map[identity.Anchor]bool{}
	each := func(do func(*Node)) {
		for i := range list {
			if do(&list[i].A); list[i].B != nil {
				do(list[i].B)
			}
		}
	}
	each(func(n *Node) { called.add(*n) })
	each(func(n *Node) {
		if _, named := called[n.anchor]; !named && !n.anchor.IsZero() {
			missing[n.anchor] = true
		}
	})
	if len(missing) > 0 {
		sql := `SELECT node, node_type, node_value FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {nodes:Array(UInt128)} AND node_value != '' LIMIT 1 BY node`
		err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "nodes": numbers(keysOf(missing))}, func(r *clickhouse.Rows) error {
			var n Node
			var anchor wide
			err := r.Scan(&anchor, &n.Type, &n.Value)
			n.anchor = asAnchor(&anchor)
			called.add(n)
			return err
		})
		if err != nil {
			return err
		}
	}
	each(func(n *Node) {
		if n.Value == "" && !n.anchor.IsZero() {
			*n = called.of(n.anchor)
		}
	})
	return nil
}

// markInForce marks, in a list with the newest first, the first of each pair.
func markInForce(list []Evidence) {
	seen := make(map[identity.Anchor]bool, len(list))
	for i := range list {
		if !seen[list[i].ID] {
			seen[list[i].ID], list[i].InForce = true, true
		}
	}
}

// joins tells whether the evidence joins its two identifiers now.
func (e *Evidence) joins() bool {
	return e.InForce && e.Decision == identity.Joined && e.B != nil
}

// node is the identifier in the words of the log.
func (n *Node) node() identity.Node {
	return identity.Node{Anchor: n.anchor, Type: n.Type, Value: n.Value}
}

// joined are the edges in force that join, the oldest first, which is the order in which they were kept.
func joined(list []Evidence) (out []identity.Edge) {
	for i := range list {
		if e := &list[i]; e.joins() {
			out = append(out, identity.Edge{A: e.A.node(), B: e.B.node(), Kind: e.kind, Decision: e.Decision, Version: e.Version})
		}
	}
	slices.SortStableFunc(out, func(a, b identity.Edge) int {
		switch {
		case a.Version < b.Version:
			return -1
		case a.Version > b.Version:
			return 1
		}
		return slices.Compare(a.A.Anchor[:], b.A.Anchor[:])
	})
	return out
}

// Move is one move of an identifier from one person to another.
type Move struct {
	Identifier Node              `json:"identifier"`
	From       identity.PersonID `json:"from"`
	Person     identity.PersonID `json:"person"`
	Rule       string            `json:"rule"`
	Touchpoint string            `json:"touchpoint,omitempty"`
	Source     string            `json:"source,omitempty"`
	User       string            `json:"user,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Time       Time              `json:"time"`
	At         Time              `json:"at"`
	Version    uint64            `json:"version"`
}

const (
	maxMoves  = 1000 // that one answer tells of
	maxLevels = 16   // of persons that went into persons that went into the one asked for
)

// moves reads the moves that made a person, newest first: those of anchors that came to it, and before that to those who went
// into it.
func (s *Server) moves(ctx context.Context, c *call, id identity.PersonID) ([]Move, error) {
	sql := `SELECT person, anchor, from, version, type, value, rule, touchpoint, source, user, time, at FROM ` + c.tables.IdentityLog + `
WHERE workspace = {workspace:String} AND person IN {persons:Array(UInt128)} AND thread = 0
ORDER BY version DESC, anchor LIMIT 1 BY anchor, version LIMIT {limit:UInt32}`
	out := []Move{}
	before := map[identity.PersonID]uint64{id: math.MaxUint64} // what came to a person after it went into another made that one
	for ask, level := []identity.PersonID{id}, 0; len(ask) > 0 && len(out) < maxMoves && level < maxLevels; level++ {
		var next []identity.PersonID
		err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "persons": numbers(ask), "limit": maxMoves}, func(r *clickhouse.Rows) error {
			var (
				m                    Move
				person, anchor, from wide
				when, at             time.Time
			)
			if err := r.Scan(&person, &anchor, &from, &m.Version, &m.Identifier.Type, &m.Identifier.Value, &m.Rule, &m.Touchpoint, &m.Source, &m.User, &when, &at); err != nil {
				return err
			}
			m.Person, m.From, m.Identifier.anchor, m.Time, m.At = asAnchor(&person), asAnchor(&from), asAnchor(&anchor), Time(when), Time(at)
			if m.Version >= before[m.Person] {
				return nil
			}
			out = append(out, m)
			// Whom only the anchor left that it was named after, was that anchor alone: nobody had come to it.
			if _, known := before[m.From]; !known && m.Identifier.anchor != m.From {
				next = append(next, m.From)
				before[m.From] = m.Version
			} else if known {
				before[m.From] = max(before[m.From], m.Version)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		ask = next
	}
	slices.SortStableFunc(out, func(a, b Move) int {
		switch {
		case a.Version > b.Version:
			return -1
		case a.Version < b.Version:
			return 1
		}
		return slices.Compare(a.Identifier.anchor[:], b.Identifier.anchor[:])
	})
	return out[:min(len(out), maxMoves)], nil
}
