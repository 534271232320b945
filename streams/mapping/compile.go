package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// value is a compiled spec. The zero value means a field that the mapping does not fill.
type value struct {
	set      bool
	constant any
	column   string
	expr     *expression
	table    *table
	name     string // of the table
	fallback any
	when     *expression
}

// fields are the compiled fields of a touchpoint.
type fields struct {
	id, time, channel, direction, kind      value
	actorType, actorID, actorName           value
	identifiers                             []identifier
	threads                                 []thread
	subject, text, language, topic, team    value
	tags                                    []value
	account, source, ratingScale, ratingVal value
	properties                              properties
}

type identifier struct {
	typ, value value
	verified   *bool
	when       *expression
}

type thread struct {
	scheme, value value
	when          *expression
}

// properties are the columns that are kept beside the fields.
type properties struct {
	set   bool
	all   bool            // every column but those in omit
	omit  map[string]bool // columns, and for JSON the first parts of paths
	names []string        // when not all
	// untaken are the values that no field takes as it is, at any depth; what is in the tree is left out.
	untaken *tree
	added   []addedProperty
}

type addedProperty struct {
	name  string
	value value
}

type compiler struct {
	m         *Mapping
	tables    map[string]table
	named     map[string]bool // tables that a value uses
	taken     []string        // columns that a field of the current case takes as they are
	functions []string        // that expressions may call beside those of the language
	looped    []string        // columns that items goes over
}

// fields compiles the fields of a touchpoint.
func (c *compiler) fields(t *touchpointSpec, out *fields) error {
	c.taken = slices.Clone(c.looped)
	for _, v := range []struct {
		name     string
		from     *spec
		to       *value
		required bool
	}{
		{"id", &t.ID, &out.id, c.m.Format.isBody()},
		{"time", &t.Time, &out.time, !c.m.Format.isBody()},
		{"channel", &t.Channel, &out.channel, true},
		{"direction", &t.Direction, &out.direction, true},
		{"kind", &t.Kind, &out.kind, true},
		{"actor.type", &t.Actor.Type, &out.actorType, true},
		{"actor.id", &t.Actor.ID, &out.actorID, false},
		{"actor.name", &t.Actor.Name, &out.actorName, false},
		{"subject", &t.Subject, &out.subject, false},
		{"text", &t.Text, &out.text, false},
		{"language", &t.Language, &out.language, false},
		{"topic", &t.Topic, &out.topic, false},
		{"team", &t.Team, &out.team, false},
		{"account", &t.Account, &out.account, false},
		{"source", &t.Source, &out.source, false},
	} {
		if err := c.value(v.name, v.from, v.to); err != nil {
			return err
		}
		c.takes(v.to)
		if v.required && !v.to.set {
			return position{1, 1}.errorf("touchpoint.%s: every touchpoint needs one", v.name)
		}
	}
	if err := c.lists(t, out); err != nil {
		return err
	}
	if t.Rating != nil {
		if err := c.required("rating.scale", &t.Rating.Scale, &out.ratingScale); err != nil {
			return err
		}
		if err := c.required("rating.value", &t.Rating.Value, &out.ratingVal); err != nil {
			return err
		}
	}
	return c.properties(t.Properties, out)
}

func (c *compiler) lists(t *touchpointSpec, out *fields) error {
	for i := range t.Identifiers {
		from, name := &t.Identifiers[i], fmt.Sprintf("identifiers[%d]", i)
		to := identifier{verified: from.Verified}
		if err := c.required(name+".type", &from.Type, &to.typ); err != nil {
			return err
		}
		if err := c.required(name+".value", &from.Value, &to.value); err != nil {
			return err
		}
		if err := c.condition(name, from.When.value, from.When.at, &to.when); err != nil {
			return err
		}
		if to.when == nil {
			c.takes(&to.value)
		}
		out.identifiers = append(out.identifiers, to)
	}
	for i := range t.Thread {
		from, name := &t.Thread[i], fmt.Sprintf("thread[%d]", i)
		var to thread
		if err := c.required(name+".scheme", &from.Scheme, &to.scheme); err != nil {
			return err
		}
		if err := c.required(name+".value", &from.Value, &to.value); err != nil {
			return err
		}
		if err := c.condition(name, from.When.value, from.When.at, &to.when); err != nil {
			return err
		}
		out.threads = append(out.threads, to)
	}
	if len(out.identifiers) == 0 && len(out.threads) == 0 {
		return position{1, 1}.errorf("touchpoint: it needs identifiers or a thread, else it belongs to nobody")
	}
	for i := range t.Tags {
		var to value
		if err := c.required(fmt.Sprintf("tags[%d]", i), &t.Tags[i], &to); err != nil {
			return err
		}
		out.tags = append(out.tags, to)
	}
	return nil
}

