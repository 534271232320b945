package oracle

import (
	"cmp"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// Conversations groups a person's stubs into conversations and measures them: the definition in the documentation of
// package streams/conversation, written down once more as slowly and as directly as possible.
type Conversations struct {
	Registry *registry.Registry
	Window   time.Duration // how long after its latest touchpoint a conversation is continued by one without a thread
}

func (n Conversations) effect(s *conversation.Stub) registry.Effect {
	return n.Registry.EffectOf(s.Kind)
}

func (n Conversations) speaks(s *conversation.Stub) bool { return n.effect(s) != registry.None }

// claims is what a mail says of others that are not there to say it themselves: whom they reply to.
func (n Conversations) claims(s *conversation.Stub, among []conversation.Stub) (pairs [][2]identity.Anchor) {
	var ids []identity.Anchor
	for _, t := range s.Threads {
		if scheme, _ := n.Registry.Scheme(t.Scheme); scheme.Replies != "" && scheme.Replies == s.Source && t.Anchor != n.name(s) {
			ids = append(ids, t.Anchor)
		}
	}
	for i := 1; i < len(ids); i++ {
		if n.named(ids[i-1], among) == nil {
			pairs = append(pairs, [2]identity.Anchor{ids[i-1], ids[i]})
		}
	}
	return pairs
}

// carried are the threads, apart or ties, that lead a stub to others of the set.
func (n Conversations) carried(s *conversation.Stub, among []conversation.Stub, apart bool) (out []identity.Anchor) {
	reached := false
	for _, t := range s.Threads {
		switch scheme, _ := n.Registry.Scheme(t.Scheme); {
		case scheme.Apart != apart:
		case scheme.Replies == "" || scheme.Replies != s.Source:
			out = append(out, t.Anchor)
		case t.Anchor == n.name(s):
			if n.named(t.Anchor, among).Key == s.Key {
				out = append(out, t.Anchor)
			} else {
				out = append(out, s.Key) // as good as any that nobody else has
			}
		case !reached:
			out = append(out, t.Anchor)
			reached = n.named(t.Anchor, among) != nil
		}
	}
	return out
}

// name is the thread that a mail itself is.
func (n Conversations) name(s *conversation.Stub) identity.Anchor {
	for _, t := range s.Threads {
		if scheme, _ := n.Registry.Scheme(t.Scheme); scheme.Replies != "" && scheme.Replies == s.Source {
			return t.Anchor
		}
	}
	return identity.Anchor{}
}

// named is the first mail with the name, nil for none; the stubs are in order.
func (n Conversations) named(name identity.Anchor, among []conversation.Stub) *conversation.Stub {
	for i := range among {
		if n.name(&among[i]) == name {
			return &among[i]
		}
	}
	return nil
}

// compare is the order of stubs. Of one millisecond the customer's word, and that the matter is open again, come before answers, and these before
// all else but what settles.
func (n Conversations) compare(a, b conversation.Stub) int {
	late := func(s conversation.Stub) int {
		says := slices.Contains([]registry.Effect{registry.Message, registry.Started, registry.Missed}, n.effect(&s))
		switch settles, known := n.saysSettled(&s); {
		case n.effect(&s) == registry.Reopen, says && s.Direction == touchpoint.Inbound:
			return 0
		case says && s.Direction == touchpoint.Outbound:
			return 1
		case known && settles:
			return 3
		}
		return 2
	}
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(late(a), late(b)), slices.Compare(a.Key[:], b.Key[:]))
}

func (n Conversations) inOrder(stubs []conversation.Stub) []conversation.Stub {
	stubs = slices.Clone(stubs)
	slices.SortFunc(stubs, n.compare)
	return slices.CompactFunc(stubs, func(a, b conversation.Stub) bool { return a.Key == b.Key })
}

