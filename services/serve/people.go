package serve

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// Person is the card of one customer.
type Person struct {
	ID                identity.PersonID  `json:"id"`
	Identifiers       []Identifier       `json:"identifiers"`
	FirstSeen         *Time              `json:"first_seen"` // null: no touchpoint of theirs is stored yet
	LastSeen          *Time              `json:"last_seen"`
	KnownSince        *Time              `json:"known_since"` // when the first of them came in: before, as_of finds nobody
	Channels          []ChannelUse       `json:"channels"`
	PreferredChannel  string             `json:"preferred_channel,omitempty"`
	Touchpoints       uint64             `json:"touchpoints"`
	Conversations     int                `json:"conversations"`
	OpenConversations []OpenConversation `json:"open_conversations"`
}

// Identifier is one of a person's identifiers with when it was used.
type Identifier struct {
	Type        string `json:"type"`
	Value       string `json:"value"`
	Verified    bool   `json:"verified"`
	FirstSeen   Time   `json:"first_seen"`
	LastSeen    Time   `json:"last_seen"`
	Touchpoints uint64 `json:"touchpoints"`
}

// ChannelUse says how much of a person's story went through a channel.
type ChannelUse struct {
	Channel     string `json:"channel"`
	Touchpoints uint64 `json:"touchpoints"`
	Inbound     uint64 `json:"inbound"`
	LastSeen    Time   `json:"last_seen"`

	firstSeen   time.Time
	lastInbound time.Time
	knownSince  time.Time
}

// getPersonByIdentifier answers GET /v1/people?identifier=type:value.
func (s *Server) getPersonByIdentifier(w http.ResponseWriter, r *http.Request, c *call) error {
	text := c.query.text("identifier")
	c.query.readAsOf()
	if err := c.query.done(); err != nil {
		return err
	}
	p, err := s.lookUp(r.Context(), c, text)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, p)
}

// lookUp finds the person that an identifier, or a thread such as ticket:INC0001, leads to.
func (s *Server) lookUp(ctx context.Context, c *call, text string) (Person, error) {
	anchors, tried, err := s.anchorsFor(c.workspace, text)
	if err != nil {
		return Person{}, err
	}
	if strings.HasPrefix(text, streams.ClaimedPrefix) {
		return s.lookUpClaimed(ctx, c, text, anchors[0], tried)
	}
	for _, a := range anchors {
		p, found, err := s.person(ctx, c, a)
		if err != nil || found && p.Touchpoints > 0 {
			return p, err
		}
		if !found {
			continue
		}
		// A value that several use was moved back to itself, which is no person.
		if u, err := s.usesOf(ctx, c, a); err != nil || u.several == "" {
			return p, err
		}
		break
	}
	if s.isThread(text) {
		a, found, err := s.threadOwner(ctx, c, text)
		if err != nil {
			return Person{}, err
		}
		if found {
			if p, found, err := s.person(ctx, c, a); err != nil || found {
				return p, err
			}
		}
	}
	hint, err := s.hint(ctx, c, text, anchors[0])
	if err != nil {
		return Person{}, err
	}
	return Person{}, &notFound{"identifier", "nobody is known by " + tried + hint}
}

// anchorsFor are the anchors that the text may mean, the best first, and what it says after normalising.
func (s *Server) anchorsFor(workspace, text string) (anchors []identity.Anchor, tried string, err error) {
	space := "" // or that of identifiers which nobody verified
	if rest, ok := strings.CutPrefix(text, streams.ClaimedPrefix); ok {
		space, text = streams.ClaimedPrefix, rest
	}
	typ, value, err := streams.ParseIdentifier(text)
	if err != nil {
		return nil, "", &fieldError{"identifier", "want type:value, such as email:anna@example.com"}
	}
	id, err := s.normalise(workspace, touchpoint.Identifier{Type: typ, Value: value})
	if err != nil {
		if s.isThread(text) {
			return []identity.Anchor{streams.ThreadNode(workspace, text).Anchor}, text, nil
		}
		return nil, "", &fieldError{"identifier", err.Error()}
	}
	tried = space + id.Type + ":" + id.Value
	anchors = []identity.Anchor{identity.AnchorOf(workspace, space+id.Type, id.Value)}
	if space == "" && s.isThread(text) {
		anchors = append(anchors, streams.ThreadNode(workspace, text).Anchor)
	}
	return anchors, tried, nil
}

func (s *Server) isThread(text string) bool {
	scheme, _, _ := strings.Cut(text, ":")
	for _, known := range s.config.Registry.Schemes {
		if known.Name == scheme {
			return true
		}
	}
	return false
}

// threadOwner is the anchor of the thread's first touchpoint.
func (s *Server) threadOwner(ctx context.Context, c *call, thread string) (a identity.Anchor, found bool, err error) {
	params, received := clickhouse.Params{"workspace": c.workspace, "thread": thread}, ""
	if c.query.asOf != nil {
		params["as_of"], received = moment(*c.query.asOf), " AND received <= {as_of:DateTime64(3, 'UTC')}"
	}
	sql := `SELECT anchor FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND has(thread, {thread:String})` + received + `
ORDER BY time, key LIMIT 1`
	var first wide
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		found = true
		return r.Scan(&first)
	})
	return asAnchor(&first), found, err
}

