package kafka

import (
	"errors"
	"time"
)

// ReaderConfig configures a Reader. Start from DefaultReaderConfig.
type ReaderConfig struct {
	Group  string
	Topics []string

	// MaxPollRecords is the most that one Poll returns.
	MaxPollRecords int
	// FetchBytes bounds what is fetched ahead of Poll, per broker; PartitionBytes what one fetch brings of a partition.
	FetchBytes     int
	PartitionBytes int

	// SessionTimeout is how long the group waits for a member that is silent before it gives its partitions away;
	// RebalanceTimeout how long it waits for one that is asked to give up partitions.
	SessionTimeout   time.Duration
	RebalanceTimeout time.Duration

	// Recycle takes the records' memory back when they are recycled (see Record.Recycle). Whoever sets it must recycle
	// each record, and must not keep any part of one after that.
	Recycle bool
}

// DefaultReaderConfig is right for most.
func DefaultReaderConfig() ReaderConfig {
	return ReaderConfig{
		MaxPollRecords:   10_000,
		FetchBytes:       32 << 20,
		PartitionBytes:   8 << 20,
		SessionTimeout:   10 * time.Second,
		RebalanceTimeout: 60 * time.Second,
	}
}

// Validate reports what is wrong.
func (c ReaderConfig) Validate() error {
	switch {
	case c.Group == "":
		return errors.New("kafka: no group given")
	case len(c.Topics) == 0:
		return errors.New("kafka: no topics given")
	case c.MaxPollRecords <= 0 || c.FetchBytes <= 0 || c.PartitionBytes <= 0:
		return errors.New("kafka: reader buffers must be bounded by positive numbers")
	case c.SessionTimeout < 100*time.Millisecond || c.RebalanceTimeout < c.SessionTimeout:
		return errors.New("kafka: session timeout must be at least 100 ms and no longer than the rebalance timeout")
	}
	return nil
}
