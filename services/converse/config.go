package converse

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/streams/conversation"
)

// Config configures the role. Start from DefaultConfig.
type Config struct {
	Kafka       kafka.Config
	Generations topic.Generations
	// Registry and Window must stay the same for a generation of conversations: what is on the log was decided by
	// them, and state is restored by deciding again. Others need a rebuild.
	Registry   *registry.Registry
	Window     time.Duration         // how long a conversation is continued by touchpoints without a thread
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger

	CommitEvery    time.Duration // how much work may be done again after a crash
	SessionTimeout time.Duration // of the membership in the group
	BatchRecords   int           // the most that is decided at once; each changed conversation is written once a batch
	BatchEvery     time.Duration // the shortest time between two batches: under load it saves most of the writing
}

// DefaultConfig returns settings for every node; Kafka must be set.
func DefaultConfig() Config {
	stage := kafka.DefaultStageConfig()
	return Config{
		Generations:    topic.First,
		Registry:       registry.Default(),
		Window:         conversation.DefaultWindow,
		Logger:         slog.New(slog.DiscardHandler),
		CommitEvery:    stage.CommitEvery,
		SessionTimeout: stage.Reader.SessionTimeout,
		BatchRecords:   50_000,
		BatchEvery:     200 * time.Millisecond,
	}
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	switch {
	case c.Registry == nil:
		return errors.New("converse: Registry is nil")
	case c.Logger == nil:
		return errors.New("converse: Logger is nil")
	case c.Generations.Identity < 1 || c.Generations.Conversation < 1:
		return fmt.Errorf("converse: Generations %+v has one below 1", c.Generations)
	case c.Window < time.Millisecond:
		return fmt.Errorf("converse: Window %v is below a millisecond", c.Window)
	case c.BatchRecords < 1:
		return fmt.Errorf("converse: BatchRecords %d is below 1", c.BatchRecords)
	case c.CommitEvery < 0 || c.BatchEvery < 0:
		return errors.New("converse: CommitEvery or BatchEvery is negative")
	}
	return c.Kafka.Validate()
}

// Group is the consumer group of the role.
func Group(g topic.Generations) string {
	return "converse" + topic.Suffix(".g", g.Conversation)
}
