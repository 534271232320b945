package load

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// Config configures the role. Start from DefaultConfig.
type Config struct {
	Kafka       kafka.Config
	Store       *clickhouse.DB
	Layout      clickhouse.Layout // on a cluster, dictionaries are reloaded on all of it
	Generations topic.Generations
	Topics      []topic.Name // what to load; all that the role knows by default
	Registerer  prometheus.Registerer
	Logger      *slog.Logger

	// A block is sealed when it has this many rows or bytes of records, or when its first record has waited BlockAge
	// and ClickHouse is free to take it: under load blocks grow by themselves. With a block's worth of records or more
	// still to read, which are late anyway, it may wait catchUp times as long: large blocks cost ClickHouse half as much a row.
	// Moves wait for urgency times less, and for no other block: whoever joins two people looks at the report.
	BlockRows  int
	BlockBytes int
	BlockAge   time.Duration

	Inserts       int           // blocks inserted at the same time, beside one of moves
	BufferedBytes int           // of records and blocks that wait; no more is read from Kafka beyond it
	InsertTimeout time.Duration // of one try
	PlanAge       time.Duration // a plan older than this is committed again before a try: a process that slept must not insert
	RetryWait     time.Duration // before the first new try; doubles up to 50 times as much

	SessionTimeout time.Duration // of the membership in the group
}

// DefaultConfig returns the settings for a small node; Kafka and Store must be set.
func DefaultConfig() Config {
	return Config{
		Generations: topic.First,
		Topics:      []topic.Name{topic.Touchpoints, topic.Rejected, topic.Moves, topic.Edges, topic.Conversations, topic.Members},
		Logger:      slog.New(slog.DiscardHandler),

		BlockRows:  50_000,
		BlockBytes: 24 << 20,
		BlockAge:   300 * time.Millisecond,

		Inserts:       2,
		BufferedBytes: 64 << 20,
		InsertTimeout: time.Minute,
		PlanAge:       10 * time.Second,
		RetryWait:     100 * time.Millisecond,

		SessionTimeout: 10 * time.Second,
	}
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	switch {
	case c.Store == nil:
		return errors.New("load: Store is nil")
	case c.Logger == nil:
		return errors.New("load: Logger is nil")
	case c.Generations.Identity < 1 || c.Generations.Conversation < 1 || c.Generations.Store < 1:
		return fmt.Errorf("load: Generations %+v has one below 1", c.Generations)
	case len(c.Topics) == 0:
		return errors.New("load: Topics is empty")
	case c.BlockRows < 1 || c.BlockRows > 1<<20:
		return fmt.Errorf("load: BlockRows %d is not in 1..1048576", c.BlockRows)
	case c.BlockBytes < 1<<10:
		return fmt.Errorf("load: BlockBytes %d is less than 1 KiB", c.BlockBytes)
	case c.BlockAge <= 0 || c.InsertTimeout <= 0 || c.PlanAge <= 0 || c.RetryWait <= 0:
		return errors.New("load: BlockAge, InsertTimeout, PlanAge and RetryWait must be positive")
	case c.Inserts < 1 || c.Inserts > 64:
		return fmt.Errorf("load: Inserts %d is not in 1..64", c.Inserts)
	case c.BufferedBytes < c.BlockBytes:
		return fmt.Errorf("load: BufferedBytes %d is less than BlockBytes %d", c.BufferedBytes, c.BlockBytes)
	}
	for _, t := range c.Topics {
		if _, ok := derivedRows[t]; !ok && t != topic.Touchpoints {
			return fmt.Errorf("load: topic %s has no table", t)
		}
	}
	return c.Kafka.Validate()
}

const (
	catchUp = 5
	urgency = 3
)

// Group is the consumer group of the role. Topics that are built anew carry their generation in their names, so that
// one group serves all generations of them; a store that is built anew reads everything again.
func Group(g topic.Generations) string { return "load" + topic.Suffix(".g", g.Store) }
