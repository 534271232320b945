package main

import (
	"context"
	"fmt"
	"log/slog"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/topics"
)

type topicsCommand struct {
	kafkaFlags
	Partitions int32 `default:"12" help:"Partitions of each topic; cannot be changed later."`
	Replicas   int16 `default:"0" help:"Replicas of each partition; 0: the broker's default."`
}

func (c *topicsCommand) Run(ctx context.Context, log *slog.Logger) error {
	admin, err := kafka.NewAdmin(c.config(log))
	if err != nil {
		return err
	}
	defer admin.Close()
	specs := topics.Specs(topic.First, c.Partitions, c.Replicas)
	if err := admin.EnsureTopics(ctx, specs); err != nil {
		return err
	}
	fmt.Printf("%d topics are there.\n", len(specs))
	return nil
}

type migrateCommand struct{ storeFlags }

func (c *migrateCommand) Run(ctx context.Context) error {
	db, err := clickhouse.Open(ctx, c.config())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, tables.Migrations, c.layout()); err != nil {
		return err
	}
	fmt.Printf("The tables of database %s are up to date.\n", db.Database())
	return nil
}
