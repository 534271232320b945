package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/contract"
)

// Contracts are what workspaces agreed with those who send touchpoints; *workspaces.Directory knows.
type Contracts interface {
	contract.ByWorkspace
	AddContract(ctx context.Context, workspace string, c workspace.Contract) (*contract.Contract, error)
}

// Schema is one version of a contract.
type Schema struct {
	Kind        string                `json:"kind"`
	Version     int                   `json:"version"`
	OnViolation workspace.OnViolation `json:"on_violation"`
	Breaking    bool                  `json:"breaking"`
	User        string                `json:"user,omitempty"`
	At          Time                  `json:"at"`
	Schema      json.RawMessage       `json:"schema"`
}

func schemaOf(c *contract.Contract) Schema {
	return Schema{c.Kind, c.Version, c.OnViolation, c.Breaking, c.User, Time(time.UnixMilli(c.At)), json.RawMessage(c.Schema)}
}

// listSchemas answers GET /v1/schemas: those in force.
func (s *Server) listSchemas(w http.ResponseWriter, _ *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	out := []Schema{}
	set := s.config.Contracts.Contracts(c.workspace)
	for _, kind := range set.Kinds() {
		out = append(out, schemaOf(set.Of(kind)))
	}
	return answer(w, http.StatusOK, map[string][]Schema{"schemas": out})
}

// getSchema answers GET /v1/schemas/kinds/{kind}: all versions, the newest first.
func (s *Server) getSchema(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	kind, err := kindOf(r)
	if err != nil {
		return err
	}
	all := s.config.Contracts.Contracts(c.workspace).Versions(kind)
	if len(all) == 0 {
		return &notFound{"kind", "there is no schema of " + kind}
	}
	out := []Schema{}
	for i := range all {
		out = append(out, schemaOf(all[len(all)-1-i]))
	}
	return answer(w, http.StatusOK, map[string][]Schema{"versions": out})
}

var dottedName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)

func kindOf(r *http.Request) (string, error) {
	kind := r.PathValue("kind")
	if len(kind) > 128 || !dottedName.MatchString(kind) {
		return "", &fieldError{"kind", "want dotted lower case such as order.placed"}
	}
	return kind, nil
}

// SchemaCheck is what would come of a version of a schema.
type SchemaCheck struct {
	Kind       string        `json:"kind"`
	Version    int           `json:"version"` // that it would have
	Compatible bool          `json:"compatible"`
	Breaks     []SchemaBreak `json:"breaks"`
	Samples    int           `json:"samples"`   // stored touchpoints of the kind that were held against it
	Violating  int           `json:"violating"` // how many of them it would not take
	Fields     []SchemaBreak `json:"fields"`    // in which, the first of each
}

// SchemaBreak is a field with what is wrong.
type SchemaBreak struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// schemaRequest is the body of POST /v1/schemas/kinds/{kind}.
type schemaRequest struct {
	Schema      json.RawMessage       `json:"schema"`
	OnViolation workspace.OnViolation `json:"on_violation"`
	Breaking    bool                  `json:"breaking"`
	CheckOnly   bool                  `json:"check_only"`
	User        string                `json:"user"`
}

