package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/workspaces"
)

type keysCommands struct {
	Create createKeyCommand `cmd:"" help:"Let a key into a workspace; prints it once."`
	List   listKeysCommand  `cmd:"" help:"List the keys, without what would let anybody in."`
	Revoke revokeKeyCommand `cmd:"" help:"Shut a key out."`
}

type createKeyCommand struct {
	kafkaFlags
	Workspace string            `default:"default" help:"Workspace; made when it is new."`
	Name      string            `help:"What the key is for."`
	Scope     []workspace.Scope `help:"What the key may: read, send, write, admin; repeatable. Without one, everything."`
	Key       string            `help:"Use this key instead of a new one; choose it long. One that is in force elsewhere, or for something else, is refused: revoke it first." env:"THROUGHLINE_KEY"`
}

func (c *createKeyCommand) Run(ctx context.Context, log *slog.Logger) error {
	return withDirectory(ctx, c.config(log), func(d *workspaces.Directory) error {
		key, made := c.Key, false
		if key == "" {
			key, made = workspaces.NewKey(), true
		}
		if err := d.Add(ctx, key, workspace.Key{Workspace: c.Workspace, Name: c.Name, Created: time.Now().UnixMilli(), Scopes: c.Scope}); err != nil {
			if errors.Is(err, workspaces.ErrKeyInForce) {
				return fmt.Errorf("%w; for a new one, leave out --key and empty THROUGHLINE_KEY", err)
			}
			return err
		}
		if made {
			fmt.Println(key)
		}
		return nil
	})
}

type listKeysCommand struct{ kafkaFlags }

func (c *listKeysCommand) Run(ctx context.Context, log *slog.Logger) error {
	return withDirectory(ctx, c.config(log), func(d *workspaces.Directory) error {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "WORKSPACE\tNAME\tSCOPES\tCREATED\tREVOKED")
		for _, k := range d.Keys() {
			revoked := ""
			if k.Revoked > 0 {
				revoked = time.UnixMilli(k.Revoked).UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.Workspace, k.Name, scopesOf(k), time.UnixMilli(k.Created).UTC().Format(time.RFC3339), revoked)
		}
		return w.Flush()
	})
}

func scopesOf(k workspace.Key) string {
	if len(k.Scopes) == 0 {
		return "all"
	}
	names := make([]string, len(k.Scopes))
	for i, s := range k.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

type revokeKeyCommand struct {
	kafkaFlags
	Key string `required:"" help:"The key to shut out. It is not taken from THROUGHLINE_KEY, which may be your own."`
}

func (c *revokeKeyCommand) Run(ctx context.Context, log *slog.Logger) error {
	return withDirectory(ctx, c.config(log), func(d *workspaces.Directory) error {
		return d.Revoke(ctx, c.Key, time.Now().UnixMilli())
	})
}

// withDirectory runs f with a directory that knows everything the topic had at the start. Who typed a
// command waits for it, so that brokers that are away are an error after ten seconds.
func withDirectory(ctx context.Context, brokers kafka.Config, f func(*workspaces.Directory) error) error {
	config := workspaces.DefaultConfig()
	config.Kafka, config.Logger = brokers, brokers.Logger
	d, err := workspaces.NewDirectory(config)
	if err != nil {
		return err
	}
	follow, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.Run(follow) }()
	patient, cancel := context.WithTimeout(ctx, 2*config.Patience)
	defer cancel()
	if err = d.Wait(patient); err == nil {
		err = f(d)
	} else if ctx.Err() == nil {
		err = fmt.Errorf("no broker answers at %s: %w", strings.Join(brokers.Brokers, ", "), err)
	}
	stop()
	<-done
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
