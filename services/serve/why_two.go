package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// WhyTwo says why two identifiers are one person, or why they are not.
type WhyTwo struct {
	A       End        `json:"a"`
	B       End        `json:"b"`
	Verdict Verdict    `json:"verdict"`
	Detail  string     `json:"detail"`
	Path    []Node     `json:"path"`     // from a to b; empty when they are not one person
	Chain   []Evidence `json:"chain"`    // of the path: one less than that
	Moves   []Move     `json:"moves"`    // of one person without a chain, as of a thread: how they came there
	Against []Evidence `json:"evidence"` // of those who are not one person: what was decided about the two, newest first
}

// End is one of the two.
type End struct {
	Node
	Person identity.PersonID `json:"person"`
}

// Verdict is why two are one person, or not.
type Verdict string

// The verdicts. Of several that apply the first counts.
const (
	OnePerson Verdict = "one_person"
	Parted    Verdict = "split"     // a user parted them, or took the evidence back
	IsShared  Verdict = "shared"    // a value that would join them is used by several persons
	IsRefused Verdict = "refused"   // it would break a rule
	Denied    Verdict = "declined"  // a user said of a suggestion that it is not so
	Suggested Verdict = "suggested" // somebody claims it, and nobody has said yet whether it is so
	Nothing   Verdict = "none"      // nothing says that they are
)

// maxAgainst bounds the list of evidence against.
const maxAgainst = 100

