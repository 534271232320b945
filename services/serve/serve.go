// Package serve answers questions: who a customer is and why, what happened, what waits, and what the figures are. It reads
// the store and writes nothing there; what it takes in (touchpoints, dead letters to be sent again) it hands to collect, and what users
// decide about identities it puts on the log as links.
//
// # What is not obvious
//
//   - Persons are resolved when a question is asked. Look-ups read the tables of moves, so that they follow a merge as
//     soon as it is stored; reports use the dictionary over them, which is a second behind at most.
//   - The generation of the tables is looked up per request: a rebuild switches it while requests go on.
//   - Values never become text of a statement. What is concatenated into SQL are names and conditions out of this package.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/openapi"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/privacy"
	"github.com/throughline/throughline/streams/promise"
)

// Directory says which workspace a key belongs to and which generation of everything derived is to be read.
type Directory interface {
	api.Directory
	KeyName(key string) string // what people call a key; "" when it has no name
	Generations() (current topic.Generations, building *topic.Generations)
}

// Log is what serve asks the log: how far it goes, and how far the groups have come. *kafka.Admin does.
type Log interface {
	Ping(ctx context.Context) error
	GroupOffsets(ctx context.Context, group string, topics ...string) ([]kafka.Offsets, error)
}

// Config configures a Server. Start from DefaultConfig.
type Config struct {
	DB        *clickhouse.DB
	Log       Log
	Directory Directory
	Rules     identity.ByWorkspace
	Registry  *registry.Registry
	Producer  *kafka.Producer    // of what users decide about identities; must fail rather than wait for ever
	Collect   *collect.Collector // takes what comes in: touchpoints, and dead letters that are sent again
	Doors     []Door             // further ways in

	Live       Live       // changes of conversations as they happen; nil where this process cannot
	Promises   Promises   // to customers; nil: those of the registry
	Privacy    Privacy    // what is not kept; nil: by the rules that ship with the product
	Transfers  Transfers  // of conversations to other channels; nil where this process offers none
	Contracts  Contracts  // with those who send touchpoints; nil: none
	Channels   Channels   // as workspaces have set them; nil: those of the registry
	Audits     Audits     // the last audit; nil: none is known
	Rehearsals Rehearsals // of new identity rules; nil where this process cannot

	// Audit and Rebuild answer POST /v1/audit and /v1/rebuild/{what}, for those who run the installation; nil where this
	// process cannot.
	Audit, Rebuild http.Handler

	Lookup clickhouse.Limits // of one query that looks something up
	Report clickhouse.Limits // of one query of a report or list

	Lookups int           // queries of look-ups at the same time
	Reports int           // queries of reports at the same time
	Wait    time.Duration // for a query's turn, then 503

	Patience time.Duration // until what comes of a user's word is stored, then 202

	Bodies     api.BodiesConfig // of dead letters sent again
	Gatherer   prometheus.Gatherer
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil discards
	Now        func() time.Time
}

// DefaultConfig has limits that suit a machine with 2 cores and 4 GiB for the store.
func DefaultConfig() Config {
	return Config{
		Rules:    identity.RulesOf(identity.DefaultRules()),
		Registry: registry.Default(),
		Lookup:   clickhouse.Limits{MaxTime: 5 * time.Second, MaxMemory: 512 << 20, MaxRows: 20_000, Threads: 1}, // a few granules are not worth threads
		Report:   clickhouse.Limits{MaxTime: 30 * time.Second, MaxMemory: 2 << 30, MaxRows: 20_000},
		Lookups:  16,
		Reports:  6,
		Wait:     5 * time.Second,
		Patience: 5 * time.Second,
		Bodies:   api.BodiesConfig{Max: 2 * touchpoint.MaxSize, InFlight: 16 << 20, Patience: 15 * time.Second},
		Gatherer: prometheus.DefaultGatherer,
		Now:      time.Now,
	}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.DB == nil:
		return errors.New("serve: DB is missing")
	case c.Log == nil:
		return errors.New("serve: Log is missing")
	case c.Directory == nil:
		return errors.New("serve: Directory is missing")
	case c.Rules == nil || c.Registry == nil:
		return errors.New("serve: Rules and Registry are needed to read identifiers")
	case c.Producer == nil:
		return errors.New("serve: Producer is missing")
	case c.Collect == nil:
		return errors.New("serve: Collect is missing")
	case c.Lookup.MaxTime <= 0 || c.Report.MaxTime <= 0:
		return errors.New("serve: queries must have a time limit")
	case c.Lookups < 1 || c.Reports < 1:
		return errors.New("serve: at least one look-up and one report at the same time")
	case c.Wait <= 0 || c.Patience <= 0:
		return errors.New("serve: Wait and Patience must be positive")
	case c.Gatherer == nil:
		return errors.New("serve: Gatherer is missing")
	case c.Now == nil:
		return errors.New("serve: Now is missing")
	}
	if err := c.Bodies.Validate(); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Server answers the HTTP API. It is safe for concurrent use.
