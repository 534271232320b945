package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/throughline/throughline/schemas/wire"
)

// The binary form of links. Strings and lists carry their length in front, as varints:
//
//	link  version 1, byte of kind, workspace, node a, 0 or 1 and node b, touchpoint, 16 bytes of key, varint time, source, rule,
//	      0 or 1 and a user's word
//	word  user, reason, n nodes, rules
//	node  16 bytes of anchor, type, value
const codecVersion = 1

// ErrBadLink is returned for bytes that are not a link that this version reads.
var ErrBadLink = errors.New("identity: not a link of version 1")

// minNode is the least that a node takes: what bounds a list by the bytes that are there.
const minNode = 16 + 2

// AppendLink writes the link to the end of dst. A kind that is none of the above is not written, and read as "".
func AppendLink(dst []byte, l *Link) []byte {
	dst = append(dst, codecVersion, byte(max(slices.Index(kinds[:], l.Kind), 0)))
	dst = appendPart(dst, l.Workspace)
	dst = l.A.append(dst)
	if l.B == (Node{}) {
		dst = append(dst, 0)
	} else {
		dst = l.B.append(append(dst, 1))
	}
	dst = appendPart(dst, l.Touchpoint)
	dst = append(dst, l.Key[:]...)
	dst = binary.AppendVarint(dst, l.Time)
	dst = appendPart(dst, l.Source)
	dst = appendPart(dst, l.Rule)
	if l.User == "" && l.Reason == "" && l.Rules == "" && len(l.Nodes) == 0 {
		return append(dst, 0)
	}
	dst = appendPart(append(dst, 1), l.User)
	dst = appendPart(dst, l.Reason)
	dst = binary.AppendUvarint(dst, uint64(len(l.Nodes)))
	for i := range l.Nodes {
		dst = l.Nodes[i].append(dst)
	}
	return appendPart(dst, l.Rules)
}

func (n *Node) append(dst []byte) []byte {
	dst = append(dst, n.Anchor[:]...)
	dst = appendPart(dst, n.Type)
	return appendPart(dst, n.Value)
}

// DecodeLink reads a link into l, whose former content is gone. Strings of l alias data, which must therefore outlive it.
// The error is ErrBadLink.
func DecodeLink(data []byte, l *Link) error {
	*l = Link{}
	r := linkReader{wire.Reader{Rest: data}}
	if r.Byte() != codecVersion {
		return ErrBadLink
	}
	kind := r.Byte()
	if int(kind) >= len(kinds) {
		return fmt.Errorf("%w: kind %d", ErrBadLink, kind)
	}
	l.Kind = kinds[kind]
	l.Workspace = r.text()
	l.A = r.node()
	if r.flag() {
		l.B = r.node()
	}
	l.Touchpoint, l.Key, l.Time, l.Source, l.Rule = r.text(), r.anchor(), r.Varint(), r.text(), r.text()
	if r.flag() {
		l.User, l.Reason = r.text(), r.text()
		if n := r.Count(minNode); n > 0 {
			l.Nodes = make([]Node, n)
			for i := range l.Nodes {
				l.Nodes[i] = r.node()
			}
		}
		l.Rules = r.text()
	}
	if r.Bad || len(r.Rest) > 0 {
		*l = Link{}
		return ErrBadLink
	}
	return nil
}

// PeekLink reads only the anchor of node a, for those who look for a few links among many; false for bytes that are too short
// to have one. The rest may still be ErrBadLink.
func PeekLink(data []byte) (a Anchor, ok bool) {
	r := linkReader{wire.Reader{Rest: data}}
	r.Take(2)
	r.Take(r.Uvarint())
	a = r.anchor()
	return a, !r.Bad
}

// linkReader reads the parts of a link.
type linkReader struct{ wire.Reader }

func (r *linkReader) flag() bool {
	b := r.Byte()
	r.Bad = r.Bad || b > 1
	return b == 1
}

func (r *linkReader) text() string {
	b := r.Take(r.Uvarint())
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

func (r *linkReader) anchor() (a Anchor) {
	copy(a[:], r.Take(16))
	return a
}

func (r *linkReader) node() Node { return Node{Anchor: r.anchor(), Type: r.text(), Value: r.text()} }
