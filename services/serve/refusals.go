package serve

import (
	"context"
	"net/http"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Refusals is a page of links that were refused, newest first.
type Refusals struct {
	Refusals []Evidence `json:"refusals"`
	Next     string     `json:"next,omitempty"`
}

// listRefusals answers GET /v1/identity/refusals.
func (s *Server) listRefusals(w http.ResponseWriter, r *http.Request, c *call) error {
	list, next, err := s.decisions(r, c, identity.Refused, refusalList)
	if err != nil {
		return err
	}
	if err := s.overtaken(r.Context(), c, list); err != nil {
		return err
	}
	return answer(w, http.StatusOK, Refusals{list, next})
}

// SharedValue is an identifier that was found to be used by several persons.
type SharedValue struct {
	Evidence
	Identifiers uint64 `json:"identifiers"` // that came together with it
	Undone      uint64 `json:"undone"`      // of those, that it had joined
}

// SharedValues is a page of them, newest first.
type SharedValues struct {
	Shared []SharedValue `json:"shared"`
	Next   string        `json:"next,omitempty"`
}

// listShared answers GET /v1/identity/shared.
func (s *Server) listShared(w http.ResponseWriter, r *http.Request, c *call) error {
	list, next, err := s.decisions(r, c, identity.Shared, sharedList)
	if err != nil {
		return err
	}
	if err := s.overtaken(r.Context(), c, list); err != nil {
		return err
	}
	page := SharedValues{[]SharedValue{}, next}
	at := map[identity.Anchor]int{}
	for i, e := range list {
		at[e.A.anchor] = i
		page.Shared = append(page.Shared, SharedValue{Evidence: e})
	}
	sql := `SELECT node, uniqExact(other), uniqExactIf(other, decision = 'undone') FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {nodes:Array(UInt128)} AND other != 0 GROUP BY node`
	err = s.store.each(r.Context(), s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "nodes": numbers(keysOf(at))}, func(rows *clickhouse.Rows) error {
		var node wide
		var all, undone uint64
		if err := rows.Scan(&node, &all, &undone); err != nil {
			return err
		}
		v := &page.Shared[at[asAnchor(&node)]]
		v.Identifiers, v.Undone = all, undone
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, page)
}

// decisions reads a page of decisions of one sort, newest first; of what was decided about a pair more than once, all.
func (s *Server) decisions(r *http.Request, c *call, decision identity.Decision, list byte) (page []Evidence, next string, err error) {
	limit := c.query.number("limit", 50, 1, 200)
	after := c.query.cursor(list)
	if err := c.query.done(); err != nil {
		return nil, "", err
	}
	params := clickhouse.Params{"workspace": c.workspace, "decision": string(decision), "limit": limit + 1}
	where := "workspace = {workspace:String} AND decision = {decision:String} AND NOT turned"
	if after != nil {
		where += " AND (-toInt64(version), " + pairSQL + ") > ({order:Int64}, {id:String})"
		params["order"], params["id"] = after.order, after.id.String()
	}
	page = []Evidence{}
	sql := `SELECT ` + evidenceColumns + ` FROM ` + c.tables.Edges + ` WHERE ` + where + `
ORDER BY version DESC, ` + pairSQL + ` LIMIT 1 BY node, other, version LIMIT {limit:UInt32}`
	err = s.store.each(r.Context(), s.store.report, sql, params, func(rows *clickhouse.Rows) error {
		e, err := scanEvidence(rows)
		page = append(page, e)
		return err
	})
	if len(page) > limit {
		page = page[:limit]
		last := page[limit-1]
		next = cursor{list, -int64(last.Version), last.ID}.String()
	}
	if err == nil {
		err = s.nameEnds(r.Context(), c, page)
	}
	return page, next, err
}

// overtaken marks the decisions that are in force.
func (s *Server) overtaken(ctx context.Context, c *call, list []Evidence) error {
	if len(list) == 0 {
		return nil
	}
	var nodes, others []identity.Anchor
	for i := range list {
		nodes = append(nodes, list[i].A.anchor)
		var other identity.Anchor
		if list[i].B != nil {
			other = list[i].B.anchor
		}
		others = append(others, other)
	}
	newest := map[identity.Anchor]uint64{}
	sql := `SELECT node, other, max(version) FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {nodes:Array(UInt128)} AND other IN {others:Array(UInt128)} GROUP BY node, other`
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "nodes": numbers(nodes), "others": numbers(others)}, func(r *clickhouse.Rows) error {
		var node, other wide
		var version uint64
		err := r.Scan(&node, &other, &version)
		newest[identity.PairID(asAnchor(&node), asAnchor(&other))] = version
		return err
	})
	for i := range list {
		list[i].InForce = newest[list[i].ID] == list[i].Version
	}
	return err
}
