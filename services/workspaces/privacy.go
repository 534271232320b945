package workspaces

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/privacy"
)

// Privacy is what a workspace does not keep: by its own rules, or else by those that ship with the product.
func (d *Directory) Privacy(name string) *privacy.Policy {
	if own := d.state.Load().privacy[name]; own != nil {
		return own
	}
	return privacy.Default()
}

// SetPrivacy puts privacy rules in force in a workspace, and returns when this directory knows them. The error is
// privacy.ErrBadPolicy, workspace.ErrBadName, or of the log.
func (d *Directory) SetPrivacy(ctx context.Context, name string, p workspace.Privacy) error {
	if err := workspace.ValidName(name); err != nil {
		return err
	}
	policy, err := privacy.Parse([]byte(p.YAML))
	if err != nil {
		return err
	}
	if policy.Hashes() { // before the rules: whoever knows them knows it too
		if _, err := d.Secret(ctx, name, p.At); err != nil {
			return err
		}
	}
	value, err := workspace.Encode(p)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.PrivacyKey(name), value)
}

// applyPrivacy takes in a record of privacy rules. It is an error, and changes nothing, when they are bad.
func (s *state) applyPrivacy(rec workspace.Record) error {
	if rec.Privacy == nil {
		delete(s.privacy, rec.PrivacyOf)
		return nil
	}
	p, err := privacy.Parse([]byte(rec.Privacy.YAML))
	if err != nil {
		return fmt.Errorf("privacy rules of workspace %s: %w", rec.PrivacyOf, err)
	}
	s.privacy[rec.PrivacyOf] = p.WithSecret(s.secrets[rec.PrivacyOf])
	return nil
}

// Secret is what the workspace hashes and signs with. It is made when the workspace has none; at is when, in ms since 1970. The
// error is of the log.
func (d *Directory) Secret(ctx context.Context, name string, at int64) ([]byte, error) {
	if have := d.state.Load().secrets[name]; have != nil {
		return have, nil
	}
	if err := workspace.ValidName(name); err != nil {
		return nil, err
	}
	if err := d.advance(ctx); err != nil { // another process may have made one
		return nil, err
	}
	if have := d.state.Load().secrets[name]; have != nil {
		return have, nil
	}
	made := workspace.Secret{Bytes: make([]byte, workspace.SecretSize), At: at}
	_, _ = rand.Read(made.Bytes) // never fails
	value, err := workspace.Encode(made)
	if err != nil {
		return nil, err
	}
	if err := d.write(ctx, made.Key(name), value); err != nil {
		return nil, err
	}
	// Of two that were made at once the first on the log counts.
	return d.state.Load().secrets[name], nil
}

func (s *state) applySecret(rec workspace.Record) {
	name := rec.SecretOf
	if s.secrets[name] != nil {
		return
	}
	s.secrets[name] = rec.Secret.Bytes
	if p := s.privacy[name]; p != nil {
		s.privacy[name] = p.WithSecret(rec.Secret.Bytes)
	}
}
