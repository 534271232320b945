package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/console"
	"github.com/throughline/throughline/services/converse"
	"github.com/throughline/throughline/services/identify"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/live"
	"github.com/throughline/throughline/services/load"
	"github.com/throughline/throughline/services/rehearse"
	"github.com/throughline/throughline/services/segment"
	"github.com/throughline/throughline/services/serve"
	"github.com/throughline/throughline/services/transfer"
	"github.com/throughline/throughline/services/webhook"
	"github.com/throughline/throughline/services/workspaces"
)

// Node is the roles of one process, built and not yet running.
type Node struct {
	config     Config
	directory  *workspaces.Directory
	admin      *kafka.Admin
	store      *clickhouse.DB // nil when no role needs it
	collector  *collect.Collector
	doors      []serve.Door    // further ways into the collector
	producer   *kafka.Producer // of the collector
	rehearsals *rehearse.Desk  // nil unless serve runs
	live       *live.Hub       // nil unless serve runs
	server     *api.Server
}

// New builds the roles. The topics, tables and keys must be there (see Prepare); the engines may come later.
func New(ctx context.Context, c Config) (_ *Node, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := &Node{config: c}
	defer func() {
		if err != nil {
			_ = n.close(ctx)
		}
	}()
	directory := workspaces.DefaultConfig()
	directory.Kafka, directory.Rules, directory.Registry, directory.Logger = c.Kafka, c.Rules, c.Registry, c.Logger
	if n.directory, err = workspaces.NewDirectory(directory); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	if n.admin, err = kafka.NewAdmin(c.Kafka); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	if c.needsStore() {
		if n.store, err = openStore(ctx, c.Store); err != nil {
			return nil, fmt.Errorf("node: %w", err)
		}
	}
	handler, err := n.handler()
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	c.HTTP.Registerer, c.HTTP.Logger = c.Metrics, c.Logger
	if n.server, err = api.NewServer(c.HTTP, n.whenKeysAreKnown(handler)); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	return n, nil
}

// Addr is where the node answers HTTP.
func (n *Node) Addr() string { return n.server.Addr() }

// Run runs the roles until ctx ends or one of them fails for good. The doors close first, then the stages finish what
// they hold, so that everything accepted is at least on the log.
func (n *Node) Run(ctx context.Context) error {
	defer func() { _ = n.close(context.WithoutCancel(ctx)) }()
	stages, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, running := errgroup.WithContext(stages)
	group.Go(func() error { return n.directory.Run(running) })
	group.Go(func() error { n.sayWhenAlone(running); return nil })
	doors, closeDoors := context.WithCancel(ctx)
	defer closeDoors()
	// A stage that fails closes the doors.
	context.AfterFunc(running, closeDoors)
	group.Go(func() error {
		defer stop()
		return n.server.Run(doors)
	})
	if n.live != nil {
		context.AfterFunc(doors, n.live.End)
		group.Go(func() error { return n.live.Run(running) })
	}
	c := n.config
	if c.runs(Collect) {
		group.Go(func() error {
			err := n.directory.Wait(running) // for the rules
			if err == nil {
				err = n.collector.Run(running)
			}
			return named(Collect, err)
		})
	}
	if c.runs(Identify) {
		n.follow(running, group, Identify, ofIdentify, n.identify)
	}
	if c.runs(Converse) {
		n.follow(running, group, Converse, ofConverse, n.converse)
	}
	if c.runs(Load) {
		n.follow(running, group, Load, ofLoad, n.load)
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

func (n *Node) follow(ctx context.Context, group *errgroup.Group, role Role, of func(topic.Generations) topic.Generations, run func(context.Context, topic.Generations) error) {
	group.Go(func() error {
		if err := n.directory.Wait(ctx); err != nil {
			return named(role, err)
		}
		return named(role, follow(ctx, n.directory, of, run))
	})
}

func (n *Node) identify(ctx context.Context, g topic.Generations) error {
	c := identify.DefaultConfig()
	c.Kafka, c.Generations, c.Rules = n.config.Kafka, g, n.config.Rules
	c.Registerer, c.Logger = n.metricsOf(g), n.config.Logger
	return identify.Run(ctx, c)
}

func (n *Node) converse(ctx context.Context, g topic.Generations) error {
	c := converse.DefaultConfig()
	c.Kafka, c.Generations, c.Registry = n.config.Kafka, g, n.config.Registry
	c.Registerer, c.Logger = n.metricsOf(g), n.config.Logger
	return converse.Run(ctx, c)
}

func (n *Node) load(ctx context.Context, g topic.Generations) error {
	c := load.DefaultConfig()
	c.Kafka, c.Store, c.Layout, c.Generations = n.config.Kafka, n.store, n.config.Layout, g
	c.Registerer, c.Logger = n.metricsOf(g), n.config.Logger
	return load.Run(ctx, c)
}

// metricsOf keeps the metrics of generations apart: two of a stage run side by side during a rebuild.
func (n *Node) metricsOf(g topic.Generations) prometheus.Registerer {
	return n.metrics(fmt.Sprintf("%d.%d.%d", g.Identity, g.Conversation, g.Store))
}

// metrics labels with a generation, which is empty for a role that has none: roles share metrics, and a metric has the
// same labels everywhere.
func (n *Node) metrics(generation string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"generation": generation}, n.config.Metrics)
}

