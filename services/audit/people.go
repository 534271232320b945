package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/throughline/throughline/schemas/conversation"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/oracle"
)

// moving is what came in while the store was read: the people it concerns may be stored before or after it, and are not
// compared. An audit of an installation that is used would otherwise find differences that are none.
type moving struct {
	anchors []schema.Anchor         // that a touchpoint or a link of that time names
	keys    map[touchpoint.Key]bool // of those touchpoints
	people  map[someone]bool
}

// meanwhile reads links, and what came after the audit began. It comes after everything derived was read, which is
// therefore made of nothing later.
func (a *audit) meanwhile(ctx context.Context) error {
	names := []string{topic.Touchpoints.In(a.Generations), topic.Links.In(a.Generations)}
	now, err := a.Admin.LogOffsets(ctx, names...)
	if err != nil {
		return err
	}
	later := map[string][]link{}
	for _, to := range now {
		err := a.Admin.ReadRange(ctx, to.Topic, to.Partition, a.from(to), to.End, func(records []*kafka.Record) error {
			for _, r := range records {
				if to.Topic == names[0] {
					a.laterTouchpoint(r)
					continue
				}
				l := link{version: uint64(r.Offset) + 1}
				if err := schema.DecodeLink(bytes.Clone(r.Value), &l.Link); err != nil {
					continue // a dead letter
				}
				if isLater := r.Offset >= a.ends[to.TopicPartition]; isLater {
					later[l.Workspace] = append(later[l.Workspace], l)
					continue
				}
				a.report.Links++
				w := a.worldOf(l.Workspace)
				w.links = append(w.links, l)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("partition %d of %s: %w", to.Partition, to.Topic, err)
		}
	}
	for name, w := range a.log {
		w.decide(a.Rules, later[name])
	}
	return nil
}

// from is where reading what came in begins: of links all are needed.
func (a *audit) from(to kafka.Offsets) int64 {
	if to.Topic == topic.Links.In(a.Generations) {
		return -1
	}
	return a.ends[to.TopicPartition]
}

func (a *audit) laterTouchpoint(r *kafka.Record) {
	e, err := touchpoint.DecodeEnvelope(r.Value)
	if err != nil {
		return // a dead letter
	}
	_, t, err := rowOf(&e, r.Offset)
	if err != nil {
		return
	}
	w := a.worldOf(e.Workspace)
	stub := conversation.StubOf(e.Workspace, touchpoint.KeyOf(e.Workspace, e.ID), e.Anchor, t)
	if w.moving.keys == nil {
		w.moving.keys = map[touchpoint.Key]bool{}
	}
	w.moving.keys[stub.Key] = true
	w.moving.anchors = append(w.moving.anchors, stub.Anchor)
	for _, thread := range stub.Threads {
		w.moving.anchors = append(w.moving.anchors, thread.Anchor)
	}
}

// decide applies the links, those that came later last, and notes whom they concern, before them and after them.
func (w *world) decide(rules *identity.Rules, later []link) {
	w.judge(rules)
	people := w.people
	for i := range later {
		l := &later[i].Link
		if l.Kind == schema.LinkRules { // whatever is stored may be of either rules
			for at := range people.Anchors {
				w.moving.anchors = append(w.moving.anchors, at)
			}
			break
		}
		for _, at := range []schema.Anchor{l.A.Anchor, l.B.Anchor} {
			w.moving.anchors = append(w.moving.anchors, at)
			if set := people.PersonOf(at); set != nil {
				w.moving.anchors = append(w.moving.anchors, set.Members...) // the person may part
			}
		}
		people.Apply(l)
	}
	w.moving.people = map[someone]bool{}
	for _, at := range w.moving.anchors {
		w.moving.people[w.someoneOf(at)] = true
	}
}

// isMoving tells whether something came in that concerns the person with these stubs.
func (w *world) isMoving(person someone, stubs []conversation.Stub) bool {
	if len(w.moving.people) == 0 {
		return false
	}
	if w.moving.people[person] {
		return true
	}
	for i := range stubs {
		if w.moving.people[w.someoneOf(stubs[i].Anchor)] {
			return true
		}
		for _, t := range stubs[i].Threads {
			if w.moving.people[w.someoneOf(t.Anchor)] {
				return true
			}
		}
	}
	return false
}

// people compares who is who: anchors are one person in the store exactly when the log's links make them one.
func (a *audit) people(context.Context) error {
	for name, w := range a.log {
		a.compareSets(name, w)
	}
	return nil
}

// compareSets checks that person ids of the store and persons of the oracle stand one to one.
func (a *audit) compareSets(workspace string, w *world) {
	ids := map[*oracle.Set]schema.PersonID{}
	sets := map[schema.PersonID]*oracle.Set{}
	for anchor, set := range w.people.Anchors {
		if w.moving.people[someone{set: set}] {
			continue
		}
		id := a.stored.personOf(anchor)
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
