package serve

import (
	"context"
	"net/http"

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
	err := s.readYAML(w, r, c, privacy.ErrBadPolicy, func(yaml string) error {
		return s.config.Privacy.SetPrivacy(r.Context(), c.workspace, workspace.Privacy{YAML: yaml, At: s.config.Now().UnixMilli()})
	})
	if err != nil {
		return err
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
