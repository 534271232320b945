package mapping

import (
	"fmt"
	"slices"
	"strings"
)

// Splits tells whether a record of a file may be several touchpoints, as a call is that has a beginning and an end in one row.
func (m *Mapping) Splits() bool { return len(m.loops) > 0 && !m.Format.isBody() }

// Split are the records that a record of a file is, in their order, for Append: one, unless the mapping says items. The error is
// a *Refused where the record is not as the mapping expects, or ErrTooManyItems.
func (r *Run) Split(rec Record) ([]Record, error) {
	records := []Record{rec}
	for i := range r.m.loops {
		l := &r.m.loops[i]
		var next []Record
		for _, outer := range records {
			r.look(outer)
			for _, in := range l.in {
				v, err := r.run(in)
				if err != nil {
					return nil, refuse(fmt.Sprintf("items[%d].in", i), err)
				}
				list, ok := v.([]any)
				if v != nil && !ok {
					return nil, &Refused{Field: fmt.Sprintf("items[%d].in", i), Reason: fmt.Sprintf("%q is not a list", clip(in.source))}
				}
				if len(next)+len(list) > MaxItems {
					return nil, ErrTooManyItems
				}
				for _, member := range list {
					next = append(next, newMember(outer, l.as, member))
				}
			}
		}
		records = next
	}
	return records, nil
}

// member is a record together with what a loop bound.
type member struct {
	Record
	as    string
	value any
	names []string
}

func newMember(rec Record, as string, value any) member {
	names := rec.Names()
	if !slices.Contains(names, as) {
		names = append(slices.Clip(names), as)
		slices.Sort(names)
	}
	return member{rec, as, value, names}
}

// Column implements Record.
func (m member) Column(path string) any {
	if first, rest, _ := strings.Cut(path, "."); first == m.as {
		return lookUp(m.value, rest)
	}
	return m.Record.Column(path)
}

// Names implements Record.
func (m member) Names() []string { return m.names }
