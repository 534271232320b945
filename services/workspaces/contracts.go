package workspaces

import (
	"context"
	"errors"
	"fmt"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/contract"
)

// IncompatibleError is returned by AddContract for a schema that would refuse what the version before took.
type IncompatibleError struct {
	Before string // kind@version
	Breaks []contract.Break
}

// Error names the first field that breaks.
func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("%s: %s (against %s)", e.Breaks[0].Field, e.Breaks[0].Reason, e.Before)
}

// ErrTooManyContracts is returned by AddContract when a kind has 200 versions, or a workspace contracts about 500 kinds: every process
// holds them all in memory.
var ErrTooManyContracts = errors.New("workspaces: no more versions of a contract, or kinds with one")

const (
	maxVersions = 200
	maxKinds    = 500
)

// Contracts are those of a workspace; nil when it has none.
func (d *Directory) Contracts(name string) *contract.Set { return d.state.Load().contracts[name] }

// AddContract agrees on a new version of a contract, whose number it gives, and returns when this directory knows it. One that says what
// the version in force says changes nothing. The error is contract.ErrBadSchema, *IncompatibleError unless it is said to be
// breaking, ErrTooManyContracts, workspace.ErrBadName, workspace.ErrBadContract, or of the log.
func (d *Directory) AddContract(ctx context.Context, name string, c workspace.Contract) (*contract.Contract, error) {
	if err := workspace.ValidName(name); err != nil {
		return nil, err
	}
	for {
		if err := d.advance(ctx); err != nil {
			return nil, err
		}
		set := d.Contracts(name)
		now := set.Of(c.Kind)
		c.Version = len(set.Versions(c.Kind)) + 1
		if err := c.Validate(); err != nil {
			return nil, err
		}
		made, err := contract.Compile(c)
		if err != nil {
			return nil, err
		}
		if now != nil {
			if now.Same(c.Schema) && now.OnViolation == c.OnViolation {
				return now, nil
			}
			if breaks := contract.Breaks(now.Schema, c.Schema); len(breaks) > 0 && !c.Breaking {
				return nil, &IncompatibleError{now.String(), breaks}
			}
		}
		if c.Version > maxVersions || now == nil && len(set.Kinds()) >= maxKinds {
			return nil, ErrTooManyContracts
		}
		value, err := workspace.Encode(c)
		if err != nil {
			return nil, err
		}
		if err := d.write(ctx, c.Key(name), value); err != nil {
			return nil, err
		}
		// Somebody may have been faster: then this version is theirs, and ours is held against it.
		all := d.Contracts(name).Versions(c.Kind)
		if won := all[c.Version-1]; won.At == c.At && won.User == c.User && won.OnViolation == c.OnViolation && won.Same(made.Schema) {
			return won, nil
		}
	}
}

// applyContract takes in a version of a contract. One that comes too late, or after a gap, is passed over.
func (s *state) applyContract(rec workspace.Record) error {
	c, err := contract.Compile(*rec.Contract)
	if err != nil {
		return fmt.Errorf("contract %s of workspace %s: %w", rec.Contract.Name(), rec.ContractOf, err)
	}
	if with, added := s.contracts[rec.ContractOf].Add(c); added {
		s.contracts[rec.ContractOf] = with
	}
	return nil
}
