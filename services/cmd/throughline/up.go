package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/embedded/engine"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/node"
)

type upCommand struct {
	Data             string `required:"" help:"Folder of the data; made when absent." env:"THROUGHLINE_DATA"`
	Listen           string `default:"127.0.0.1:8080" help:"Address of the HTTP API." env:"THROUGHLINE_LISTEN"`
	Key              string `help:"API key of workspace default; the first start makes one when absent and prints it once. A folder that has keys gets this one as well: those before stay valid until they are revoked (keys revoke). Give it 16 characters or more where others reach the address." env:"THROUGHLINE_KEY"`
	KafkaListen      string `help:"Open the embedded broker to other programs on this address." env:"THROUGHLINE_KAFKA_LISTEN"`
	ClickHouseListen string `name:"clickhouse-listen" help:"Open the embedded ClickHouse, read only, to BI tools on this address: they ask the views throughline.now_touchpoints, now_conversations and so on, whose names stay through rebuilds." env:"THROUGHLINE_CLICKHOUSE_LISTEN"`
	ruleFlags
	sourceFlags
	doorFlags
}

// upMemory is what all roles and the broker take in one process, as long as it is enough.
const upMemory = 1 << 30

func (c *upCommand) Run(ctx context.Context, log *slog.Logger) (err error) {
	boundGarbage(ctx, upMemory)
	started := time.Now()
	if shortKey(c.Key) && !loopback(c.Listen) {
		log.Warn("the key is short enough to be guessed, and others reach this address: give --key 16 characters or more", "listen", c.Listen)
	}
	webhooks, err := c.settings()
	if err != nil {
		return err
	}
	engines, err := node.StartEngines(ctx, node.EnginesConfig{
		Dir: c.Data, KafkaListen: c.KafkaListen, ClickHouseListen: c.ClickHouseListen, Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engines.Close(context.WithoutCancel(ctx))) }()
	config, err := nodeConfig(c.Listen, c.ruleFlags, log)
	if err != nil {
		return err
	}
	config.Kafka = kafka.Config{Brokers: engines.Brokers(), ClientID: "throughline", Logger: log}
	config.Store = clickhouse.DefaultConfig(engines.DSN())
	config.Webhooks, config.Rate = webhooks, c.rate()
	made, err := node.Prepare(ctx, config, c.Key)
	if err != nil {
		return err
	}
	if made != "" {
		fmt.Printf("API key of workspace default, shown only now:\n\n  %s\n\n", made)
	}
	n, err := node.New(ctx, config)
	if err != nil {
		return err
	}
	log.Info("listening", "url", "http://"+n.Addr(), "after", time.Since(started).Round(time.Millisecond))
	return runUntilEngineEnds(ctx, n, engines)
}

// shortKey tells whether a key that was given could be found by trying.
func shortKey(key string) bool { return key != "" && len(key) < 16 }

// loopback tells whether only this machine reaches the address.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// runUntilEngineEnds runs the node until ctx ends, or the embedded ClickHouse was given up.
func runUntilEngineEnds(ctx context.Context, n *node.Node, engines *node.Engines) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-engines.Done():
			cancel(fmt.Errorf("the embedded ClickHouse ended: %w", engines.Err()))
		case <-ctx.Done():
		}
	}()
	err := n.Run(ctx)
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

func nodeConfig(listen string, rules ruleFlags, log *slog.Logger) (node.Config, error) {
	c := node.DefaultConfig()
	c.HTTP.Listen, c.Logger = listen, log
	var err error
	if c.Rules, c.Registry, err = rules.load(); err != nil {
		return c, err
	}
	c.Metrics = prometheus.NewRegistry()
	c.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return c, nil
}

type enginesCommand struct {
	Data             string `required:"" help:"Folder of the data; made when absent." env:"THROUGHLINE_DATA"`
	KafkaListen      string `default:"127.0.0.1:9092" help:"Address of the broker." env:"THROUGHLINE_KAFKA_LISTEN"`
	ClickHouseListen string `name:"clickhouse-listen" default:"127.0.0.1:8123" help:"Address of ClickHouse, with all rights: keep it to yourself." env:"THROUGHLINE_CLICKHOUSE_LISTEN"`
}

func (c *enginesCommand) Run(ctx context.Context, log *slog.Logger) (err error) {
	boundGarbage(ctx, upMemory)
	engines, err := node.StartEngines(ctx, node.EnginesConfig{
		Dir: c.Data, KafkaListen: c.KafkaListen, ClickHouseListen: c.ClickHouseListen, Exposed: true, Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engines.Close(context.WithoutCancel(ctx))) }()
	log.Info("engines are up", "kafka", engines.Brokers()[0], "clickhouse", engines.DSN())
	select {
	case <-ctx.Done():
		return nil
	case <-engines.Done():
		return fmt.Errorf("the embedded ClickHouse ended: %w", engines.Err())
	}
}

// engineCommand is the child process of up and engines.
type engineCommand struct{}

func (engineCommand) Run(ctx context.Context, log *slog.Logger) error {
	return engine.Serve(context.WithoutCancel(ctx), os.Stdin, os.Stdout, log)
}
