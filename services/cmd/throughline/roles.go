package main

import (
	"context"
	"log/slog"

	"github.com/throughline/throughline/services/node"
)

// roleFlags are what every role that runs alone needs.
type roleFlags struct {
	kafkaFlags
	ruleFlags
	Listen string `default:"127.0.0.1:8080" help:"Address of the role's HTTP: its API if it has one, health and metrics." env:"THROUGHLINE_LISTEN"`
}

func (f roleFlags) run(ctx context.Context, log *slog.Logger, role node.Role, store *storeFlags, sources *sourceFlags, door doorFlags) error {
	config, err := nodeConfig(f.Listen, f.ruleFlags, log)
	if err != nil {
		return err
	}
	config.Rate = door.rate()
	config.Roles, config.Kafka = []node.Role{role}, f.kafkaFlags.config(log)
	if store != nil {
		config.Store, config.Layout = store.config(), store.layout()
	}
	if sources != nil {
		if config.Webhooks, err = sources.settings(); err != nil {
			return err
		}
	}
	if role == node.Load {
		boundGarbage(ctx, loadMemory)
	}
	n, err := node.New(ctx, config)
	if err != nil {
		return err
	}
	log.Info("running", "role", role, "url", "http://"+n.Addr())
	return n.Run(ctx)
}

// loadMemory is what the role that loads takes, until the fingerprints of what is stored, some 21 bytes each, need more.
const loadMemory = 430 << 20

type collectCommand struct {
	roleFlags
	sourceFlags
	doorFlags
}

func (c *collectCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.run(ctx, log, node.Collect, nil, &c.sourceFlags, c.doorFlags)
}

type identifyCommand struct{ roleFlags }

func (c *identifyCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.run(ctx, log, node.Identify, nil, nil, doorFlags{})
}

type converseCommand struct{ roleFlags }

func (c *converseCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.run(ctx, log, node.Converse, nil, nil, doorFlags{})
}

type loadCommand struct {
	roleFlags
	storeFlags
}

func (c *loadCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.run(ctx, log, node.Load, &c.storeFlags, nil, doorFlags{})
}

type serveCommand struct {
	roleFlags
	storeFlags
	sourceFlags
	doorFlags
}

func (c *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.run(ctx, log, node.Serve, &c.storeFlags, &c.sourceFlags, c.doorFlags)
}
