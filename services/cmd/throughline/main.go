// Command throughline is the whole platform in one binary.
//
//	up = engines + collect + identify + converse + load + serve, in one process
//
//	 HTTP, files --> collect --> [Kafka] --> identify --> converse --> [Kafka] --> load --> [ClickHouse] --> serve --> HTTP
//
// Each role also runs alone against real engines, as often as the load asks for.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // reports, imports and the simulation name zones, and a bare machine knows none

	"github.com/alecthomas/kong"
)

// cli is the command line: every command with its flags. Flags can also be set by the environment variables named.
type cli struct {
	Up       upCommand       `cmd:"" help:"Run everything on embedded engines in a data folder."`
	Collect  collectCommand  `cmd:"" help:"Take touchpoints in: HTTP and topic touchpoints.raw."`
	Identify identifyCommand `cmd:"" help:"Find out which identifiers are one customer."`
	Converse converseCommand `cmd:"" help:"Group touchpoints into conversations and measure them."`
	Load     loadCommand     `cmd:"" help:"Store facts and projections in ClickHouse, exactly once."`
	Serve    serveCommand    `cmd:"" help:"Answer questions over HTTP."`
	Engines  enginesCommand  `cmd:"" help:"Run only the embedded engines, for roles in other processes."`

	Topics  topicsCommand  `cmd:"" help:"Make the Kafka topics."`
	Migrate migrateCommand `cmd:"" help:"Make or update the ClickHouse tables."`
	Keys    keysCommands   `cmd:"" help:"Create, list and revoke API keys."`

	Simulate      simulateCommand      `cmd:"" help:"Send the touchpoints of a made-up company."`
	Import        importCommand        `cmd:"" help:"Import CSV or NDJSON files through a mapping, or mail: mbox and Maildir."`
	Mail          mailCommands         `cmd:"" help:"Take mail by SMTP or LMTP: every mail is a touchpoint."`
	Sources       sourcesCommands      `cmd:"" help:"Webhooks of providers: which are understood, what a body becomes, the addresses they send to."`
	Channels      channelsCommands     `cmd:"" help:"What channels are called in a workspace, how soon they answer, and what a contact costs."`
	DeadLetters   deadLettersCommands  `cmd:"" name:"dead-letters" help:"List, show and resend what was refused."`
	Schemas       schemasCommands      `cmd:"" help:"Agree with those who send touchpoints on what properties are."`
	Privacy       privacyCommands      `cmd:"" help:"What is taken out of touchpoints before they are kept."`
	People        peopleCommands       `cmd:"" help:"Find people, ask why they are who they are, and correct it."`
	Accounts      accountsCommands     `cmd:"" help:"Companies and their contacts."`
	Conversations conversationCommands `cmd:"" help:"Look at conversations."`
	Identity      identityCommands     `cmd:"" help:"Review who is suggested, refused and shared; rehearse new rules of who is who, and put them in force."`
	Rebuild       rebuildCommand       `cmd:"" help:"Build the store, identity or conversations anew from the log."`
	Audit         auditCommand         `cmd:"" help:"Recompute everything from the log and compare; exit 1 on a difference."`
	Engine        engineCommand        `cmd:"" name:"clickhouse-engine" hidden:"" help:"The child process with the embedded ClickHouse."`

	LogLevel slog.Level `help:"debug, info, warn or error." default:"info" env:"THROUGHLINE_LOG_LEVEL"`
	LogJSON  bool       `help:"Log as JSON." env:"THROUGHLINE_LOG_JSON"`
	Profile  string     `help:"Serve Go profiles (net/http/pprof) on this address; keep it to yourself." env:"THROUGHLINE_PROFILE"`
}

func main() {
	var c cli
	parsed := kong.Parse(&c,
		kong.Name("throughline"),
		kong.Description("One customer, one story: every touchpoint, any channel."),
		kong.UsageOnError(),
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once: NotifyContext would swallow it.
	context.AfterFunc(ctx, stop)
	parsed.BindTo(ctx, (*context.Context)(nil))
	if c.Profile != "" {
		go serveProfiles(c.Profile, c.logger())
	}
	if err := parsed.Run(c.logger()); err != nil {
		fmt.Fprintf(os.Stderr, "throughline %s: %v\n", parsed.Command(), err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 2 for an import that is complete but for refused records, else 1.
func exitCode(err error) int {
	if refused := (refusedError{}); errors.As(err, &refused) {
		return refused.code
	}
	return 1
}

func (c *cli) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
