package serve

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/search"
)

const (
	// maxBegun bounds how many persons are offered of whom the beginning of an identifier or a name was typed.
	maxBegun = 8
	// maxTerms bounds how many terms are read for that: a person has one for each identifier and word.
	maxTerms = 500
)

// begun are the persons of whom an identifier, or a word of their name, begins with the text, in the order of the alphabet.
func (s *Server) begun(ctx context.Context, c *call, text string) ([]Found, error) {
	terms, typ, text := s.beginnings(c.workspace, text)
	if len(terms) == 0 {
		return nil, nil
	}
	params := clickhouse.Params{"workspace": c.workspace, "limit": maxTerms}
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
	sql := `SELECT type, value, anchor, also, ` + c.tables.PersonOf("anchor") + ` FROM ` + c.tables.Terms + `
WHERE workspace = {workspace:String} AND (` + strings.Join(begins, " OR ") + `)` + of + `
ORDER BY term, startsWith(type, '` + touchpoint.ClaimedPrefix + `'), type, value, anchor LIMIT {limit:UInt32}`
	var out []Found
	at, nodes := map[identity.PersonID]int{}, []Node{}
	err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var one Found
		var anchor, person wide
		var also string
		if err := r.Scan(&one.By.Type, &one.By.Value, &anchor, &also, &person); err != nil {
			return err
		}
		if len(text) > search.LongestTerm && !search.Begins(one.By.Type, one.By.Value, text) {
			return nil
		}
		one.By.anchor, one.Person = asAnchor(&anchor), asAnchor(&person)
		i, known := at[one.Person]
		if !known {
			i = len(out)
			at[one.Person] = i
			out, nodes = append(out, one), append(nodes, one.By)
		}
		if out[i].By.Type == search.Name && out[i].By.Value == one.By.Value && also != "" {
			s.tellApart(c.workspace, &out[i], also)
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	// An identifier whose link was refused, that is blocked, or that several use, is nobody's, and takes nobody's place.
	first := min(len(nodes), maxBegun)
	somebodys, err := s.stored(ctx, c, nodes[:first])
	if err == nil && len(somebodys) < maxBegun && first < len(nodes) {
		var more []Node
		more, err = s.stored(ctx, c, nodes[first:])
		somebodys = append(somebodys, more...)
	}
	out = slices.DeleteFunc(out, func(one Found) bool {
		return !slices.ContainsFunc(somebodys, func(n Node) bool { return n.anchor == one.By.anchor })
	})
	return out[:min(len(out), maxBegun)], err
}

// tellApart adds to a name an identifier that came with it, if it is a stronger one than what was added before.
func (s *Server) tellApart(workspace string, one *Found, also string) {
	id := touchpoint.IdentifierOf(also)
	types := s.config.Rules.Rules(workspace).Types
	rank := func(typ string) int {
		claimed := strings.HasPrefix(typ, touchpoint.ClaimedPrefix)
		i := slices.IndexFunc(types, func(t streams.Type) bool { return t.Name == strings.TrimPrefix(typ, touchpoint.ClaimedPrefix) })
		if i < 0 {
			i = len(types)
		}
		if claimed {
			i += len(types) + 1
		}
		return i
	}
	node := Node{Type: id.Type, Value: id.Value}
	if !id.Verified {
		node.Type = touchpoint.ClaimedPrefix + node.Type
	}
	if one.Also == nil || rank(node.Type) < rank(one.Also.Type) {
		one.Also = &node
	}
}

// beginnings are the terms that the text may begin, the type that stands in front of it, or "", and what stands behind that.
func (s *Server) beginnings(workspace, text string) (terms []string, typ, value string) {
	rules := s.config.Rules.Rules(workspace)
	if before, value, err := streams.ParseIdentifier(strings.TrimPrefix(text, streams.ClaimedPrefix)); err == nil &&
		(before == search.Name || slices.ContainsFunc(rules.Types, func(t streams.Type) bool { return t.Name == before })) {
		text, typ = value, before
	}
	terms = []string{search.Term(text)}
	if digits, abroad := strings.CutPrefix(text, "+"); abroad && dialled(digits) != "" {
		terms = append(terms, "+"+dialled(digits), "+"+dialled(strings.Replace(digits, "(0)", "", 1))) // +49 (0)30: not dialled from abroad, but in Italy
	} else if digits := dialled(text); len(digits) >= 3 {
		terms = append(append(terms, digits, "+"+digits), rules.International(digits)...)
	}
	return slices.DeleteFunc(once(terms), func(term string) bool { return !search.Enough(term) }), typ, text
}
