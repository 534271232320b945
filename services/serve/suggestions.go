package serve

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Suggestion is a pair that somebody claims to be one person, and that nobody has decided about.
type Suggestion struct {
	ID          identity.Anchor   `json:"id"`
	Claimant    End               `json:"claimant"` // who wrote
	Claimed     End               `json:"claimed"`  // the identifier that nobody vouches for
	Known       bool              `json:"known"`    // somebody is known by it; else its person is none yet
	Strength    float64           `json:"strength"`
	Touchpoints uint64            `json:"touchpoints"` // that claim it
	Days        uint64            `json:"days"`        // on which they did
	Others      uint64            `json:"others"`      // other identifiers that claim or carry the value: the more, the less it says
	First       SuggestedEvidence `json:"first"`
	Last        SuggestedEvidence `json:"last"`

	strength int64 // thousandths
}

// SuggestedEvidence is a touchpoint that claims it.
type SuggestedEvidence struct {
	Touchpoint string `json:"touchpoint"`
	Source     string `json:"source,omitempty"`
	Time       Time   `json:"time"`
}

// Suggestions is a page of them, strongest first.
type Suggestions struct {
	Suggestions []Suggestion `json:"suggestions"`
	Next        string       `json:"next,omitempty"`
}

// pairSQL is identity.PairID of the columns node and other, as the store computes it.
const pairSQL = `lower(hex(substring(SHA256(concat('e', unhex(leftPad(hex(least(node, other)), 32, '0')), unhex(leftPad(hex(greatest(node, other)), 32, '0')))), 1, 16)))`

// suggestionsSQL gives the pairs whose decision in force is that somebody claims them, the claimant first, with the evidence.
// Whoever is one person by now, by whatever other evidence, is left out.
//
// The strength is (touchpoints + days) / (1 + others), in thousandths: ten claims of one day are one chat, ten on ten days are a
// habit; and what many claim or carry says little about each of them.
func suggestionsSQL(c *call, more string) string {
	claims := `SELECT node, other FROM ` + c.tables.Edges + ` WHERE workspace = {workspace:String} AND decision = 'suggested' AND NOT turned`
	return `SELECT ` + pairSQL + ` AS id, p.node AS node, p.other AS other, node_type, node_value, other_type, other_value,
	` + c.tables.PersonOf("p.node") + ` AS claimant, ` + c.tables.PersonOf("p.other") + ` AS claimed, touchpoints, days, others,
	toInt64(round(1000 * (touchpoints + days) / (1 + others))) AS strength,
	first_key, first_time, first_touchpoint, first_source, last_time, last_touchpoint, last_source
FROM (
	SELECT node, other, any(node_type) AS node_type, any(node_value) AS node_value, any(other_type) AS other_type, any(other_value) AS other_value,
		uniqExactIf(key, decision = 'suggested') AS touchpoints, uniqExactIf(toDate(time), decision = 'suggested') AS days,
		argMinIf(key, (time, key), decision = 'suggested') AS first_key, minIf(time, decision = 'suggested') AS first_time,
		argMinIf(touchpoint, (time, key), decision = 'suggested') AS first_touchpoint, argMinIf(toString(source), (time, key), decision = 'suggested') AS first_source,
		maxIf(time, decision = 'suggested') AS last_time,
		argMaxIf(touchpoint, (time, key), decision = 'suggested') AS last_touchpoint, argMaxIf(toString(source), (time, key), decision = 'suggested') AS last_source
	FROM ` + c.tables.Edges + ` WHERE workspace = {workspace:String} AND (node, other) IN (` + claims + more + `)
	GROUP BY node, other HAVING argMax(decision, version) = 'suggested'
) AS p
LEFT JOIN (
	SELECT node AS value, uniqExact(other) - 1 AS others FROM ` + c.tables.Edges + `
	WHERE workspace = {workspace:String} AND node IN (SELECT other FROM (` + claims + more + `)) AND other != 0 GROUP BY node
) AS h ON h.value = p.other
WHERE claimant != claimed`
}

func scanSuggestion(r *clickhouse.Rows) (v Suggestion, firstKey identity.Anchor, err error) {
	var (
		id                                  string
		node, other, claimant, claimed, key wide
		strength, others                    int64
		first, last                         time.Time
	)
	err = r.Scan(&id, &node, &other, &v.Claimant.Type, &v.Claimant.Value, &v.Claimed.Type, &v.Claimed.Value, &claimant, &claimed,
		&v.Touchpoints, &v.Days, &others, &strength, &key, &first, &v.First.Touchpoint, &v.First.Source, &last, &v.Last.Touchpoint, &v.Last.Source)
	if err != nil {
		return v, firstKey, err
	}
	v.Claimant.anchor, v.Claimed.anchor = asAnchor(&node), asAnchor(&other)
	v.Claimant.Person, v.Claimed.Person = asAnchor(&claimant), asAnchor(&claimed)
	v.ID, err = identity.ParseAnchor(id)
	v.strength, v.Strength, v.Others = strength, float64(strength)/1000, uint64(max(others, 0))
	v.First.Time, v.Last.Time = Time(first), Time(last)
	return v, asAnchor(&key), err
}

