// Package kafka is the only place that speaks the Kafka protocol.
//
// It offers what the roles are made of: a [Producer] that tells the truth about what the log has, a [Reader] (group
// membership with offsets and metadata committed inside the generation), [RunStage] (the loop of every deterministic
// stage: poll, process, produce, flush, commit), [Admin] (topics, offsets, lag, exact ranges of a partition).
//
// # What is not obvious
//
//   - Nothing here uses transactions. A stage may do a batch again after a crash; its outputs must be a function of the
//     log, so that doing it again changes nothing.
//   - A commit is refused with [ErrFenced] once the partition has gone to somebody else, by us when we know it and by
//     the broker when we do not (a process that slept through its session).
//   - The group protocol is cooperative-sticky: a rebalance takes away only the partitions that move. State restored
//     from the log is dear, and with an eager protocol every member would throw all of it away each time one comes or
//     goes.
package kafka

import (
	"errors"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

type (
	// Record is a record of the log.
	Record = kgo.Record
	// Header is a header of a record.
	Header = kgo.RecordHeader
)

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

var (
	// ErrUnavailable is returned when the broker did not acknowledge in time. The records may or may not be in the log.
	ErrUnavailable = errors.New("kafka: broker unavailable")
	// ErrBusy is returned when the producer's buffer is full. None of the refused records is in the log.
	ErrBusy = errors.New("kafka: producer buffer full")
	// ErrTooLarge is returned for a record that the broker or the producer refuses for its size.
	ErrTooLarge = errors.New("kafka: record too large")
	// ErrFenced is returned by a commit for a partition that this member no longer owns. Nothing was committed.
	ErrFenced = errors.New("kafka: partition is no longer owned")
	// ErrMetadataTooLarge is returned by a commit whose metadata is over MaxMetadata, or over the broker's own limit.
	ErrMetadataTooLarge = errors.New("kafka: commit metadata too large")
	// ErrUnknownTopic is returned for a topic or partition that does not exist.
	ErrUnknownTopic = errors.New("kafka: unknown topic or partition")
	// ErrOffsetOutOfRange is returned when the log no longer has, or does not have yet, the asked offset.
	ErrOffsetOutOfRange = errors.New("kafka: offset out of range")
	// ErrPartitionCount is returned by EnsureTopics when a topic exists with another number of partitions: keys would
	// map to other partitions than the state was built for.
	ErrPartitionCount = errors.New("kafka: topic has another number of partitions")
	// ErrClosed is returned by calls on something closed.
	ErrClosed = errors.New("kafka: closed")
)

// Position says where on the log a record is: topic/partition/offset.
func Position(r *Record) string {
	return r.Topic + "/" + strconv.Itoa(int(r.Partition)) + "/" + strconv.FormatInt(r.Offset, 10)
}

// PartitionOf is the partition, of n, that the default partitioner (murmur2, as in Kafka's own clients) gives a key.
func PartitionOf(key []byte, n int32) int32 {
	p := keyed.ForTopic("").Partition(&Record{Key: key}, int(n))
	return int32(p)
}

// keyed is the partitioner of every topic that is not addressed by partition number.
var keyed = kgo.StickyKeyPartitioner(nil)
