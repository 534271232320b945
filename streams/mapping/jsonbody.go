package mapping

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"

	"github.com/throughline/throughline/schemas/strictjson"
)

// jsonBody is a JSON text with the places of its values. Making an object of Go's for each object in it costs more than all the rest
// of a mapping, which looks at a few values and copies the others; so only what is asked for is made.
type jsonBody struct {
	data  []byte
	nodes []node // in the order of the text: behind an object or array come its members
}

// node is one value.
type node struct {
	key        string // in an object
	text       string // of a string, without its escapes
	named      int32  // in data, where the key's quotes begin
	start, end int32  // in data
	next       int32  // the node behind this one and all that is in it
	kind       byte   // first byte of the value: { [ " t f n, or 0 for numbers
}

// jsonValue is one value of a body, not looked into yet.
type jsonValue struct {
	in *jsonBody
	at int32
}

const number = 0

// parseJSON indexes a text into b, whose memory is used again. Strings alias it: a body must not be changed while its records are in use.
func parseJSON(data []byte, b *jsonBody) (*jsonBody, error) {
	c := strictjson.NewCursor(data)
	b.data, b.nodes = data, b.nodes[:0]
	var open [strictjson.MaxDepth]int32
	depth := 0
	key, named := "", 0
	for {
		kind := c.Peek()
		at := int32(len(b.nodes))
		n := node{key: key, named: int32(named), start: int32(c.Offset()), kind: kind}
		key = ""
		switch kind {
		case '{', '[':
			c.Open(kind)
			if c.Err() != nil {
				return nil, c.Err()
			}
			open[depth] = at
			depth++
		case '"':
			n.text = c.String()
		case 't', 'f':
			c.Bool()
		case 'n':
			c.Null()
		default:
			n.kind = number
			c.Number()
		}
		n.end, n.next = int32(c.Offset()), at+1
		b.nodes = append(b.nodes, n)
		for depth > 0 { // leave what ends here
			parent := &b.nodes[open[depth-1]]
			if c.More(parent.kind + 2) {
				if parent.kind == '{' {
					c.Peek()
					named = c.Offset()
					key = c.Key()
				}
				break
			}
			if c.Err() != nil {
				return nil, c.Err()
			}
			parent.end, parent.next = int32(c.Offset()), int32(len(b.nodes))
			depth--
		}
		if err := c.Err(); err != nil {
			return nil, err
		}
		if depth == 0 {
			break
		}
	}
	if c.End(); c.Err() != nil {
		return nil, c.Err()
	}
	return b, nil
}

// root is the whole body.
func (b *jsonBody) root() jsonValue { return jsonValue{b, 0} }

func (v jsonValue) node() *node { return &v.in.nodes[v.at] }

// find follows a path; ok is false where nothing is there.
func (v jsonValue) find(path string) (jsonValue, bool) {
	for path != "" {
		var part string
		part, path, _ = strings.Cut(path, ".")
		next, ok := v.member(part)
		if !ok {
			return v, false
		}
		v = next
	}
	return v, true
}

// member is a member of an object by its key, or of an array by its number.
func (v jsonValue) member(part string) (jsonValue, bool) {
	n := v.node()
	nodes := v.in.nodes
	switch n.kind {
	case '{':
		for i := v.at + 1; i < n.next; i = nodes[i].next {
			if nodes[i].key == part {
				return jsonValue{v.in, i}, true
			}
		}
	case '[':
		want, err := strconv.Atoi(part)
		if err != nil || want < 0 {
			return v, false
		}
		for i := v.at + 1; i < n.next; i = nodes[i].next {
			if want--; want < 0 {
				return jsonValue{v.in, i}, true
			}
		}
	}
	return v, false
}

// members calls f for each member of an object or array, until it returns false.
func (v jsonValue) members(f func(key string, member jsonValue) bool) {
	n := v.node()
	if n.kind != '{' && n.kind != '[' {
		return
	}
	for i := v.at + 1; i < n.next; i = v.in.nodes[i].next {
		if !f(v.in.nodes[i].key, jsonValue{v.in, i}) {
			return
		}
	}
}

func (v jsonValue) raw() []byte { return v.in.data[v.node().start:v.node().end] }

// any makes the value as encoding/json would, with the digits of its numbers.
func (v jsonValue) any() any {
	n := v.node()
	switch n.kind {
	case '"':
		return n.text
	case 't':
		return true
	case 'f':
		return false
	case 'n':
		return nil
	case '{':
		out := map[string]any{}
		v.members(func(key string, member jsonValue) bool {
			out[key] = member.any()
			return true
		})
		return out
	case '[':
		out := []any{}
		v.members(func(_ string, member jsonValue) bool {
			out = append(out, member.any())
			return true
		})
		return out
	}
	return json.Number(alias(v.raw()))
}

// alias is b as a string without a copy.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// appendWithout writes the value but for what is in the tree, byte for byte as it came; it returns dst unchanged when nothing is left.
func (v jsonValue) appendWithout(dst []byte, t *tree) []byte {
	n := v.node()
	switch {
	case t.leaf():
		return dst
	case t == nil:
		return append(dst, v.raw()...)
	case n.kind != '{' && n.kind != '[':
		return append(dst, v.raw()...)
	}
	start := len(dst)
	dst = append(dst, n.kind)
	empty := len(dst)
	nodes, index := v.in.nodes, 0
	for i := v.at + 1; i < n.next; i = nodes[i].next {
		m := &nodes[i]
		part, from := m.key, m.named
		if n.kind == '[' {
			part, from = strconv.Itoa(index), m.start
			index++
		}
		before := len(dst)
		if before > empty {
			dst = append(dst, ',')
		}
		inner := t.at(part)
		if inner == nil { // nothing of it is taken: key and all
			dst = append(dst, v.in.data[from:m.end]...)
			continue
		}
		dst = append(dst, v.in.data[from:m.start]...)
		filled := len(dst)
		if dst = (jsonValue{v.in, i}).appendWithout(dst, inner); len(dst) == filled {
			dst = dst[:before]
		}
	}
	if len(dst) == empty {
		return dst[:start]
	}
	return append(dst, n.kind+2)
}