// getWhyTwo answers GET /v1/people/why?a=..&b=..
func (s *Server) getWhyTwo(w http.ResponseWriter, r *http.Request, c *call) error {
	a, b := c.query.text("a"), c.query.text("b")
	if err := c.query.done(); err != nil {
		return err
	}
	var one, two subject
	g, ctx := errgroup.WithContext(r.Context())
	g.Go(func() (err error) {
		one, err = s.subject(ctx, c, "a", a)
		return err
	})
	g.Go(func() (err error) {
		two, err = s.subject(ctx, c, "b", b)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	out, err := s.whyTwo(r.Context(), c, &one, &two)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

func (s *Server) whyTwo(ctx context.Context, c *call, a, b *subject) (out WhyTwo, err error) {
	out = WhyTwo{Path: []Node{}, Chain: []Evidence{}, Moves: []Move{}, Against: []Evidence{}}
	together := sides{a: setOf(a), b: setOf(b)}
	list, err := s.evidence(ctx, c, together.all())
	if err != nil {
		return out, err
	}
	called, err := s.namesOf(ctx, c, []identity.Anchor{a.anchor, b.anchor}, list, nil)
	if err != nil {
		return out, err
	}
	for i, end := range []*subject{a, b} {
		if _, named := called[end.anchor]; !end.known && !named {
			return out, end.unknown([]string{"a", "b"}[i])
		}
	}
	out.A, out.B = End{called.of(a.anchor), a.who.id}, End{called.of(b.anchor), b.who.id}
	if a.who.id == b.who.id {
		return out, s.whyOne(ctx, c, &out, list, called)
	}
	shared, err := s.sharedBetween(ctx, c, together, list)
	if err != nil {
		return out, err
	}
	out.Verdict, out.Against = Nothing, append(out.Against, shared...)
	for i := range list {
		if e := &list[i]; e.InForce && together.between(e) {
			out.Against = append(out.Against, *e)
		}
	}
	best := len(verdicts)
	for i := range out.Against {
		e := &out.Against[i]
		for rank, v := range verdicts[:best] {
			if v.applies(e) {
				best, out.Verdict, out.Detail = rank, v.verdict, v.detail(e)
				break
			}
		}
	}
	if out.Verdict == Nothing {
		out.Detail = "no evidence says that they belong together"
	}
	out.Against = out.Against[:min(len(out.Against), maxAgainst)]
	return out, nil
}

// whyOne finds the chain between two identifiers of one person.
func (s *Server) whyOne(ctx context.Context, c *call, out *WhyTwo, list []Evidence, called nodeNames) error {
	out.Verdict, out.Detail = OnePerson, "they are one person"
	if out.A.anchor == out.B.anchor {
		out.Path, out.Detail = append(out.Path, out.A.Node), "they are the same"
		return nil
	}
	byPair := map[identity.Anchor]*Evidence{}
	for i := range list {
		if list[i].joins() {
			byPair[list[i].ID] = &list[i]
		}
	}
	at := out.A.anchor
	for _, e := range streams.Chain(s.config.Rules.Rules(c.workspace), joined(list), out.A.anchor, out.B.anchor) {
		if len(out.Path) == 0 {
			out.Path = append(out.Path, out.A.Node)
		}
		next := e.B.Anchor
		if next == at {
			next = e.A.Anchor
		}
		at = next
		out.Path, out.Chain = append(out.Path, called.of(at)), append(out.Chain, *byPair[identity.PairID(e.A.Anchor, e.B.Anchor)])
	}
	if len(out.Chain) > 0 {
		return nil
	}
	// A thread belongs to its first customer, and what is anonymous in it with it: no evidence is kept of that but the move.
	all, err := s.moves(ctx, c, out.A.Person)
	for _, m := range all {
		if m.Identifier.anchor == out.A.anchor || m.Identifier.anchor == out.B.anchor {
			m.Identifier = called.of(m.Identifier.anchor)
			out.Moves = append(out.Moves, m)
		}
	}
	return err
}

// verdicts are the reasons why two are not one person, the strongest first.
var verdicts = []struct {
	verdict Verdict
	applies func(*Evidence) bool
	detail  func(*Evidence) string
}{
	{Parted, func(e *Evidence) bool {
		return e.kind == identity.LinkSplit || e.kind == identity.LinkRetract || e.Rule == "split" || e.Rule == "retracted"
	}, func(e *Evidence) string {
		if e.User == "" {
			return "a user parted them, and the same evidence does not join them again"
		}
		return fmt.Sprintf("%s parted them on %s: %s", e.User, e.at.Format(time.DateOnly), e.Reason)
	}},
	{IsShared, func(e *Evidence) bool {
		return e.Decision == identity.Shared || e.Decision == identity.Held || strings.HasPrefix(e.Rule, "shared")
	}, func(e *Evidence) string {
		if e.Decision == identity.Shared {
			return fmt.Sprintf("%s:%s is used by several persons", e.A.Type, e.A.Value)
		}
		return "a value that would join them is used by several persons"
	}},
	{IsRefused, func(e *Evidence) bool { return e.Decision == identity.Refused }, func(e *Evidence) string {
		return strings.TrimSuffix(e.Rule+": "+e.Detail, ": ")
	}},
	{Denied, func(e *Evidence) bool { return e.Decision == identity.Declined }, func(e *Evidence) string {
		return fmt.Sprintf("%s refused the suggestion on %s: %s", e.User, e.at.Format(time.DateOnly), e.Reason)
	}},
	{Suggested, func(e *Evidence) bool { return e.Decision == identity.Suggested }, func(e *Evidence) string {
		return "somebody claims it, and nobody has decided yet; suggestion " + e.ID.String()
	}},
}

// sides are the anchors of two.
type sides struct{ a, b map[identity.Anchor]bool }

func setOf(s *subject) map[identity.Anchor]bool {
	out := map[identity.Anchor]bool{s.anchor: true}
	for _, a := range s.who.anchors {
		out[a] = true
	}
	return out
}

func (s sides) all() (out []identity.Anchor) {
	for a := range s.a {
		out = append(out, a)
	}
	for a := range s.b {
		if !s.a[a] {
			out = append(out, a)
		}
	}
	return out
}

// between tells whether the evidence is about one of either.
func (s sides) between(e *Evidence) bool {
	return e.B != nil && (s.a[e.A.anchor] && s.b[e.B.anchor] || s.b[e.A.anchor] && s.a[e.B.anchor])
}

// sharedBetween are the decisions that values are shared which are linked with both.
func (s *Server) sharedBetween(ctx context.Context, c *call, between sides, list []Evidence) (out []Evidence, err error) {
	const atA, atB = 1, 2
	touches := map[identity.Anchor]int{}
	for i := range list {
		e := &list[i]
		if e.B == nil || e.kind == identity.LinkClaimed {
			continue
		}
		for _, ends := range [][2]identity.Anchor{{e.A.anchor, e.B.anchor}, {e.B.anchor, e.A.anchor}} {
			if between.a[ends[0]] {
				touches[ends[1]] |= atA
			}
			if between.b[ends[0]] {
				touches[ends[1]] |= atB
			}
		}
	}
	var common []identity.Anchor
	for a, where := range touches {
		if between.a[a] {
			where |= atA
		}
		if between.b[a] {
			where |= atB
		}
		if where == atA|atB {
			common = append(common, a)
		}
	}
	if len(common) == 0 {
		return nil, nil
	}
	sql := `SELECT ` + evidenceColumns + ` FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {anchors:Array(UInt128)} AND other = 0 ORDER BY version DESC LIMIT 1 BY node LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchors": numbers(common), "limit": maxAgainst}, func(r *clickhouse.Rows) error {
		e, err := scanEvidence(r)
		if err == nil && e.Decision == identity.Shared {
			e.InForce = true
			out = append(out, e)
		}
		return err
	})
	if err == nil {
		err = s.nameEnds(ctx, c, out)
	}
	return out, err
}
