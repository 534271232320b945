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
}

// getPersonByIdentifier answers GET /v1/people?identifier=type:value.
func (s *Server) getPersonByIdentifier(w http.ResponseWriter, r *http.Request, c *call) error {
	text := c.query.text("identifier")
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
	for _, a := range anchors {
		p, found, err := s.person(ctx, c, a)
		if err != nil || found {
			return p, err
		}
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
	return Person{}, &notFound{"identifier", "nobody is known by " + tried}
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
	id, err := s.config.Rules.Rules(workspace).Normalise(touchpoint.Identifier{Type: typ, Value: value})
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
	sql := `SELECT anchor FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND has(thread, {thread:String})
ORDER BY time, key LIMIT 1`
	var first wide
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "thread": thread}, func(r *clickhouse.Rows) error {
		found = true
		return r.Scan(&first)
	})
	return asAnchor(&first), found, err
}

// getPerson answers GET /v1/people/{id}.
func (s *Server) getPerson(w http.ResponseWriter, r *http.Request, c *call) error {
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
		p.Channels, err = s.channels(ctx, c, w)
		return err
	})
	g.Go(func() (err error) {
		p.Identifiers, err = s.identifiers(ctx, c, w)
		return err
	})
	g.Go(func() (err error) {
		p.Conversations, p.OpenConversations, err = s.openConversations(ctx, c, w)
		return err
	})
	if err := g.Wait(); err != nil {
		return p, false, err
	}
	if len(p.Channels) == 0 && !w.recorded {
		return p, false, nil
	}
	var firstSeen, lastSeen, best time.Time
	var most uint64
	for _, use := range p.Channels {
		p.Touchpoints += use.Touchpoints
		if firstSeen.IsZero() || use.firstSeen.Before(firstSeen) {
			firstSeen = use.firstSeen
		}
		if last := time.Time(use.LastSeen); last.After(lastSeen) {
			lastSeen = last
		}
		if use.Inbound > most || use.Inbound == most && most > 0 && use.lastInbound.After(best) {
			p.PreferredChannel, most, best = use.Channel, use.Inbound, use.lastInbound
		}
	}
	if len(p.Channels) > 0 {
		first, last := Time(firstSeen), Time(lastSeen)
		p.FirstSeen, p.LastSeen = &first, &last
	}
	return p, true, nil
}

func (s *Server) channels(ctx context.Context, c *call, w who) ([]ChannelUse, error) {
	params := clickhouse.Params{"workspace": c.workspace}
	sql := `SELECT channel, count() AS n, countIf(direction = 'inbound'), min(time), max(time), maxIf(time, direction = 'inbound')
FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} AND ` + w.belongs("anchor", params) + `
GROUP BY channel ORDER BY n DESC, channel`
	out := []ChannelUse{}
	err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var u ChannelUse
		var last time.Time
		err := r.Scan(&u.Channel, &u.Touchpoints, &u.Inbound, &u.firstSeen, &last, &u.lastInbound)
		u.LastSeen = Time(last)
		out = append(out, u)
		return err
	})
	return out, err
}

// identifiers are those that the person's touchpoints carry and that are the person's: the verified ones whose
// anchor belongs to it, and what was only claimed. A verified identifier of somebody else, whose link was refused,
// is not on the card.
func (s *Server) identifiers(ctx context.Context, c *call, w who) ([]Identifier, error) {
	params := clickhouse.Params{"workspace": c.workspace}
	sql := `SELECT name, min(time), max(time), count()
FROM ` + c.tables.Touchpoints + ` ARRAY JOIN arrayDistinct(identifiers) AS name
WHERE workspace = {workspace:String} AND ` + w.belongs("anchor", params) + `
GROUP BY name LIMIT {limit:UInt32}`
	params["limit"] = maxIdentifiers
	own := make(map[identity.Anchor]bool, len(w.anchors))
	for _, a := range w.anchors {
		own[a] = true
	}
	out := []Identifier{}
	err := s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var i Identifier
		var name string
		var first, last time.Time
		if err := r.Scan(&name, &first, &last, &i.Touchpoints); err != nil {
			return err
		}
		of := touchpoint.IdentifierOf(name)
		i.Type, i.Value, i.Verified, i.FirstSeen, i.LastSeen = of.Type, of.Value, of.Verified, Time(first), Time(last)
		if i.Verified && !own[identity.AnchorOf(c.workspace, i.Type, i.Value)] {
			return nil
		}
		out = append(out, i)
		return nil
	})
	slices.SortFunc(out, func(a, b Identifier) int {
		if a.Verified != b.Verified {
			if a.Verified {
				return -1
			}
			return 1
		}
		return cmp.Or(time.Time(b.LastSeen).Compare(time.Time(a.LastSeen)), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
	return out, err
}

// maxIdentifiers bounds what one card lists.
const maxIdentifiers = 1000
