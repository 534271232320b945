package audit

import (
	"context"
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/streams/oracle"
)

// conversations computes every person's conversations from all the person's stubs and compares them with the rows in
// force, and every touchpoint's membership.
func (a *audit) conversations(context.Context) error {
	stored, members, unlike := a.stored.conversations, a.stored.members, a.stored.unlike
	naive := oracle.Conversations{Registry: a.Registry, Window: a.Window}
	for name, w := range a.log {
		for person, stubs := range w.byPerson() {
			if w.isMoving(person, stubs) {
				a.report.Moving++
				for i := range stubs {
					delete(stored, stubs[i].Key)
					delete(members, stubs[i].Key)
					delete(unlike, stubs[i].Key)
				}
				continue
			}
			a.report.People++
			id := a.idOf(w, person, stubs)
			groups := naive.Group(stubs)
			for i, row := range naive.Measure(groups) {
				group := groups[i]
				a.report.Conversations++
				row.Person, row.Participants = id, w.participants(person, group)
				want := summaryOf(&row)
				got, ok := stored[row.ID]
				got.person = a.stored.personOf(got.person)
				if len(row.Participants) >= conversation.MaxParticipants {
					got.participants, want.participants = nil, nil // the first of them are kept
				}
				switch {
				case !ok:
					a.report.differ("workspace %s: conversation %s of %d touchpoints is not stored", name, row.ID, row.Touchpoints)
				case got.summary() != want.summary():
					a.report.differ("workspace %s: conversation %s is stored as %s, the log says %s", name, row.ID, got.summary(), want.summary())
				case got.workspace != name:
					a.report.differ("conversation %s is stored in workspace %s, the log says %s", row.ID, got.workspace, name)
				case got.person != want.person && !want.person.IsZero():
					a.report.differ("workspace %s: conversation %s is stored as one of person %s, the log says of %s", name, row.ID, got.person, want.person)
				}
				delete(stored, row.ID)
				for i := range group {
					if in := members[group[i].Key]; in != row.ID {
						a.report.differ("workspace %s: touchpoint %s is stored in conversation %s, the log says %s", name, group[i].Key, in, row.ID)
					}
					delete(members, group[i].Key)
				}
			}
		}
		for key := range w.moving.keys {
			delete(stored, key)
			delete(members, key)
			delete(unlike, key)
		}
	}
	for id, workspace := range unlike {
		a.report.differ("workspace %s: conversation %s is another one for reports than on its own", workspace, id)
	}
	for id, extra := range stored {
		a.report.differ("workspace %s: conversation %s is stored (%s) and should not be", extra.workspace, id, extra.summary())
	}
	for key, id := range members {
		if !id.IsZero() {
			a.report.differ("touchpoint %s is stored in conversation %s, the log says in none", key, id)
		}
	}
	return nil
}

// someone is a person by the log: a set of anchors, or an anchor that no link has named.
type someone struct {
	set    *oracle.Set
	single schema.Anchor // when there is no set
}

func (w *world) someoneOf(a schema.Anchor) someone {
	if set := w.people.PersonOf(a); set != nil {
		return someone{set: set}
	}
	return someone{single: a}
}

// home is the person in whose conversations the stub is: its own, or the owner of a thread of somebody else that it
// carries.
func (w *world) home(s *conversation.Stub) someone {
	own := w.someoneOf(s.Anchor)
	for _, t := range s.Threads {
		if share := w.people.ShareOf(s.Anchor, t.Anchor); share != nil && share != own.set {
			return someone{set: share}
		}
	}
	return own
}

// byPerson parts the stubs by their homes.
func (w *world) byPerson() map[someone][]conversation.Stub {
	out := map[someone][]conversation.Stub{}
	for i := range w.stubs {
		person := w.home(&w.stubs[i])
		out[person] = append(out[person], w.stubs[i])
	}
	return out
}

// idOf is the id that the store has for a person; zero when all its stubs are those of participants.
func (a *audit) idOf(w *world, person someone, stubs []conversation.Stub) schema.PersonID {
	for i := range stubs {
		if w.someoneOf(stubs[i].Anchor) == person {
			return a.stored.personOf(stubs[i].Anchor)
		}
	}
	return schema.PersonID{}
}

// participants are the anchors in a conversation that are not its person's.
func (w *world) participants(person someone, group []conversation.Stub) (out []schema.Anchor) {
	for i := range group {
		if at := group[i].Anchor; w.someoneOf(at) != person && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}