type Server struct {
	config Config
	store  *store
	bodies *api.Bodies
	zones  *memo[struct{}, map[string]bool] // the names that the store knows
	newest *memo[newestKey, time.Time]
	status *memo[topic.Generations, offsets]
	before rates

	sources *memo[sourcesKey, Sources]
}

// New makes a Server.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Promises == nil {
		c.Promises = fixedPromises{promise.OfRegistry(c.Registry)}
	}
	if c.Privacy == nil {
		c.Privacy = fixedPrivacy{privacy.Of(privacy.Default())}
	}
	if c.Channels == nil {
		c.Channels = fixedChannels{c.Registry}
	}
	if c.Contracts == nil {
		c.Contracts = fixedContracts{}
	}
	s := &Server{
		config: c,
		store: &store{
			db:     c.DB,
			lookup: newClass(c.Lookup, c.Lookups, c.Wait),
			report: newClass(c.Report, c.Reports, c.Wait),
		},
		bodies: api.NewBodies(c.Bodies),
		zones:  newMemo[struct{}, map[string]bool](zonesLife, c.Now),
		newest: newMemo[newestKey, time.Time](time.Second, c.Now),
		status: newMemo[topic.Generations, offsets](time.Second, c.Now),

		sources: newMemo[sourcesKey, Sources](5*time.Second, c.Now),
	}
	s.store.measure(c.Registerer)
	return s, nil
}

// route is one row of the table of routes.
type route struct {
	method, path string
	answer       func(s *Server, w http.ResponseWriter, r *http.Request, c *call) error
}

// routes need a key.
var routes = []route{
	{http.MethodGet, "/v1/people", (*Server).getPersonByIdentifier},
	{http.MethodGet, "/v1/people/why", (*Server).getWhyTwo},
	{http.MethodPost, "/v1/people/merge", (*Server).merge},
	{http.MethodPost, "/v1/people/split", (*Server).split},
	{http.MethodGet, "/v1/people/{id}", (*Server).getPerson},
	{http.MethodGet, "/v1/people/{id}/why", (*Server).getWhy},
	{http.MethodGet, "/v1/people/{id}/timeline", (*Server).getTimeline},
	{http.MethodGet, "/v1/people/{id}/conversations", (*Server).getPersonConversations},
	{http.MethodGet, "/v1/conversations", (*Server).listConversations},
	{http.MethodGet, "/v1/conversations/{id}", (*Server).getConversation},
	{http.MethodGet, "/v1/accounts/{account}", (*Server).getAccount},
	{http.MethodGet, "/v1/accounts/{account}/timeline", (*Server).getAccountTimeline},
	{http.MethodGet, "/v1/identity/suggestions", (*Server).listSuggestions},
	{http.MethodPost, "/v1/identity/suggestions/{id}", (*Server).decideSuggestion},
	{http.MethodGet, "/v1/identity/refusals", (*Server).listRefusals},
	{http.MethodGet, "/v1/identity/shared", (*Server).listShared},
	{http.MethodGet, "/v1/identity/rules", (*Server).getRules},
	{http.MethodPost, "/v1/identity/rehearsals", (*Server).startRehearsal},
	{http.MethodGet, "/v1/identity/rehearsals/{id}", (*Server).getRehearsal},
	{http.MethodPost, "/v1/identity/rehearsals/{id}", (*Server).concludeRehearsal},
	{http.MethodGet, "/v1/reports/touchpoints", (*Server).getTouchpointReport},
	{http.MethodGet, "/v1/reports/conversations", (*Server).getConversationReport},
	{http.MethodGet, "/v1/reports/touchpoints/receipt", (*Server).getTouchpointReceipt},
	{http.MethodGet, "/v1/reports/conversations/receipt", (*Server).getConversationReceipt},
	{http.MethodGet, "/v1/cracks", (*Server).getCracks},
	{http.MethodGet, "/v1/promises", (*Server).getPromises},
	{http.MethodPut, "/v1/promises", (*Server).setPromises},
	{http.MethodGet, "/v1/promises/open", (*Server).getOpenPromises},
	{http.MethodGet, "/v1/privacy", (*Server).getPrivacy},
	{http.MethodPut, "/v1/privacy", (*Server).setPrivacy},
	{http.MethodPost, "/v1/conversations/{id}/transfer", (*Server).offerTransfer},
	{http.MethodGet, "/v1/transfers/{token}", (*Server).getTransfer},
	{http.MethodPost, "/v1/transfers/{token}/open", (*Server).openTransfer},
	{http.MethodPost, "/v1/transfers/open", (*Server).openByCode},
	{http.MethodGet, "/v1/schemas", (*Server).listSchemas},
	{http.MethodGet, "/v1/schemas/infer", (*Server).inferSchemas},
	{http.MethodGet, "/v1/schemas/kinds/{kind}", (*Server).getSchema},
	{http.MethodPost, "/v1/schemas/kinds/{kind}", (*Server).addSchema},
	{http.MethodGet, "/v1/data-quality", (*Server).getQuality},
	{http.MethodGet, "/v1/dead-letters", (*Server).listDeadLetters},
	{http.MethodGet, "/v1/dead-letters/{id}", (*Server).getDeadLetter},
	{http.MethodPost, "/v1/dead-letters/{id}/resend", (*Server).resendDeadLetter},
	{http.MethodGet, "/v1/status", (*Server).getStatus},
	{http.MethodGet, "/v1/status/sources", (*Server).getSources},
	{http.MethodGet, "/v1/audit", (*Server).getAudit},
	{http.MethodPut, channelPath, (*Server).setChannel},
	{http.MethodDelete, channelPath, (*Server).resetChannel},
	{http.MethodGet, "/v1/search", (*Server).search},
	{http.MethodGet, "/v1/stream", (*Server).stream},
}

