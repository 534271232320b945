package node

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/topics"
	"github.com/throughline/throughline/services/workspaces"
)

// embeddedPartitions is how many partitions the topics of a new folder get: enough for the cores, since stages work on
// partitions side by side, and no more, since each costs inserts of its own. A folder keeps what it was made with.
func embeddedPartitions(ctx context.Context, admin *kafka.Admin) (int32, error) {
	there, err := admin.Topics(ctx)
	if err != nil {
		return 0, err
	}
	if n := there[string(topic.Touchpoints)]; n > 0 {
		return n, nil
	}
	return int32(min(max(runtime.NumCPU(), 2), 16)), nil
}

// Prepare makes what a node of one process needs: topics, tables, and the first key. key, when not empty, is let into
// workspace default; otherwise a new installation gets one, which is returned, once.
func Prepare(ctx context.Context, c Config, key string) (made string, err error) {
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error {
		made, err = prepareLog(both, c, key)
		return err
	})
	group.Go(func() error { return prepareStore(both, c) })
	if err := group.Wait(); err != nil {
		return "", fmt.Errorf("prepare: %w", err)
	}
	return made, nil
}

func prepareStore(ctx context.Context, c Config) error {
	db, err := clickhouse.Open(ctx, c.Store)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.Migrate(ctx, tables.Migrations, c.Layout)
}

func prepareLog(ctx context.Context, c Config, key string) (made string, err error) {
	admin, err := kafka.NewAdmin(c.Kafka)
	if err != nil {
		return "", err
	}
	defer admin.Close()
	partitions, err := embeddedPartitions(ctx, admin)
	if err != nil {
		return "", err
	}
	if err := admin.EnsureTopics(ctx, topics.Specs(topic.First, partitions, 0)); err != nil {
		return "", err
	}
	directory := workspaces.DefaultConfig()
	directory.Kafka, directory.Logger = c.Kafka, c.Logger
	d, err := workspaces.NewDirectory(directory)
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Close() }()
	following, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.Run(following) }()
	defer func() { stop(); <-done }()
	if err := d.Wait(ctx); err != nil {
		return "", err
	}
	name := "given at start"
	switch {
	case key == "" && len(d.Keys()) > 0:
		return "", nil
	case key == "":
		key, name = workspaces.NewKey(), "made at first start"
		made = key
	}
	if owner, known := d.Authenticate(key); known {
		if owner != workspace.Default {
			return "", fmt.Errorf("the key belongs to workspace %s already", owner)
		}
		return "", nil
	}
	return made, d.Add(ctx, key, workspace.Key{Workspace: workspace.Default, Name: name, Created: time.Now().UnixMilli()})
}
