package mapping

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// machineOf is what the machine of the language makes of an expression.
func machineOf(r *Run, e *expression) (out any, err error) {
	defer func(d direct) { e.direct = d }(e.direct)
	e.direct = nil
	return r.run(e)
}

// TestDirectSaysWhatTheMachineSays compares the two ways of an expression, for expressions and bodies that are drawn.
func TestDirectSaysWhatTheMachineSays(t *testing.T) {
	leaf := rapid.SampledFrom([]string{"a", "b", "c.d", "c.d[0]", "e", "n", "f", "big", "type", `"x"`, `""`, `"X y"`, `"12"`, "nil", "true", "false", `request.query["q"]`, "body.a"})
	var expression func(depth int) *rapid.Generator[string]
	expression = func(depth int) *rapid.Generator[string] {
		if depth == 0 {
			return leaf
		}
		return rapid.Custom(func(t *rapid.T) string {
			inner := func() string { return expression(rapid.IntRange(0, depth-1).Draw(t, "depth")).Draw(t, "inner") }
			switch rapid.IntRange(0, 5).Draw(t, "sort") {
			case 0:
				return inner()
			case 1:
				operators := []string{"==", "!=", "&&", "||", "??", "+", "startsWith", "endsWith", "contains", "and", "or"}
				return fmt.Sprintf("(%s) %s (%s)", inner(), rapid.SampledFrom(operators).Draw(t, "operator"), inner())
			case 2:
				return fmt.Sprintf("!(%s)", inner())
			case 3:
				return fmt.Sprintf("(%s) ? (%s) : (%s)", inner(), inner(), inner())
			case 4:
				return fmt.Sprintf("%s(%s)", rapid.SampledFrom([]string{"lower", "upper", "trim", "string"}).Draw(t, "function"), inner())
			}
			return fmt.Sprintf("(%s) %s %s", inner(), rapid.SampledFrom([]string{"in", "not in"}).Draw(t, "in"),
				rapid.SampledFrom([]string{`["x", "12"]`, `[nil, "x"]`, `["x"]`, `[nil, 12]`, `[]`}).Draw(t, "list"))
		})
	}
	value := rapid.SampledFrom([]string{`"x"`, `"X y"`, `""`, `" x "`, `"ß"`, "null", "true", "false", "12", "-0", "12.0", "1e3", "1e999", "12345678901234567890", "[]", `{}`, `["x"]`, `"-"`})
	compared, answered := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		m := &Mapping{Format: JSON, missing: map[string]bool{"-": true}}
		c := &compiler{m: m}
		e, err := c.expression(expression(3).Draw(t, "expression"), position{1, 1})
		if err != nil {
			return // of types that cannot fit
		}
		var members []string
		for _, name := range []string{"a", "b", "e", "n", "f", "big", "type"} {
			if rapid.Bool().Draw(t, name) {
				members = append(members, fmt.Sprintf("%q:%s", name, value.Draw(t, "value")))
			}
		}
		members = append(members, fmt.Sprintf(`"c":{"d":%s}`, value.Draw(t, "value")))
		r := m.NewRun(nil)
		body, err := r.Parse("", []byte("{"+strings.Join(members, ",")+"}"))
		if err != nil {
			t.Fatal(err)
		}
		r.root.fill(Body{Value: body, Query: map[string]any{"q": "x"}})
		r.look(&r.root)
		compared++
		if e.direct == nil {
			return
		}
		got, ok := e.direct(r)
		if !ok {
			return
		}
		answered++
		said, err := machineOf(r, e)
		if err != nil {
			t.Fatalf("%s: %+v, but the machine says %v", e.source, got, err)
		}
		want, ok := scalarOf(said)
		if got.kind == digits && !got.whole() {
			return // the machine is asked for its digits
		}
		if !ok || want != got {
			t.Fatalf("%s over %v: %+v, but the machine says %#v", e.source, members, got, said)
		}
	})
	if answered*10 < compared {
		t.Errorf("only %d of %d expressions were answered directly", answered, compared)
	}
}

// TestCommonExpressionsAreDirect keeps what the sources say most often away from the machine.
func TestCommonExpressionsAreDirect(t *testing.T) {
	for _, source := range []string{
		`"zendesk:" + id`, `lower(detail.via.channel ?? "")`, `type == "zen:event-type:ticket.created"`, `event.comment.is_public ? "message" : "note"`,
		`!event.comment.is_public ? "internal" : event.comment.author.is_staff ? "outbound" : "inbound"`, `"shopify-" + string(order_id)`,
		`event.type not in [nil, "message"]`, `request.headers["x-topic"] in ["a", "b"]`, `topic != nil && !(topic startsWith "conversation.")`,
	} {
		c := &compiler{m: &Mapping{Format: JSON}}
		if e, err := c.expression(source, position{1, 1}); err != nil || e.direct == nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}
