package privacy

import (
	"encoding/base64"
	"encoding/json"

	"github.com/throughline/throughline/schemas/strictjson"
)

// node is what is done at a place of a JSON text. In a list it is done with every element.
type node struct {
	path    string // as the rule names it
	do      Action
	find    numbers // in everything at and below it
	finds   string  // the field of the rule that says so
	members map[string]*node

	// Of texts whose form is not known to be right.
	unknown     *node  // of members that are not named
	flat        *node  // what an object is here, which does not belong here
	identifiers bool   // what is done depends on the type
	base64      bool   // holds such a text
	instead     string // what stands there in the end; empty: what do makes of it
}

// scope is what holds from further up.
type scope struct {
	find  numbers
	field string
}

// walker rewrites one JSON text, which must be well formed. What no rule is about stays byte for byte.
type walker struct {
	p       *Policy
	data    []byte
	c       strictjson.Cursor
	out     []byte
	changed bool
	noted   func(rule, field string)

	normalise Normaliser // of identifiers in letters
}

func newWalker(p *Policy, data []byte, noted func(rule, field string)) *walker {
	return &walker{p: p, data: data, c: strictjson.NewCursor(data), out: make([]byte, 0, len(data)+64), noted: noted}
}

// value rewrites the value that comes next.
func (w *walker) value(n *node, in scope) {
	b := w.c.Peek()
	if n != nil && n.flat != nil && b == '{' {
		n = n.flat
	}
	if n == nil {
		n = &node{}
	}
	if n.find != 0 {
		in = scope{in.find | n.find, n.finds}
	}
	switch {
	case n.do != "" && b != '[' && b != 'n':
		w.replace(n, b)
	case n.base64 && b == '"':
		w.encoded()
	case n.identifiers && b == '{':
		w.identifier()
	case in.find == 0 && n.members == nil && n.unknown == nil && !n.identifiers && n.do == "" && n.flat == nil:
		w.out = append(w.out, w.c.Skip()...)
	case b == '{':
		w.object(n, in)
	case b == '[':
		w.list(n, in)
	case b == '"':
		from := w.c.Offset()
		w.words(w.c.String(), from, in)
	case b == '-' || isDigit(b):
		from := w.c.Offset()
		w.words(string(w.c.Number()), from, in)
	default:
		w.out = append(w.out, w.c.Skip()...)
	}
}

func (w *walker) object(n *node, in scope) {
	w.out = append(w.out, '{')
	first := true
	for w.c.Open('{'); w.c.More('}'); {
		w.c.Peek()
		from := w.c.Offset()
		name := w.c.Key()
		to := w.c.Offset()
		m, known := n.members[name]
		if !known {
			m = n.unknown
		}
		if m != nil && (m.do == Drop || m.do == Hash && len(w.p.secret) == 0) {
			w.c.Skip()
			w.changed = true
			w.noted(string(Drop), m.path)
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.out = append(w.out, w.data[from:to]...)
		w.value(m, in)
	}
	w.out = append(w.out, '}')
}

func (w *walker) list(n *node, in scope) {
	w.out = append(w.out, '[')
	first := true
	for w.c.Open('['); w.c.More(']'); {
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.value(n, in)
	}
	w.out = append(w.out, ']')
}

// words writes a text or number, which begins at from, without the numbers that are looked for.
func (w *walker) words(v string, from int, in scope) {
	masked := w.p.value(in.field, "", in.find, v, w.noted)
	if masked == v {
		w.out = append(w.out, w.data[from:w.c.Offset()]...)
		return
	}
	w.text(masked)
}

// replace writes what stands for the value that comes next.
func (w *walker) replace(n *node, b byte) {
	from := w.c.Offset()
	var v string
	if b == '"' {
		v = w.c.String()
	} else {
		v = string(w.c.Skip())
	}
	kept := "*"
	if n.instead != "" {
		kept = n.instead
	} else if b != '{' || n.do == Hash {
		kept = w.p.value(n.path, n.do, 0, v, w.noted)
	} else {
		w.noted(string(n.do), n.path)
	}
	if kept == v && b == '"' {
		w.out = append(w.out, w.data[from:w.c.Offset()]...)
		return
	}
	w.text(kept)
}

// encoded rewrites a touchpoint that a CloudEvent carries in base64.
func (w *walker) encoded() {
	from := w.c.Offset()
	v := w.c.String()
	plain, err := base64.StdEncoding.DecodeString(v)
	kept := ""
	if err != nil {
		kept = string(w.p.Letter([]byte(v), w.normalise))
	} else {
		kept = base64.StdEncoding.EncodeToString(w.p.Letter(plain, w.normalise))
	}
	if kept == v {
		w.out = append(w.out, w.data[from:w.c.Offset()]...)
		return
	}
	w.text(kept)
}

func (w *walker) text(v string) {
	w.changed = true
	quoted, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a string
	}
	w.out = append(w.out, quoted...)
}
