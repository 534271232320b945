package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	streams "github.com/throughline/throughline/streams/identity"
)

// mergeRequest is the body of POST /v1/people/merge.
type mergeRequest struct {
	A string `json:"a"`
	B string `json:"b"`
	said
}

// splitRequest is the body of POST /v1/people/split: who leaves, or which edge is taken back.
type splitRequest struct {
	Person      string          `json:"person"`
	Identifiers []string        `json:"identifiers"`
	Edge        json.RawMessage `json:"edge"`
	said
}

// edgeRequest is the pair that a split takes back.
type edgeRequest struct {
	A string `json:"a"`
	B string `json:"b"`
}

// maxLeaving bounds how many identifiers one split names.
const maxLeaving = 1000

// correction is a user's word about persons, and all that is known of them.
type correction struct {
	link     *identity.Link
	persons  map[identity.Anchor]identity.PersonID // by anchor, of all persons concerned
	evidence []Evidence
	called   nodeNames
}

// merge answers POST /v1/people/merge.
func (s *Server) merge(w http.ResponseWriter, r *http.Request, c *call) error {
	var v mergeRequest
	if err := s.readCorrection(w, r, c, &v, &v.said); err != nil {
		return err
	}
	a, err := s.knownSubject(r.Context(), c, "a", v.A)
	if err != nil {
		return err
	}
	b, err := s.knownSubject(r.Context(), c, "b", v.B)
	if err != nil {
		return err
	}
	if a.anchor == b.anchor {
		return &fieldError{"b", "is the same as a"}
	}
	k, err := s.known(r.Context(), c, &a, &b)
	if err != nil {
		return err
	}
	nodeA, err := k.named("a", a.anchor)
	if err != nil {
		return err
	}
	nodeB, err := k.named("b", b.anchor)
	if err != nil {
		return err
	}
	k.link = s.word(c, identity.LinkMerge, "merged by hand", &v.said, nodeA, nodeB)
	return s.correct(w, r, c, k, v.Preview)
}

// split answers POST /v1/people/split.
func (s *Server) split(w http.ResponseWriter, r *http.Request, c *call) error {
	var v splitRequest
	if err := s.readCorrection(w, r, c, &v, &v.said); err != nil {
		return err
	}
	if (len(v.Identifiers) == 0) == (v.Edge == nil) {
		return &fieldError{"identifiers", "say who leaves, or in edge which two identifiers do not belong together: one of both"}
	}
	if len(v.Identifiers) > maxLeaving {
		return &fieldError{"identifiers", fmt.Sprintf("at most %d", maxLeaving)}
	}
	person, err := s.knownSubject(r.Context(), c, "person", v.Person)
	if err != nil {
		return err
	}
	k, err := s.known(r.Context(), c, &person)
	if err != nil {
		return err
	}
	if v.Edge != nil {
		k.link, err = s.retraction(c, k, &v)
	} else {
		k.link, err = s.leaving(c, k, &person, &v)
	}
	if err != nil {
		return err
	}
	return s.correct(w, r, c, k, v.Preview)
}

// retraction is the word that takes an edge back.
func (s *Server) retraction(c *call, k *correction, v *splitRequest) (*identity.Link, error) {
	var edge edgeRequest
	if err := strictly("edge.", v.Edge, &edge); err != nil {
		return nil, err
	}
	a, err := s.member(c, k, "edge.a", edge.A)
	if err != nil {
		return nil, err
	}
	b, err := s.member(c, k, "edge.b", edge.B)
	if err != nil {
		return nil, err
	}
	pair := identity.PairID(a.Anchor, b.Anchor)
	if !slices.ContainsFunc(k.evidence, func(e Evidence) bool { return e.ID == pair && e.joins() }) {
		return nil, &fieldError{"edge", fmt.Sprintf("no evidence joins %s:%s and %s:%s directly; /why lists what does", a.Type, a.Value, b.Type, b.Value)}
	}
	return s.word(c, identity.LinkRetract, "retracted by hand", &v.said, a, b), nil
}

