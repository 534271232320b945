package audit

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/oracle"
)

// people compares who is who: anchors are one person in the store exactly when the log's links make them one.
func (a *audit) people(ctx context.Context) error {
	if err := a.links(ctx); err != nil {
		return err
	}
	moved, err := a.moved(ctx)
	if err != nil {
		return err
	}
	a.personOf = func(anchor schema.Anchor) schema.PersonID {
		if person, ok := moved[anchor]; ok {
			return person
		}
		return anchor
	}
	for name, w := range a.log {
		w.people = oracle.NewPeople(a.Rules)
		for i := range w.links {
			w.people.Apply(&w.links[i])
		}
		a.compareSets(name, w.people)
	}
	return nil
}

// links reads the log of links. Links of blocked values are there only to be refused.
func (a *audit) links(ctx context.Context) error {
	name := topic.Links.In(a.Generations)
	for at, end := range a.ends {
		if at.Topic != name {
			continue
		}
		err := a.Admin.ReadRange(ctx, at.Topic, at.Partition, -1, end, func(records []*kafka.Record) error {
			for _, r := range records {
				link, err := schema.Decode[schema.Link](r.Value)
				if err != nil {
					continue // a dead letter
				}
				a.report.Links++
				if !strings.HasPrefix(link.Rule, "blocked") {
					w := a.worldOf(link.Workspace)
					w.links = append(w.links, link)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("partition %d of %s: %w", at.Partition, name, err)
		}
	}
	return nil
}

// moved is where the store has the moved anchors.
func (a *audit) moved(ctx context.Context) (map[schema.Anchor]schema.PersonID, error) {
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

// compareSets checks that person ids of the store and persons of the oracle stand one to one.
func (a *audit) compareSets(workspace string, people *oracle.People) {
	ids := map[*oracle.Set]schema.PersonID{}
	sets := map[schema.PersonID]*oracle.Set{}
	for anchor, set := range people.Anchors {
		id := a.personOf(anchor)
		if known, ok := ids[set]; ok && known != id {
			a.report.differ("workspace %s: anchor %s belongs to person %s in the store, others of its person to %s", workspace, anchor, id, known)
			continue
		}
		if known, ok := sets[id]; ok && known != set {
			a.report.differ("workspace %s: anchor %s is stored as person %s, which by the log is somebody else", workspace, anchor, id)
			continue
		}
		ids[set], sets[id] = id, set
	}
}

// home is the person in whose conversations the stub is, by the log: its own, or the owner of a thread of somebody else
// that it carries.
func (w *world) home(s *conversation.Stub) (schema.Anchor, *oracle.Set) {
	own := w.people.PersonOf(s.Anchor)
	for _, t := range s.Threads {
		if share := w.people.ShareOf(s.Anchor, t.Anchor); share != nil && share != own {
			return schema.Anchor{}, share
		}
	}
	if own == nil {
		return s.Anchor, nil
	}
	return schema.Anchor{}, own
}
