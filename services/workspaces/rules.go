package workspaces

import (
	"context"
	"fmt"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/identity"
)

// ownRules are the rules of one workspace.
type ownRules struct {
	compiled *identity.Rules
	record   workspace.Rules // that they were compiled from
	last     uint64          // version of the last record, which is the one that a compacted log keeps
}

// Rules are the rules in force in a workspace: its own, or else the installation's.
func (d *Directory) Rules(name string) *identity.Rules {
	if own, ok := d.state.Load().rules[name]; ok {
		return own.compiled
	}
	return d.rules
}

// SetRules puts rules in force in a workspace, and returns when this directory knows it. Rules of a lower version than
// the workspace has change nothing. The error is identity.ErrBadRules, workspace.ErrBadName, or of the log.
func (d *Directory) SetRules(ctx context.Context, name string, r workspace.Rules) error {
	if err := workspace.ValidName(name); err != nil {
		return err
	}
	if _, err := identity.ParseRules([]byte(r.YAML)); err != nil {
		return err
	}
	for {
		value, err := workspace.Encode(r)
		if err != nil {
			return err
		}
		if err := d.write(ctx, workspace.RulesKey(name), value); err != nil {
			return err
		}
		own := d.state.Load().rules[name]
		if own.last >= own.record.Version {
			return nil
		}
		r = own.record // somebody was faster: the last word on the log must be theirs, which compaction keeps
	}
}

// applyRules takes in a record of rules. It is an error, and changes nothing, when they are bad: the workspace goes on with
// those before.
func (s *state) applyRules(rec workspace.Record, reg *registry.Registry) error {
	if rec.Rules == nil {
		delete(s.rules, rec.Workspace)
		return nil
	}
	own := s.rules[rec.Workspace]
	own.last = rec.Rules.Version
	if own.compiled == nil || own.last >= own.record.Version {
		rules, err := identity.ParseRules([]byte(rec.Rules.YAML))
		if err != nil {
			return fmt.Errorf("rules of workspace %s: %w", rec.Workspace, err)
		}
		own.compiled, own.record = rules.WithRegistry(reg), *rec.Rules
	}
	s.rules[rec.Workspace] = own
	return nil
}
