package broker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// snapshot is the file that the broker writes beside the segments of a partition when it stops in order. Without one
// that matches the segments, as after a kill, it decodes the whole partition into memory at once to look for open
// transactions: a start would need as much memory as the log is long. So we write the snapshot before it looks.
type snapshot struct {
	Version          int             `json:"version"`
	HighWatermark    int64           `json:"high_watermark"`
	LastStableOffset int64           `json:"last_stable_offset"`
	LogStartOffset   int64           `json:"log_start_offset"`
	Epoch            int32           `json:"epoch"`
	LeaderNode       int32           `json:"leader_node,omitempty"`
	MaxTimestamp     int64           `json:"max_timestamp"`
	CreatedAt        string          `json:"created_at"`
	AbortedTxns      json.RawMessage `json:"aborted_txns,omitempty"`
	Segments         []segment       `json:"segments"`
}

type segment struct {
	BaseOffset int64 `json:"base_offset"`
	Size       int64 `json:"size"`
	MinEpoch   int32 `json:"min_epoch,omitempty"`
	MaxEpoch   int32 `json:"max_epoch,omitempty"`
}

const snapshotVersion = 1

// repairPartitions cuts the torn end off the last segment of each partition and makes its snapshot match.
func repairPartitions(dir string, log *slog.Logger) error {
	parts, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.IsDir() {
			if err := repairPartition(filepath.Join(dir, "partitions", p.Name()), log); err != nil {
				return fmt.Errorf("partition %s: %w", p.Name(), err)
			}
		}
	}
	return nil
}

func repairPartition(dir string, log *slog.Logger) error {
	segments, err := listSegments(dir)
	if err != nil {
		return err
	}
	old := snapshot{CreatedAt: "1970-01-01T00:00:00Z"}
	path := filepath.Join(dir, "snapshot.json")
	if b, err := os.ReadFile(path); err == nil {
		if json.Unmarshal(b, &old) == nil && sameSegments(old.Segments, segments) {
			return nil // stopped in order
		}
	}
	for len(segments) > 0 {
		last := &segments[len(segments)-1]
		whole, end, err := wholeBatches(segmentPath(dir, last.BaseOffset))
		if err != nil {
			return err
		}
		if whole < last.Size {
			log.Warn("broker: torn end cut off", "partition", filepath.Base(dir), "segment", last.BaseOffset, "bytes", last.Size-whole)
			if err := os.Truncate(segmentPath(dir, last.BaseOffset), whole); err != nil {
				return err
			}
			last.Size = whole
		}
		if whole > 0 {
			old.HighWatermark = end
			break
		}
		// A segment that was only begun; the one before it is the one to append to.
		if err := os.Remove(segmentPath(dir, last.BaseOffset)); err != nil {
			return err
		}
		os.Remove(strings.TrimSuffix(segmentPath(dir, last.BaseOffset), ".dat") + ".idx")
		segments = segments[:len(segments)-1]
	}
	if len(segments) == 0 {
		return nil // the broker reads nothing then
	}
	old.Version, old.Segments = snapshotVersion, segments
	old.LastStableOffset = old.HighWatermark
	old.LogStartOffset = max(old.LogStartOffset, segments[0].BaseOffset)
	b, err := json.Marshal(old)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", b, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, strconv.FormatInt(base, 10)+".dat")
}

// listSegments are the segments of a partition in order of offset.
func listSegments(dir string) ([]segment, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".dat")
		base, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		out = append(out, segment{BaseOffset: base, Size: info.Size()})
	}
	slices.SortFunc(out, func(a, b segment) int { return int(min(max(a.BaseOffset-b.BaseOffset, -1), 1)) })
	return out, nil
}

func sameSegments(a, b []segment) bool {
	return slices.EqualFunc(a, b, func(x, y segment) bool { return x.BaseOffset == y.BaseOffset && x.Size == y.Size })
}

// wholeBatches is how many bytes of a segment are whole record batches with the right CRC, and the offset after the last.
func wholeBatches(path string) (size, end int64, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	n := 0
	for {
		batch, next := nextBatch(b[n:])
		if batch == 0 {
			return int64(n), end, nil
		}
		n, end = n+batch, next
	}
}

// nextBatch is the length of the record batch that b begins with and the offset after its last record; 0 when it is not
// whole. The batch is the base offset, the length of what follows it (both before byte 12), the CRC-32C at 17 of all
// from 21 on, and at 23 the last record's offset less the base, all big-endian.
func nextBatch(b []byte) (size int, end int64) {
	const header = 61
	if len(b) < header {
		return 0, 0
	}
	length := int64(binary.BigEndian.Uint32(b[8:])) + 12
	if length < header || length > int64(len(b)) {
		return 0, 0
	}
	if crc32.Checksum(b[21:length], castagnoli) != binary.BigEndian.Uint32(b[17:]) {
		return 0, 0
	}
	return int(length), int64(binary.BigEndian.Uint64(b)) + int64(binary.BigEndian.Uint32(b[23:])) + 1
}
