// Package node puts roles together into a process: it builds what each needs, runs them, and stops them in the order
// that loses nothing. `up` and the roles that run alone are built here, by the same code.
package node

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/webhook"
	"github.com/throughline/throughline/streams/identity"
)

// Role is a part of the program that can run alone.
type Role string

// The roles.
const (
	Collect  Role = "collect"
	Identify Role = "identify"
	Converse Role = "converse"
	Load     Role = "load"
	Serve    Role = "serve"
)

// All is every role: what `up` runs.
func All() []Role { return []Role{Collect, Identify, Converse, Load, Serve} }

// NeedsStore tells whether the role works on ClickHouse.
func (r Role) NeedsStore() bool { return r == Load || r == Serve }

// Config configures a node. Start from DefaultConfig.
type Config struct {
	Roles  []Role
	Kafka  kafka.Config
	Store  clickhouse.Config // needed by load and serve
	Layout clickhouse.Layout
	HTTP   api.Config

	Rules    *identity.Rules // of workspaces that have none of their own; they rank threads by Registry
	Registry *registry.Registry

	Webhooks webhook.Settings   // of the doors of collect and serve
	Rate     collect.RateConfig // likewise

	Metrics *prometheus.Registry
	Logger  *slog.Logger
}

// DefaultConfig runs every role; Kafka and Store must be set.
func DefaultConfig() Config {
	return Config{
		Roles:    All(),
		HTTP:     api.DefaultConfig(),
		Rules:    identity.DefaultRules(),
		Registry: registry.Default(),
		Webhooks: webhook.DefaultSettings(),
		Metrics:  prometheus.NewRegistry(),
		Logger:   slog.New(slog.DiscardHandler),
	}
}

// Validate reports what is missing or wrong.
func (c Config) Validate() error {
	if len(c.Roles) == 0 {
		return errors.New("node: no role to run")
	}
	for _, role := range c.Roles {
		if !slices.Contains(All(), role) {
			return fmt.Errorf("node: %q is not a role; there are %v", role, All())
		}
	}
	if c.Rules == nil || c.Registry == nil || c.Metrics == nil || c.Logger == nil {
		return errors.New("node: Rules, Registry, Metrics and Logger must be set")
	}
	if err := c.Kafka.Validate(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if c.needsStore() {
		if err := c.Store.Validate(); err != nil {
			return fmt.Errorf("node: %w", err)
		}
	}
	if err := c.Rate.Validate(); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return nil
}

func (c Config) runs(role Role) bool { return slices.Contains(c.Roles, role) }

func (c Config) needsStore() bool { return slices.ContainsFunc(c.Roles, Role.NeedsStore) }
