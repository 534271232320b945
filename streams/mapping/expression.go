package mapping

import (
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// expression is a compiled expression and what it wants to know of the record.
type expression struct {
	source  string
	program *vm.Program
	direct  direct // the same without the machine; nil where there is no such
	columns []string
	row     bool   // it looks columns up by name
	path    string // of the column that it is and nothing else; else empty
}

// functions of a Run; see the package comment.
const (
	firstOf    = "first_of"
	occurrence = "occurrence"
	rowHash    = "row_hash"
	rowName    = "row"
)

// Mapping the same record twice must give the same touchpoint, so what depends on the clock or on the order in which
// a map happens to be walked is not there.
var forbidden = []string{"now", "keys", "values", "toPairs"}

const maxNodes = 2000 // of one expression: far more than anybody writes

func (c *compiler) expression(source string, at position) (*expression, error) {
	n := &names{declared: declarations{}}
	options := []expr.Option{expr.AllowUndefinedVariables(), expr.MaxNodes(maxNodes), expr.Patch(n.declared), expr.Patch(fold{n.declared}), expr.Patch(n)}
	for _, f := range forbidden {
		options = append(options, expr.DisableBuiltin(f))
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		var located *file.Error
		if errors.As(err, &located) {
			return nil, at.errorf("expression %q, at its character %d: %s", source, located.Column+1, located.Message)
		}
		return nil, at.errorf("expression %q: %w", source, err)
	}
	e := &expression{source: source, program: program}
	if err := c.allowed(n.called, source, at); err != nil {
		return nil, err
	}
	if root, ok := program.Node().(*ast.IdentifierNode); ok && root.Value != rowName {
		e.path = bare(root.Value)
	}
	for _, name := range n.seen {
		switch {
		case n.declared[name] || slices.Contains(n.called, name):
		case name == "$env":
			return nil, at.errorf("expression %q: $env is not there; say %s", source, rowName)
		case name == rowName:
			e.row = true
		default:
			e.columns = append(e.columns, name)
			c.m.used = append(c.m.used, column{bare(name), at})
		}
	}
	if !e.row {
		e.direct = directly(program.Node())
	}
	return e, nil
}

// names collects the identifiers of an expression.
type names struct {
	seen     []string
	called   []string
	declared declarations
}

// Visit implements ast.Visitor.
func (n *names) Visit(node *ast.Node) {
	switch v := (*node).(type) {
	case *ast.IdentifierNode:
		if !slices.Contains(n.seen, v.Value) {
			n.seen = append(n.seen, v.Value)
		}
	case *ast.CallNode:
		if f, ok := v.Callee.(*ast.IdentifierNode); ok && !slices.Contains(n.called, f.Value) {
			n.called = append(n.called, f.Value)
		}
	}
}

// run evaluates the expression over the current record.
func (r *Run) run(e *expression) (any, error) {
	for _, name := range e.columns { // several expressions ask for the same
		if r.known[name] != r.looked {
			r.env[name], r.known[name] = r.variable(bare(name)), r.looked
		}
	}
	if e.row {
		clear(r.row)
		for _, name := range r.rec.Names() {
			r.row[name] = r.variable(name)
		}
	}
	out, err := r.vm.Run(e.program, r.env)
	if err != nil {
		if r.fatal != nil {
			return nil, r.fatal
		}
		var located *file.Error
		if errors.As(err, &located) {
			err = errors.New(located.Message)
		}
		return nil, fmt.Errorf("expression %q: %w", clip(e.source), err)
	}
	return out, nil
}

// holds evaluates a condition. Nil counts as false: what is missing fulfils nothing.
func (r *Run) holds(e *expression) (bool, error) {
	if e == nil {
		return true, nil
	}
	if e.direct != nil {
		if s, ok := e.direct(r); ok && (s.kind == boolean || s.kind == nothing) {
			return s.isTrue(), nil
		}
	}
	v, err := r.run(e)
	if err != nil || v == nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("condition %q is %v, neither true nor false", clip(e.source), v)
	}
	return b, nil
}
