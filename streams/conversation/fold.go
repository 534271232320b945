package conversation

import (
	"slices"

	"github.com/throughline/throughline/schemas/conversation"
)

// fold is a conversation measured up to a place of its person's stubs. Those of long conversations are kept, so that a
// touchpoint that continues one does not cost as much as the conversation is long.
type fold struct {
	measure
	epoch uint32 // of the person
	upTo  int    // place of the first stub that was not looked at
}

type foldKey struct {
	person *person
	conv   uint32
}

const (
	longFold = 64  // touchpoints from which on a fold is kept
	maxFolds = 256 // kept at a time; beyond, all are forgotten. As many others wait for their next use
)

// fold returns what is known of a conversation, ready for the stubs from its upTo on.
func (h *Homes) fold(p *person, conv uint32) *fold {
	if f := h.folds[foldKey{p, conv}]; f != nil && f.epoch == p.epoch {
		return f
	}
	var f *fold
	if n := len(h.idle); n > 0 {
		f, h.idle = h.idle[n-1], h.idle[:n-1]
	} else {
		f = &fold{}
	}
	f.start(&h.tables)
	f.epoch, f.upTo = p.epoch, int(p.convs[conv].first)
	return f
}

// putBack keeps the fold for later if that is worth it.
func (h *Homes) putBack(p *person, conv uint32, f *fold) {
	if f.row.Touchpoints < h.longFold {
		if len(h.idle) < maxFolds {
			h.idle = append(h.idle, f)
		}
		return
	}
	if len(h.folds) >= maxFolds {
		clear(h.folds)
	}
	h.folds[foldKey{p, conv}] = f
}

// shiftFolds tells the folds of a person that a stub has come at the given place: what they have seen ends one further,
// or, if the stub belongs there, was not all.
func (h *Homes) shiftFolds(p *person, at int, conv uint32) {
	for key, f := range h.folds {
		if key.person != p || at >= f.upTo {
			continue
		}
		if f.upTo++; key.conv == conv {
			delete(h.folds, key)
		}
	}
}

// flushLive measures conversations and gives out their rows, in one pass over the stubs that their folds have not seen.
func (h *Homes) flushLive(p *person, live []uint32, out Output) {
	if len(live) == 0 {
		return
	}
	slices.Sort(live)
	folds := slices.Grow(h.working[:0], len(live))
	from := len(p.stubs)
	for _, c := range live {
		f := h.fold(p, c)
		folds = append(folds, f)
		from = min(from, f.upTo)
	}
	for i := from; i < len(p.stubs); i++ {
		s := &p.stubs[i]
		at, touched := slices.BinarySearch(live, s.conv)
		if !touched || i < folds[at].upTo {
			continue
		}
		f := folds[at]
		f.add(s)
		if len(p.registers) > 0 && len(f.row.Participants) < conversation.MaxParticipants && h.participates(p, s) {
			if a := h.anchors.values[s.anchor]; !slices.Contains(f.row.Participants, a) {
				f.row.Participants = append(f.row.Participants, a)
			}
		}
	}
	for at, c := range live {
		f, row := folds[at], &h.row
		f.upTo = len(p.stubs)
		f.write(row)
		naming := &p.stubs[p.convs[c].first]
		row.Workspace, row.Person = h.names.values[p.workspace], h.anchors.values[p.id]
		row.Anchor = h.anchors.values[naming.anchor]
		row.NextContact = p.nextContact(&p.convs[c])
		row.Version = conversation.VersionOf(h.hopOf(p, naming), p.changes)
		out.Conversation(row)
		h.putBack(p, c, f)
	}
	clear(folds)
	h.working = folds[:0]
}
