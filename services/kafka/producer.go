package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Compression is how record batches travel and are stored.
type Compression string

// The compressions. Through a stage and back, JSON costs the least CPU with Snappy, even less than uncompressed, and even
// within one process: there is a third to a half as much to copy, to keep, and to read at the next start. Zstd takes a quarter off that, and an
// eighth more CPU for the whole pipeline. See the package's benchmarks.
const (
	CompressionNone   Compression = "none"
	CompressionSnappy Compression = "snappy"
	CompressionLZ4    Compression = "lz4"
	CompressionZstd   Compression = "zstd"
)

func (c Compression) codec() (kgo.CompressionCodec, error) {
	switch c {
	case CompressionNone:
		return kgo.NoCompression(), nil
	case CompressionSnappy:
		return kgo.SnappyCompression(), nil
	case CompressionLZ4:
		return kgo.Lz4Compression(), nil
	case CompressionZstd:
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("kafka: unknown compression %q (none, snappy, lz4 or zstd)", string(c))
}

// ProducerConfig configures a Producer. Start from DefaultProducerConfig.
type ProducerConfig struct {
	Compression Compression
	Linger      time.Duration // wait for more records before sending; batches form by themselves while requests are in flight

	// BufferedRecords and BufferedBytes bound what waits for the broker.
	BufferedRecords int
	BufferedBytes   int
	// BlockWhenFull makes Produce wait for room; otherwise it refuses with ErrBusy.
	BlockWhenFull bool

	// DeliveryTimeout is how long a record may wait for its acknowledgement before it fails with ErrUnavailable, so
	// that a caller can be told the truth; at least 1 s. 0 waits for as long as the client does: it gives up when it
	// reaches no broker at its first record for half a minute. What failed may be in the log all the same. The time is
	// counted from Record.Timestamp: leave it zero, a record that claims to be old fails at once.
	DeliveryTimeout time.Duration

	// ByPartition lists topics whose records carry their partition number in Record.Partition; the records of all
	// other topics go where their key hashes to.
	ByPartition []string

	// MaxRecordBytes is the largest batch sent; it must not be over the broker's limit (1 MiB by default).
	MaxRecordBytes int
}

// DefaultProducerConfig suits a server that answers its clients: no linger, fails after 5 s, refuses when full.
func DefaultProducerConfig() ProducerConfig {
	return ProducerConfig{
		Compression:     CompressionSnappy,
		BufferedRecords: 50_000,
		BufferedBytes:   64 << 20,
		DeliveryTimeout: 5 * time.Second,
		MaxRecordBytes:  1_000_012,
	}
}

// Validate reports what is wrong.
func (c ProducerConfig) Validate() error {
	if _, err := c.Compression.codec(); err != nil {
		return err
	}
	switch {
	case c.BufferedRecords <= 0 || c.BufferedBytes <= 0:
		return errors.New("kafka: producer buffers must be bounded by positive numbers")
	case c.Linger < 0 || c.Linger > time.Second:
		return errors.New("kafka: linger must be between 0 and 1 s")
	case c.DeliveryTimeout < 0 || (c.DeliveryTimeout > 0 && c.DeliveryTimeout < time.Second):
		return errors.New("kafka: delivery timeout must be 0 or at least 1 s")
	case c.MaxRecordBytes < 1<<10:
		return errors.New("kafka: max record bytes must be at least 1 KiB")
	}
	return nil
}

// Producer appends records. A nil error means that the log has them on all in-sync replicas, and nothing else does.
// It is safe for use by several goroutines.
type Producer struct {
	cl    *kgo.Client
	block bool
}

// NewProducer makes a producer. It returns before a broker was reached.
func NewProducer(c Config, p ProducerConfig) (*Producer, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	codec, err := p.Compression.codec()
	if err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(p.Linger),
		kgo.MaxBufferedRecords(p.BufferedRecords),
		kgo.MaxBufferedBytes(p.BufferedBytes),
		kgo.ProducerBatchMaxBytes(int32(p.MaxRecordBytes)),
		kgo.RecordPartitioner(partitioner(p.ByPartition)),
		kgo.UnknownTopicRetries(unknownTopicTries),
	}
	if p.DeliveryTimeout > 0 {
		// A request that is under way when the time is over must fail too, or callers hang for as long as the broker
		// does. The record may then be in the log although its sender was told otherwise: that is what the id of a
		// touchpoint is for.
		opts = append(opts,
			kgo.RecordDeliveryTimeout(p.DeliveryTimeout),
			kgo.AllowIdempotentProduceCancellation(),
			kgo.ProduceRequestTimeout(p.DeliveryTimeout),
			kgo.RequestTimeoutOverhead(p.DeliveryTimeout),
		)
	}
	cl, err := c.newClient(opts...)
	if err != nil {
		return nil, err
	}
	return &Producer{cl: cl, block: p.BlockWhenFull}, nil
}

