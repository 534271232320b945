package mapping

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
)

// fold turns a.b[0].c into one variable, "a.b.0.c", which is looked up as a path: nil where a part is missing, so that
// expressions need not ask for each part whether it is there.
type fold struct{ declared map[string]bool }

// Visit implements ast.Visitor; inner nodes come first.
func (f fold) Visit(node *ast.Node) {
	if id, ok := (*node).(*ast.IdentifierNode); ok {
		if _, taken := builtin.Index[id.Value]; taken && !f.declared[id.Value] {
			ast.Patch(node, &ast.IdentifierNode{Value: shadow + id.Value})
		}
		return
	}
	m, ok := (*node).(*ast.MemberNode)
	if !ok || m.Method {
		return
	}
	base, ok := m.Node.(*ast.IdentifierNode)
	if !ok || base.Value == rowName || base.Value == "$env" || f.declared[base.Value] {
		return
	}
	part := ""
	switch p := m.Property.(type) {
	case *ast.StringNode:
		part = p.Value
	case *ast.IntegerNode:
		if p.Value >= 0 {
			part = strconv.Itoa(p.Value)
		}
	}
	if part == "" || strings.Contains(part, ".") {
		return
	}
	ast.Patch(node, &ast.IdentifierNode{Value: base.Value + "." + part})
}

// shadow marks a variable that has the name of a function of the language, such as type: where it is not called, the
// column is meant.
const shadow = " "

// bare is the name of the column.
func bare(variable string) string { return strings.TrimPrefix(variable, shadow) }

// declarations collects what let names, before anything else looks at the expression.
type declarations map[string]bool

// Visit implements ast.Visitor.
func (d declarations) Visit(node *ast.Node) {
	if v, ok := (*node).(*ast.VariableDeclaratorNode); ok {
		d[v.Name] = true
	}
}

// lookUp follows a path such as "customer.emails.0" into objects and arrays.
func lookUp(at any, path string) any {
	for path != "" {
		var part string
		part, path, _ = strings.Cut(path, ".")
		switch v := at.(type) {
		case jsonValue:
			member, ok := v.member(part)
			if !ok {
				return nil
			}
			at = member
		case map[string]any:
			at = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// tree holds paths: a leaf means the value there, whole.
type tree struct{ parts map[string]*tree }

func treeOf(paths []string) *tree {
	root := &tree{parts: map[string]*tree{}}
	for _, p := range paths {
		at := root
		for part := range strings.SplitSeq(p, ".") {
			if at.leaf() {
				break // the whole is in it already
			}
			next := at.parts[part]
			if next == nil {
				next = &tree{parts: map[string]*tree{}}
				at.parts[part] = next
			}
			at = next
		}
		at.parts = nil // whole
	}
	return root
}

// leaf tells whether the value here is meant, whole.
func (t *tree) leaf() bool { return t != nil && t.parts == nil }

func (t *tree) at(part string) *tree {
	if t == nil {
		return nil
	}
	return t.parts[part]
}

// without is v but for what is in the tree; nil when nothing is left.
func (t *tree) without(v any) any {
	if t == nil {
		return v
	}
	if t.leaf() {
		return nil
	}
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, member := range x {
			if left := t.at(name).without(member); left != nil {
				out[name] = left
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(x))
		for i, member := range x {
			if left := t.at(strconv.Itoa(i)).without(member); left != nil {
				out = append(out, left)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

// untaken writes what no field took. What a mapping adds takes the place of a column of that name.
func (w *writer) untaken(t *tree, added []addedProperty) {
	names := w.run.rec.Names()
	it, isItem := w.run.rec.(*item)
	for _, name := range names {
		if slices.ContainsFunc(added, func(a addedProperty) bool { return a.name == name }) {
			continue
		}
		if isItem {
			if v, found, ok := it.find(name); ok && found {
				w.json(name, v, t.at(name))
				continue
			}
		}
		w.property(name, t.at(name).without(w.run.column(name)))
	}
}

// json writes a value of a body as it came, but for what is in the tree and for marks that mean nothing.
func (w *writer) json(name string, v jsonValue, t *tree) {
	n := v.node()
	if w.err != nil || n.kind == 'n' || n.kind == '"' && w.run.m.missing[n.text] {
		return
	}
	before := len(w.b)
	w.foreign(name)
	from := len(w.b)
	if w.b = v.appendWithout(w.b, t); len(w.b) == from {
		w.b = w.b[:before]
	}
}

// numbers makes of a JSON value what expressions calculate with: numbers in place of their digits, at any depth.
func numbers(v any) any {
	switch x := v.(type) {
	case jsonValue:
		return numbers(x.any())
	case json.Number:
		if i, err := strconv.ParseInt(string(x), 10, 0); err == nil {
			return int(i)
		}
		if f, err := x.Float64(); err == nil {
			return f
		}
		return string(x)
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, member := range x {
			out[name] = numbers(member)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, member := range x {
			out[i] = numbers(member)
		}
		return out
	}
	return v
}