// handler is what the node answers to: the roles with doors have their own routes, the others health and metrics.
func (n *Node) handler() (http.Handler, error) {
	c := n.config
	if c.runs(Collect) || c.runs(Serve) {
		if err := n.buildCollector(); err != nil {
			return nil, err
		}
	}
	if c.runs(Serve) {
		s := serve.DefaultConfig()
		s.DB, s.Log, s.Directory, s.Collect, s.Producer = n.store, n.admin, n.directory, n.collector, n.producer
		s.Rules, s.Registry, s.Gatherer, s.Registerer, s.Logger = n.directory, c.Registry, c.Metrics, c.Metrics, c.Logger
		s.Audit, s.Rebuild = n.operations()
		s.Promises, s.Privacy, s.Contracts, s.Channels, s.Audits = n.directory, n.directory, n.directory, n.directory, n.directory
		s.Doors = n.doors
		transfers, err := n.transfers()
		if err != nil {
			return nil, err
		}
		s.Transfers = transfers
		desk, err := n.desk()
		if err != nil {
			return nil, err
		}
		n.rehearsals, s.Rehearsals = desk, desk
		if n.live, err = n.hub(); err != nil {
			return nil, err
		}
		s.Live = n.live
		server, err := serve.New(s)
		if err != nil {
			return nil, err
		}
		return console.Handler(server.Handler())
	}
	mux := http.NewServeMux()
	if c.runs(Collect) {
		routes := api.NewRoutes()
		n.collector.Mount(routes)
		for _, door := range n.doors {
			door.Mount(routes)
		}
		mux.Handle("/", routes.Handler())
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", n.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{}))
	return mux, nil
}

// ready says whether the log, and the store where it is needed, answer.
func (n *Node) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	err := n.admin.Ping(ctx)
	if err == nil && n.store != nil {
		err = n.store.Ping(ctx)
	}
	if err == nil {
		err = n.directory.Wait(ctx)
	}
	if err != nil {
		api.Problem(w, r, http.StatusServiceUnavailable, "", "not ready: "+err.Error())
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// hub follows the conversations for those who watch them.
func (n *Node) hub() (*live.Hub, error) {
	c := live.DefaultConfig()
	c.Log, c.Generations, c.Logger = n.admin, n.directory.Generations, n.config.Logger
	return live.NewHub(c)
}

// transfers offers conversations to other channels.
func (n *Node) transfers() (*transfer.Desk, error) {
	c := transfer.DefaultConfig()
	c.Log, c.Producer, c.Secrets, c.Logger = n.admin, n.producer, n.directory, n.config.Logger
	return transfer.NewDesk(c)
}

// desk runs rehearsals of identity rules: two at a time, each of which has two times what identify has in memory.
func (n *Node) desk() (*rehearse.Desk, error) {
	return rehearse.NewDesk(rehearse.DeskConfig{
		Log: n.admin, Store: n.store, Producer: n.producer, Directory: n.directory, Running: 2, Now: time.Now, Logger: n.config.Logger,
	})
}

func (n *Node) buildCollector() (err error) {
	if n.producer, err = kafka.NewProducer(n.config.Kafka, collect.DefaultProducerConfig()); err != nil {
		return err
	}
	c := collect.DefaultConfig()
	c.Kafka, c.Producer, c.Directory = n.config.Kafka, n.producer, n.directory
	c.Privacy, c.Contracts = n.directory, n.directory
	c.Rate, c.Knows = n.config.Rate, n.directory.Knows
	c.Rules, c.Registry, c.Registerer, c.Logger = n.directory, n.config.Registry, n.metrics(""), n.config.Logger
	if n.collector, err = collect.New(c); err != nil {
		return err
	}
	calls, err := segment.New(segment.Config{Collector: n.collector, Directory: n.directory})
	if err != nil {
		return err
	}
	hooks := webhook.DefaultConfig()
	hooks.Collector, hooks.Directory, hooks.Settings = n.collector, n.directory, n.config.Webhooks
	hooks.Registerer, hooks.Logger = n.metrics(""), n.config.Logger
	providers, err := webhook.New(hooks)
	n.doors = append(n.doors, calls, providers)
	return err
}

// close disconnects; what is buffered is sent first.
func (n *Node) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var errs []error
	if n.rehearsals != nil {
		n.rehearsals.Close()
	}
	if n.producer != nil {
		errs = append(errs, n.producer.Close(ctx))
	}
	if n.directory != nil {
		errs = append(errs, n.directory.Close())
	}
	if n.admin != nil {
		n.admin.Close()
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}

// openStore waits for a ClickHouse that is not there yet: roles may start before their engines.
func openStore(ctx context.Context, c clickhouse.Config) (*clickhouse.DB, error) {
	for {
		db, err := clickhouse.Open(ctx, c)
		if err == nil || !errors.Is(err, clickhouse.ErrUnavailable) {
			return db, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func named(role Role, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", role, err)
}
