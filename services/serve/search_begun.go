package serve

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/search"
)

// maxBegun bounds how many persons are offered of whom the beginning of an identifier or a name was typed.
const maxBegun = 8

// begun are the persons of whom an identifier, or a word of their name, begins with the text, in the order of the alphabet.
func (s *Server) begun(ctx context.Context, c *call, text string) ([]Found, error) {
	terms, typ := s.beginnings(c.workspace, text)
	if len(terms) == 0 {
		return nil, nil
	}
	params := clickhouse.Params{"workspace": c.workspace, "limit": maxBegun}
	var begins []string
	for i, term := range terms {
		name := "term" + strconv.Itoa(i)
		params[name] = term
		begins = append(begins, "startsWith(term, {"+name+":String})")
	}
	of := ""
	if typ != "" {
		of, params["type"], params["claimed"] = " AND type IN ({type:String}, {claimed:String})", typ, touchpoint.ClaimedPrefix+typ
	}
	sql := `SELECT type, value, anchor, also, ` + c.tables.PersonOf("anchor") + ` AS person FROM ` + c.tables.Terms + `
WHERE workspace = {workspace:String} AND (` + strings.Join(begins, " OR ") + `)` + of + `
ORDER BY term, type, value, anchor LIMIT 1 BY person LIMIT {limit:UInt32}`
	var out []Found
	var nodes []Node
	err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var one Found
		var anchor, person wide
		var also string
		err := r.Scan(&one.By.Type, &one.By.Value, &anchor, &also, &person)
		one.By.anchor, one.Person = asAnchor(&anchor), asAnchor(&person)
		if also != "" {
			id := touchpoint.IdentifierOf(also)
			one.Also = &Node{Type: id.Type, Value: id.Value}
		}
		out, nodes = append(out, one), append(nodes, one.By)
		return err
	})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	// An identifier whose link was refused, or that several use, is nobody's.
	somebodys, err := s.stored(ctx, c, nodes)
	return slices.DeleteFunc(out, func(one Found) bool {
		return !slices.ContainsFunc(somebodys, func(n Node) bool { return n.anchor == one.By.anchor })
	}), err
}

// beginnings are the terms that the text may begin, and the type that stands in front of it, or "".
func (s *Server) beginnings(workspace, text string) (terms []string, typ string) {
	rules := s.config.Rules.Rules(workspace)
	if before, value, err := streams.ParseIdentifier(strings.TrimPrefix(text, streams.ClaimedPrefix)); err == nil &&
		(before == search.Name || slices.ContainsFunc(rules.Types, func(t streams.Type) bool { return t.Name == before })) {
		text, typ = value, before
	}
	terms = []string{search.Term(text)}
	if digits, abroad := strings.CutPrefix(text, "+"); abroad && dialled(digits) != "" {
		terms = append(terms, "+"+dialled(digits))
	} else if digits := dialled(text); len(digits) >= 3 {
		terms = append(append(terms, digits, "+"+digits), rules.International(digits)...)
	}
	return slices.DeleteFunc(once(terms), func(term string) bool { return term == "" }), typ
}