// listSuggestions answers GET /v1/identity/suggestions.
func (s *Server) listSuggestions(w http.ResponseWriter, r *http.Request, c *call) error {
	limit := c.query.number("limit", 50, 1, 200)
	after := c.query.cursor(suggestionList)
	if err := c.query.done(); err != nil {
		return err
	}
	params := clickhouse.Params{"workspace": c.workspace, "limit": limit + 1}
	sql := suggestionsSQL(c, "")
	if after != nil {
		sql += " AND (-strength, id) > ({order:Int64}, {id:String})"
		params["order"], params["id"] = after.order, after.id.String()
	}
	page := Suggestions{Suggestions: []Suggestion{}}
	err := s.store.each(r.Context(), s.store.report, sql+" ORDER BY strength DESC, id LIMIT {limit:UInt32}", params, func(rows *clickhouse.Rows) error {
		v, _, err := scanSuggestion(rows)
		page.Suggestions = append(page.Suggestions, v)
		return err
	})
	if err != nil {
		return err
	}
	if len(page.Suggestions) > limit {
		page.Suggestions = page.Suggestions[:limit]
		last := page.Suggestions[limit-1]
		page.Next = cursor{suggestionList, -last.strength, last.ID}.String()
	}
	claimed := make([]Node, len(page.Suggestions))
	for i, v := range page.Suggestions {
		claimed[i] = v.Claimed.Node
	}
	known, err := s.stored(r.Context(), c, claimed)
	if err != nil {
		return err
	}
	for i := range page.Suggestions {
		v := &page.Suggestions[i]
		v.Known = slices.ContainsFunc(known, func(n Node) bool { return n.anchor == v.Claimed.anchor })
	}
	return answer(w, http.StatusOK, page)
}

// decisionRequest is the body of POST /v1/identity/suggestions/{id}.
type decisionRequest struct {
	Action string `json:"action"`
	Reason string `json:"reason"`
	User   string `json:"user"`
}

// decideSuggestion answers POST /v1/identity/suggestions/{id}.
func (s *Server) decideSuggestion(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	id, err := pathID("id", r.PathValue("id"))
	if err != nil {
		return err
	}
	var v decisionRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	word := said{Reason: v.Reason, User: v.User}
	if err := word.check(s, r); err != nil {
		return err
	}
	if v.Action != "accept" && v.Action != "refuse" {
		return &fieldError{"action", "want accept or refuse"}
	}
	claim, firstKey, found, err := s.suggestion(r.Context(), c, id)
	if err != nil {
		return err
	}
	if !found {
		return &notFound{"id", fmt.Sprintf("there is no suggestion %s, or somebody has decided about it", id)}
	}
	l := s.word(c, identity.LinkDecline, "declined by hand", &word, claim.Claimant.node(), claim.Claimed.node())
	if v.Action == "accept" {
		l.Kind, l.Rule = identity.LinkAccept, "accepted by hand"
	}
	// To accept is to have verified it at first: the evidence is the first claim.
	l.Touchpoint, l.Key, l.Time, l.Source = claim.First.Touchpoint, firstKey, time.Time(claim.First.Time).UnixMilli(), cmp.Or(claim.First.Source, l.Source)
	var concerned []identity.Anchor
	for _, a := range []identity.Anchor{claim.Claimant.anchor, claim.Claimed.anchor} {
		p, err := s.resolve(r.Context(), c, a)
		if err != nil {
			return err
		}
		concerned = append(concerned, p.anchors...)
	}
	return s.act(w, r, c, l, concerned)
}

// suggestion finds one by its id.
func (s *Server) suggestion(ctx context.Context, c *call, id identity.Anchor) (v Suggestion, firstKey identity.Anchor, found bool, err error) {
	sql := suggestionsSQL(c, " AND "+pairSQL+" = {id:String}")
	err = s.store.each(ctx, s.store.report, sql, clickhouse.Params{"workspace": c.workspace, "id": id.String()}, func(r *clickhouse.Rows) (err error) {
		found = true
		v, firstKey, err = scanSuggestion(r)
		return err
	})
	return v, firstKey, found, err
}
