package identity

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func drawLink(t *rapid.T) (l Link) {
	node := func(label string) (n Node) {
		copy(n.Anchor[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
		n.Type, n.Value = rapid.String().Draw(t, label), rapid.String().Draw(t, label)
		return n
	}
	text := func(label string) string { return rapid.String().Draw(t, label) }
	l = Link{
		Workspace: text("workspace"), Kind: rapid.SampledFrom(kinds[:]).Draw(t, "kind"), A: node("a"), Touchpoint: text("touchpoint"),
		Time: rapid.Int64().Draw(t, "time"), Source: text("source"), Rule: text("rule"),
	}
	if rapid.Bool().Draw(t, "with b") {
		l.B = node("b")
	}
	if rapid.Bool().Draw(t, "by a user") {
		l.User, l.Reason, l.Rules = text("user"), text("reason"), text("rules")
		for range rapid.IntRange(0, 3).Draw(t, "nodes") {
			l.Nodes = append(l.Nodes, node("node"))
		}
	}
	l.Key = node("key").Anchor
	return l
}

func TestLinksComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLink(t)
		data := AppendLink(nil, &l)
		var back Link
		if err := DecodeLink(data, &back); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("%+v, want %+v, %v", back, l, err)
		}
		if a, ok := PeekLink(data); !ok || a != l.A.Anchor {
			t.Fatalf("node a is peeked at as %s, %v", a, ok)
		}
		for n := range data {
			if DecodeLink(data[:n], &back) == nil {
				t.Fatalf("%d of %d bytes were enough", n, len(data))
			}
		}
	})
}

func FuzzDecodeLink(f *testing.F) {
	l := Link{Workspace: "w", Kind: LinkThread, A: Node{AnchorOf("w", "email", "a"), "email", "a"}, B: Node{AnchorOf("w", "thread", "b"), ThreadType, "b"}, Touchpoint: "t"}
	f.Add(AppendLink(nil, &l))
	l = Link{Workspace: "w", Kind: LinkSplit, A: l.A, User: "eva", Reason: "two sisters", Nodes: []Node{l.B}}
	f.Add(AppendLink(nil, &l))
	f.Add([]byte{codecVersion, 200})
	f.Fuzz(func(t *testing.T, data []byte) {
		var l, again Link
		if DecodeLink(data, &l) != nil {
			return
		}
		if err := DecodeLink(AppendLink(nil, &l), &again); err != nil || !reflect.DeepEqual(l, again) {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

func BenchmarkLink(b *testing.B) {
	l := Link{Workspace: "default", Kind: LinkVerified, A: Node{AnchorOf("w", "customer_id", "C-12345"), "customer_id", "C-12345"},
		B: Node{AnchorOf("w", "email", "a"), "email", "anna@example.com"}, Touchpoint: "0189f7ea-ae2c-7809-8aeb-b819cf5e9e7f", Time: 1 << 40, Source: "shop", Rule: "verified by one touchpoint"}
	data := AppendLink(nil, &l)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			data = AppendLink(data[:0], &l)
		}
		b.ReportMetric(float64(len(data)), "bytes")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := DecodeLink(data, &l); err != nil {
				b.Fatal(err)
			}
		}
	})
}
