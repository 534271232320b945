package workspaces

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/promise"
)

// ownChannels are what one workspace says of channels, and what comes of it. It is never changed, only replaced.
type ownChannels struct {
	settings map[string]registry.Settings
	registry *registry.Registry
	promises *promise.Policy // of a workspace that promised nothing itself
}

// ErrUnknownChannel is returned for a channel that the installation does not have.
var ErrUnknownChannel = errors.New("workspaces: no such channel")

// Registry is the installation's registry with what the workspace says of its channels.
func (d *Directory) Registry(name string) *registry.Registry {
	if own := d.state.Load().channels[name]; own != nil {
		return own.registry
	}
	return d.config.Registry
}

// SetChannel puts settings of a channel in force in a workspace, and returns when this directory knows them. The error is
// registry.ErrBadSettings, ErrUnknownChannel, workspace.ErrBadName, or of the log.
func (d *Directory) SetChannel(ctx context.Context, name, channel string, s registry.Settings) error {
	if err := d.knows(name, channel); err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	value, err := workspace.Encode(s)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.ChannelKey(name, channel), value)
}

// ResetChannel puts the installation's settings of a channel in force again. The error is ErrUnknownChannel, workspace.ErrBadName, or
// of the log.
func (d *Directory) ResetChannel(ctx context.Context, name, channel string) error {
	if err := d.knows(name, channel); err != nil {
		return err
	}
	return d.write(ctx, workspace.ChannelKey(name, channel), nil)
}

func (d *Directory) knows(name, channel string) error {
	if err := workspace.ValidName(name); err != nil {
		return err
	}
	if _, ok := d.config.Registry.Channel(channel); !ok {
		return fmt.Errorf("%w: %q", ErrUnknownChannel, channel)
	}
	return nil
}

// applyChannel takes in a record of a channel's settings.
func (s *state) applyChannel(rec workspace.Record, installation *registry.Registry) {
	settings := map[string]registry.Settings{}
	if before := s.channels[rec.ChannelOf]; before != nil {
		settings = maps.Clone(before.settings)
	}
	if rec.Settings == nil {
		delete(settings, rec.Channel)
	} else {
		settings[rec.Channel] = *rec.Settings
	}
	if len(settings) == 0 {
		delete(s.channels, rec.ChannelOf)
		return
	}
	own := installation.With(settings)
	s.channels[rec.ChannelOf] = &ownChannels{settings, own, promise.OfRegistry(own)}
}
