// Package audit reads the log by itself, computes from it what must have been derived, the slow and obvious way, and
// says where the store differs.
//
// It shares with the roles the codecs of the log and nothing of their decisions: facts are decoded with encoding/json and
// compared column by column, people and conversations come from package streams/oracle.
package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/lag"
	"github.com/throughline/throughline/streams/conversation"
	"github.com/throughline/throughline/streams/identity"
)

// Config configures an audit. Start from DefaultConfig.
type Config struct {
	Admin       *kafka.Admin
	Store       *clickhouse.DB
	Generations topic.Generations
	Rules       *identity.Rules
	Registry    *registry.Registry
	Window      time.Duration // of continuity; as converse is configured

	// IDs are touchpoints that somebody says were accepted: "id" of workspace default, or "workspace/id". Each must
	// be stored once.
	IDs []string

	// Patience is how long the roles may make no progress while something is left to do.
	Patience time.Duration
	Progress func(string) // told what is being done; may be nil
	Logger   *slog.Logger
}

// DefaultConfig waits two minutes for roles that stand still.
func DefaultConfig() Config {
	return Config{
		Generations: topic.First,
		Rules:       identity.DefaultRules(),
		Registry:    registry.Default(),
		Window:      conversation.DefaultWindow,
		Patience:    2 * time.Minute,
		Logger:      slog.New(slog.DiscardHandler),
	}
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Admin == nil || c.Store == nil || c.Rules == nil || c.Registry == nil || c.Logger == nil {
		return errors.New("audit: Admin, Store, Rules, Registry and Logger must be set")
	}
	if c.Patience <= 0 {
		return errors.New("audit: Patience must be positive")
	}
	return nil
}

// Report is what an audit found.
type Report struct {
	Touchpoints   int `json:"touchpoints"`   // on the log, each once
	Duplicates    int `json:"duplicates"`    // records that repeat one
	Conflicts     int `json:"conflicts"`     // records with the id of another
	Links         int `json:"links"`         // on the log, with repetitions
	Decisions     int `json:"decisions"`     // about links, compared
	People        int `json:"people"`        // compared, with at least one touchpoint
	Conversations int `json:"conversations"` //
	IDs           int `json:"ids"`           // of Config.IDs that are stored once
	// Moving is how many people were not compared because touchpoints of theirs came in meanwhile.
	Moving int `json:"moving"`

	// Count is the number of differences, Differences the first of them.
	Count       int      `json:"difference_count"`
	Differences []string `json:"differences"`
}

// maxDifferences are spelled out; more are counted.
const maxDifferences = 100

// Clean tells that nothing differs.
func (r *Report) Clean() bool { return r.Count == 0 }

func (r *Report) differ(format string, args ...any) {
	if r.Count++; r.Count <= maxDifferences {
		r.Differences = append(r.Differences, fmt.Sprintf(format, args...))
	}
}

// Run waits until the roles have done what was on the log when it began, then compares. The error is about the audit
// itself; differences are in the report.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	a := &audit{Config: c, tables: tables.TablesOf(c.Generations), report: &Report{}}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"waiting until the roles have caught up", a.settle},
		{"comparing facts", a.facts},
		{"reading what is derived", a.readDerived},
		{"reading what came in meanwhile", a.meanwhile},
		{"comparing people", a.people},
		{"comparing decisions about identifiers", a.decisions},
		{"comparing conversations", a.conversations},
	} {
		c.Progress(step.name)
		if err := step.run(ctx); err != nil {
			return nil, fmt.Errorf("audit: %s: %w", step.name, err)
		}
	}
	return a.report, nil
}

// audit is one audit under way.
type audit struct {
	Config
	tables tables.Tables
	report *Report

	ends   map[kafka.TopicPartition]int64 // of touchpoints and links: what is audited
	log    map[string]*world              // by workspace, what the log says
	stored derived
}

func (a *audit) settle(ctx context.Context) (err error) {
	a.ends, err = lag.Settle(ctx, lag.Config{Admin: a.Admin, Generations: a.Generations, Patience: a.Patience, Progress: a.Progress})
	return err
}

// noLimits: the audit reads whole tables, streaming.
var noLimits = clickhouse.Limits{}
