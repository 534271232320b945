package conversation

import (
	"encoding/binary"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// stub is a conversation.Stub in 48 bytes without pointers: what repeats is a number of a table. 0 stands for empty.
type stub struct {
	key     touchpoint.Key
	time    int64
	anchor  uint32
	act     uint32
	label   uint32
	threads uint32 // with listed set, the number of a list in tables.lists; else one thread
	conv    uint32 // the number of its conversation in its person, or none
	settled bool   // of a stub that speaks: its conversation, after it
	turn    uint8  // among those of its millisecond
}

const (
	none   = ^uint32(0)
	listed = uint32(1) << 31
)

// place is where a stub is in the order of stubs.
func (s *stub) place() place { return place{time: s.time, key: s.key, turn: s.turn} }

// before is the order of stubs, as compare has it: every stub that comes asks it.
func (s *stub) before(p place) bool {
	switch {
	case s.time != p.time:
		return s.time < p.time
	case s.turn != p.turn:
		return s.turn < p.turn
	}
	return string(s.key[:]) < string(p.key[:])
}

// act is what a stub did, without who and what about.
type act struct {
	channel, kind, source uint32
	direction             touchpoint.Direction
	actor                 touchpoint.ActorType
}

// label is what else reports ask about. Many stubs share one: most of a customer's say the same.
type label struct {
	agent, team, topic, account, tags, rating uint32
}

type rating struct {
	scale uint32
	value float64
}

// scheme is what the registry says of a thread's.
type scheme struct {
	apart   bool
	replies uint32 // the name of the source that names replies by it; 0 for none
}

// tables hold what stubs of a partition share. They only grow.
type tables struct {
	registry *registry.Registry

	names    interner[string]
	acts     interner[act]
	effects  []registry.Effect // of acts
	labels   interner[label]
	tags     interner[string] // lists of tags, as the 4 bytes of each one's name
	threads  interner[identity.Anchor]
	schemeOf []uint32         // of threads; 0 as long as no stub has said
	schemes  []scheme         // of names
	named    interner[string] // names of schemes
	mailers  []uint32         // names of sources that name replies by a scheme
	lists    lists            // of threads
	ratings  interner[rating]

	one [1]uint32 // what threadsOf returns for a single thread
}

func newTables(r *registry.Registry) tables {
	t := tables{
		registry: r,
		names:    newInterner[string](),
		acts:     newInterner[act](), effects: []registry.Effect{registry.None},
		labels:  newInterner[label](),
		tags:    newInterner[string](),
		threads: newInterner[identity.Anchor](), schemeOf: []uint32{0}, lists: newLists(),
		named: newInterner[string](), schemes: []scheme{{apart: true}},
		ratings: newInterner[rating](),
	}
	for _, s := range r.Schemes {
		if s.Replies != "" {
			t.mailers = append(t.mailers, t.name(s.Replies))
		}
	}
	return t
}

func (t *tables) name(s string) uint32 {
	n, _ := t.names.number(s)
	return n
}

func (t *tables) thread(v conversation.Thread) uint32 {
	n, fresh := t.threads.number(v.Anchor)
	if fresh {
		t.schemeOf = append(grow(t.schemeOf), 0)
	}
	// A move may speak of a thread, without its scheme, before any stub does.
	if t.schemeOf[n] == 0 && v.Scheme != "" {
		at, fresh := t.named.number(v.Scheme)
		if fresh {
			known, _ := t.registry.Scheme(v.Scheme)
			t.schemes = append(t.schemes, scheme{apart: known.Apart, replies: t.name(known.Replies)})
		}
		t.schemeOf[n] = at
	}
	return n
}

func (t *tables) scheme(thread uint32) *scheme { return &t.schemes[t.schemeOf[thread]] }

// compact puts a stub into numbers; anchor is its number there.
func (t *tables) compact(v *conversation.Stub, anchor uint32) stub {
	s := stub{key: v.Key, time: v.Time, anchor: anchor, conv: none}
	var fresh bool
	s.act, fresh = t.acts.number(act{
		channel: t.name(v.Channel), kind: t.name(v.Kind), source: t.name(v.Source), direction: v.Direction, actor: v.Actor,
	})
	if fresh {
		t.effects = append(t.effects, t.registry.EffectOf(v.Kind))
	}
	s.turn = TurnOf(t.effect(&s), v.Direction)
	s.label, _ = t.labels.number(label{
		agent: t.name(v.ActorID), team: t.name(v.Team), topic: t.name(v.Topic), account: t.name(v.Account),
		tags: t.tagList(v.Tags), rating: t.ratingNumber(v.Rating),
	})
	switch len(v.Threads) {
	case 0:
	case 1:
		s.threads = t.thread(v.Threads[0])
	default:
		numbers := make([]uint32, 0, touchpoint.MaxThreads)
		for _, thread := range v.Threads {
			numbers = append(numbers, t.thread(thread))
		}
		s.threads = listed | t.lists.number(numbers)
	}
	return s
}

// unrated is a rating of 0 without a scale, which is a rating all the same.
const unrated = ^uint32(0)

func (t *tables) ratingNumber(r *touchpoint.Rating) uint32 {
	if r == nil {
		return 0
	}
	n, _ := t.ratings.number(rating{scale: t.name(r.Scale), value: r.Value})
	if n == 0 {
		return unrated
	}
	return n
}

func (t *tables) ratingOf(l *label) *touchpoint.Rating {
	switch l.rating {
	case 0:
		return nil
	case unrated:
		return &touchpoint.Rating{}
	}
	r := t.ratings.values[l.rating]
	return &touchpoint.Rating{Scale: t.names.values[r.scale], Value: r.value}
}

func (t *tables) tagList(tags []string) uint32 {
	if len(tags) == 0 {
		return 0
	}
	key := make([]byte, 0, 64)
	for _, tag := range tags {
		key = binary.LittleEndian.AppendUint32(key, t.name(tag))
	}
	n, _ := t.tags.number(string(key))
	return n
}

// eachTag calls with the names of a list of tags.
func (t *tables) eachTag(list uint32, with func(name uint32)) {
	for key := t.tags.values[list]; len(key) > 0; key = key[4:] {
		with(binary.LittleEndian.Uint32([]byte(key[:4])))
	}
}

// threadsOf lists a stub's threads; valid until the next call.
func (t *tables) threadsOf(s *stub) []uint32 {
	switch {
	case s.threads == 0:
		return nil
	case s.threads&listed == 0:
		t.one[0] = s.threads
		return t.one[:]
	}
	return t.lists.at(s.threads &^ listed)
}

func (t *tables) carries(s *stub, thread uint32) bool {
	for _, n := range t.threadsOf(s) {
		if n == thread {
			return true
		}
	}
	return false
}

func (t *tables) effect(s *stub) registry.Effect { return t.effects[s.act] }

// speaks tells whether the stub opens and continues conversations.
func (t *tables) speaks(s *stub) bool { return t.effects[s.act] != registry.None }

// expand writes out a stub whose anchor and workspace are given; into's lists are reused.
func (t *tables) expand(s *stub, workspace string, anchor identity.Anchor, into *conversation.Stub) {
	names, a, l := t.names.values, &t.acts.values[s.act], &t.labels.values[s.label]
	*into = conversation.Stub{
		Workspace: workspace, Key: s.key, Anchor: anchor, Time: s.time,
		Channel: names[a.channel], Direction: a.direction, Kind: names[a.kind], Actor: a.actor,
		ActorID: names[l.agent], Team: names[l.team], Topic: names[l.topic], Source: names[a.source], Account: names[l.account],
		Threads: into.Threads[:0], Tags: into.Tags[:0], Rating: t.ratingOf(l),
	}
	for _, n := range t.threadsOf(s) {
		into.Threads = append(into.Threads, conversation.Thread{Scheme: t.named.values[t.schemeOf[n]], Anchor: t.threads.values[n]})
	}
	t.eachTag(l.tags, func(name uint32) { into.Tags = append(into.Tags, names[name]) })
}
