package identity

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// unreadable says in one line where the YAML is none, or not what rules are made of.
func unreadable(data []byte, err error) error {
	var bad yaml.Error
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: line 1: there is nothing in it", ErrBadRules)
	case !errors.As(err, &bad) || bad.GetToken() == nil || bad.GetToken().Position == nil:
		return fmt.Errorf("%w: line 1: %w", ErrBadRules, err)
	}
	reason := bad.GetMessage()
	if mismatch := (*yaml.TypeError)(nil); errors.As(err, &mismatch) {
		reason = fmt.Sprintf("want %s, got %s", mismatch.DstType, mismatch.SrcType)
	}
	return badAt(data, bad.GetToken().Position, reason)
}

// checkShape refuses what the decoder would bend until it fits: half a number, a number for a text, nothing, a second
// document.
func checkShape(data []byte) error {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return fmt.Errorf("%w: line 1: %w", ErrBadRules, err)
	}
	s := shape{}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if s.documents++; s.documents > 1 {
			return badAt(data, doc.Body.GetToken().Position, "want one document")
		}
		ast.Walk(&s, doc.Body)
	}
	if s.reason != "" {
		return badAt(data, s.at, s.reason)
	}
	return nil
}

// shape walks over a document and keeps the first that does not fit.
type shape struct {
	documents int
	at        *token.Position
	reason    string
}

// counts are the fields that are whole numbers; no other field of rules is a number.
var counts = []string{"max", "share", "max_identifiers", "max_thread"}

// Visit is called for every node.
func (s *shape) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.NullNode:
		s.refuse(n, "is empty")
	case *ast.SequenceNode:
		for _, value := range n.Values {
			s.wantText(value)
		}
	case *ast.MappingValueNode:
		switch {
		case slices.Contains(counts, n.Key.GetToken().Value):
			s.wantCount(n.Value)
		case !strings.Contains(n.GetPath(), ".verified."):
			s.wantText(n.Value)
		}
	}
	if s.reason != "" {
		return nil
	}
	return s
}

func (s *shape) wantCount(n ast.Node) {
	switch n := unanchored(n).(type) {
	case *ast.StringNode, *ast.FloatNode, *ast.BoolNode:
		s.refuse(n, "want a whole number")
	}
}

// wantText refuses what would be a text after all, but not the one that was written: 0000 is 0, and +49 is 49.
func (s *shape) wantText(n ast.Node) {
	switch n := unanchored(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.BoolNode:
		s.refuse(n, "want a text: put it into quotes")
	}
}

func unanchored(n ast.Node) ast.Node {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		return anchor.Value
	}
	return n
}

func (s *shape) refuse(n ast.Node, reason string) {
	if s.reason == "" {
		s.at, s.reason = n.GetToken().Position, reason
	}
}

// badAt is ErrBadRules with line and field.
func badAt(data []byte, at *token.Position, reason string) error {
	if field := fieldAt(data, at); field != "" {
		return fmt.Errorf("%w: line %d: %s: %s", ErrBadRules, at.Line, field, reason)
	}
	return fmt.Errorf("%w: line %d: %s", ErrBadRules, at.Line, reason)
}

// fieldAt is the path of what stands at a position, such as types[2].max, or "".
func fieldAt(data []byte, at *token.Position) string {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return ""
	}
	find := &finder{at: at}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			ast.Walk(find, doc.Body)
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(find.path, "$"), ".")
}

// finder walks to the innermost node that begins at a position.
type finder struct {
	at   *token.Position
	path string
}

// Visit is called for every node.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if t := n.GetToken(); t != nil && t.Position != nil && t.Position.Line == f.at.Line && t.Position.Column == f.at.Column && len(n.GetPath()) >= len(f.path) {
		f.path = n.GetPath()
	}
	return f
}
