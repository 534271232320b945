package conversation

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// The binary form of messages and members. Every record begins with a version and what it is; numbers are varints,
// strings and lists carry their length in front, names are written out, so that a record can be read without any
// table beside it.
//
//	record    version 1, byte of kind, workspace, body
//	stub      anchor, stub body
//	moved     home, anchor, thread, person, uvarint version
//	adopt     person, anchor, thread, uvarint hop, uvarint n, n stub bodies (all of that anchor)
//	drop      person, anchor, thread, uvarint hop
//	member    conversation, person, uvarint version, anchor, stub body
//	stub body key, varint time, byte of direction and actor, channel, kind, actor id, threads (scheme, anchor), team,
//	          topic, source, account, tags, 0 or 1 and rating (scale, 8 bytes of IEEE 754)
//
// Anchors are 16 bytes; one that may be zero is a byte 0, or a byte 1 and the 16.
const codecVersion = 1

// What a record is.
const (
	kindStub byte = iota + 1
	kindMoved
	kindAdopt
	kindDrop
	kindMember
)

var (
	directions = [...]touchpoint.Direction{"", touchpoint.Inbound, touchpoint.Outbound, touchpoint.Internal}
	actors     = [...]touchpoint.ActorType{"", touchpoint.Customer, touchpoint.Agent, touchpoint.Bot, touchpoint.System}
)

// StubOf cuts from a touchpoint what conversations need to know of it. The actor's id is kept for agents only, whom
// reports name; a customer is known by the anchor. The stub's strings are those of t.
func StubOf(workspace string, key touchpoint.Key, anchor identity.Anchor, t *touchpoint.Touchpoint) Stub {
	s := Stub{
		Workspace: workspace, Key: key, Anchor: anchor, Time: t.Time,
		Channel: t.Channel, Direction: t.Direction, Kind: t.Kind, Actor: t.Actor.Type,
		Team: t.Team, Topic: t.Topic, Source: t.Source, Account: t.Account, Tags: t.Tags, Rating: t.Rating,
	}
	if t.Actor.Type == touchpoint.Agent {
		s.ActorID = t.Actor.ID
	}
	if len(t.Thread) > 0 {
		s.Threads = make([]Thread, len(t.Thread))
		for i, name := range t.Thread {
			scheme, _, _ := strings.Cut(name, ":")
			s.Threads[i] = Thread{Scheme: scheme, Anchor: identity.AnchorOf(workspace, identity.ThreadType, name)}
		}
	}
	return s
}

// Append writes the message to the end of dst. The stubs of an Adopt are those of its workspace and anchor: what they
// say about the two is not written.
func (m *Message) Append(dst []byte) []byte {
	switch {
	case m.Stub != nil:
		dst = appendHead(dst, kindStub, m.Stub.Workspace)
		dst = append(dst, m.Stub.Anchor[:]...)
		return m.Stub.append(dst)
	case m.Moved != nil:
		v := m.Moved
		dst = appendHead(dst, kindMoved, v.Workspace)
		dst = append(dst, v.Home[:]...)
		dst = append(dst, v.Anchor[:]...)
		dst = appendOptional(dst, v.Thread)
		dst = append(dst, v.Person[:]...)
		return binary.AppendUvarint(dst, v.Version)
	case m.Adopt != nil:
		v := m.Adopt
		dst = appendHead(dst, kindAdopt, v.Workspace)
		dst = append(dst, v.Person[:]...)
		dst = append(dst, v.Anchor[:]...)
		dst = appendOptional(dst, v.Thread)
		dst = binary.AppendUvarint(dst, uint64(v.Hop))
		dst = binary.AppendUvarint(dst, uint64(len(v.Stubs)))
		for i := range v.Stubs {
			dst = v.Stubs[i].append(dst)
		}
		return dst
	case m.Drop != nil:
		v := m.Drop
		dst = appendHead(dst, kindDrop, v.Workspace)
		dst = append(dst, v.Person[:]...)
		dst = append(dst, v.Anchor[:]...)
		dst = appendOptional(dst, v.Thread)
		return binary.AppendUvarint(dst, uint64(v.Hop))
	}
	panic("conversation: message without a part")
}

// Size is an upper bound of the bytes that the stub takes in a record.
func (s *Stub) Size() int {
	const fixed = 128 // key, anchor, numbers, lengths
	n := fixed + len(s.Workspace) + len(s.Channel) + len(s.Kind) + len(s.ActorID) +
		len(s.Team) + len(s.Topic) + len(s.Source) + len(s.Account)
	for i := range s.Threads {
		n += len(s.Threads[i].Scheme) + 20
	}
	for _, tag := range s.Tags {
		n += len(tag) + 5
	}
	if s.Rating != nil {
		n += len(s.Rating.Scale)
	}
	return n
}

// Append writes the member to the end of dst.
func (m *Member) Append(dst []byte) []byte {
	dst = appendHead(dst, kindMember, m.Stub.Workspace)
	dst = appendOptional(dst, m.Conversation)
	dst = append(dst, m.Person[:]...)
	dst = binary.AppendUvarint(dst, m.Version)
	dst = append(dst, m.Stub.Anchor[:]...)
	return m.Stub.append(dst)
}

func appendHead(dst []byte, kind byte, workspace string) []byte {
	dst = append(dst, codecVersion, kind)
	return appendString(dst, workspace)
}

func (s *Stub) append(dst []byte) []byte {
	dst = append(dst, s.Key[:]...)
	dst = binary.AppendVarint(dst, s.Time)
	dst = append(dst, codeOf(directions[:], s.Direction)<<4|codeOf(actors[:], s.Actor))
	dst = appendString(dst, s.Channel)
	dst = appendString(dst, s.Kind)
	dst = appendString(dst, s.ActorID)
	dst = binary.AppendUvarint(dst, uint64(len(s.Threads)))
	for i := range s.Threads {
		dst = appendString(dst, s.Threads[i].Scheme)
		dst = append(dst, s.Threads[i].Anchor[:]...)
	}
	dst = appendString(dst, s.Team)
	dst = appendString(dst, s.Topic)
	dst = appendString(dst, s.Source)
	dst = appendString(dst, s.Account)
	dst = binary.AppendUvarint(dst, uint64(len(s.Tags)))
	for _, tag := range s.Tags {
		dst = appendString(dst, tag)
	}
	if s.Rating == nil {
		return append(dst, 0)
	}
	dst = appendString(append(dst, 1), s.Rating.Scale)
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(s.Rating.Value))
}

// codeOf is the place of v in its table; 0, the place of the empty word, for one that is not in it.
func codeOf[T comparable](table []T, v T) byte {
	return byte(max(slices.Index(table, v), 0))
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendOptional(dst []byte, a identity.Anchor) []byte {
	if a.IsZero() {
		return append(dst, 0)
	}
	return append(append(dst, 1), a[:]...)
}
