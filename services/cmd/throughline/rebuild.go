package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/rebuild"
	"github.com/throughline/throughline/services/workspaces"
)

type rebuildCommand struct {
	What string `arg:"" enum:"store,conversations,identity" help:"store, conversations or identity; each includes those before it."`
	URL  string `name:"url" help:"Of a running Throughline." xor:"where" env:"THROUGHLINE_URL"`
	Key  string `help:"API key for --url." env:"THROUGHLINE_KEY"`
	engineFlags
	clusterFlag
}

func (c *rebuildCommand) Run(ctx context.Context, log *slog.Logger) error {
	switch {
	case c.URL != "":
		_, err := operate[struct{}](ctx, c.URL, "/v1/rebuild/"+c.What, c.Key)
		return err
	case c.given():
		return c.direct(ctx, log)
	}
	return errors.New("say where: --url and --key, or --kafka and --clickhouse")
}

func (c *rebuildCommand) direct(ctx context.Context, log *slog.Logger) error {
	brokers := c.brokers(log)
	db, err := clickhouse.Open(ctx, c.store())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	admin, err := kafka.NewAdmin(brokers)
	if err != nil {
		return err
	}
	defer admin.Close()
	return withDirectory(ctx, brokers, func(d *workspaces.Directory) error {
		return rebuild.Run(ctx, rebuild.Config{
			Admin: admin, Store: db, Layout: c.layout(), Directory: d, Patience: 2 * time.Minute,
			Progress: func(what string) { fmt.Fprintln(os.Stderr, what) },
		}, rebuild.What(c.What))
	})
}
