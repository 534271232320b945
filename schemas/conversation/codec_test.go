package conversation

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// typical is a chat message as most touchpoints are.
func typical() Stub {
	t := touchpoint.Touchpoint{
		ID: "crm-4711", Time: 1_767_225_600_123, Channel: "chat", Direction: touchpoint.Outbound, Kind: "message",
		Actor: touchpoint.Actor{Type: touchpoint.Agent, ID: "a.becker", Name: "Anna Becker"}, Thread: []string{"session:7c1e9f"},
		Team: "billing", Topic: "invoice", Source: "livechat",
	}
	return StubOf("default", touchpoint.KeyOf("default", t.ID), identity.AnchorOf("default", "email", "anna@example.com"), &t)
}

func TestStubOf(t *testing.T) {
	s := typical()
	if s.ActorID != "a.becker" {
		t.Errorf("the agent's id is lost: %q", s.ActorID)
	}
	want := Thread{Scheme: "session", Anchor: identity.AnchorOf("default", identity.ThreadType, "session:7c1e9f")}
	if len(s.Threads) != 1 || s.Threads[0] != want {
		t.Errorf("threads: got %v, want %v", s.Threads, want)
	}
	customer := touchpoint.Touchpoint{Actor: touchpoint.Actor{Type: touchpoint.Customer, ID: "4711"}}
	if s := StubOf("default", s.Key, s.Anchor, &customer); s.ActorID != "" {
		t.Errorf("a customer's actor id is no dimension, got %q", s.ActorID)
	}
}

func TestTypicalStubIsSmall(t *testing.T) {
	s := typical()
	if n := len((&Message{Stub: &s}).Append(nil)); n > 150 {
		t.Errorf("a typical stub takes %d bytes on the log, want at most 150", n)
	}
}

func anchors() *rapid.Generator[identity.Anchor] {
	return rapid.Custom(func(t *rapid.T) (a identity.Anchor) {
		copy(a[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "anchor"))
		return a
	})
}

func stubs(workspace string, anchor identity.Anchor) *rapid.Generator[Stub] {
	word := rapid.SampledFrom([]string{"", "a", "zwölf", "a rather long name of a team in the south"})
	return rapid.Custom(func(t *rapid.T) Stub {
		s := Stub{
			Workspace: workspace, Anchor: anchor, Key: anchors().Draw(t, "key"), Time: rapid.Int64().Draw(t, "time"),
			Channel: word.Draw(t, "channel"), Direction: rapid.SampledFrom(directions[:]).Draw(t, "direction"),
			Kind: word.Draw(t, "kind"), Actor: rapid.SampledFrom(actors[:]).Draw(t, "actor"), ActorID: word.Draw(t, "actor id"),
			Team: word.Draw(t, "team"), Topic: word.Draw(t, "topic"), Source: word.Draw(t, "source"), Account: word.Draw(t, "account"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "threads") {
			s.Threads = append(s.Threads, Thread{Scheme: word.Draw(t, "scheme"), Anchor: anchors().Draw(t, "thread")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "tags") {
			s.Tags = append(s.Tags, word.Draw(t, "tag"))
		}
		if rapid.Bool().Draw(t, "rated") {
			s.Rating = &touchpoint.Rating{Scale: word.Draw(t, "scale"), Value: rapid.Float64().Draw(t, "value")}
		}
		return s
	})
}

func messages() *rapid.Generator[Message] {
	return rapid.Custom(func(t *rapid.T) (m Message) {
		workspace, a, b, c := rapid.String().Draw(t, "workspace"), anchors().Draw(t, "a"), anchors().Draw(t, "b"), anchors().Draw(t, "c")
		thread := rapid.SampledFrom([]identity.Anchor{{}, c}).Draw(t, "participation")
		version := rapid.Uint64().Draw(t, "version")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			s := stubs(workspace, a).Draw(t, "stub")
			m.Stub = &s
		case 1:
			m.Moved = &Moved{Workspace: workspace, Home: a, Anchor: b, Thread: thread, Person: c, Version: version}
		case 2:
			m.Adopt = &Adopt{Workspace: workspace, Person: b, Anchor: a, Thread: thread, Hop: uint32(version),
				Stubs: rapid.SliceOfN(stubs(workspace, a), 0, 3).Draw(t, "stubs")}
		default:
			m.Drop = &Drop{Workspace: workspace, Person: b, Anchor: a, Thread: thread, Hop: uint32(version)}
		}
		return m
	})
}

func TestMessageComesBack(t *testing.T) {
	var d Decoder // one for all: nothing of an earlier message may shine through
	rapid.Check(t, func(t *rapid.T) {
		want := messages().Draw(t, "message")
		data := want.Append([]byte("prefix"))[6:]
		if want.Stub != nil && len(data) > want.Stub.Size() {
			t.Fatalf("takes %d bytes, Size says at most %d", len(data), want.Stub.Size())
		}
		got, err := d.Message(data)
		if err != nil {
			t.Fatal(err)
		}
		if got.Stub != nil && len(got.Stub.Threads) == 0 {
			got.Stub.Threads = nil // an emptied list and none are the same
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		for n := range len(data) {
			if _, err := DecodeMessage(data[:n]); !errors.Is(err, ErrBadRecord) {
				t.Fatalf("cut at %d of %d: got error %v", n, len(data), err)
			}
		}
		if _, err := DecodeMessage(append(data, 0)); !errors.Is(err, ErrBadRecord) {
			t.Fatalf("a byte too many: got error %v", err)
		}
	})
}

func TestMemberComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Member{
			Stub:         stubs(rapid.String().Draw(t, "workspace"), anchors().Draw(t, "anchor")).Draw(t, "stub"),
			Conversation: anchors().Draw(t, "conversation"), Person: anchors().Draw(t, "person"), Version: rapid.Uint64().Draw(t, "version"),
		}
		data := want.Append(nil)
		got, err := DecodeMember(data)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if _, err := DecodeMember(data[:len(data)-1]); !errors.Is(err, ErrBadRecord) {
			t.Fatalf("cut: got error %v", err)
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	s := typical()
	adopted := s
	adopted.Anchor = s.Anchor
	for _, m := range []Message{
		{Stub: &s},
		{Moved: &Moved{Workspace: "default", Home: s.Anchor, Anchor: s.Anchor, Person: s.Key, Version: 1 << 30}},
		{Adopt: &Adopt{Workspace: "default", Person: s.Key, Anchor: s.Anchor, Hop: 7, Stubs: []Stub{adopted, adopted}}},
		{Drop: &Drop{Workspace: "default", Person: s.Key, Anchor: s.Anchor, Thread: s.Threads[0].Anchor, Hop: 7}},
	} {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMessage(data)
		if err != nil {
			return
		}
		again, err := DecodeMessage(m.Append(nil))
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		if string(again.Append(nil)) != string(m.Append(nil)) {
			t.Fatal("decoding what was encoded gives something else")
		}
	})
}

func FuzzDecodeMember(f *testing.F) {
	m := Member{Stub: typical(), Conversation: identity.Anchor{1}, Person: identity.Anchor{2}, Version: 3}
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := DecodeMember(data); err == nil {
			if again, err := DecodeMember(m.Append(nil)); err != nil || string(again.Append(nil)) != string(m.Append(nil)) {
				t.Fatalf("decoding what was encoded gives something else: %v", err)
			}
		}
	})
}

func BenchmarkDecodeStub(b *testing.B) {
	s := typical()
	data := (&Message{Stub: &s}).Append(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var d Decoder
	for b.Loop() {
		if _, err := d.Message(data); err != nil {
			b.Fatal(err)
		}
	}
}
