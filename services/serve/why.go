package serve

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
)

// Why says why a person is one: the identifiers, what was decided about them, and the moves that brought them together.
type Why struct {
	Person      identity.PersonID `json:"person"`
	Identifiers []WhyIdentifier   `json:"identifiers"`
	Evidence    []Evidence        `json:"evidence"` // newest first, all of which does not hold any more among it
	Moves       []Move            `json:"moves"`    // newest first
}

// WhyIdentifier is an identifier or thread of a person.
type WhyIdentifier struct {
	Node
	Joins  int  `json:"joins"`  // pairs in force that it is joined by
	Shared bool `json:"shared"` // it was found to be used by several persons, and joins nobody
}

// getWhy answers GET /v1/people/{id}/why.
func (s *Server) getWhy(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	who, err := s.personOf(r, c, "/why")
	if err != nil {
		return err
	}
	if !who.recorded {
		if known, err := s.seen(r.Context(), c, who); err != nil {
			return err
		} else if !known {
			return who.unknown("/why")
		}
	}
	out, err := s.why(r.Context(), c, who)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

func (s *Server) why(ctx context.Context, c *call, who who) (out Why, err error) {
	out.Person = who.id
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out.Evidence, err = s.evidence(both, c, who.anchors)
		return err
	})
	g.Go(func() (err error) {
		out.Moves, err = s.moves(both, c, who.id)
		return err
	})
	if err := g.Wait(); err != nil {
		return out, err
	}
	called, err := s.namesOf(ctx, c, who.anchors, out.Evidence, out.Moves)
	if err != nil {
		return out, err
	}
	joins, shared := map[identity.Anchor]int{}, map[identity.Anchor]bool{}
	for i := range out.Evidence {
		switch e := &out.Evidence[i]; {
		case e.joins():
			joins[e.A.anchor]++
			joins[e.B.anchor]++
		case e.InForce && e.Decision == identity.Shared:
			shared[e.A.anchor] = true
		}
	}
	out.Identifiers = []WhyIdentifier{}
	for _, a := range who.anchors {
		out.Identifiers = append(out.Identifiers, WhyIdentifier{called.of(a), joins[a], shared[a]})
	}
	slices.SortFunc(out.Identifiers, func(a, b WhyIdentifier) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	reasons := map[uint64]string{}
	for i := range out.Evidence {
		reasons[out.Evidence[i].Version] = cmp.Or(reasons[out.Evidence[i].Version], out.Evidence[i].Reason)
	}
	for i := range out.Moves {
		m := &out.Moves[i]
		m.Identifier, m.Reason = called.of(m.Identifier.anchor), reasons[m.Version]
	}
	return out, nil
}
