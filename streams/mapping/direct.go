package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// direct is an expression as a function of Go. Most expressions compare, choose and join a few texts; to call functions for that costs
// a fraction of what the machine of the language costs, with its stack of interfaces. It answers only where nothing out of
// the ordinary is met: ok is false for operands of other types, and then the machine, whose word is the rule, is asked.
type direct func(r *Run) (out scalar, ok bool)

// directly compiles a node; nil where it holds something that only the machine knows.
func directly(n ast.Node) direct {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(scalar{})
	case *ast.StringNode:
		return constant(scalar{words, n.Value})
	case *ast.BoolNode:
		return constant(truth(n.Value))
	case *ast.IdentifierNode:
		name := bare(n.Value)
		return func(r *Run) (scalar, bool) { return r.scalar(name) }
	case *ast.UnaryNode:
		return negation(n)
	case *ast.BinaryNode:
		return operation(n)
	case *ast.ConditionalNode:
		return choice(n)
	case *ast.BuiltinNode:
		return conversion(n)
	}
	return nil
}

func constant(s scalar) direct { return func(*Run) (scalar, bool) { return s, true } }

func negation(n *ast.UnaryNode) direct {
	inner := directly(n.Node)
	if inner == nil || n.Operator != "!" && n.Operator != "not" {
		return nil
	}
	return func(r *Run) (scalar, bool) {
		v, ok := inner(r)
		return truth(!v.isTrue()), ok && v.kind == boolean
	}
}

func choice(n *ast.ConditionalNode) direct {
	condition, yes, no := directly(n.Cond), directly(n.Exp1), directly(n.Exp2)
	if condition == nil || yes == nil || no == nil {
		return nil
	}
	return func(r *Run) (scalar, bool) {
		c, ok := condition(r)
		switch {
		case !ok || c.kind != boolean:
			return scalar{}, false
		case c.isTrue():
			return yes(r)
		}
		return no(r)
	}
}

// conversion knows the functions of one text that stay texts.
func conversion(n *ast.BuiltinNode) direct {
	if len(n.Arguments) != 1 {
		return nil
	}
	inner := directly(n.Arguments[0])
	if inner == nil {
		return nil
	}
	var f func(string) string
	switch n.Name {
	case "lower":
		f = strings.ToLower
	case "upper":
		f = strings.ToUpper
	case "trim":
		f = strings.TrimSpace
	case "string":
		return func(r *Run) (scalar, bool) {
			v, ok := inner(r)
			return scalar{words, v.text}, ok && (v.kind == words || v.kind == boolean || v.kind == digits && v.whole())
		}
	default:
		return nil
	}
	return func(r *Run) (scalar, bool) {
		v, ok := inner(r)
		if !ok || v.kind != words {
			return scalar{}, false
		}
		return scalar{words, f(v.text)}, true
	}
}

func operation(n *ast.BinaryNode) direct {
	if n.Operator == "in" {
		return membership(n)
	}
	left, right := directly(n.Left), directly(n.Right)
	if left == nil || right == nil {
		return nil
	}
	switch n.Operator {
	case "==":
		return comparison(left, right, true)
	case "!=":
		return comparison(left, right, false)
	case "&&", "and":
		return connective(left, right, false)
	case "||", "or":
		return connective(left, right, true)
	case "??":
		return func(r *Run) (scalar, bool) {
			v, ok := left(r)
			if !ok || v.kind != nothing {
				return v, ok
			}
			return right(r)
		}
	case "+":
		return ofTexts(left, right, func(a, b string) scalar { return scalar{words, a + b} })
	case "startsWith":
		return ofTexts(left, right, func(a, b string) scalar { return truth(strings.HasPrefix(a, b)) })
	case "endsWith":
		return ofTexts(left, right, func(a, b string) scalar { return truth(strings.HasSuffix(a, b)) })
	case "contains":
		return ofTexts(left, right, func(a, b string) scalar { return truth(strings.Contains(a, b)) })
	}
	return nil
}

func ofTexts(left, right direct, f func(a, b string) scalar) direct {
	return func(r *Run) (scalar, bool) {
		a, ok := left(r)
		if !ok || a.kind != words {
			return scalar{}, false
		}
		b, ok := right(r)
		if !ok || b.kind != words {
			return scalar{}, false
		}
		return f(a.text, b.text), true
	}
}

// comparison leaves two numbers, and two objects or lists, to the machine: how they are written does not tell.
func comparison(left, right direct, equal bool) direct {
	return func(r *Run) (scalar, bool) {
		a, ok := left(r)
		if !ok {
			return scalar{}, false
		}
		b, ok := right(r)
		switch {
		case !ok || a.kind == b.kind && (a.kind == digits || a.kind == composite):
			return scalar{}, false
		case a.kind == digits && !a.whole() || b.kind == digits && !b.whole(): // too large for a number, they are texts
			return scalar{}, false
		}
		return truth((a == b) == equal), true
	}
}

// connective is and, which stops at false, or or, which stops at true.
func connective(left, right direct, stops bool) direct {
	return func(r *Run) (scalar, bool) {
		a, ok := left(r)
		if !ok || a.kind != boolean || a.isTrue() == stops {
			return a, ok && a.kind == boolean
		}
		b, ok := right(r)
		return b, ok && b.kind == boolean
	}
}

// membership is in, of a list of texts that is written out, perhaps with nil among them.
func membership(n *ast.BinaryNode) direct {
	left := directly(n.Left)
	texts, withNil, ok := written(n.Right)
	if left == nil || !ok {
		return nil
	}
	return func(r *Run) (scalar, bool) {
		v, ok := left(r)
		switch {
		case !ok || v.kind != words && (v.kind != nothing || !withNil):
			return scalar{}, false
		case v.kind == nothing:
			return truth(true), true
		}
		return truth(slices.Contains(texts, v.text)), true
	}
}

// written are the members of a list of texts and nil.
func written(n ast.Node) (texts []string, withNil, ok bool) {
	switch list := n.(type) {
	case *ast.ConstantNode:
		set, ok := list.Value.(map[string]struct{}) // what the compiler makes of nothing but texts
		return slices.Collect(maps.Keys(set)), false, ok
	case *ast.ArrayNode:
		for _, member := range list.Nodes {
			switch m := member.(type) {
			case *ast.StringNode:
				texts = append(texts, m.Value)
			case *ast.NilNode:
				withNil = true
			default:
				return nil, false, false
			}
		}
		return texts, withNil, true
	}
	return nil, false, false
}
