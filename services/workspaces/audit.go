package workspaces

import (
	"context"

	"github.com/throughline/throughline/schemas/workspace"
)

// Audit is what the last audit of the installation found; nil before the first.
func (d *Directory) Audit() *workspace.Audit { return d.state.Load().audit }

// SetAudit keeps what an audit found.
func (d *Directory) SetAudit(ctx context.Context, a workspace.Audit) error {
	value, err := workspace.Encode(a)
	if err != nil {
		return err
	}
	return d.write(ctx, workspace.AuditKey, value)
}
