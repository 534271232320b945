package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/throughline/throughline/services/audit"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/node"
)

// errDifferences makes audit leave with 1.
var errDifferences = errors.New("the store differs from the log")

type auditCommand struct {
	URL  string `name:"url" help:"Audit a running Throughline at this address." xor:"where" env:"THROUGHLINE_URL"`
	Key  string `help:"API key for --url." env:"THROUGHLINE_KEY"`
	Data string `help:"Audit this data folder, which nothing else uses now." xor:"where"`
	engineFlags
	IDs string `name:"ids" type:"existingfile" help:"File of touchpoint ids, one a line, each of which must be stored once; with --data or --kafka."`
	ruleFlags
}

func (c *auditCommand) Run(ctx context.Context, log *slog.Logger) error {
	config := audit.DefaultConfig()
	config.Logger, config.Progress = log, func(what string) { fmt.Fprintln(os.Stderr, what) }
	var err error
	if config.Rules, config.Registry, err = c.ruleFlags.load(); err != nil {
		return err
	}
	if config.IDs, err = readLines(c.IDs); err != nil {
		return err
	}
	var report *audit.Report
	switch {
	case c.URL != "":
		if len(config.IDs) > 0 {
			return errors.New("--ids needs --data or --kafka")
		}
		report, err = operate[audit.Report](ctx, c.URL, "/v1/audit", c.Key)
	case c.Data != "":
		report, err = auditFolder(ctx, c.Data, c.ruleFlags, config, log)
	case c.given():
		report, err = auditEngines(ctx, c.brokers(log), c.store(), config)
	default:
		return errors.New("say what to audit: --url and --key, --data, or --kafka and --clickhouse")
	}
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(report); err != nil {
		return err
	}
	if !report.Clean() {
		return fmt.Errorf("%w in %d places", errDifferences, report.Count)
	}
	return nil
}

// holdsData says what is wrong with a folder that a start would only fill with an empty log: there would be nothing to audit, for ever.
func holdsData(folder string) error {
	switch log, err := os.ReadDir(filepath.Join(folder, "kafka")); {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	case len(log) == 0:
		return fmt.Errorf("--data %s: there is no data of Throughline in this folder", folder)
	}
	return nil
}

// auditFolder starts the engines, and the stages that bring what is derived up to the log's end.
func auditFolder(ctx context.Context, folder string, rules ruleFlags, config audit.Config, log *slog.Logger) (_ *audit.Report, err error) {
	if err := holdsData(folder); err != nil {
		return nil, err
	}
	engines, err := node.StartEngines(ctx, node.EnginesConfig{Dir: folder, Logger: log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engines.Close(context.WithoutCancel(ctx))) }()
	nc, err := nodeConfig("127.0.0.1:0", rules, log)
	if err != nil {
		return nil, err
	}
	nc.Roles = []node.Role{node.Identify, node.Converse, node.Load}
	nc.Kafka = kafka.Config{Brokers: engines.Brokers(), Logger: log}
	nc.Store = clickhouse.DefaultConfig(engines.DSN())
	n, err := node.New(ctx, nc)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.Run(running) }()
	defer func() { stop(); err = errors.Join(err, <-done) }()
	return auditEngines(ctx, nc.Kafka, nc.Store, config)
}

// auditEngines audits what stands on the engines.
func auditEngines(ctx context.Context, brokers kafka.Config, store clickhouse.Config, config audit.Config) (*audit.Report, error) {
	db, err := clickhouse.Open(ctx, store)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	admin, err := kafka.NewAdmin(brokers)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if config.Generations, err = currentGenerations(ctx, brokers); err != nil {
		return nil, err
	}
	config.Admin, config.Store = admin, db
	return audit.Run(ctx, config)
}

func readLines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	return lines, nil
}
