package workspaces

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/workspace"
)

// ErrUnknownSourceKey is returned by RevokeSourceKey.
var ErrUnknownSourceKey = errors.New("workspaces: no such source key")

// SourceKey finds a source key that is good; ok is false when there is none or it was revoked.
func (d *Directory) SourceKey(key string) (k workspace.SourceKey, ok bool) {
	k, ok = d.state.Load().sourceKeys[workspace.HashOf(key)]
	return k, ok && k.Revoked == 0
}

// ListedSourceKey is a source key with its id.
type ListedSourceKey struct {
	ID string
	workspace.SourceKey
}

// SourceKeys lists those of a workspace, oldest first, without what would let anybody in.
func (d *Directory) SourceKeys(name string) []ListedSourceKey {
	var out []ListedSourceKey
	for hash, k := range d.state.Load().sourceKeys {
		if k.Workspace == name {
			out = append(out, ListedSourceKey{workspace.SourceKeyID(hash), k})
		}
	}
	slices.SortFunc(out, func(a, b ListedSourceKey) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
	})
	return out
}

// AddSourceKey makes key good for a source of a workspace, and returns when this directory knows it. The key itself is not
// kept; id names it from then on.
func (d *Directory) AddSourceKey(ctx context.Context, key string, k workspace.SourceKey) (id string, err error) {
	if key == "" {
		return "", ErrEmptyKey
	}
	if err := workspace.ValidName(k.Workspace); err != nil {
		return "", err
	}
	value, err := workspace.Encode(k)
	if err != nil {
		return "", err
	}
	return workspace.SourceKeyID(workspace.HashOf(key)), d.write(ctx, workspace.SourceKeyRecord(key), value)
}

// RevokeSourceKey shuts out what comes with the source key of this id; at is when, in ms since 1970. One that the workspace does not have
// is ErrUnknownSourceKey; one that was revoked before stays as it is.
func (d *Directory) RevokeSourceKey(ctx context.Context, name, id string, at int64) error {
	if err := d.advance(ctx); err != nil {
		return err
	}
	for hash, k := range d.state.Load().sourceKeys {
		if k.Workspace != name || workspace.SourceKeyID(hash) != id {
			continue
		}
		if k.Revoked != 0 {
			return nil
		}
		k.Revoked = at
		value, err := workspace.Encode(k)
		if err != nil {
			return err
		}
		return d.write(ctx, workspace.SourceKeyPrefix+hash, value)
	}
	return ErrUnknownSourceKey
}

func (s *state) applySourceKey(rec workspace.Record) {
	if rec.SourceKey == nil {
		delete(s.sourceKeys, rec.SourceHash)
	} else {
		s.sourceKeys[rec.SourceHash] = *rec.SourceKey
	}
}