// leaving is the word that some of a person's identifiers are somebody else.
func (s *Server) leaving(c *call, k *correction, person *subject, v *splitRequest) (*identity.Link, error) {
	leaves := map[identity.Anchor]bool{}
	var nodes []identity.Node
	for i, text := range v.Identifiers {
		n, err := s.member(c, k, fmt.Sprintf("identifiers[%d]", i), text)
		if err != nil {
			return nil, err
		}
		if !leaves[n.Anchor] {
			leaves[n.Anchor] = true
			nodes = append(nodes, n)
		}
	}
	stays := func(a identity.Anchor) bool {
		return !leaves[a] && k.called.of(a).Type != identity.ThreadType
	}
	all := sortedAnchors(k.persons)
	at := slices.IndexFunc(all, stays)
	if at < 0 {
		return nil, &fieldError{"identifiers", "these are all that the person has; nobody would stay"}
	}
	stay := all[at]
	if stays(person.who.id) {
		stay = person.who.id
	}
	n := k.called.of(stay)
	l := s.word(c, identity.LinkSplit, "split by hand", &v.said, n.node(), identity.Node{})
	l.Nodes = nodes
	return l, nil
}

func (s *Server) readCorrection(w http.ResponseWriter, r *http.Request, c *call, into any, v *said) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if err := s.readBody(w, r, into); err != nil {
		return err
	}
	return v.check(s, r)
}

func (s *Server) knownSubject(ctx context.Context, c *call, field, text string) (subject, error) {
	out, err := s.subject(ctx, c, field, text)
	if err == nil && !out.known {
		err = out.unknown(field)
	}
	return out, err
}

// known collects what is known of the persons.
func (s *Server) known(ctx context.Context, c *call, subjects ...*subject) (k *correction, err error) {
	k = &correction{persons: map[identity.Anchor]identity.PersonID{}}
	for _, one := range subjects {
		for _, a := range one.who.anchors {
			k.persons[a] = one.who.id
		}
	}
	if k.evidence, err = s.evidence(ctx, c, keysOf(k.persons)); err != nil {
		return nil, err
	}
	k.called, err = s.namesOf(ctx, c, keysOf(k.persons), k.evidence, nil)
	return k, err
}

// named is the node of an anchor that a user's word may name.
func (k *correction) named(field string, a identity.Anchor) (identity.Node, error) {
	n := k.called.of(a)
	switch {
	case n.Type == identity.ThreadType:
		return identity.Node{}, &fieldError{field, "this is a thread, which follows its first customer; name an identifier"}
	case strings.HasPrefix(n.Type, streams.ClaimedPrefix):
		return identity.Node{}, &fieldError{field, "whoever claims this value next would be meant too; name an identifier that somebody vouches for"}
	case n.Type == unnamed:
		return identity.Node{}, &fieldError{field, "nothing says which identifier this is; name one"}
	}
	return n.node(), nil
}

// member is the node of an identifier of the person at hand.
func (s *Server) member(c *call, k *correction, field, text string) (identity.Node, error) {
	anchors, tried, err := s.named(c, field, text)
	if err != nil {
		return identity.Node{}, err
	}
	for _, a := range anchors {
		if _, own := k.persons[a]; own {
			return k.named(field, a)
		}
	}
	return identity.Node{}, &fieldError{field, tried + " is not of this person"}
}

// correct does what the word says, or answers what would come of it.
func (s *Server) correct(w http.ResponseWriter, r *http.Request, c *call, k *correction, preview bool) error {
	if !preview {
		return s.act(w, r, c, k.link, keysOf(k.persons))
	}
	if len(k.evidence) == maxEvidence {
		return errTooMuchToForesee
	}
	threads, err := s.threadLinks(r.Context(), c, k)
	if err != nil {
		return err
	}
	nodes, err := s.byAge(r.Context(), c, k)
	if err != nil {
		return err
	}
	foreseen := streams.Foresee(s.config.Rules.Rules(c.workspace), streams.Known{
		Workspace: c.workspace, Nodes: nodes, Edges: joined(k.evidence), Threads: threads, Persons: k.persons,
	}, k.link)
	out, err := s.preview(r.Context(), c, k, &foreseen)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}