// Produce appends records and waits until each is acknowledged or failed. Records of one partition keep their order.
// The error is of the first that failed, nil when all are in the log. When ctx ends first Produce returns its error
// while the records may still be sent: their memory must not be reused.
func (p *Producer) Produce(ctx context.Context, records []*Record) error {
	if len(records) == 0 {
		return nil
	}
	g := &group{left: len(records), done: make(chan struct{})}
	for _, r := range records {
		p.ProduceAsync(ctx, r, g.acknowledged)
	}
	select {
	case <-g.done:
		return g.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Insist produces again and again, until the log has the records, ctx ends, or something happens that trying again does not mend. tried is
// told of each time that failed. It is for records that say the same when they are appended twice.
func Insist(ctx context.Context, produce func(context.Context, []*Record) error, records []*Record, tried func(error)) error {
	for n := 1; len(records) > 0; n++ {
		err := produce(ctx, records)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnknownTopic), errors.Is(err, ErrClosed):
			return err
		}
		tried(err)
		if !sleep(ctx, backoff(n)) {
			return ctx.Err()
		}
	}
	return nil
}

// ProduceAsync appends a record and calls done when it is acknowledged or failed, from a goroutine of the producer: it
// must not block. When the buffer is full ProduceAsync waits for room, or fails the record with ErrBusy, as configured.
func (p *Producer) ProduceAsync(ctx context.Context, r *Record, done func(*Record, error)) {
	promise := func(r *Record, err error) { done(r, produceError(err)) }
	if p.block {
		p.cl.Produce(ctx, r, promise)
		return
	}
	// The caller's context must not reach into the batch: one sender that goes away would fail the batch of others.
	p.cl.TryProduce(context.WithoutCancel(ctx), r, promise)
}

// Buffered is how many records wait for the broker.
func (p *Producer) Buffered() int64 { return p.cl.BufferedProduceRecords() }

// Ping reports whether a broker answers.
func (p *Producer) Ping(ctx context.Context) error {
	if err := p.cl.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Close waits for what is buffered until ctx ends, then disconnects. What is not sent by then fails.
func (p *Producer) Close(ctx context.Context) error {
	err := p.cl.Flush(ctx)
	p.cl.Close()
	if err != nil {
		return fmt.Errorf("kafka: flush: %w", err)
	}
	return nil
}

// Abandon disconnects at once, for those whose records are made again: what is not sent fails, also when the broker is away.
func (p *Producer) Abandon() { p.cl.Close() }

// group is a set of records whose sender waits for all.
type group struct {
	mu   sync.Mutex
	left int
	err  error
	done chan struct{}
}

func (g *group) acknowledged(_ *Record, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil && g.err == nil {
		g.err = err
	}
	if g.left--; g.left == 0 {
		close(g.done)
	}
}

// produceError names what callers branch on.
func produceError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kgo.ErrMaxBuffered):
		return ErrBusy
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	case errors.Is(err, kgo.ErrClientClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case errors.Is(err, context.Canceled):
		return err
	}
	// A record that timed out, ran out of tries, or was answered with an error of the broker's own (a full disk).
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// partitioner sends the records of the listed topics to Record.Partition and hashes the keys of all others.
func partitioner(byPartition []string) kgo.Partitioner {
	byPartition = slices.Clone(byPartition)
	return topicPartitioner(func(topic string) kgo.TopicPartitioner {
		if slices.Contains(byPartition, topic) {
			return kgo.ManualPartitioner().ForTopic(topic)
		}
		return keyed.ForTopic(topic)
	})
}

type topicPartitioner func(string) kgo.TopicPartitioner

func (f topicPartitioner) ForTopic(t string) kgo.TopicPartitioner { return f(t) }
