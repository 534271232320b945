package mapping

import (
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Expression is an expression that stands in a file beside the mapping. It is over a body and its request.
type Expression struct {
	e         *expression
	functions []string
}

// Function is what an expression may call beside those of the language.
type Function = func(args ...any) (any, error)

// Located is a text that knows where in the file it stands.
type Located struct{ text }

// UnmarshalYAML reads any scalar as a text.
func (l *Located) UnmarshalYAML(n ast.Node) error {
	l.at = positionOf(n)
	return yaml.NodeToValue(n, &l.value)
}

// Given tells whether the text is there.
func (l Located) Given() bool { return l.value != "" }

// String is the text.
func (l Located) String() string { return l.value }

// Errorf makes an error that names the place of the text.
func (l Located) Errorf(format string, args ...any) error {
	return orTop(l.at).errorf(format, args...)
}

// At makes errors that name the place of a node.
func At(n ast.Node) func(format string, args ...any) error {
	at := orTop(positionOf(n))
	return at.errorf
}

// Expression compiles an expression that may call the functions named. Errors are those of Parse.
func (m *Mapping) Expression(source Located, functions ...string) (*Expression, error) {
	c := compiler{m: m, functions: functions}
	e, err := c.expression(source.value, orTop(source.at))
	if err != nil {
		return nil, err
	}
	return &Expression{e, functions}, nil
}

// Eval evaluates the expression with its functions.
func (r *Run) Eval(x *Expression, b Body, functions map[string]Function) (any, error) {
	for _, name := range x.functions {
		r.env[name] = functions[name]
		defer delete(r.env, name)
	}
	r.root.fill(b)
	r.look(&r.root)
	return r.run(x.e)
}

// Holds evaluates a condition; what is missing fulfils nothing.
func (r *Run) Holds(x *Expression, b Body) (bool, error) {
	r.root.fill(b)
	r.look(&r.root)
	return r.holds(x.e)
}

// Text looks a path up in a body; empty when no scalar is there.
func Text(b Body, path string) string {
	s, err := asText((&item{body: b}).Column(path))
	if err != nil {
		return ""
	}
	return s
}

// allowed says which functions an expression may call.
func (c *compiler) allowed(called []string, source string, at position) error {
	known := []string{firstOf, occurrence, rowHash}
	if c.m.Format.isBody() {
		known = []string{rowHash}
	}
	for _, name := range called {
		switch {
		case slices.Contains(known, name) || slices.Contains(c.functions, name) || textFunctions[name] != nil:
		case name == firstOf || name == occurrence:
			return at.errorf("expression %q: %s is for files; a body knows nothing of others", source, name)
		default:
			return at.errorf("expression %q: there is no function %s", source, name)
		}
	}
	return nil
}
