package broker

import (
	"context"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
)

// guardEvery is how often the disk is looked at. At 200 MB/s of appends some 20 MB are written between two looks, which
// Config.MinFree must leave room for.
const guardEvery = 100 * time.Millisecond

// produceKey is the protocol's number of the Produce request.
const produceKey = 0

// guard refuses appends while the disk is nearly full. Without it the disk fills up to the last byte, and then the
// broker acknowledges offset commits that it cannot write down.
func guard(ctx context.Context, c *kfake.Cluster, cfg Config) {
	t := time.NewTicker(guardEvery)
	defer t.Stop()
	var refusing *kfake.FaultHandle
	for {
		free, err := freeBytes(cfg.Dir)
		switch low := err == nil && free < cfg.MinFree; {
		case low && refusing == nil:
			cfg.Logger.Error("broker: disk nearly full, appends are refused", "free", free, "min_free", cfg.MinFree)
			// Storage errors make clients try again, for as long as they care to.
			refuse := kfake.Fault{Err: kerr.KafkaStorageError, Count: -1}
			refuse.Keys = append(refuse.Keys, produceKey)
			refusing = c.Fault(refuse)
		case !low && refusing != nil:
			cfg.Logger.Info("broker: appends are accepted again", "free", free)
			refusing.Remove()
			refusing = nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// freeBytes is the space that this process may still fill.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
