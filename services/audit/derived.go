package audit

import (
	"context"
	"math/big"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
)

// derived is what the store has of people and conversations.
type derived struct {
	moved         map[schema.Anchor]schema.PersonID
	conversations map[conversation.ID]summary
	members       map[schema.Anchor]conversation.ID
	unlike        map[conversation.ID]string // conversations that are another one for reports, and their workspaces
}

// personOf is the person that an anchor belongs to.
func (d *derived) personOf(anchor schema.Anchor) schema.PersonID {
	if person, ok := d.moved[anchor]; ok {
		return person
	}
	return anchor
}

func (a *audit) readDerived(ctx context.Context) (err error) {
	if a.stored.moved, err = a.storedMoves(ctx); err != nil {
		return err
	}
	if a.stored.members, err = a.storedMembers(ctx); err != nil {
		return err
	}
	if a.stored.conversations, err = a.storedConversations(ctx); err != nil {
		return err
	}
	if a.stored.unlike, err = a.unlikeForReports(ctx); err != nil {
		return err
	}
	return a.dimensions(ctx)
}

// storedMoves is where the store has the moved anchors.
func (a *audit) storedMoves(ctx context.Context) (map[schema.Anchor]schema.PersonID, error) {
	rows, err := a.Store.Query(ctx, "SELECT anchor, argMax(person, version) FROM "+a.tables.Identities+" GROUP BY anchor", nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	moved := map[schema.Anchor]schema.PersonID{}
	for rows.Next() {
		var anchor, person big.Int
		if err := rows.Scan(&anchor, &person); err != nil {
			return nil, err
		}
		moved[asAnchor(&anchor)] = asAnchor(&person)
	}
	return moved, rows.Err()
}

func asAnchor(n *big.Int) (a schema.Anchor) {
	n.FillBytes(a[:])
	return a
}

// dimensions compares what reports group conversations by with the facts, which were compared with the log.
func (a *audit) dimensions(ctx context.Context) error {
	const values = "cityHash64(workspace, anchor, time, channel, direction, kind, team, agent, topic, source, account, tags) AS value"
	rows, err := a.Store.Query(ctx, "SELECT workspace, id FROM "+a.tables.Touchpoints+` WHERE key IN (
		SELECT key FROM (
			SELECT key, `+values+" FROM "+a.tables.Touchpoints+" UNION ALL SELECT key, "+values+" FROM "+a.tables.Members+` FINAL
		) GROUP BY key HAVING min(value) != max(value))`, nil, noLimits)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var workspace, id string
		if err := rows.Scan(&workspace, &id); err != nil {
			return err
		}
		a.report.differ("workspace %s: touchpoint %s is counted for conversations by other values than its own", workspace, id)
	}
	return rows.Err()
}

func (a *audit) storedMembers(ctx context.Context) (map[schema.Anchor]conversation.ID, error) {
	rows, err := a.Store.Query(ctx, "SELECT key, argMax(conversation, version) FROM "+a.tables.Members+" GROUP BY key", nil, noLimits)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[schema.Anchor]conversation.ID{}
	for rows.Next() {
		var key, id big.Int
		if err := rows.Scan(&key, &id); err != nil {
			return nil, err
		}
		out[asAnchor(&key)] = asAnchor(&id)
	}
	return out, rows.Err()
}
