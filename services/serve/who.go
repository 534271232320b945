package serve

import (
	"context"
	"math/big"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// who is a person as the store knows it now: the id and the anchors that belong to it.
type who struct {
	id       identity.PersonID
	anchors  []identity.Anchor
	recorded bool              // a move brought one of the anchors here
	survivor identity.PersonID // of a person that has no anchor left: where they went; else zero
}

func (p who) has(a identity.Anchor) bool {
	for _, own := range p.anchors {
		if own == a {
			return true
		}
	}
	return false
}

// resolve finds the person that the anchor belongs to, or the person with that id, and all its anchors. It reads the tables of moves
// and not the dictionary that reports use: a look-up then follows a merge as soon as the move is stored.
func (s *Server) resolve(ctx context.Context, c *call, a identity.Anchor) (who, error) {
	sql := `WITH (SELECT if(count() = 0, {anchor:UInt128}, argMax(person, version)) FROM ` + c.tables.Identities + `
	WHERE workspace = {workspace:String} AND anchor = {anchor:UInt128} AND thread = 0) AS p
SELECT p AS person, groupArrayIf(anchor, now = p) AS mine, countIf(anchor = p AND now != p) > 0 AS left, argMax(now, newest) AS last
FROM (
	SELECT anchor, argMax(person, version) AS now, max(version) AS newest FROM ` + c.tables.Identities + `
	WHERE workspace = {workspace:String} AND thread = 0 AND anchor IN (
		SELECT p UNION ALL
		SELECT anchor FROM ` + c.tables.IdentityLog + ` WHERE workspace = {workspace:String} AND person = p AND thread = 0)
	GROUP BY anchor)`
	var (
		person, last wide
		mine         []*big.Int
		left         bool
	)
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchor": number(a)}, func(r *clickhouse.Rows) error {
		return r.Scan(&person, &mine, &left, &last)
	})
	if err != nil {
		return who{}, err
	}
	w := who{id: asAnchor(&person), anchors: anchorsOf(mine), recorded: len(mine) > 0}
	if len(mine) == 0 && last.Sign() != 0 {
		w.survivor = asAnchor(&last)
	}
	// A person's first anchor has no entry until it moves. The anchor that was asked for may be stored as moved before the
	// log of moves is.
	for _, own := range []identity.Anchor{asAnchor(&person), a} {
		if !w.has(own) && !(own == asAnchor(&person) && left) {
			w.anchors = append(w.anchors, own)
		}
	}
	return w, nil
}

// belongs is the condition that a fact is one of the person's, with its parameters added.
func (p who) belongs(column string, params clickhouse.Params) string {
	params["anchors"] = numbers(p.anchors)
	return column + " IN {anchors:Array(UInt128)}"
}
