package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/rehearse"
	streams "github.com/throughline/throughline/streams/identity"
)

// Rehearsals runs new identity rules beside those in force; *rehearse.Desk does.
type Rehearsals interface {
	Start(ctx context.Context, workspace, yaml, user string, since int64) (*rehearsal.Record, error)
	Get(ctx context.Context, workspace, id string) (*rehearsal.Record, error)
	Promote(ctx context.Context, r *rehearsal.Record, word *identity.Link) (version uint64, err error)
	Discard(ctx context.Context, r *rehearsal.Record) error
}

var errNoRehearsals = &notFound{"", "this process does not run rehearsals"}

// Rehearsal is one as the API shows it.
type Rehearsal struct {
	ID         string               `json:"id"`
	Status     rehearsal.Status     `json:"status"`
	User       string               `json:"user"`
	Since      *Time                `json:"since,omitempty"`
	Started    Time                 `json:"started"`
	Updated    Time                 `json:"updated"`
	Progress   rehearsal.Progress   `json:"progress"`
	Error      string               `json:"error,omitempty"`
	Version    uint64               `json:"version,omitempty"` // of the promotion
	Rules      string               `json:"rules"`
	Difference *RehearsalDifference `json:"difference,omitempty"`
}

// RehearsalDifference is what the new rules would change.
type RehearsalDifference struct {
	*rehearsal.Difference
	Shared   []Node             `json:"shared"`
	Examples []RehearsalExample `json:"examples"`
}

// RehearsalExample is some persons whom the new rules would make others.
type RehearsalExample struct {
	Touchpoints uint64              `json:"touchpoints"`
	Before      []RehearsalPerson   `json:"before"`
	After       []RehearsalPerson   `json:"after"`
	Evidence    []RehearsalEvidence `json:"evidence"`
}

// RehearsalPerson is a person by either rules, with some of its identifiers.
type RehearsalPerson struct {
	ID          identity.PersonID `json:"id"`
	Size        int               `json:"size"`
	Identifiers []Node            `json:"identifiers"`
}

// RehearsalEvidence is a link that the new rules decide otherwise.
type RehearsalEvidence struct {
	A          Node              `json:"a"`
	B          Node              `json:"b"`
	Kind       identity.LinkKind `json:"kind"`
	Before     identity.Decision `json:"before"`
	After      identity.Decision `json:"after"`
	Rule       string            `json:"rule,omitempty"`
	Detail     string            `json:"detail,omitempty"`
	Touchpoint string            `json:"touchpoint,omitempty"`
	Source     string            `json:"source,omitempty"`
	User       string            `json:"user,omitempty"`
	Time       Time              `json:"time"`
}

func rehearsalOf(r *rehearsal.Record) Rehearsal {
	out := Rehearsal{
		ID: r.ID, Status: r.Status, User: r.User, Started: Time(time.UnixMilli(r.Started)), Updated: Time(time.UnixMilli(r.Updated)),
		Progress: r.Progress, Error: r.Error, Version: r.Version, Rules: r.Rules,
	}
	if r.Since > 0 {
		since := Time(time.UnixMilli(r.Since))
		out.Since = &since
	}
	if r.Difference == nil {
		return out
	}
	d := &RehearsalDifference{Difference: r.Difference, Shared: shownNodes(r.Difference.Shared), Examples: []RehearsalExample{}}
	for i := range r.Difference.Examples {
		e := &r.Difference.Examples[i]
		shown := RehearsalExample{Touchpoints: e.Touchpoints, Before: shownPersons(e.Before), After: shownPersons(e.After), Evidence: []RehearsalEvidence{}}
		for _, v := range e.Evidence {
			shown.Evidence = append(shown.Evidence, RehearsalEvidence{
				A: shownNode(v.A), B: shownNode(v.B), Kind: v.Kind, Before: v.Before, After: v.After, Rule: v.Rule, Detail: v.Detail,
				Touchpoint: v.Touchpoint, Source: v.Source, User: v.User, Time: Time(time.UnixMilli(v.Time)),
			})
		}
		d.Examples = append(d.Examples, shown)
	}
	out.Difference = d
	return out
}

func shownNode(n identity.Node) Node { return Node{Type: n.Type, Value: n.Value} }

func shownNodes(nodes []identity.Node) []Node {
	out := []Node{}
	for _, n := range nodes {
		out = append(out, shownNode(n))
	}
	return out
}

