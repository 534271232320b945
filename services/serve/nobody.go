package serve

import (
	"context"
	"fmt"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// What is known of an identifier that is nobody's: that several use it, and that somebody claims it.

// valueUses is what was decided about an identifier and others.
type valueUses struct {
	several   string            // why the value leads to nobody; "" when it is not shared
	by        []identity.Anchor // who use it
	claimants []identity.Anchor // who claim it, which nobody has decided about
}

// maxUses bounds how many identifiers are looked at that are about one value.
const maxUses = 50

// usesOf reads the decisions in force about an identifier.
func (s *Server) usesOf(ctx context.Context, c *call, value identity.Anchor) (out valueUses, err error) {
	params := clickhouse.Params{"workspace": c.workspace, "node": number(value), "limit": maxUses}
	then := ""
	if c.query.asOf != nil {
		params["as_of"], then = moment(*c.query.asOf), " AND at <= {as_of:DateTime64(3, 'UTC')}"
	}
	sql := `SELECT other, argMax(decision, version), argMax(turned, version), max(version) AS newest FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node = {node:UInt128}` + then + ` GROUP BY other ORDER BY other != 0, newest DESC LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var other wide
		var decision string
		var turned bool
		var newest uint64
		if err := r.Scan(&other, &decision, &turned, &newest); err != nil {
			return err
		}
		switch a := asAnchor(&other); identity.Decision(decision) {
		case identity.Shared:
			out.several = "several people use it, so that it leads to none of them; GET /v1/identity/shared lists such values"
		case identity.Held:
			out.by = append(out.by, a)
			if out.several == "" {
				out.several = "several people may use such a value, so that it leads to nobody by itself"
			}
		case identity.Undone, identity.Refused:
			out.by = append(out.by, a)
		case identity.Suggested:
			if turned {
				out.claimants = append(out.claimants, a)
			}
		}
		return nil
	})
	return out, err
}

// hint says more of an identifier that nobody is known by: who share it, or how to ask for whoever merely claimed it; "" when there is no
// more. Of who claimed it it says nothing: what a stranger typed is no answer to who somebody is.
func (s *Server) hint(ctx context.Context, c *call, text string, anchor identity.Anchor) (string, error) {
	anchors, claimed, err := s.anchorsFor(c.workspace, streams.ClaimedPrefix+text)
	if err != nil {
		return "", nil // a thread
	}
	uses, err := s.usesOf(ctx, c, anchor)
	if err != nil {
		return "", err
	}
	if uses.several != "" {
		people, err := s.peopleOf(ctx, c, uses.by)
		if err != nil || len(people) == 0 {
			return "; " + uses.several, err
		}
		return "; " + uses.several + "; it came with " + listed(people), nil
	}
	claimants, err := s.peopleOf(ctx, c, append([]identity.Anchor{anchors[0]}, uses.claimants...))
	if err != nil || len(claimants) == 0 {
		return "", err
	}
	return "; somebody claimed it, which nobody verified: ask for " + claimed, nil
}

// lookUpClaimed finds the person who is known by nothing better than the claim, which is what the name means everywhere; else who claimed the
// identifier and is known by a thread or by another one.
func (s *Server) lookUpClaimed(ctx context.Context, c *call, text string, anchor identity.Anchor, tried string) (Person, error) {
	if p, found, err := s.person(ctx, c, anchor); err != nil || found {
		return p, err
	}
	anchors, _, err := s.anchorsFor(c.workspace, strings.TrimPrefix(text, streams.ClaimedPrefix))
	if err != nil {
		return Person{}, err
	}
	uses, err := s.usesOf(ctx, c, anchors[0])
	if err != nil {
		return Person{}, err
	}
	people, err := s.peopleOf(ctx, c, uses.claimants)
	if err != nil {
		return Person{}, err
	}
	switch len(people) {
	case 0:
		return Person{}, &notFound{"identifier", "nobody is known by " + tried}
	case 1:
		p, found, err := s.card(ctx, c, people[0])
		if err == nil && !found {
			err = &notFound{"identifier", "nobody is known by " + tried}
		}
		return p, err
	}
	return Person{}, &notFound{"identifier", "several people claimed it: ask for one of " + listed(people)}
}

// maxNamed bounds how many people one detail names.
const maxNamed = 10

// peopleOf are the people whose the anchors are, each once, as far as there is anything of them; at most some.
func (s *Server) peopleOf(ctx context.Context, c *call, anchors []identity.Anchor) (out []who, err error) {
	asked := map[identity.PersonID]bool{}
	for _, a := range anchors {
		if len(out) == maxNamed {
			break
		}
		w, err := s.resolve(ctx, c, a)
		if err != nil {
			return nil, err
		}
		if asked[w.id] {
			continue
		}
		asked[w.id] = true
		if known, err := s.seen(ctx, c, w); err != nil {
			return nil, err
		} else if known || w.recorded {
			out = append(out, w)
		}
	}
	return out, nil
}

// listed names people by where they are.
func listed(people []who) string {
	var all []string
	for _, w := range people {
		all = append(all, "/v1/people/"+w.id.String())
	}
	if len(all) == maxNamed {
		all = append(all, fmt.Sprintf("perhaps more: the first %d are named", maxNamed))
	}
	return strings.Join(all, ", ")
}
