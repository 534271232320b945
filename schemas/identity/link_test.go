package identity

import (
	"testing"

	"pgregory.net/rapid"
)

func drawLink(t *rapid.T) (l Link) {
	node := func(label string) (n Node) {
		copy(n.Anchor[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
		n.Type, n.Value = rapid.String().Draw(t, label), rapid.String().Draw(t, label)
		return n
	}
	l = Link{
		Workspace: rapid.String().Draw(t, "workspace"), Kind: LinkVerified, A: node("a"), Touchpoint: rapid.String().Draw(t, "touchpoint"),
		Time: rapid.Int64().Draw(t, "time"), Source: rapid.String().Draw(t, "source"), Rule: rapid.String().Draw(t, "rule"),
	}
	if rapid.Bool().Draw(t, "with b") {
		l.B = node("b")
	}
	l.Key = node("key").Anchor
	return l
}

// What the fast way and the plain way write, both read as the same link.
func TestLinkFastAndPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLink(t)
		plain, err := Append(nil, &l)
		if err != nil {
			t.Fatal(err)
		}
		fast := AppendLink(nil, &l)
		for _, data := range [][]byte{plain, fast} {
			a, err := Decode[Link](data)
			if err != nil || a != l {
				t.Fatalf("plain %+v, want %+v, %v", a, l, err)
			}
			var b Link
			if err := DecodeLink(data, &b); err != nil || b != l {
				t.Fatalf("fast %+v, want %+v, %v", b, l, err)
			}
		}
	})
}

func FuzzDecodeLink(f *testing.F) {
	l := Link{Workspace: "w", Kind: LinkThread, A: Node{AnchorOf("w", "email", "a"), "email", "a"}, B: Node{AnchorOf("w", "thread", "b"), ThreadType, "b"}, Touchpoint: "t"}
	f.Add(AppendLink(nil, &l))
	f.Add([]byte(`{"a":{"anchor":"zz"}}`))
	f.Add([]byte(`{"key":null,"b":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var l, again Link
		if DecodeLink(data, &l) != nil {
			return
		}
		if err := DecodeLink(AppendLink(nil, &l), &again); err != nil {
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
	})
	b.Run("plain append", func(b *testing.B) {
		for b.Loop() {
			data, _ = Append(data[:0], &l)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = DecodeLink(data, &l)
		}
	})
	b.Run("plain decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = Decode[Link](data)
		}
	})
}
