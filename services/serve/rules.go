package serve

import (
	"net/http"

	"github.com/throughline/throughline/schemas/identity"
)

// getRules answers GET /v1/identity/rules.
func (s *Server) getRules(w http.ResponseWriter, _ *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	send(w, http.StatusOK, "application/yaml", []byte(s.config.Rules.Rules(c.workspace).YAML()))
	return nil
}

// getRulesSchema answers GET /v1/schemas/identity-rules.json.
func getRulesSchema(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, "application/schema+json", identity.RulesSchema)
}
