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
	Label        string           `json:"label"` // in the language that was asked for
	Since        Time             `json:"since"`
	Person       identity.Anchor  `json:"person"`
	Customer     *Node            `json:"customer,omitempty"` // what the person is named after, if that was asked for
	Conversation *identity.Anchor `json:"conversation"`       // null: it belongs to none
	Channel      string           `json:"channel"`
	Topic        string           `json:"topic,omitempty"`
	Owner        Owner            `json:"owner"`
	Promise      *Promise         `json:"promise,omitempty"` // that was missed
	Evidence     []CrackEvidence  `json:"evidence"`
	Mended       *CrackEvidence   `json:"mended,omitempty"` // by what, and when

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
	Said string          `json:"said"` // what the touchpoint's kind is called, or what the conversation shows
	Time Time            `json:"time"`
}

// Cracks is the answer of GET /v1/cracks.
type Cracks struct {
	Cracks    []Crack        `json:"cracks"` // oldest first
	Counts    map[string]int `json:"counts"` // by kind
	Mended    []Crack        `json:"mended"` // that are gone, what was mended last first
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
	now      time.Time
	since    time.Time  // how far back
	mended   *time.Time // what was mended since then is asked for, too; nil: it is not
	limit    int        // of each kind
	kinds    []string   // none: all
	language string

	onlyCounts bool // where each is and who has it need not be known
}

func (q *crackQuery) wants(kind string) bool {
	return len(q.kinds) == 0 || slices.Contains(q.kinds, kind)
}

// asked is the condition of conversations in which the customer waits for a human's answer, or got one lately if what is mended is asked for.
func (q *crackQuery) asked() string {
	waits := unsettled + ` AND ` + awaitsUs
	if q.mended == nil {
		return waits
	}
	return waits + ` OR arrayExists((t, k) -> t >= {mended:Int64} AND k != 3, wait_to, wait_kind)`
}

// never is later than everything that the store holds.
const never = int64(1) << 53

func (q *crackQuery) params(c *call) clickhouse.Params {
	p := clickhouse.Params{
		"workspace": c.workspace, "limit": q.limit + 1, "since": moment(q.since), "now": moment(q.now), "now_ms": q.now.UnixMilli(), "mended": never,
	}
	if q.mended != nil {
		p["mended"] = q.mended.UnixMilli()
	}
	return p
}

var crackKinds = []string{
	waitingPastTarget, closedWhileWaiting, handedToNobody, callbackNotMade, notCollected, answeredOnOne, transferNotOpened, complaintUnheard,
}

// crackFinders find cracks of some kinds, of which at least one must be asked for; each kind oldest first, and one more than the limit
// where there are more.
var crackFinders = []struct {
	kinds []string
	find  func(s *Server, ctx context.Context, c *call, q *crackQuery) ([]Crack, error)
}{
	{[]string{handedToNobody, callbackNotMade, notCollected, transferNotOpened, complaintUnheard}, (*Server).findGaps},
	{[]string{waitingPastTarget}, (*Server).findWaitingPastTarget},
	{[]string{closedWhileWaiting}, (*Server).findClosedWhileWaiting},
	{[]string{answeredOnOne}, (*Server).findAnsweredOnOne},
}

// crackFilter are what a crack's owner, channel and topic must be; nothing is anything.
type crackFilter struct{ teams, agents, channels, topics []string }

func (f *crackFilter) all() bool {
	return len(f.teams)+len(f.agents)+len(f.channels)+len(f.topics) == 0
}

func (f *crackFilter) keeps(k *Crack) bool {
	for _, one := range []struct {
		of []string
		is string
	}{{f.teams, k.Owner.Team}, {f.agents, k.Owner.Agent}, {f.channels, k.Channel}, {f.topics, k.Topic}} {
		if len(one.of) > 0 && !slices.Contains(one.of, one.is) {
			return false
		}
	}
	return true
}

// mostFiltered bounds the cracks of a kind among which those that pass the filter are looked for: whose each is, is known only when it was found.
const mostFiltered = 5000

// getCracks answers GET /v1/cracks.
func (s *Server) getCracks(w http.ResponseWriter, r *http.Request, c *call) error {
	p := c.query
	q := &crackQuery{now: s.config.Now(), kinds: p.listOf("kind", crackKinds...)}
	only := crackFilter{p.list("team"), p.list("agent"), p.channels(s.config.Registry), p.list("topic")}
	limit := p.number("limit", 200, 1, 1000)
	q.since = q.now.AddDate(0, 0, -p.number("days", 90, 1, 366))
	if days := p.number("mended_days", 0, 0, 90); days > 0 {
		since := q.now.AddDate(0, 0, -days)
		q.mended = &since
	}
	q.language = p.oneOf("lang", "en", "de")
	named := p.flag("customers")
	counted := p.flag("counts_only")
	if err := p.done(); err != nil {
		return err
	}
	if counted {
		q.mended, q.onlyCounts = nil, only.all()
	}
	if q.limit = limit; !only.all() {
		q.limit = mostFiltered
	}
	out := Cracks{Cracks: []Crack{}, Mended: []Crack{}, Counts: map[string]int{}, Truncated: []string{}, AsOf: Time(q.now)}
	found := make([][]Crack, len(crackFinders))
	g, ctx := errgroup.WithContext(r.Context())
	for i, f := range crackFinders {
		if slices.ContainsFunc(f.kinds, q.wants) {
			g.Go(func() (err error) {
				found[i], err = f.find(s, ctx, c, q)
				return err
			})
		}
	}
	g.Go(func() (err error) {
		out.Freshness, err = s.freshness(ctx, c, q.now)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	type list struct {
		kind   string
		mended bool
	}
	seen, kept := map[list]int{}, map[list]int{}
	for _, one := range slices.Concat(found...) {
		in := list{one.Kind, one.Mended != nil}
		seen[in]++
		keeps := only.keeps(&one)
		if keeps {
			kept[in]++
		}
		if seen[in] > q.limit || kept[in] > limit {
			if !slices.Contains(out.Truncated, one.Kind) {
				out.Truncated = append(out.Truncated, one.Kind)
			}
			continue
		}
		if !keeps {
			continue
		}
		one.Label = q.in(crackTexts[one.Kind])
		if one.Mended != nil {
			out.Mended = append(out.Mended, one)
			continue
		}
		if out.Counts[one.Kind]++; !counted {
			out.Cracks = append(out.Cracks, one)
		}
	}
	slices.SortStableFunc(out.Cracks, func(a, b Crack) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.Kind, b.Kind)) })
	slices.SortStableFunc(out.Mended, func(a, b Crack) int { return time.Time(b.Mended.Time).Compare(time.Time(a.Mended.Time)) })
	if named {
		if err := s.nameCustomers(r.Context(), c, out.Cracks, out.Mended); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, out)
}

// nameCustomers says whose each crack is.
func (s *Server) nameCustomers(ctx context.Context, c *call, lists ...[]Crack) error {
	persons := map[identity.Anchor]bool{}
	for _, list := range lists {
		for i := range list {
			persons[list[i].Person] = true
		}
	}
	names, err := s.namesOf(ctx, c, keysOf(persons), nil, nil)
	if err != nil {
		return err
	}
	for _, list := range lists {
		for i := range list {
			customer := names.of(list[i].Person)
			list[i].Customer = &customer
		}
	}
	return nil
}