// getPerson answers GET /v1/people/{id}.
func (s *Server) getPerson(w http.ResponseWriter, r *http.Request, c *call) error {
	c.query.readAsOf()
	if err := c.query.done(); err != nil {
		return err
	}
	who, err := s.personOf(r, c, "")
	if err != nil {
		return err
	}
	p, found, err := s.card(r.Context(), c, who)
	if err != nil {
		return err
	}
	if !found {
		return who.unknown("")
	}
	return answer(w, http.StatusOK, p)
}

// personOf resolves the id in the path; one that was merged away is a movedTo to the survivor.
func (s *Server) personOf(r *http.Request, c *call, suffix string) (who, error) {
	id, err := pathID("id", r.PathValue("id"))
	if err != nil {
		return who{}, err
	}
	p, err := s.resolve(r.Context(), c, id)
	if err != nil {
		return who{}, err
	}
	if p.id != id {
		return who{}, &movedTo{"/v1/people/", suffix, p.id}
	}
	return p, nil
}

// unknown is the answer for a person that the store has nothing of: where all its anchors went, or that it never was.
func (p who) unknown(suffix string) error {
	if !p.survivor.IsZero() {
		return &movedTo{"/v1/people/", suffix, p.survivor}
	}
	return &notFound{"id", fmt.Sprintf("there is no person %s", p.id)}
}

// person is the card of the person that the anchor belongs to.
func (s *Server) person(ctx context.Context, c *call, a identity.Anchor) (Person, bool, error) {
	p, err := s.resolve(ctx, c, a)
	if err != nil {
		return Person{}, false, err
	}
	return s.card(ctx, c, p)
}

// card collects a person's card; found is false when the store knows nothing of it.
func (s *Server) card(ctx context.Context, c *call, w who) (p Person, found bool, err error) {
	p = Person{ID: w.id}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		p.Channels, p.Identifiers, err = s.uses(ctx, c, w)
		return err
	})
	g.Go(func() (err error) {
		if w.asOf != nil {
			p.Conversations, p.OpenConversations, err = s.openThen(ctx, c, w)
			return err
		}
		p.Conversations, p.OpenConversations, err = s.openConversations(ctx, c, w)
		return err
	})
	if err := g.Wait(); err != nil {
		return p, false, err
	}
	if len(p.Channels) == 0 && !w.recorded {
		return p, false, nil
	}
	var firstSeen, lastSeen, knownSince, best time.Time
	var most uint64
	for _, use := range p.Channels {
		p.Touchpoints += use.Touchpoints
		if firstSeen.IsZero() || use.firstSeen.Before(firstSeen) {
			firstSeen = use.firstSeen
		}
		if knownSince.IsZero() || use.knownSince.Before(knownSince) {
			knownSince = use.knownSince
		}
		if last := time.Time(use.LastSeen); last.After(lastSeen) {
			lastSeen = last
		}
		if use.Inbound > most || use.Inbound == most && most > 0 && use.lastInbound.After(best) {
			p.PreferredChannel, most, best = use.Channel, use.Inbound, use.lastInbound
		}
	}
	if len(p.Channels) > 0 {
		first, last, known := Time(firstSeen), Time(lastSeen), Time(knownSince)
		p.FirstSeen, p.LastSeen, p.KnownSince = &first, &last, &known
	}
	return p, true, nil
}

// uses says which channels a person's touchpoints came by, and which identifiers they carry that are the person's: the verified
// ones whose anchor belongs to it, and what was only claimed. A verified identifier of somebody else, whose link was
// refused, is not on the card. Both come from one pass, in which a touchpoint counts once for its channel, under the
// name "", and once for each of its identifiers.
func (s *Server) uses(ctx context.Context, c *call, w who) (channels []ChannelUse, identifiers []Identifier, err error) {
	params := clickhouse.Params{"workspace": c.workspace, "limit": maxIdentifiers}
	sql := `SELECT if(name = '', channel, '') AS via, name, count() AS n, countIf(direction = 'inbound'), min(time), max(time), maxIf(time, direction = 'inbound'), min(received)
FROM ` + c.tables.Touchpoints + ` ARRAY JOIN arrayPushFront(arrayDistinct(identifiers), '') AS name
WHERE workspace = {workspace:String} AND ` + w.belongs("anchor", params) + `
GROUP BY via, name ORDER BY name != '', n DESC, via LIMIT {limit:UInt32}`
	own := make(map[identity.Anchor]bool, len(w.anchors))
	for _, a := range w.anchors {
		own[a] = true
	}
	channels, identifiers = []ChannelUse{}, []Identifier{}
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var use ChannelUse
		var name string
		var last time.Time
		if err := r.Scan(&use.Channel, &name, &use.Touchpoints, &use.Inbound, &use.firstSeen, &last, &use.lastInbound, &use.knownSince); err != nil {
			return err
		}
		use.LastSeen = Time(last)
		if name == "" {
			channels = append(channels, use)
			return nil
		}
		of := touchpoint.IdentifierOf(name)
		if !of.Verified || own[identity.AnchorOf(c.workspace, of.Type, of.Value)] {
			identifiers = append(identifiers, Identifier{
				Type: of.Type, Value: of.Value, Verified: of.Verified,
				FirstSeen: Time(use.firstSeen), LastSeen: Time(last), Touchpoints: use.Touchpoints,
			})
		}
		return nil
	})
	slices.SortFunc(identifiers, func(a, b Identifier) int {
		if a.Verified != b.Verified {
			if a.Verified {
				return -1
			}
			return 1
		}
		return cmp.Or(time.Time(b.LastSeen).Compare(time.Time(a.LastSeen)), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return channels, identifiers, err
}

// maxIdentifiers bounds what one card lists, with its channels.
const maxIdentifiers = 1000
