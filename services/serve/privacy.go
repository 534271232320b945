package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/privacy"
)

// Privacy is what workspaces do not keep; *workspaces.Directory knows.
type Privacy interface {
	privacy.ByWorkspace
	SetPrivacy(ctx context.Context, workspace string, p workspace.Privacy) error
}

// getPrivacy answers GET /v1/privacy.
func (s *Server) getPrivacy(w http.ResponseWriter, _ *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	send(w, http.StatusOK, "application/yaml", s.config.Privacy.Privacy(c.workspace).YAML())
	return nil
}

// setPrivacy answers PUT /v1/privacy.
func (s *Server) setPrivacy(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	body, err := s.bodies.Read(w, r)
	if err != nil {
		return err
	}
	defer body.Release()
	if !plain(string(body.Bytes)) {
		return &fieldError{"body", "want UTF-8 text without NUL"}
	}
	err = s.config.Privacy.SetPrivacy(r.Context(), c.workspace, workspace.Privacy{YAML: string(body.Bytes), At: s.config.Now().UnixMilli()})
	if errors.Is(err, privacy.ErrBadPolicy) {
		return &fieldError{"body", strings.TrimPrefix(err.Error(), privacy.ErrBadPolicy.Error()+": ")}
	}
	if err != nil {
		return fmt.Errorf("serve: set privacy rules: %w", err)
	}
	return s.getPrivacy(w, r, c)
}

// getPrivacySchema answers GET /v1/schemas/privacy.json.
func getPrivacySchema(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, "application/schema+json", workspace.PrivacySchema)
}

// normalise writes an identifier as it is kept: by the workspace's rules, and hashed where its privacy rules say so, so that whoever
// knows the address finds the customer, though nobody can read it.
func (s *Server) normalise(workspace string, id touchpoint.Identifier) (touchpoint.Identifier, error) {
	policy := s.config.Privacy.Privacy(workspace)
	id, err := policy.Normalise(s.config.Rules.Rules(workspace).Normalise)(id)
	if err != nil {
		return id, err
	}
	return policy.Identifier(id), nil
}

// fixedPrivacy are the rules that ship with the product, which nobody changes.
type fixedPrivacy struct{ privacy.ByWorkspace }

func (fixedPrivacy) SetPrivacy(context.Context, string, workspace.Privacy) error {
	return &notFound{"", "this process does not keep privacy rules"}
}
