package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// retentionEvery is how often old segments are looked for.
const retentionEvery = 10 * time.Minute

// retain lets go of old segments until ctx ends.
func retain(ctx context.Context, dir, addr string, log *slog.Logger) {
	t := time.NewTicker(retentionEvery)
	defer t.Stop()
	for {
		if err := retainOnce(ctx, dir, addr, time.Now()); err != nil && ctx.Err() == nil {
			log.Warn("broker: retention failed, trying again later", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// retainOnce deletes, in every topic that has a retention.ms, the segments that were last appended to longer ago than
// that. The age is the file's and not the records', whose timestamps are what outside producers say. The last segment
// always stays.
func retainOnce(ctx context.Context, dir, addr string, now time.Time) error {
	topics, err := readTopics(dir)
	if err != nil {
		return err
	}
	a, err := kafka.NewAdmin(kafka.Config{Brokers: []string{addr}})
	if err != nil {
		return err
	}
	defer a.Close()
	for _, t := range topics {
		ms, err := strconv.ParseInt(t.Configs["retention.ms"], 10, 64)
		if err != nil || ms < 0 {
			continue // for ever
		}
		for p := range t.Partitions {
			folder := filepath.Join(dir, "partitions", fmt.Sprintf("%s-%d", url.PathEscape(t.Name), p))
			below, err := expired(folder, now.Add(-time.Duration(ms)*time.Millisecond))
			if err != nil {
				return err
			}
			if below > 0 {
				if err := a.DeleteRecords(ctx, t.Name, p, below); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// expired is the offset below which all segments were last appended to before the given time; 0 when there are none.
func expired(folder string, before time.Time) (int64, error) {
	segments, err := listSegments(folder)
	if os.IsNotExist(err) {
		return 0, nil // nothing was ever appended
	}
	if err != nil {
		return 0, err
	}
	below := int64(0)
	for i := 0; i+1 < len(segments); i++ {
		info, err := os.Stat(segmentPath(folder, segments[i].BaseOffset))
		if err != nil || !info.ModTime().Before(before) {
			break
		}
		below = segments[i+1].BaseOffset
	}
	return below, nil
}

type topicEntry struct {
	Name       string            `json:"name"`
	Partitions int32             `json:"partitions"`
	Configs    map[string]string `json:"configs"`
}

// readTopics reads the broker's own list, which it writes anew, whole, at every change.
func readTopics(dir string) ([]topicEntry, error) {
	b, err := os.ReadFile(filepath.Join(dir, "topics.json"))
	if err != nil {
		return nil, err
	}
	var list struct {
		Topics []topicEntry `json:"topics"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("topics.json: %w", err)
	}
	return list.Topics, nil
}
