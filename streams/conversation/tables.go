package conversation

import (
	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// stub is a conversation.Stub in 64 bytes without pointers: what repeats is a number of a table. 0 stands for empty.
type stub struct {
	key     touchpoint.Key
	time    int64
	anchor  uint32
	act     uint32
	agent   uint32
	team    uint32
	topic   uint32
	account uint32
	tags    uint32
	threads uint32 // with listed set, where the list begins in tables.lists; else one thread
	rating  uint32
	conv    uint32 // the number of its conversation in its person, or none
}

const (
	none   = ^uint32(0)
	listed = uint32(1) << 31
)

// before is the order of stubs.
func (s *stub) before(time int64, key touchpoint.Key) bool {
	if s.time != time {
		return s.time < time
	}
	return string(s.key[:]) < string(key[:])
}

// act is what a stub did, without who and what about: few different ones exist.
type act struct {
	channel, kind, source uint32
	direction             touchpoint.Direction
	actor                 touchpoint.ActorType
}

// thread is a row of the table of threads.
type thread struct {
	anchor identity.Anchor
	scheme uint32
	apart  bool
}

// tables hold what stubs of a partition share. They only grow.
type tables struct {
	registry *registry.Registry

	nameOf  map[string]uint32
	names   []string
	actOf   map[act]uint32
	acts    []act
	effects []registry.Effect // of acts

	threadOf map[identity.Anchor]uint32
	threads  []thread
	lists    []uint32 // lists of threads: length, then numbers

	tagsOf  map[string]uint32 // by the numbers of the tags
	tags    [][]uint32
	ratings []rating

	one [1]uint32 // what threadsOf returns for a single thread
}

type rating struct {
	scale uint32
	value float64
}

func newTables(r *registry.Registry) tables {
	return tables{
		registry: r,
		nameOf:   map[string]uint32{"": 0}, names: []string{""},
		actOf: map[act]uint32{}, acts: []act{{}}, effects: []registry.Effect{registry.None},
		threadOf: map[identity.Anchor]uint32{}, threads: []thread{{}},
		lists:  []uint32{0},
		tagsOf: map[string]uint32{}, tags: [][]uint32{nil},
		ratings: []rating{{}},
	}
}

func (t *tables) name(s string) uint32 {
	n, ok := t.nameOf[s]
	if !ok {
		n = uint32(len(t.names))
		t.nameOf[s] = n
		t.names = append(t.names, s)
	}
	return n
}

func (t *tables) thread(v conversation.Thread) uint32 {
	n, ok := t.threadOf[v.Anchor]
	if !ok {
		n = uint32(len(t.threads))
		scheme, _ := t.registry.Scheme(v.Scheme)
		t.threadOf[v.Anchor] = n
		t.threads = append(t.threads, thread{anchor: v.Anchor, scheme: t.name(v.Scheme), apart: scheme.Apart})
	} else if row := &t.threads[n]; row.scheme == 0 && v.Scheme != "" {
		// A move spoke of it before any stub did.
		scheme, _ := t.registry.Scheme(v.Scheme)
		row.scheme, row.apart = t.name(v.Scheme), scheme.Apart
	}
	return n
}

// compact puts a stub into numbers; anchor is its number there.
func (t *tables) compact(v *conversation.Stub, anchor uint32) stub {
	s := stub{
		key: v.Key, time: v.Time, anchor: anchor, conv: none,
		agent: t.name(v.ActorID), team: t.name(v.Team), topic: t.name(v.Topic), account: t.name(v.Account),
	}
	a := act{channel: t.name(v.Channel), kind: t.name(v.Kind), source: t.name(v.Source), direction: v.Direction, actor: v.Actor}
	n, ok := t.actOf[a]
	if !ok {
		n = uint32(len(t.acts))
		t.actOf[a] = n
		t.acts = append(t.acts, a)
		t.effects = append(t.effects, t.registry.EffectOf(v.Kind))
	}
	s.act = n
	switch len(v.Threads) {
	case 0:
	case 1:
		s.threads = t.thread(v.Threads[0])
	default:
		numbers := make([]uint32, 0, touchpoint.MaxThreads)
		for _, thread := range v.Threads {
			numbers = append(numbers, t.thread(thread))
		}
		s.threads = listed | uint32(len(t.lists))
		t.lists = append(t.lists, uint32(len(numbers)))
		t.lists = append(t.lists, numbers...)
	}
	if len(v.Tags) > 0 {
		s.tags = t.tagList(v.Tags)
	}
	if v.Rating != nil {
		s.rating = uint32(len(t.ratings))
		t.ratings = append(t.ratings, rating{scale: t.name(v.Rating.Scale), value: v.Rating.Value})
	}
	return s
}

func (t *tables) tagList(tags []string) uint32 {
	numbers := make([]uint32, len(tags))
	key := make([]byte, 0, 64)
	for i, tag := range tags {
		n := t.name(tag)
		numbers[i] = n
		key = append(key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	n, ok := t.tagsOf[string(key)]
	if !ok {
		n = uint32(len(t.tags))
		t.tagsOf[string(key)] = n
		t.tags = append(t.tags, numbers)
	}
	return n
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
	at := s.threads &^ listed
	return t.lists[at+1:][:t.lists[at]]
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
	a := &t.acts[s.act]
	*into = conversation.Stub{
		Workspace: workspace, Key: s.key, Anchor: anchor, Time: s.time,
		Channel: t.names[a.channel], Direction: a.direction, Kind: t.names[a.kind], Actor: a.actor,
		ActorID: t.names[s.agent], Team: t.names[s.team], Topic: t.names[s.topic], Source: t.names[a.source],
		Account: t.names[s.account], Threads: into.Threads[:0], Tags: into.Tags[:0],
	}
	for _, n := range t.threadsOf(s) {
		row := &t.threads[n]
		into.Threads = append(into.Threads, conversation.Thread{Scheme: t.names[row.scheme], Anchor: row.anchor})
	}
	for _, n := range t.tags[s.tags] {
		into.Tags = append(into.Tags, t.names[n])
	}
	if s.rating != 0 {
		r := t.ratings[s.rating]
		into.Rating = &touchpoint.Rating{Scale: t.names[r.scale], Value: r.value}
	}
}
