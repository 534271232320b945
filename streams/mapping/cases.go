package mapping

import (
	"fmt"
	"maps"
	"slices"
)

// compiledLoop binds the members of a list, one after the other, to a name.
type compiledLoop struct {
	as string
	in []*expression // lists, one after the other
}

type compiledSkip struct {
	when    *expression
	because string
}

// compiledCase are the fields of the records that a condition holds for.
type compiledCase struct {
	when   *expression // nil: always
	fields fields
}

// loops compiles items. A later loop sees what the earlier ones bind.
func (c *compiler) loops(f *Document) error {
	for i := range f.Items {
		l, name := &f.Items[i], fmt.Sprintf("items[%d]", i)
		if l.As == "" || len(l.In) == 0 {
			return position{1, 1}.errorf("%s: say as, which names the member, and in, which is the list", name)
		}
		if reserved(l.As) {
			return orTop(l.In[0].at).errorf("%s.as: %q is taken", name, l.As)
		}
		loop := compiledLoop{as: l.As}
		for _, in := range l.In {
			e, err := c.expression(in.value, orTop(in.at))
			if err != nil {
				return fmt.Errorf("%w (%s.in)", err, name)
			}
			for _, name := range e.columns { // each member is a touchpoint of its own
				c.looped = append(c.looped, bare(name))
			}
			loop.in = append(loop.in, e)
		}
		c.m.loops = append(c.m.loops, loop)
	}
	return nil
}

func (c *compiler) skips(f *Document) error {
	for i := range f.Skip {
		s, name := &f.Skip[i], fmt.Sprintf("skip[%d]", i)
		if s.Because == "" || s.When.value == "" {
			return orTop(s.When.at).errorf("%s: say when, and because, which users read", name)
		}
		e, err := c.expression(s.When.value, s.When.at)
		if err != nil {
			return fmt.Errorf("%w (%s.when)", err, name)
		}
		c.m.skips = append(c.m.skips, compiledSkip{e, s.Because})
	}
	return nil
}

// cases compiles the fields: once for a file without cases, else for each of them.
func (c *compiler) cases(f *Document) error {
	from := f.Cases
	if len(from) == 0 {
		from = []caseSpec{{}}
	}
	for i := range from {
		s := &from[i]
		s.Touchpoint.over(&f.Touchpoint)
		var to compiledCase
		if s.When.value != "" {
			e, err := c.expression(s.When.value, s.When.at)
			if err != nil {
				return fmt.Errorf("%w (cases[%d].when)", err, i)
			}
			to.when = e
		}
		if err := c.fields(&s.Touchpoint, &to.fields); err != nil {
			if len(f.Cases) > 0 {
				return fmt.Errorf("%w (cases[%d])", err, i)
			}
			return err
		}
		c.m.cases = append(c.m.cases, to)
	}
	for _, name := range slices.Sorted(maps.Keys(c.tables)) {
		if !c.named[name] {
			return position{1, 1}.errorf("tables.%s: no field looks into it", name)
		}
	}
	return nil
}

// takes notes a value that a field takes over as it is.
func (c *compiler) takes(v *value) {
	if v.when != nil || v.table != nil {
		return
	}
	switch {
	case v.column != "":
		c.taken = append(c.taken, v.column)
	case v.expr != nil && v.expr.path != "":
		c.taken = append(c.taken, v.expr.path)
	}
}
