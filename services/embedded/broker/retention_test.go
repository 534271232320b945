package broker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

func TestRetentionDeletesWholeOldSegmentsButNeverTheLast(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.Dir, c.SegmentBytes = t.TempDir(), 1<<20
	b, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { b.Close() }()
	kc := kafka.Config{Brokers: []string{b.Addr()}}
	a, err := kafka.NewAdmin(kc)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	week := fmt.Sprint((7 * 24 * time.Hour).Milliseconds())
	err = a.EnsureTopics(t.Context(), []kafka.TopicSpec{
		{Name: "week", Partitions: 1, Configs: map[string]string{"retention.ms": week}},
		{Name: "ever", Partitions: 1},
		{Name: "none", Partitions: 1, Configs: map[string]string{"retention.ms": week}},
	})
	if err != nil {
		t.Fatal(err)
	}
	pc := kafka.DefaultProducerConfig()
	pc.Compression, pc.MaxRecordBytes, pc.DeliveryTimeout = kafka.CompressionNone, 100_000, 0
	p, err := kafka.NewProducer(kc, pc)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	for _, topic := range []string{"week", "ever"} {
		var rs []*kafka.Record
		for range 60 { // about six segments; the timestamps are of long ago, and must not matter
			rs = append(rs, &kafka.Record{Topic: topic, Value: []byte(strings.Repeat("x", 90_000)), Timestamp: time.UnixMilli(1)})
		}
		if err := p.Produce(t.Context(), rs); err != nil {
			t.Fatal(err)
		}
	}
	starts := func() string {
		os, err := a.LogOffsets(t.Context(), "ever", "none", "week")
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, o := range os {
			out += fmt.Sprintf("%s [%d,%d) ", o.Topic, o.Start, o.End)
		}
		return out
	}
	folder := filepath.Join(c.Dir, "partitions", "week-0")
	segments, err := listSegments(folder)
	if err != nil || len(segments) < 4 {
		t.Fatal(segments, err)
	}
	old := time.Now().Add(-8 * 24 * time.Hour)
	age := func(segments []segment) {
		for _, s := range segments {
			if err := os.Chtimes(segmentPath(folder, s.BaseOffset), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(want string) {
		t.Helper()
		if err := retainOnce(t.Context(), c.Dir, b.Addr(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := starts(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	check("ever [0,60) none [0,0) week [0,60) ")
	age(segments[:2])
	check(fmt.Sprintf("ever [0,60) none [0,0) week [%d,60) ", segments[2].BaseOffset))
	age(segments[2:])
	last := fmt.Sprintf("ever [0,60) none [0,0) week [%d,60) ", segments[len(segments)-1].BaseOffset)
	check(last)
	b.Close()
	if b, err = Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	a2, err := kafka.NewAdmin(kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer a2.Close()
	a = a2
	if got := starts(); got != last {
		t.Fatalf("after a start %s, want %s", got, last)
	}
}
