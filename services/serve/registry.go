package serve

import (
	"net/http"

	"github.com/throughline/throughline/schemas/registry"
)

// Registry is the registry as clients see it: with times in seconds.
type Registry struct {
	Channels []Channel         `json:"channels"`
	Kinds    []registry.Kind   `json:"kinds"`
	Schemes  []registry.Scheme `json:"schemes"` // strongest first
}

// Channel is a channel of the registry.
type Channel struct {
	Name        string        `json:"name"`
	Label       registry.Text `json:"label"`
	Synchronous bool          `json:"synchronous"`
	Respond     float64       `json:"respond_seconds"`
	Tone        string        `json:"tone"`
	Cost        float64       `json:"cost"`
}

// getRegistry answers GET /v1/registry.
func (s *Server) getRegistry(w http.ResponseWriter, _ *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	out := Registry{Kinds: s.config.Registry.Kinds, Schemes: s.config.Registry.Schemes}
	for _, ch := range s.config.Registry.Channels {
		out.Channels = append(out.Channels, Channel{ch.Name, ch.Label, ch.Synchronous, ch.Respond.Seconds(), ch.Tone, ch.Cost})
	}
	return answer(w, http.StatusOK, out)
}
