package conversation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/wire"
)

// ErrBadRecord is returned for bytes that are not a message or member that this version reads.
var ErrBadRecord = errors.New("conversation: not a record of version 1")

// minStub is the least a stub body takes: what bounds the list of an adopt by the bytes that are there.
const minStub = 16 + 12

// maxNames bounds a Decoder's table; beyond, it starts anew.
const maxNames = 1 << 16

// Decoder reads messages and members, and gives equal names (channels, kinds, teams, ...) one string, so that a stream
// of records allocates next to nothing. The zero value is ready. It is not safe for concurrent use.
type Decoder struct {
	names map[string]string
	stub  Stub // what Message.Stub points at
}

// DecodeMessage reads one message; nothing in it aliases data.
func DecodeMessage(data []byte) (Message, error) {
	var d Decoder
	return d.Message(data)
}

// DecodeMember reads one member; nothing in it aliases data.
func DecodeMember(data []byte) (Member, error) {
	var d Decoder
	return d.Member(data)
}

// Message reads a message. Its Stub, if it is one, is valid until the next call; nothing aliases data.
func (d *Decoder) Message(data []byte) (m Message, err error) {
	r, kind, workspace := d.open(data)
	switch kind {
	case kindStub:
		d.stub = Stub{Workspace: workspace, Anchor: r.anchor(), Threads: d.stub.Threads[:0]}
		r.stub(&d.stub)
		m.Stub = &d.stub
	case kindMoved:
		m.Moved = &Moved{
			Workspace: workspace, Home: r.anchor(), Anchor: r.anchor(), Thread: r.optional(), Person: r.anchor(), Version: r.Uvarint(),
		}
	case kindAdopt:
		v := &Adopt{Workspace: workspace, Person: r.anchor(), Anchor: r.anchor(), Thread: r.optional(), Hop: r.uint32()}
		v.Stubs = make([]Stub, r.Count(minStub))
		for i := range v.Stubs {
			v.Stubs[i].Workspace, v.Stubs[i].Anchor = workspace, v.Anchor
			r.stub(&v.Stubs[i])
		}
		m.Adopt = v
	case kindDrop:
		m.Drop = &Drop{Workspace: workspace, Person: r.anchor(), Anchor: r.anchor(), Thread: r.optional(), Hop: r.uint32()}
	default:
		r.Bad = true
	}
	if err := r.close(); err != nil {
		return Message{}, err
	}
	return m, nil
}

// Member reads a member; nothing in it aliases data.
func (d *Decoder) Member(data []byte) (m Member, err error) {
	r, kind, workspace := d.open(data)
	if kind != kindMember {
		return m, fmt.Errorf("%w: kind %d is not a member", ErrBadRecord, kind)
	}
	m.Conversation, m.Person, m.Version = r.optional(), r.anchor(), r.Uvarint()
	m.Stub.Workspace, m.Stub.Anchor = workspace, r.anchor()
	r.stub(&m.Stub)
	if err := r.close(); err != nil {
		return Member{}, err
	}
	return m, nil
}

func (d *Decoder) open(data []byte) (r reader, kind byte, workspace string) {
	r = reader{wire.Reader{Rest: data}, d}
	if r.Byte() != codecVersion {
		r.Bad = true
	}
	kind = r.Byte()
	return r, kind, r.name()
}

// name returns the string of b, the same one each time.
func (d *Decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	if d.names == nil || len(d.names) >= maxNames {
		d.names = make(map[string]string, 16)
	}
	s := string(b)
	d.names[s] = s
	return s
}

// reader reads the parts of a record, names by way of its Decoder.
type reader struct {
	wire.Reader
	names *Decoder
}

func (r *reader) close() error {
	if r.Bad {
		return ErrBadRecord
	}
	if len(r.Rest) > 0 {
		return fmt.Errorf("%w: %d bytes after its end", ErrBadRecord, len(r.Rest))
	}
	return nil
}

func (r *reader) uint32() uint32 {
	v := r.Uvarint()
	if v > math.MaxUint32 {
		r.Bad = true
	}
	return uint32(v)
}

func (r *reader) anchor() (a identity.Anchor) {
	copy(a[:], r.Take(16))
	return a
}

func (r *reader) optional() identity.Anchor {
	switch r.Byte() {
	case 0:
		return identity.Anchor{}
	case 1:
		return r.anchor()
	}
	r.Bad = true
	return identity.Anchor{}
}

func (r *reader) name() string {
	b := r.Take(r.Uvarint())
	if len(b) == 0 {
		return ""
	}
	return r.names.name(b)
}

// stub reads a stub body into s, whose workspace and anchor are set; s.Threads is reused.
func (r *reader) stub(s *Stub) {
	s.Key, s.Time = r.anchor(), r.Varint()
	code := r.Byte()
	if direction := code >> 4; int(direction) < len(directions) {
		s.Direction = directions[direction]
	} else {
		r.Bad = true
	}
	if actor := code & 15; int(actor) < len(actors) {
		s.Actor = actors[actor]
	} else {
		r.Bad = true
	}
	s.Channel, s.Kind, s.ActorID = r.name(), r.name(), r.name()
	for range r.Count(17) {
		s.Threads = append(s.Threads, Thread{Scheme: r.name(), Anchor: r.anchor()})
	}
	s.Team, s.Topic, s.Source, s.Account = r.name(), r.name(), r.name(), r.name()
	if n := r.Count(1); n > 0 {
		s.Tags = make([]string, n)
		for i := range s.Tags {
			s.Tags[i] = r.name()
		}
	}
	switch r.Byte() {
	case 0:
	case 1:
		s.Rating = &touchpoint.Rating{Scale: r.name()}
		if b := r.Take(8); b != nil {
			s.Rating.Value = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
	default:
		r.Bad = true
	}
}
