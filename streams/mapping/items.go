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
	return slices.Contains([]string{rowName, bodyName, requestName, firstOf, occurrence, rowHash}, name)
}

// Body is a body and the request that brought it.
type Body struct {
	Value any // of ParseBody
	// Headers by their names in lower case, and the parameters of the query: maps, lists and texts.
	Headers, Query map[string]any
}

// MaxItems is how many touchpoints one body may hold.
const MaxItems = 10_000

// ErrTooManyItems is returned by Items.
var ErrTooManyItems = fmt.Errorf("mapping: more than %d touchpoints in one body", MaxItems)

// Items are the records in a body, in their order: one, unless the mapping says items. The error is a *Refused where the body is
// not as the mapping expects, or ErrTooManyItems.
func (r *Run) Items(b Body) ([]Record, error) {
	items := []Record{newItem(b)}
	for i := range r.m.loops {
		l := &r.m.loops[i]
		var next []Record
		for _, rec := range items {
			outer := rec.(*item)
			r.rec = outer
			v, err := r.runRaw(l.in)
			if err != nil {
				return nil, refuse(fmt.Sprintf("items[%d].in", i), err)
			}
			list, ok := v.([]any)
			if v != nil && !ok {
				return nil, &Refused{Field: fmt.Sprintf("items[%d].in", i), Reason: fmt.Sprintf("%q is not a list", clip(l.in.source))}
			}
			if len(next)+len(list) > MaxItems {
				return nil, ErrTooManyItems
			}
			for _, member := range list {
				next = append(next, outer.with(l.as, member))
			}
		}
		items = next
	}
	return items, nil
}

// runRaw is run, but a plain path comes as it is in the body, with the digits of its numbers.
func (r *Run) runRaw(e *expression) (any, error) {
	if e.path != "" {
		return r.column(e.path), nil
	}
	return r.run(e)
}

// item is one record of a body: the body's columns, and what the loops bound.
type item struct {
	body   Body
	object map[string]any // the body, when it is one
	names  []string       // sorted
	bound  []binding
}

type binding struct {
	name  string
	value any
}

func newItem(b Body) *item {
	root := &item{body: b}
	if o, ok := b.Value.(map[string]any); ok {
		root.object = o
		for name := range o {
			root.names = append(root.names, name)
		}
		slices.Sort(root.names)
	}
	return root
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

// Column implements Record.
func (it *item) Column(path string) any {
	first, rest, _ := strings.Cut(path, ".")
	for i := len(it.bound) - 1; i >= 0; i-- {
		if b := &it.bound[i]; b.name == first {
			return lookUp(b.value, rest)
		}
	}
	switch first {
	case bodyName:
		if it.object == nil || it.object[bodyName] == nil {
			return lookUp(it.body.Value, rest)
		}
	case requestName:
		if it.object == nil || it.object[requestName] == nil {
			section, name, _ := strings.Cut(rest, ".")
			switch section {
			case "headers":
				return lookUp(it.body.Headers, name)
			case "query":
				return lookUp(it.body.Query, name)
			}
			return nil
		}
	}
	if v, ok := it.object[path]; ok {
		return v
	}
	return lookUp(it.object, path)
}

// Names implements Record.
func (it *item) Names() []string { return it.names }

var _ Record = (*item)(nil)

// IsRefused tells whether an error says that a record, and not the run, is at fault.
func IsRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}