func shownPersons(persons []rehearsal.Person) []RehearsalPerson {
	out := []RehearsalPerson{}
	for _, p := range persons {
		out = append(out, RehearsalPerson{ID: p.ID, Size: p.Size, Identifiers: shownNodes(p.Identifiers)})
	}
	return out
}

type rehearsalRequest struct {
	Rules string  `json:"rules"`
	Since *string `json:"since"`
	User  string  `json:"user"`
}

// startRehearsal answers POST /v1/identity/rehearsals.
func (s *Server) startRehearsal(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if s.config.Rehearsals == nil {
		return errNoRehearsals
	}
	var v rehearsalRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	user, err := s.speaker(r, v.User)
	if err != nil {
		return err
	}
	since := int64(0)
	if v.Since != nil {
		at, err := time.Parse(time.RFC3339Nano, *v.Since)
		if err != nil || at.Year() < 1970 || at.Year() > 2200 {
			return &fieldError{"since", "want a time such as 2026-01-31T09:00:00Z"}
		}
		since = max(1, at.UnixMilli())
	}
	started, err := s.config.Rehearsals.Start(r.Context(), c.workspace, v.Rules, user, since)
	switch {
	case errors.Is(err, streams.ErrBadRules):
		return &fieldError{"rules", strings.TrimPrefix(err.Error(), streams.ErrBadRules.Error()+": ")}
	case err != nil:
		return err
	}
	w.Header().Set("Location", "/v1/identity/rehearsals/"+started.ID)
	return answer(w, http.StatusAccepted, rehearsalOf(started))
}

// getRehearsal answers GET /v1/identity/rehearsals/{id}.
func (s *Server) getRehearsal(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	found, err := s.rehearsal(r, c)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, rehearsalOf(found))
}

func (s *Server) rehearsal(r *http.Request, c *call) (*rehearsal.Record, error) {
	if s.config.Rehearsals == nil {
		return nil, errNoRehearsals
	}
	id, err := pathID("id", r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	found, err := s.config.Rehearsals.Get(r.Context(), c.workspace, id.String())
	if errors.Is(err, rehearse.ErrUnknown) {
		return nil, &notFound{"id", fmt.Sprintf("there is no rehearsal %s, or it was discarded", id)}
	}
	return found, err
}

// concludeRehearsal answers POST /v1/identity/rehearsals/{id}: promote puts exactly its rules in force, discard forgets it.
func (s *Server) concludeRehearsal(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	var v decisionRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	switch v.Action {
	case "promote", "discard":
	default:
		return &fieldError{"action", "want promote or discard"}
	}
	word := said{Reason: v.Reason, User: v.User}
	if v.Action == "promote" {
		if err := word.check(s, r); err != nil {
			return err
		}
	}
	found, err := s.rehearsal(r, c)
	if err != nil {
		return err
	}
	if v.Action == "discard" {
		if err := s.config.Rehearsals.Discard(r.Context(), found); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	l := s.word(c, identity.LinkRules, "promoted rehearsal "+found.ID, &word, identity.Node{}, identity.Node{})
	l.Rules = found.Rules
	version, err := s.config.Rehearsals.Promote(r.Context(), found, l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Patience)
	defer cancel()
	out, err := s.ruled(ctx, c, l, version)
	switch {
	case ctx.Err() != nil && r.Context().Err() == nil, errors.Is(err, errBusy), errors.Is(err, clickhouse.ErrUnavailable):
		return answer(w, http.StatusAccepted, Pending{version}) // it is on the log, and takes as long as the log is
	case err != nil:
		return err
	}
	return answer(w, http.StatusOK, out)
}

// ruled waits until the store has what became of new rules: that is written last, when everything else is.
func (s *Server) ruled(ctx context.Context, c *call, l *identity.Link, version uint64) (Act, error) {
	for {
		decided, err := s.decided(ctx, c, l, version)
		if err != nil {
			return Act{}, err
		}
		if len(decided) > 0 {
			if e := decided[0]; e.Decision == identity.Refused {
				return Act{}, &refusedAct{e.Rule, e.Detail}
			}
			return Act{Version: version, Decision: decided[0].Decision, Persons: []PersonNow{}, Evidence: decided}, nil
		}
		select {
		case <-ctx.Done():
			return Act{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