func (c *compiler) required(name string, from *spec, to *value) error {
	if err := c.value(name, from, to); err != nil {
		return err
	}
	if !to.set {
		return orTop(from.at).errorf("touchpoint.%s: it is empty", name)
	}
	return nil
}

// value compiles one spec.
func (c *compiler) value(name string, from *spec, to *value) error {
	ways := 0
	for _, given := range []bool{from.Const != nil, from.Column != "", from.Expr != ""} {
		if given {
			ways++
		}
	}
	if ways == 0 && from.at == (position{}) {
		return nil
	}
	field := "touchpoint." + name
	if ways != 1 {
		return orTop(from.at).errorf("%s: say exactly one of a constant, column and expr", field)
	}
	to.set, to.constant, to.column = true, from.Const, from.Column
	if !isScalar(from.Const) || !isScalar(from.Default) {
		return from.at.errorf("%s: a constant is a text, a number or a boolean", field)
	}
	to.fallback = from.Default
	if from.Column != "" {
		c.m.used = append(c.m.used, column{from.Column, from.at})
	}
	if from.Expr != "" {
		e, err := c.expression(from.Expr, from.at)
		if err != nil {
			return fmt.Errorf("%w (%s)", err, field)
		}
		to.expr = e
	}
	if from.Table != "" {
		t, ok := c.tables[from.Table]
		if !ok {
			return from.at.errorf("%s: there is no table %q; there are %q", field, from.Table, slices.Sorted(maps.Keys(c.tables)))
		}
		to.table, to.name = &t, from.Table
		if c.named == nil {
			c.named = map[string]bool{}
		}
		c.named[from.Table] = true
	}
	return c.condition(name, from.When, from.at, &to.when)
}

func (c *compiler) condition(name, source string, at position, to **expression) error {
	if source == "" {
		return nil
	}
	e, err := c.expression(source, at)
	if err != nil {
		return fmt.Errorf("%w (touchpoint.%s, when)", err, name)
	}
	*to = e
	return nil
}

// properties compiles which columns are kept. It comes last, because rest means those no field used.
func (c *compiler) properties(p *propertySpec, f *fields) error {
	out := &f.properties
	if p == nil {
		if c.m.Format.isBody() { // what nobody mapped is kept
			out.set, out.untaken = true, treeOf(c.taken)
		}
		return nil
	}
	out.set = true
	switch p.Columns.word {
	case "all":
		out.all, out.omit = true, map[string]bool{}
	case "rest":
		out.all, out.omit = true, map[string]bool{}
		for _, u := range c.m.used {
			out.omit[u.name] = true
			if first, _, isPath := strings.Cut(u.name, "."); isPath && c.m.Format == NDJSON {
				out.omit[first] = true
			}
		}
	case "untaken":
		out.untaken = treeOf(append(c.taken, p.Except...))
		return c.added(p, out)
	case "":
		out.names = p.Columns.names
		for _, n := range out.names {
			c.m.used = append(c.m.used, column{n, p.at})
		}
	default:
		return p.at.errorf("touchpoint.properties.columns: %q is none of all, rest, untaken and a list of columns", p.Columns.word)
	}
	for _, n := range p.Except {
		if !out.all {
			return p.at.errorf("touchpoint.properties.except: only with columns all or rest")
		}
		out.omit[n] = true
		c.m.used = append(c.m.used, column{n, p.at})
	}
	return c.added(p, out)
}

func (c *compiler) added(p *propertySpec, out *properties) error {
	for _, name := range slices.Sorted(maps.Keys(p.Add)) {
		from := p.Add[name]
		if slices.Contains(out.names, name) {
			return orTop(from.at).errorf("touchpoint.properties.add.%s: it is in columns already", name)
		}
		if out.all {
			out.omit[name] = true // an added property takes the place of a column
		}
		a := addedProperty{name: name}
		if err := c.required("properties.add."+name, &from, &a.value); err != nil {
			return err
		}
		out.added = append(out.added, a)
	}
	return nil
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, string, bool, int, int64, uint64, float64:
		return true
	}
	return false
}

func orTop(at position) position {
	if at == (position{}) {
		return position{1, 1}
	}
	return at
}
