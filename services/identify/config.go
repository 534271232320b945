package identify

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/identity"
)

// Config configures the role. Start from DefaultConfig.
type Config struct {
	Kafka       kafka.Config
	Generations topic.Generations
	// Rules are those of workspaces whose own are not on the log of links. They must stay the same for a generation of identity:
	// moves that are on the log already were decided by them, and the state is restored by deciding again. Other rules
	// are put in force through the log, workspace by workspace, or need a rebuild.
	Rules      *identity.Rules
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger

	CommitEvery    time.Duration // how much work may be done again after a crash
	SessionTimeout time.Duration // of the membership in the groups
	BatchRecords   int           // the most that is decided at once
}

// DefaultConfig returns settings for every node; Kafka must be set.
func DefaultConfig() Config {
	stage := kafka.DefaultStageConfig()
	return Config{
		Generations:    topic.First,
		Rules:          identity.DefaultRules(),
		Logger:         slog.New(slog.DiscardHandler),
		CommitEvery:    stage.CommitEvery,
		SessionTimeout: stage.Reader.SessionTimeout,
		BatchRecords:   stage.Reader.MaxPollRecords,
	}
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	switch {
	case c.Rules == nil:
		return errors.New("identify: Rules is nil")
	case c.Logger == nil:
		return errors.New("identify: Logger is nil")
	case c.Generations.Identity < 1:
		return fmt.Errorf("identify: Generations %+v has one below 1", c.Generations)
	case c.BatchRecords < 1 || c.BatchRecords > 20_000: // a batch's fingerprints are one record of the log
		return fmt.Errorf("identify: BatchRecords %d is not in 1..20000", c.BatchRecords)
	case c.CommitEvery < 0:
		return errors.New("identify: CommitEvery is negative")
	}
	return c.Kafka.Validate()
}

// StitchGroup is the consumer group of the half that reads touchpoints.
func StitchGroup(g topic.Generations) string {
	return "identify.stitch" + topic.Suffix(".g", g.Identity)
}

// ResolveGroup is the consumer group of the half that reads links.
func ResolveGroup(g topic.Generations) string {
	return "identify.resolve" + topic.Suffix(".g", g.Identity)
}