// addSchema answers POST /v1/schemas/kinds/{kind}.
func (s *Server) addSchema(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	kind, err := kindOf(r)
	if err != nil {
		return err
	}
	var v schemaRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	if len(v.Schema) == 0 {
		return &fieldError{"schema", "missing; want a JSON Schema of properties"}
	}
	now := s.config.Contracts.Contracts(c.workspace).Of(kind)
	if v.OnViolation == "" {
		v.OnViolation = workspace.Flag
		if now != nil {
			v.OnViolation = now.OnViolation
		}
	}
	if v.OnViolation != workspace.Flag && v.OnViolation != workspace.Refuse {
		return &fieldError{"on_violation", "want flag or refuse"}
	}
	if v.User, err = s.speaker(r, v.User); err != nil {
		return err
	}
	next := workspace.Contract{Kind: kind, Version: 1, Schema: v.Schema, OnViolation: v.OnViolation, Breaking: v.Breaking, User: v.User, At: s.config.Now().UnixMilli()}
	if v.CheckOnly {
		return s.checkSchema(w, r, c, now, next)
	}
	made, err := s.config.Contracts.AddContract(r.Context(), c.workspace, next)
	var breaks *workspaces.IncompatibleError
	switch {
	case errors.As(err, &breaks):
		var all []string
		for _, b := range breaks.Breaks[:min(len(breaks.Breaks), 5)] {
			all = append(all, b.Field+": "+b.Reason)
		}
		api.Problem(w, r, http.StatusConflict, breaks.Breaks[0].Field, "not compatible with "+breaks.Before+": "+strings.Join(all, "; ")+". Say breaking to put it in force all the same")
		return nil
	case errors.Is(err, workspaces.ErrTooManyContracts):
		api.Problem(w, r, http.StatusConflict, "kind", "as many versions, or kinds with a schema, as there may be")
		return nil
	case errors.Is(err, contract.ErrBadSchema):
		return badSchema(err)
	case err != nil:
		return fmt.Errorf("serve: add schema: %w", err)
	}
	return answer(w, http.StatusOK, schemaOf(made))
}

func badSchema(err error) error {
	return &fieldError{"schema", strings.TrimPrefix(err.Error(), contract.ErrBadSchema.Error()+": ")}
}

// checkSchema says what would come of it, for the version before and for what is stored.
func (s *Server) checkSchema(w http.ResponseWriter, r *http.Request, c *call, now *contract.Contract, next workspace.Contract) error {
	out := SchemaCheck{Kind: next.Kind, Compatible: true, Breaks: []SchemaBreak{}, Fields: []SchemaBreak{}}
	if now != nil {
		next.Version = now.Version + 1
		for _, b := range contract.Breaks(now.Schema, next.Schema) {
			out.Compatible = false
			out.Breaks = append(out.Breaks, SchemaBreak(b))
		}
	}
	out.Version = next.Version
	made, err := contract.Compile(next)
	if err != nil {
		return badSchema(err)
	}
	samples, err := s.samples(r.Context(), c, "", next.Kind, checkSamples)
	if err != nil {
		return err
	}
	first := map[string]bool{}
	for _, sample := range samples[next.Kind] {
		out.Samples++
		violations := made.Check(sample)
		if len(violations) > 0 {
			out.Violating++
		}
		for _, v := range violations {
			if !first[v.Field] && len(first) < 50 {
				first[v.Field] = true
				out.Fields = append(out.Fields, SchemaBreak(v))
			}
		}
	}
	return answer(w, http.StatusOK, out)
}

// InferredSchema is a proposal.
type InferredSchema struct {
	Kind    string          `json:"kind"`
	Samples int             `json:"samples"`
	Schema  json.RawMessage `json:"schema"`
}

// Of one kind that many of the latest touchpoints are looked at.
const (
	checkSamples = 1000
	sampleDays   = 90
)

// inferSchemas answers GET /v1/schemas/infer.
func (s *Server) inferSchemas(w http.ResponseWriter, r *http.Request, c *call) error {
	source, kind := c.query.text("source"), c.query.text("kind")
	limit := c.query.number("samples", checkSamples, 1, 5000)
	if err := c.query.done(); err != nil {
		return err
	}
	if source == "" {
		return &fieldError{"source", "missing; whose touchpoints are to be looked at?"}
	}
	samples, err := s.samples(r.Context(), c, source, kind, limit)
	if err != nil {
		return err
	}
	out := []InferredSchema{}
	for _, kind := range sortedKinds(samples) {
		out = append(out, InferredSchema{kind, len(samples[kind]), contract.Infer(samples[kind])})
	}
	if len(out) == 0 {
		return &notFound{"source", "nothing came from " + cmp.Or(source, "there") + fmt.Sprintf(" in the last %d days", sampleDays)}
	}
	return answer(w, http.StatusOK, map[string][]InferredSchema{"schemas": out})
}

// fixedContracts are none, and nobody adds one.
type fixedContracts struct{ contract.None }

func (fixedContracts) AddContract(context.Context, string, workspace.Contract) (*contract.Contract, error) {
	return nil, &notFound{"", "this process does not keep schemas"}
}
