package serve

import (
	"context"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Who somebody was at a time, by the moves that had come to the log by then: what an agent could see at that moment. The table of moves
// is sorted by the person that they bring anchors to; where an anchor was is found through the index over anchors.

// readAsOf reads the parameter.
func (q *query) readAsOf() {
	if t, given := q.instant("as_of", time.UTC); given {
		q.asOf = &t
	}
}

// resolveThen is resolve as of the call's time.
func (s *Server) resolveThen(ctx context.Context, c *call, a identity.Anchor) (who, error) {
	now, err := s.assigned(ctx, c, []identity.Anchor{a})
	if err != nil {
		return who{}, err
	}
	w := who{id: a, asOf: c.query.asOf}
	if p, moved := now[a]; moved {
		w.id = p
	}
	came, err := s.cameTo(ctx, c, w.id)
	if err != nil {
		return who{}, err
	}
	candidates := []identity.Anchor{w.id}
	for _, m := range came {
		if m.thread.IsZero() && m.anchor != w.id {
			candidates = append(candidates, m.anchor)
		}
	}
	where, err := s.assigned(ctx, c, candidates)
	if err != nil {
		return who{}, err
	}
	for _, anchor := range candidates {
		p, moved := where[anchor]
		switch {
		case !moved || p == w.id:
			w.anchors = append(w.anchors, anchor)
			w.recorded = w.recorded || moved
		case anchor == w.id:
			w.survivor = p
		}
	}
	if len(w.anchors) > 0 {
		w.survivor = identity.PersonID{}
	}
	return w, nil
}

// assigned says whom anchors, or participations, had been moved to last; those that had not moved are not in it.
func (s *Server) assigned(ctx context.Context, c *call, anchors []identity.Anchor) (map[identity.Anchor]identity.PersonID, error) {
	out := map[identity.Anchor]identity.PersonID{}
	sql := `SELECT anchor, argMax(person, version) FROM ` + c.tables.IdentityLog + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND at <= {as_of:DateTime64(3, 'UTC')} GROUP BY anchor`
	for len(anchors) > 0 {
		some := anchors[:min(len(anchors), maxAsked)]
		anchors = anchors[len(some):]
		params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(some), "as_of": moment(*c.query.asOf)}
		err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
			var anchor, person wide
			err := r.Scan(&anchor, &person)
			out[asAnchor(&anchor)] = asAnchor(&person)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxAsked bounds how many anchors one statement names.
const maxAsked = 1000

// coming is an anchor, or with a thread a participation of home, that had been moved to a person.
type coming struct{ anchor, home, thread identity.Anchor }

func (s *Server) cameTo(ctx context.Context, c *call, person identity.PersonID) (out []coming, err error) {
	sql := `SELECT DISTINCT anchor, home, thread FROM ` + c.tables.IdentityLog + `
WHERE workspace = {workspace:String} AND person = {person:UInt128} AND at <= {as_of:DateTime64(3, 'UTC')} ORDER BY anchor`
	params := clickhouse.Params{"workspace": c.workspace, "person": number(person), "as_of": moment(*c.query.asOf)}
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var anchor, home, thread wide
		err := r.Scan(&anchor, &home, &thread)
		out = append(out, coming{asAnchor(&anchor), asAnchor(&home), asAnchor(&thread)})
		return err
	})
	return out, err
}