// Door is a way in that answers paths of its own.
type Door interface {
	Mount(routes *api.Routes)
}

// Handler answers all of the API.
func (s *Server) Handler() http.Handler {
	all := api.NewRoutes()
	for _, route := range routes {
		all.Handle(route.method, route.path, api.Authenticated(s.config.Directory, scopeOf(route.method, route.path), s.answered(route)))
	}
	s.config.Collect.Mount(all)
	for _, door := range s.config.Doors {
		door.Mount(all)
	}
	all.Handle(http.MethodGet, "/v1/registry", http.HandlerFunc(s.getRegistry)) // with what a workspace calls its channels
	all.Handle(http.MethodGet, "/v1/measures", http.HandlerFunc(s.getMeasures))
	all.Handle(http.MethodGet, "/v1/schemas/identity-rules.json", http.HandlerFunc(getRulesSchema))
	all.Handle(http.MethodGet, "/v1/schemas/privacy.json", http.HandlerFunc(getPrivacySchema))
	for path, operation := range map[string]http.Handler{"/v1/audit": s.config.Audit, "/v1/rebuild/{what}": s.config.Rebuild} {
		if operation == nil {
			operation = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				api.Problem(w, r, http.StatusNotFound, "", "this process does not run audits or rebuilds")
			})
		}
		all.Handle(http.MethodPost, path, api.Authenticated(s.config.Directory, workspace.Admin, operation))
	}
	all.Handle(http.MethodPost, "/v1/session", http.HandlerFunc(s.signIn))
	all.Handle(http.MethodGet, "/v1/session", http.HandlerFunc(s.getSession))
	all.Handle(http.MethodDelete, "/v1/session", http.HandlerFunc(s.signOut))
	all.Handle(http.MethodGet, "/healthz", http.HandlerFunc(s.healthy))
	all.Handle(http.MethodGet, "/readyz", http.HandlerFunc(s.ready))
	all.Handle(http.MethodGet, "/metrics", promhttp.HandlerFor(s.config.Gatherer, promhttp.HandlerOpts{}))
	all.Handle(http.MethodGet, "/openapi.yaml", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, "application/yaml", openapi.Document)
	}))
	return all.Handler()
}

// call is what every handler needs to know of its request.
type call struct {
	workspace   string
	generations topic.Generations
	tables      tables.Tables
	query       *query
}

func (s *Server) answered(route route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			current, _ := s.config.Directory.Generations()
			c := &call{
				workspace:   api.WorkspaceOf(r.Context()),
				generations: current,
				tables:      tables.TablesOf(current),
				query:       newQuery(r.URL.RawQuery),
			}
			err := route.answer(s, w, r, c)
			if err == nil {
				return
			}
			// A rebuild that is complete drops the tables that were read before: the question is then put to the new ones.
			if now, _ := s.config.Directory.Generations(); errors.Is(err, clickhouse.ErrRefused) && now != current && r.Method == http.MethodGet {
				continue
			}
			s.fail(w, r, err)
			return
		}
	})
}

func (s *Server) healthy(w http.ResponseWriter, r *http.Request) {
	if err := answer(w, http.StatusOK, map[string]string{"status": "ok"}); err != nil {
		s.fail(w, r, err)
	}
}

// ready says whether the store and the log answer.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := s.config.DB.Ping(ctx)
	if err == nil {
		if err = s.config.Log.Ping(ctx); err == nil {
			err = answer(w, http.StatusOK, map[string]string{"status": "ready"})
		} else {
			err = fmt.Errorf("%w: %w", kafka.ErrUnavailable, err)
		}
	} else {
		err = fmt.Errorf("%w: %w", clickhouse.ErrUnavailable, err)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}
