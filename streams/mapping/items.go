package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Names that a body's expressions may use beside its columns.
const (
	bodyName    = "body"    // all of it, for one that is no object
	requestName = "request" // headers and query of the request: request.headers["x-topic"], request.query.id
)

func reserved(name string) bool {
	return slices.Contains([]string{rowName, bodyName, requestName, firstOf, occurrence, rowHash}, name) || textFunctions[name] != nil
}

// Body is a body and the request that brought it.
type Body struct {
	Value any // of ParseBody
	// Headers by their names in lower case, and the parameters of the query: maps, lists and texts.
	Headers, Query map[string]any
}

// UsesRequest tells whether the mapping, or an expression beside it, looks at headers or the query: else a Body needs none.
func (m *Mapping) UsesRequest() bool {
	return slices.ContainsFunc(m.used, func(c column) bool {
		return c.name == requestName || strings.HasPrefix(c.name, requestName+".")
	})
}

// MaxItems is how many touchpoints one body may hold.
const MaxItems = 10_000

// ErrTooManyItems is returned by Items.
var ErrTooManyItems = fmt.Errorf("mapping: more than %d touchpoints in one body", MaxItems)

// Items are the records in a body, in their order: one, unless the mapping says items. They are good until the run is asked about
// another body. The error is a *Refused where the body is not as the mapping expects, or ErrTooManyItems.
func (r *Run) Items(b Body) ([]Record, error) {
	r.root.fill(b)
	items := append(r.items[:0], &r.root)
	r.items = items
	for i := range r.m.loops {
		l := &r.m.loops[i]
		var next []Record
		for _, rec := range items {
			outer := rec.(*item)
			r.look(outer)
			found := false
			for _, in := range l.in {
				list, there, err := r.list(in)
				if err != nil {
					return nil, refuse(fmt.Sprintf("items[%d].in", i), err)
				}
				found = found || there
				if len(next)+len(list) > MaxItems {
					return nil, ErrTooManyItems
				}
				for _, member := range list {
					next = append(next, outer.with(l.as, member))
				}
			}
			if !found { // it is something else, which skip or a case may know; else it is refused, and not lost
				next = append(next, outer)
			}
		}
		items = next
	}
	return items, nil
}

// list evaluates a loop's expression. A plain path is looked up as it is in the body, with the digits of its numbers.
// there is false when nothing is there.
func (r *Run) list(e *expression) (list []any, there bool, err error) {
	var v any
	if e.path != "" {
		v = r.rec.(*item).lookUp(e.path)
	} else if v, err = r.run(e); err != nil {
		return nil, false, err
	}
	switch x := v.(type) {
	case nil:
		return nil, false, nil
	case []any:
		return x, true, nil
	case map[string]any: // of XML or a form: a list of one
		return []any{x}, true, nil
	case jsonValue:
		switch x.node().kind {
		case 'n':
			return nil, false, nil
		case '[':
			x.members(func(_ string, member jsonValue) bool {
				list = append(list, member)
				return true
			})
			return list, true, nil
		}
	}
	return nil, false, fmt.Errorf("%q is not a list", clip(e.source))
}

// item is one record of a body: the body's columns, and what the loops bound.
type item struct {
	body  Body
	names []string // sorted
	bound []binding
}

type binding struct {
	name  string
	value any
}

// fill makes it the whole of a body; the names of the one before are overwritten.
func (it *item) fill(b Body) {
	if it.body, it.names = b, it.names[:0]; cap(it.names) > keepNodes {
		it.names = nil
	}
	switch o := b.Value.(type) {
	case jsonValue:
		if o.node().kind == '{' {
			o.members(func(key string, _ jsonValue) bool {
				it.names = append(it.names, key)
				return true
			})
		}
	case map[string]any:
		for name := range o {
			it.names = append(it.names, name)
		}
	}
	slices.Sort(it.names)
	it.names = slices.Compact(it.names)
}

func (it *item) with(name string, value any) *item {
	next := *it
	next.bound = append(slices.Clip(it.bound), binding{name, value})
	if !slices.Contains(it.names, name) {
		next.names = append(slices.Clip(it.names), name)
		slices.Sort(next.names)
	}
	return &next
}

// lookUp finds what a path leads to: in what the loops bound, in the body, or in the request. A value of a JSON body is not made yet.
func (it *item) lookUp(path string) any {
	first, rest, _ := strings.Cut(path, ".")
	for i := len(it.bound) - 1; i >= 0; i-- {
		if b := &it.bound[i]; b.name == first {
			return lookUp(b.value, rest)
		}
	}
	v := lookUp(it.body.Value, first)
	if v != nil {
		return lookUp(v, rest)
	}
	switch first {
	case bodyName:
		return lookUp(it.body.Value, rest)
	case requestName:
		section, name, _ := strings.Cut(rest, ".")
		switch section {
		case "headers":
			return lookUp(it.body.Headers, name)
		case "query":
			return lookUp(it.body.Query, name)
		}
		return nil
	}
	if o, ok := it.body.Value.(map[string]any); ok && rest != "" {
		return o[path] // a form's field may have dots in its name
	}
	return nil
}

// find is lookUp where the path begins in a JSON value, without making anything; ok is false where it begins elsewhere.
func (it *item) find(path string) (v jsonValue, found, ok bool) {
	first, rest, _ := strings.Cut(path, ".")
	for i := len(it.bound) - 1; i >= 0; i-- {
		if b := &it.bound[i]; b.name == first {
			if v, ok = b.value.(jsonValue); !ok {
				return v, false, false
			}
			v, found = v.find(rest)
			return v, found, true
		}
	}
	root, ok := it.body.Value.(jsonValue)
	if !ok {
		return v, false, false
	}
	if v, ok = root.member(first); !ok {
		return v, false, first != bodyName && first != requestName
	}
	v, found = v.find(rest)
	return v, found, true
}

// Column implements Record.
func (it *item) Column(path string) any {
	if v, found, ok := it.find(path); ok {
		if !found {
			return nil
		}
		return v.any()
	}
	found := it.lookUp(path)
	if v, ok := found.(jsonValue); ok {
		return v.any()
	}
	return found
}

// Names implements Record.
func (it *item) Names() []string { return it.names }

var _ Record = (*item)(nil)

// IsRefused tells whether an error says that a record, and not the run, is at fault.
func IsRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}
