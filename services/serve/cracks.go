package serve

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
)

// Crack is something that fell through: read from what happened, so that it is gone as soon as it is mended.
type Crack struct {
	Kind         string           `json:"kind"`
	Since        Time             `json:"since"`
	Person       identity.Anchor  `json:"person"`
	Conversation *identity.Anchor `json:"conversation"` // null: it belongs to none
	Channel      string           `json:"channel"`
	Topic        string           `json:"topic,omitempty"`
	Owner        Owner            `json:"owner"`
	Promise      *Promise         `json:"promise,omitempty"` // that was missed
	Evidence     []CrackEvidence  `json:"evidence"`

	since time.Time
}

// Owner is who had it last; empty when nobody did.
type Owner struct {
	Team  string `json:"team,omitempty"`
	Agent string `json:"agent,omitempty"`
}

// CrackEvidence is what a crack is read from.
type CrackEvidence struct {
	Type string          `json:"type"` // touchpoint or conversation
	ID   identity.Anchor `json:"id"`   // of a touchpoint, its key
	Said string          `json:"said"` // the touchpoint's kind, or what the conversation shows
	Time Time            `json:"time"`
}

// Cracks is the answer of GET /v1/cracks.
type Cracks struct {
	Cracks    []Crack        `json:"cracks"` // oldest first
	Counts    map[string]int `json:"counts"` // by kind
	Truncated []string       `json:"truncated"`
	AsOf      Time           `json:"as_of"`
	Freshness Freshness      `json:"freshness"`
}

// The kinds of cracks.
const (
	waitingPastTarget  = "waiting_past_target"
	closedWhileWaiting = "closed_while_waiting"
	handedToNobody     = "bot_handed_over_to_nobody"
	callbackNotMade    = "callback_not_made"
	notCollected       = "not_collected"
	answeredOnOne      = "asked_twice_answered_once"
	transferNotOpened  = "transfer_not_opened"
	complaintUnheard   = "complaint_without_answer"
)

// crackQuery is what is asked for.
type crackQuery struct {
	now   time.Time
	since time.Time // how far back
	limit int       // of each kind
}

func (q *crackQuery) params(c *call) clickhouse.Params {
	return clickhouse.Params{
		"workspace": c.workspace, "limit": q.limit + 1, "since": moment(q.since), "now": moment(q.now), "now_ms": q.now.UnixMilli(),
	}
}

// crackKind is a row of the table of cracks.
type crackKind struct {
	name string
	find func(s *Server, ctx context.Context, c *call, q *crackQuery) ([]Crack, error)
}

var crackKinds = []crackKind{
	{waitingPastTarget, (*Server).findWaitingPastTarget},
	{closedWhileWaiting, (*Server).findClosedWhileWaiting},
	{handedToNobody, eventCrack(handedToNobody)},
	{callbackNotMade, eventCrack(callbackNotMade)},
	{notCollected, eventCrack(notCollected)},
	{answeredOnOne, (*Server).findAnsweredOnOne},
	{transferNotOpened, eventCrack(transferNotOpened)},
	{complaintUnheard, eventCrack(complaintUnheard)},
}

// getCracks answers GET /v1/cracks.
func (s *Server) getCracks(w http.ResponseWriter, r *http.Request, c *call) error {
	var names []string
	for _, k := range crackKinds {
		names = append(names, k.name)
	}
	p := c.query
	kinds := p.listOf("kind", names...)
	teams, agents := p.list("team"), p.list("agent")
	q := &crackQuery{now: s.config.Now(), limit: p.number("limit", 200, 1, 1000)}
	q.since = q.now.AddDate(0, 0, -p.number("days", 90, 1, 366))
	if err := p.done(); err != nil {
		return err
	}
	out := Cracks{Cracks: []Crack{}, Counts: map[string]int{}, Truncated: []string{}, AsOf: Time(q.now)}
	found := make([][]Crack, len(crackKinds))
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(3) // of the reports that may run at the same time
	for i, k := range crackKinds {
		if len(kinds) > 0 && !slices.Contains(kinds, k.name) {
			continue
		}
		g.Go(func() (err error) {
			found[i], err = k.find(s, ctx, c, q)
			return err
		})
	}
	g.Go(func() (err error) {
		out.Freshness, err = s.freshness(ctx, c, q.now)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	for i, list := range found {
		if len(list) > q.limit {
			list = list[:q.limit]
			out.Truncated = append(out.Truncated, crackKinds[i].name)
		}
		for _, one := range list {
			if len(teams) > 0 && !slices.Contains(teams, one.Owner.Team) || len(agents) > 0 && !slices.Contains(agents, one.Owner.Agent) {
				continue
			}
			out.Cracks = append(out.Cracks, one)
			out.Counts[one.Kind]++
		}
	}
	slices.SortStableFunc(out.Cracks, func(a, b Crack) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.Kind, b.Kind)) })
	return answer(w, http.StatusOK, out)
}
