package serve

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// who is a person as the store knows it now: the id and the anchors that belong to it.
type who struct {
	id       identity.PersonID
	anchors  []identity.Anchor
	recorded bool              // a move brought one of the anchors here
	asOf     *time.Time        // nil: as of now
	survivor identity.PersonID // of a person that has no anchor left: where they went; else zero
	gone     map[identity.Anchor]departure
}

// departure says where an anchor went that was the person's, by which move.
type departure struct {
	to      identity.PersonID
	version uint64
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
//
// Most anchors never moved and name a person of their own: that is looked for beside the question whether it is so.
func (s *Server) resolve(ctx context.Context, c *call, a identity.Anchor) (who, error) {
	if c.query.asOf != nil {
		return s.resolveThen(ctx, c, a)
	}
	var person identity.PersonID
	var version uint64
	var w who
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		person, version, err = s.personNow(both, c, a)
		return err
	})
	g.Go(func() (err error) {
		w, err = s.anchorsNow(both, c, a)
		return err
	})
	err := g.Wait()
	if err == nil && person != a {
		w, err = s.anchorsNow(ctx, c, person)
	}
	// The two tables are read, and written, one after the other: by the second the anchor may have left whom the first still names.
	for range maxFollowed {
		left, has := w.gone[a]
		if err != nil || !has || left.version <= version {
			break
		}
		version = left.version
		w, err = s.anchorsNow(ctx, c, left.to)
	}
	if err != nil {
		return who{}, err
	}
	if !w.has(a) {
		w.anchors = append(w.anchors, a) // it may be stored as moved before the log of moves is
	}
	return w, nil
}

// maxFollowed bounds how many merges one look-up follows that the store is in the middle of.
const maxFollowed = 4

// personNow is the person that the anchor was moved to last, with the move's version, or the one that it names.
func (s *Server) personNow(ctx context.Context, c *call, a identity.Anchor) (_ identity.PersonID, version uint64, err error) {
	sql := `SELECT argMax(person, version), max(version) FROM ` + c.tables.Identities + `
WHERE workspace = {workspace:String} AND anchor = {anchor:UInt128} AND thread = 0 HAVING count() > 0`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchor": number(a)}, func(r *clickhouse.Rows) error {
		var person wide
		err := r.Scan(&person, &version)
		a = asAnchor(&person)
		return err
	})
	return a, version, err
}

// anchorsNow are the anchors of the person with the id: those that came and have not gone, and the one it is named after.
func (s *Server) anchorsNow(ctx context.Context, c *call, id identity.PersonID) (who, error) {
	sql := `SELECT anchor, argMax(came, version), argMax(other, version), max(version) AS newest FROM ` + c.tables.Anchors + `
WHERE workspace = {workspace:String} AND person = {person:UInt128} GROUP BY anchor ORDER BY newest`
	w, left := who{id: id, gone: map[identity.Anchor]departure{}}, false
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "person": number(id)}, func(r *clickhouse.Rows) error {
		var anchor, other wide
		var came bool
		var newest uint64
		if err := r.Scan(&anchor, &came, &other, &newest); err != nil {
			return err
		}
		switch a := asAnchor(&anchor); {
		case came:
			w.anchors = append(w.anchors, a)
		default:
			w.survivor = asAnchor(&other)
			w.gone[a] = departure{w.survivor, newest}
			left = left || a == id
		}
		return nil
	})
	if w.recorded = len(w.anchors) > 0; w.recorded {
		w.survivor = identity.PersonID{}
	}
	if !w.has(id) && !left {
		w.anchors = append(w.anchors, id) // a person's first anchor has no entry until it moves
	}
	return w, err
}

// belongs is the condition that a fact is one of the person's, with its parameters added.
func (p who) belongs(column string, params clickhouse.Params) string {
	params["anchors"] = numbers(p.anchors)
	if p.asOf != nil {
		params["as_of"] = moment(*p.asOf)
		return column + " IN {anchors:Array(UInt128)} AND received <= {as_of:DateTime64(3, 'UTC')}"
	}
	return column + " IN {anchors:Array(UInt128)}"
}
