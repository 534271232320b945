package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
)

// Channels are what workspaces say of the registry's channels; *workspaces.Directory knows.
type Channels interface {
	Registry(workspace string) *registry.Registry
	SetChannel(ctx context.Context, workspace, channel string, s registry.Settings) error
	ResetChannel(ctx context.Context, workspace, channel string) error
}

// channelPath is what a key with the scope admin may change of the registry.
const channelPath = "/v1/registry/channels/{channel}"

// getRegistry answers GET /v1/registry: to a key the registry of its workspace, to everybody else the installation's.
func (s *Server) getRegistry(w http.ResponseWriter, r *http.Request) {
	shown := s.config.Registry
	if key, brings := api.KeyOf(r); brings && s.config.Directory.May(key, workspace.Read) {
		if name, ok := s.config.Directory.Authenticate(key); ok {
			shown = s.config.Channels.Registry(name)
		}
	}
	if err := answer(w, http.StatusOK, shown); err != nil {
		s.fail(w, r, err)
	}
}

// setChannel answers PUT /v1/registry/channels/{channel}.
func (s *Server) setChannel(w http.ResponseWriter, r *http.Request, c *call) error {
	name, err := s.channelOf(r, c)
	if err != nil {
		return err
	}
	settings, err := s.readSettings(w, r)
	if err != nil {
		return err
	}
	if err := s.config.Channels.SetChannel(r.Context(), c.workspace, name, settings); err != nil {
		return fmt.Errorf("serve: set channel: %w", err)
	}
	return s.answerChannel(w, c, name)
}

// readSettings reads the body of setChannel.
func (s *Server) readSettings(w http.ResponseWriter, r *http.Request) (out registry.Settings, err error) {
	var given struct {
		Label   json.RawMessage `json:"label"`
		Respond int64           `json:"respond_seconds"`
		Tone    string          `json:"tone"`
		Cost    *float64        `json:"cost"`
	}
	if err := s.readBody(w, r, &given); err != nil {
		return out, err
	}
	if err := strictly("label.", given.Label, &out.Label); err != nil {
		return out, err
	}
	if given.Cost == nil {
		return out, &fieldError{"cost", "want what a contact costs, in euro"}
	}
	out.Respond, out.Tone, out.Cost = given.Respond, given.Tone, *given.Cost
	var wrong *registry.SettingsError
	if err := out.Validate(); errors.As(err, &wrong) {
		return out, &fieldError{wrong.Field, wrong.Detail}
	}
	return out, nil
}

// resetChannel answers DELETE /v1/registry/channels/{channel}.
func (s *Server) resetChannel(w http.ResponseWriter, r *http.Request, c *call) error {
	name, err := s.channelOf(r, c)
	if err != nil {
		return err
	}
	if err := s.config.Channels.ResetChannel(r.Context(), c.workspace, name); err != nil {
		return fmt.Errorf("serve: reset channel: %w", err)
	}
	return s.answerChannel(w, c, name)
}

// channelOf is the channel that a request is about.
func (s *Server) channelOf(r *http.Request, c *call) (string, error) {
	if err := c.query.done(); err != nil {
		return "", err
	}
	name := r.PathValue("channel")
	if _, ok := s.config.Registry.Channel(name); !ok {
		return "", &notFound{"channel", "the registry has no such channel"}
	}
	return name, nil
}

func (s *Server) answerChannel(w http.ResponseWriter, c *call, name string) error {
	channel, _ := s.config.Channels.Registry(c.workspace).Channel(name)
	return answer(w, http.StatusOK, channel)
}

// fixedChannels are those of the registry, which nobody changes.
type fixedChannels struct{ registry *registry.Registry }

func (c fixedChannels) Registry(string) *registry.Registry { return c.registry }

func (fixedChannels) SetChannel(context.Context, string, string, registry.Settings) error {
	return &notFound{"", "this process does not keep settings of channels"}
}

func (fixedChannels) ResetChannel(context.Context, string, string) error {
	return &notFound{"", "this process does not keep settings of channels"}
}
