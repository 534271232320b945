// Package collect is the door: what comes in by HTTP and by topic touchpoints.raw is judged, the good goes to topic
// touchpoints and the bad to the dead letters, and both are in the log before anybody is told.
//
// # What is not obvious
//
//   - A bad touchpoint never takes its neighbours down: the ends of what does not decode are found by quotes and brackets.
//   - A dead letter's id derives from where it came from: the offset in touchpoints.raw, or the bytes of a request.
//     A client that sends the same bad thing again and again has one dead letter.
//   - What must not be kept is taken out here, of touchpoints and of dead letters, before either is a record.
//   - A 503 does not mean that the log has nothing of the request. The same request again adds nothing twice, because
//     a touchpoint's id is given or derived from its content; only one that comes with neither id nor time is new.
package collect

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/contract"
	"github.com/throughline/throughline/streams/identity"
	"github.com/throughline/throughline/streams/privacy"
)

// Config configures a Collector. Start from DefaultConfig.
type Config struct {
	Producer  *kafka.Producer // must fail rather than wait for ever: a client waits for the answer
	Directory api.Directory
	// Knows tells whether there is such a workspace, of one that a record of touchpoints.raw names; nil: any is.
	Knows     func(workspace string) bool
	Rules     identity.ByWorkspace // that rank threads by Registry
	Registry  *registry.Registry
	Privacy   privacy.ByWorkspace // what is not to be kept
	Contracts contract.ByWorkspace

	// Kafka and Stage are for Run, which reads touchpoints.raw.
	Kafka kafka.Config
	Stage kafka.StageConfig

	Bodies api.BodiesConfig
	Rate   RateConfig
	// MaxBatch is how many touchpoints one request may carry.
	MaxBatch int

	Now        func() time.Time
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil discards
}

// DefaultConfig has no limit of rate; Producer and Directory, and for Run Kafka, must be filled in.
func DefaultConfig() Config {
	stage := kafka.DefaultStageConfig()
	stage.Recycle = true
	return Config{
		Rules:    identity.RulesOf(identity.DefaultRules()),
		Registry: registry.Default(),
		Privacy:  privacy.Of(privacy.Default()),

		Contracts: contract.None{},
		Stage:     stage,
		Bodies:    api.DefaultBodiesConfig(),
		MaxBatch:  50_000,
		Now:       time.Now,
	}
}

// DefaultProducerConfig has room for as many touchpoints as the bodies under way can carry, so that a large batch is
// not refused half-way while nothing is wrong with the broker.
func DefaultProducerConfig() kafka.ProducerConfig {
	p := kafka.DefaultProducerConfig()
	p.BufferedRecords = 400_000
	p.BufferedBytes = 192 << 20
	return p
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	switch {
	case c.Producer == nil:
		return errors.New("collect: no producer")
	case c.Directory == nil:
		return errors.New("collect: no directory of keys")
	case c.Rules == nil || c.Registry == nil:
		return errors.New("collect: no rules or no registry")
	case c.Privacy == nil || c.Contracts == nil:
		return errors.New("collect: no privacy rules or no contracts")
	case c.MaxBatch <= 0:
		return errors.New("collect: max batch must be positive")
	case c.Now == nil:
		return errors.New("collect: no clock")
	}
	if err := c.Rate.Validate(); err != nil {
		return err
	}
	return c.Bodies.Validate()
}

// Collector judges touchpoints and appends them. It is safe for use by several goroutines.
type Collector struct {
	config  Config
	log     *slog.Logger
	bodies  *api.Bodies
	rates   *rates
	metrics metrics
	batches sync.Pool // of *batch
	schema  []byte
	table   []byte // the registry as JSON
}

// New makes a Collector.
func New(c Config) (*Collector, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	table, err := encodeRegistry(c.Registry)
	if err != nil {
		return nil, err
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	bodies := api.NewBodies(c.Bodies)
	return &Collector{
		config:  c,
		log:     log,
		bodies:  bodies,
		rates:   newRates(c.Rate),
		metrics: newMetrics(c.Registerer, bodies),
		schema:  touchpoint.JSONSchema(c.Registry),
		table:   table,
	}, nil
}

// Handler answers what Mount adds, and nothing else.
func (c *Collector) Handler() http.Handler {
	routes := api.NewRoutes()
	c.Mount(routes)
	return routes.Handler()
}

// Mount adds POST /v1/touchpoints, GET /v1/schemas/touchpoint.json and GET /v1/registry.
func (c *Collector) Mount(routes *api.Routes) {
	routes.Handle(http.MethodPost, "/v1/touchpoints", api.Shared(api.Authenticated(c.config.Directory, workspace.Send, http.HandlerFunc(c.post))))
	routes.Handle(http.MethodOptions, "/v1/touchpoints", api.Shared(http.HandlerFunc(api.Preflight)))
	routes.Handle(http.MethodGet, "/v1/schemas/touchpoint.json", document("application/schema+json", c.schema))
	routes.Handle(http.MethodGet, "/v1/registry", document("application/json", c.table))
}

// document answers with bytes that never change.
func document(mediaType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(body)
	})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
