package workspaces

import (
	"context"
	"fmt"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/promise"
)

// Promises are what a workspace promises: its own, or else what its registry says that customers of each channel expect.
func (d *Directory) Promises(name string) *promise.Policy {
	s := d.state.Load()
	if own := s.promises[name]; own != nil {
		return own
	}
	if own := s.channels[name]; own != nil {
		return own.promises
	}
	return d.promises
}

// SetPromises puts promises in force in a workspace, and returns when this directory knows them. The error is
// promise.ErrBadPolicy, workspace.ErrBadName, or of the log.
func (d *Directory) SetPromises(ctx context.Context, name string, p workspace.Promises) error {
	if err := workspace.ValidName(name); err != nil {
		return err
	}
	policy, err := promise.Parse([]byte(p.YAML))
	if err == nil {
		err = policy.CheckChannels(d.Registry(name))
	}
	if err != nil {
		return err
	}
	value, err := workspace.Encode(p)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.PromisesKey(name), value)
}

// applyPromises takes in a record of promises. It is an error, and changes nothing, when they are bad.
func (s *state) applyPromises(rec workspace.Record) error {
	if rec.Promises == nil {
		delete(s.promises, rec.PromisesOf)
		return nil
	}
	p, err := promise.Parse([]byte(rec.Promises.YAML))
	if err != nil {
		return fmt.Errorf("promises of workspace %s: %w", rec.PromisesOf, err)
	}
	s.promises[rec.PromisesOf] = p
	return nil
}
