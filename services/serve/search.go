package serve

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// Found is a person that a search leads to, and by what.
type Found struct {
	Person identity.PersonID `json:"person"`
	By     Node              `json:"by"`
	Also   *Node             `json:"also,omitempty"` // of a name: an identifier that tells namesakes apart
	Whole  bool              `json:"whole"`          // the text is all of it, and not how it begins
}

// search answers GET /v1/search: whoever is known by the text, whatever it is, and then those whose identifiers or names begin so. That
// nobody is known by it is an answer and no mistake: it is asked while somebody types.
func (s *Server) search(w http.ResponseWriter, r *http.Request, c *call) error {
	asked := c.query.text("q")
	if asked == "" {
		c.query.fail("q", "want what is known of somebody: an identifier, a reference or a name, or how it begins")
	}
	text := strings.TrimSpace(asked)
	if err := c.query.done(); err != nil {
		return err
	}
	if text == "" {
		return answer(w, http.StatusOK, map[string][]Found{"found": {}})
	}
	known, err := s.stored(r.Context(), c, s.meanings(c.workspace, text))
	if err == nil && len(known) == 0 && strings.ContainsAny(text, "0123456789") {
		known, err = s.storedThread(r.Context(), c, text)
	}
	if err != nil {
		return err
	}
	found, seen := []Found{}, map[identity.PersonID]bool{}
	for _, n := range known {
		p, err := s.resolve(r.Context(), c, n.anchor)
		if err != nil {
			return err
		}
		if !seen[p.id] {
			seen[p.id] = true
			found = append(found, Found{Person: p.id, By: n, Whole: true})
		}
	}
	begun, err := s.begun(r.Context(), c, text)
	if err != nil {
		return err
	}
	for _, one := range begun {
		if !seen[one.Person] {
			seen[one.Person] = true
			found = append(found, one)
		}
	}
	return answer(w, http.StatusOK, map[string][]Found{"found": found})
}

// meanings are what the text may be: with its type in front, or an identifier of any type whose values look so, the strongest
// first, then a thread of any scheme.
func (s *Server) meanings(workspace, text string) []Node {
	var out []Node
	add := func(space, typ, value string) {
		id, err := s.normalise(workspace, touchpoint.Identifier{Type: typ, Value: value})
		if err == nil {
			typ := space + id.Type
			out = append(out, Node{Type: typ, Value: id.Value, anchor: identity.AnchorOf(workspace, typ, id.Value)})
		}
	}
	if rest, claimed := strings.CutPrefix(text, streams.ClaimedPrefix); claimed {
		if typ, value, err := streams.ParseIdentifier(rest); err == nil {
			add(streams.ClaimedPrefix, typ, value)
		}
	} else if typ, value, err := streams.ParseIdentifier(text); err == nil {
		add("", typ, value)
		if s.isThread(text) {
			n := streams.ThreadNode(workspace, text)
			out = append(out, Node{Type: n.Type, Value: n.Value, anchor: n.Anchor})
		}
	}
	types, all := s.config.Rules.Rules(workspace).Types, writings(text)
	for _, space := range []string{"", streams.ClaimedPrefix} {
		for _, written := range all {
			for _, t := range types {
				add(space, t.Name, written)
			}
		}
	}
	for _, thread := range s.threads(text) {
		n := streams.ThreadNode(workspace, thread)
		out = append(out, Node{Type: n.Type, Value: n.Value, anchor: n.Anchor})
	}
	return out
}

// writings are the text and what somebody who typed it may have meant: without the spaces in it, in capitals, and, where it is digits alone, as the
// number of a telephone with its country.
func writings(text string) []string {
	compact := strings.Join(strings.Fields(text), "")
	all := []string{text, compact, strings.ToUpper(compact)}
	if digits := dialled(text); len(digits) >= 7 {
		all = append(all, digits, "+"+digits)
	}
	return once(all)
}

// dialled are the digits of a text that has nothing else but what people write between them; "" of any other.
func dialled(text string) string {
	digits := strings.NewReplacer(" ", "", "-", "", "/", "", ".", "", "(", "", ")", "").Replace(text)
	if strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// once is the list without repetitions, in its order.
func once(all []string) (out []string) {
	for _, one := range all {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// threads are the references that the text may be the number of, one of each scheme.
func (s *Server) threads(text string) (out []string) {
	all := writings(text)
	for _, scheme := range s.config.Registry.Schemes {
		for _, written := range all {
			out = append(out, scheme.Name+":"+written)
		}
	}
	return out
}

// storedThread is the customer of the oldest touchpoint with such a reference, of whatever scheme.
func (s *Server) storedThread(ctx context.Context, c *call, text string) (out []Node, err error) {
	threads := append(s.threads(text), text)
	sql := `SELECT anchor, arrayFirst(t -> t IN {threads:Array(String)}, thread) FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND hasAny(thread, {threads:Array(String)}) ORDER BY time, key LIMIT 1`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "threads": threads}, func(r *clickhouse.Rows) error {
		var a wide
		var thread string
		err := r.Scan(&a, &thread)
		typ, value, _ := strings.Cut(thread, ":")
		out = append(out, Node{Type: typ, Value: value, anchor: asAnchor(&a)})
		return err
	})
	return out, err
}

// stored are those of the nodes that somebody is known by, in their order: one that touchpoints are anchored at, or that was moved
// to somebody.
func (s *Server) stored(ctx context.Context, c *call, nodes []Node) ([]Node, error) {
	anchors := make([]identity.Anchor, len(nodes))
	for i, n := range nodes {
		anchors[i] = n.anchor
	}
	sql := `SELECT DISTINCT anchor FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)}
UNION DISTINCT SELECT anchor FROM ` + c.tables.Identities + ` WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)}`
	known := map[identity.Anchor]bool{}
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors)}, func(r *clickhouse.Rows) error {
		var a wide
		err := r.Scan(&a)
		known[asAnchor(&a)] = true
		return err
	})
	var out []Node
	for _, n := range nodes {
		if known[n.anchor] {
			known[n.anchor] = false // once
			out = append(out, n)
		}
	}
	return out, err
}