// Group returns each conversation's stubs in order.
func (n Conversations) Group(stubs []conversation.Stub) [][]conversation.Stub {
	stubs = n.inOrder(stubs)
	// Threads of one sort that a stub carries together get one label, until nothing changes.
	var together [][]identity.Anchor
	for i := range stubs {
		together = append(together, n.carried(&stubs[i], stubs, true), n.carried(&stubs[i], stubs, false))
		for _, pair := range n.claims(&stubs[i], stubs) {
			together = append(together, pair[:])
		}
	}
	label := map[identity.Anchor]identity.Anchor{}
	for changed := true; changed; {
		changed = false
		for _, threads := range together {
			for _, t := range threads {
				if _, ok := label[t]; !ok {
					label[t] = t
				}
			}
			for _, t := range threads {
				if first := label[threads[0]]; label[t] != first {
					for other, l := range label {
						if l == label[t] && other != t {
							label[other] = first
						}
					}
					label[t] = first
					changed = true
				}
			}
		}
	}
	story := map[identity.Anchor]identity.Anchor{} // of a bundle
	for i := range stubs {
		aparts, ties := n.carried(&stubs[i], stubs, true), n.carried(&stubs[i], stubs, false)
		if len(aparts) > 0 && len(ties) > 0 {
			if _, ok := story[label[ties[0]]]; !ok {
				story[label[ties[0]]] = label[aparts[0]]
			}
		}
	}
	groupOf := func(s *conversation.Stub) (group identity.Anchor, isStory bool) {
		if aparts := n.carried(s, stubs, true); len(aparts) > 0 {
			return label[aparts[0]], true
		}
		if ties := n.carried(s, stubs, false); len(ties) > 0 {
			if to, ok := story[label[ties[0]]]; ok {
				return to, true
			}
			return label[ties[0]], false
		}
		return identity.Anchor{}, false
	}

	var convs [][]int // places of stubs
	placed := map[identity.Anchor]int{}
	for i := range stubs {
		s := &stubs[i]
		if !n.speaks(s) {
			continue
		}
		group, isStory := groupOf(s)
		if at, ok := placed[group]; ok && !group.IsZero() {
			convs[at] = append(convs[at], i)
			continue
		}
		at := -1
		if !isStory {
			at = n.continued(stubs, convs, i)
		}
		if at < 0 {
			at = len(convs)
			convs = append(convs, nil)
		}
		convs[at] = append(convs[at], i)
		if !group.IsZero() {
			placed[group] = at
		}
	}
	for i := range stubs {
		if n.speaks(&stubs[i]) {
			continue
		}
		if group, _ := groupOf(&stubs[i]); !group.IsZero() {
			if at, ok := placed[group]; ok {
				convs[at] = append(convs[at], i)
			}
		}
	}
	out := make([][]conversation.Stub, len(convs))
	for c, places := range convs {
		slices.Sort(places)
		for _, i := range places {
			out[c] = append(out[c], stubs[i])
		}
	}
	return out
}

// continued returns the conversation that the stub at place i is placed into, -1 for none; convs hold the speaking
// stubs before it.
func (n Conversations) continued(stubs []conversation.Stub, convs [][]int, i int) int {
	if survey := n.answered(stubs, convs, i); survey >= 0 {
		return survey
	}
	best := -1
	for c, places := range convs {
		latest := &stubs[places[len(places)-1]]
		surveys := n.effect(&stubs[i]) == registry.Survey || n.effect(&stubs[i]) == registry.Rated
		if !surveys && n.settled(stubs, places) || time.Duration(stubs[i].Time-latest.Time)*time.Millisecond > n.Window {
			continue
		}
		if best < 0 || places[len(places)-1] > convs[best][len(convs[best])-1] {
			best = c
		}
	}
	return best
}

// answered returns the conversation of the latest survey that the judgement at place i may answer, -1 for none: one of the 1,000 stubs and
// 30 days before it, in whose conversation nobody has judged on that scale since.
func (n Conversations) answered(stubs []conversation.Stub, convs [][]int, i int) int {
	if n.effect(&stubs[i]) != registry.Rated {
		return -1
	}
	best, latest := -1, -1
	for c, places := range convs {
		open := -1
		for _, j := range places {
			switch n.effect(&stubs[j]) {
			case registry.Survey:
				open = j
			case registry.Rated:
				if scale(&stubs[j]) == scale(&stubs[i]) {
					open = -1
				}
			}
		}
		soon := open >= i-1000 && time.Duration(stubs[i].Time-stubs[max(open, 0)].Time)*time.Millisecond <= 30*24*time.Hour
		if open > latest && soon {
			best, latest = c, open
		}
	}
	return best
}

func scale(s *conversation.Stub) string {
	if s.Rating == nil {
		return ""
	}
	return s.Rating.Scale
}

func (n Conversations) settled(stubs []conversation.Stub, places []int) bool {
	for _, i := range slices.Backward(places) {
		if yes, says := n.saysSettled(&stubs[i]); says {
			return yes
		}
	}
	return false
}

func (n Conversations) saysSettled(s *conversation.Stub) (yes, says bool) {
	switch n.effect(s) {
	case registry.Resolve, registry.Close:
		return true, true
	case registry.Reopen, registry.Awaiting:
		return false, true
	case registry.Message, registry.Started, registry.Missed:
		return false, s.Direction == touchpoint.Inbound
	}
	return false, false
}
