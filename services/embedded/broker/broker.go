// Package broker is the embedded Kafka broker: a real Kafka-protocol server in this process, on a folder.
//
// It is kfake of franz-go, pinned in go.mod, with what a kept log needs on top. What is not obvious:
//
//   - Acknowledged records and committed offsets are there after kill -9 (they are in the page cache); not after a power
//     cut, unless Config.Sync. A kill can tear the last write; the broker cuts a torn segment off when it reads it, and
//     repair does the same for the log of the groups, where everything after a torn entry would be lost one start
//     later.
//   - Compaction is off. kfake compacts by deleting a partition's files and writing new ones: a kill in between would
//     lose the partition. Compacted topics keep all their records here, which readers cannot tell from a broker that has
//     not come to compacting yet.
//   - Retention is ours (see retention.go), for whole segments. kfake's own drops everything older than a record with
//     an old timestamp, and outside producers choose their timestamps.
//   - Committed offsets are kept for ever. The default is seven days, after which a node that was off for a week would
//     begin anew.
//   - A member that dies while it waits for a rebalance would keep its partitions: see ghosts.go.
//   - A start reads every segment, and after a kill the broker by itself would hold them all in memory: see snapshot.go.
//   - A partition must never lose its last segment, or the broker begins it again at offset 0 when it starts.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config configures the broker. Start from DefaultConfig.
type Config struct {
	Dir    string // of the log; made when absent. Empty keeps the log in memory, for tests
	Listen string // host:port; port 0 takes a free one. The host must be one that clients can connect to
	Logger *slog.Logger

	// Sync makes each append wait for the disk.
	Sync bool
	// MinFree is the free disk space, in bytes, below which appends are refused (with a retriable error) until there is
	// more again. The rest is for offsets, which cannot be refused.
	MinFree int64
	// MinSession is the shortest session that a group member may ask for.
	MinSession time.Duration
	// SegmentBytes is the size of log files; retention deletes whole ones.
	SegmentBytes int64
}

// DefaultConfig listens on a free loopback port.
func DefaultConfig() Config {
	return Config{
		Listen:       "127.0.0.1:0",
		MinFree:      128 << 20,
		MinSession:   time.Second,
		SegmentBytes: 64 << 20,
	}
}

// Validate reports what is wrong.
func (c Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("broker: listen address %q is not host:port: %w", c.Listen, err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		// A Kafka broker tells its clients where to connect: they would all be sent to 0.0.0.0.
		return fmt.Errorf("broker: listen address %q must name a host that clients can connect to", c.Listen)
	}
	if c.MinFree < 0 || c.SegmentBytes < 1<<20 || c.MinSession <= 0 {
		return errors.New("broker: MinFree must not be negative, SegmentBytes at least 1 MiB, MinSession positive")
	}
	return nil
}

// Broker is a running broker.
type Broker struct {
	c          *kfake.Cluster
	addr       string
	stop       context.CancelFunc
	background sync.WaitGroup
}

// Start reads the log and serves it until Close. It fails when the address is taken.
func Start(ctx context.Context, c Config) (*Broker, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("throughline"),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, c.Listen) }),
		kfake.GroupMinSessionTimeout(c.MinSession),
		kfake.WithLogger(logAdapter{c.Logger}),
		kfake.BrokerConfigs(map[string]string{
			"log.segment.bytes":         strconv.FormatInt(c.SegmentBytes, 10),
			"log.cleaner.backoff.ms":    strconv.FormatInt(never.Milliseconds(), 10),
			"log.retention.ms":          "-1",
			"offsets.retention.minutes": strconv.FormatInt(int64(never.Minutes()/100), 10),
		}),
	}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o755); err != nil {
			return nil, fmt.Errorf("broker: %w", err)
		}
		if err := repair(c.Dir, c.Logger); err != nil {
			return nil, fmt.Errorf("broker: repair %s: %w", c.Dir, err)
		}
		opts = append(opts, kfake.DataDir(c.Dir))
		if c.Sync {
			opts = append(opts, kfake.SyncWrites())
		}
	}
	cluster, err := load(opts)
	if err != nil {
		return nil, fmt.Errorf("broker: start: %w", err)
	}
	if c.Dir != "" {
		// Only a stop in order writes the producers' sequence numbers; after a kill the old ones would refuse a producer
		// that lived on.
		os.Remove(filepath.Join(c.Dir, "seq_windows.json"))
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	b := &Broker{c: cluster, addr: cluster.ListenAddrs()[0], stop: stop}
	joining := watch(cluster)
	b.background.Go(func() { joining.run(background, b.addr, c.Logger) })
	if c.Dir != "" {
		b.background.Go(func() { guard(background, cluster, c) })
		b.background.Go(func() { retain(background, c.Dir, b.addr, c.Logger) })
	}
	return b, nil
}

// load starts the broker, which reads every segment and makes as much garbage; it must not pile up until the collector
// finds the heap twice as large as before.
func load(opts []kfake.Opt) (*kfake.Cluster, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	was := debug.SetMemoryLimit(int64(m.Sys) + loadMemory)
	defer debug.FreeOSMemory()
	defer debug.SetMemoryLimit(was)
	return kfake.NewCluster(opts...)
}

// loadMemory is what reading the log may use. More is taken when so many partitions are read at a time.
const loadMemory = 256 << 20

// never is longer than anything runs, and still fits a time.Duration.
const never = 100 * 365 * 24 * time.Hour

// Addr is the host:port that clients connect to.
func (b *Broker) Addr() string { return b.addr }

// Close writes everything down and stops. Clients are cut off.
func (b *Broker) Close() error {
	b.stop()
	b.background.Wait()
	b.c.Close()
	return nil
}

// logAdapter writes what the broker warns of. Its info lines are about every request.
type logAdapter struct{ l *slog.Logger }

func (a logAdapter) Logf(level kfake.LogLevel, format string, args ...any) {
	lv := slog.LevelWarn
	switch level {
	case kfake.LogLevelError:
		lv = slog.LevelError
	case kfake.LogLevelWarn:
	default:
		return
	}
	a.l.Log(context.Background(), lv, "broker: "+fmt.Sprintf(strings.TrimSpace(format), args...))
}
