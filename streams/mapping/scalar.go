package mapping

import (
	"encoding/json"
	"strconv"
)

// scalar is a value that most fields are made of, without the allocation that putting it into an interface costs.
type scalar struct {
	kind scalarKind
	text string // of a text; the digits of a number; true or false
}

type scalarKind byte

const (
	nothing scalarKind = iota // nil
	words                     // a text
	digits                    // a number of JSON as it was written
	boolean
	composite // an object or a list, of which no more is known
)

func truth(b bool) scalar {
	if b {
		return scalar{boolean, "true"}
	}
	return scalar{boolean, "false"}
}

func (s scalar) isTrue() bool { return s.text == "true" }

// empty tells whether a default takes its place.
func (s scalar) empty() bool { return s.kind == nothing || s.kind == words && s.text == "" }

// whole tells whether a number's digits are those that an expression would write: 12, and neither 12.0 nor 1e3.
func (s scalar) whole() bool {
	if len(s.text) > 15 {
		return false
	}
	for i := range len(s.text) {
		if s.text[i]-'0' > 9 {
			return false
		}
	}
	return true
}

// scalarOf takes a value out of its interface; ok is false for what is none of these.
func scalarOf(v any) (s scalar, ok bool) {
	switch x := v.(type) {
	case nil:
		return scalar{}, true
	case string:
		return scalar{words, x}, true
	case bool:
		return truth(x), true
	case json.Number:
		return scalar{digits, string(x)}, true
	case int:
		return scalar{digits, strconv.Itoa(x)}, true
	case uint64: // of YAML
		return scalar{digits, strconv.FormatUint(x, 10)}, true
	case map[string]any, []any:
		return scalar{kind: composite}, true
	}
	return scalar{}, false
}

// scalar is column as a scalar.
func (r *Run) scalar(name string) (scalar, bool) {
	it, ok := r.rec.(*item)
	if !ok {
		return scalarOf(r.column(name))
	}
	v, found, ok := it.find(name)
	if !ok {
		return scalarOf(r.column(name))
	}
	if !found {
		return scalar{}, true
	}
	n := v.node()
	switch n.kind {
	case '"':
		if r.m.missing[n.text] {
			return scalar{}, true
		}
		return scalar{words, n.text}, true
	case 't', 'f':
		return truth(n.kind == 't'), true
	case 'n':
		return scalar{}, true
	case number:
		return scalar{digits, alias(v.raw())}, true
	}
	return scalar{kind: composite}, true
}

// quick is eval for the values that are scalars all the way; ok is false where eval has to be asked, which also finds
// the words for what is wrong.
func (r *Run) quick(v *value) (out scalar, ok bool) {
	if !v.set {
		return scalar{}, true
	}
	if holds, err := r.holds(v.when); err != nil || !holds {
		return scalar{}, err == nil
	}
	switch {
	case v.column != "":
		out, ok = r.scalar(v.column)
	case v.expr != nil:
		if v.expr.direct == nil {
			return scalar{}, false
		}
		out, ok = v.expr.direct(r)
		ok = ok && (out.kind != digits || out.whole())
	default:
		out, ok = scalarOf(v.constant)
	}
	if !ok || out.kind == composite {
		return scalar{}, false
	}
	if out.kind != nothing && v.table != nil {
		found, known := v.table.Values[out.text]
		if !known && v.table.Default == nil {
			return scalar{}, false
		}
		if !known {
			found = *v.table.Default
		}
		out = scalar{words, found}
	}
	if out.empty() {
		out, ok = scalarOf(v.fallback)
	}
	return out, ok
}

// quickList appends the texts of a list that the body holds as it is; false where eval has to be asked.
func (r *Run) quickList(v *value) bool {
	path := v.column
	if v.expr != nil {
		path = v.expr.path
	}
	it, ok := r.rec.(*item)
	if !ok || path == "" || v.table != nil {
		return false
	}
	if holds, err := r.holds(v.when); err != nil || !holds {
		return false
	}
	list, found, ok := it.find(path)
	if !ok || !found || list.node().kind != '[' {
		return false
	}
	list.members(func(_ string, member jsonValue) bool {
		n := member.node()
		if ok = n.kind == '"'; ok && n.text != "" {
			r.listed = append(r.listed, n.text)
		}
		return ok
	})
	return ok
}
