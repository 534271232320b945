package broker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/kafka"
)

// TestTornSegmentsAreCutOff copies the folder of a running broker, which is what a kill leaves, tears it in several ways,
// and looks that all whole records are there, in their places, before and after more were appended.
func TestTornSegmentsAreCutOff(t *testing.T) {
	for name, tear := range map[string]func(t *testing.T, last string){
		"in order":          func(*testing.T, string) {},
		"half a batch":      func(t *testing.T, last string) { cut(t, last, 700) },
		"garbage":           func(t *testing.T, last string) { add(t, last, strings.Repeat("garbage", 100)) },
		"zeros":             func(t *testing.T, last string) { add(t, last, strings.Repeat("\x00", 5000)) },
		"new segment empty": func(t *testing.T, last string) { add(t, filepath.Join(filepath.Dir(last), "9999.dat"), "") },
		"new segment torn":  func(t *testing.T, last string) { add(t, filepath.Join(filepath.Dir(last), "9999.dat"), "\x00\x00") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := startAt(t, dir)
			a := admin(t, b.Addr())
			if err := a.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "a.b_c", Partitions: 1}}); err != nil {
				t.Fatal(err)
			}
			appendNumbers(t, b, 0, 600) // three segments of 1 MiB
			killed := t.TempDir()
			if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			b.Close()
			tear(t, lastSegment(t, killed))

			b = startAt(t, killed)
			n := checkNumbers(t, b)
			if n > 600 || n < 599 {
				t.Fatalf("%d records of 600", n)
			}
			appendNumbers(t, b, n, n+300)
			checkNumbers(t, b)
			b.Close()
			b = startAt(t, killed)
			if m := checkNumbers(t, b); m != n+300 {
				t.Fatalf("%d records after another start, want %d", m, n+300)
			}
			b.Close()
		})
	}
}

func startAt(t *testing.T, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(context.Background(), config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func lastSegment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "*.dat"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	last, most := "", -1
	for _, f := range files {
		var base int
		fmt.Sscanf(filepath.Base(f), "%d.dat", &base)
		if base > most {
			last, most = f, base
		}
	}
	return last
}

func cut(t *testing.T, file string, bytes int64) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, info.Size()-bytes); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, file, bytes string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(bytes); err != nil {
		t.Fatal(err)
	}
}

// appendNumbers appends one record to a batch, each of its number.
func appendNumbers(t *testing.T, b *broker.Broker, from, to int) {
	t.Helper()
	pc := kafka.DefaultProducerConfig()
	pc.Compression, pc.BlockWhenFull = kafka.CompressionNone, true
	pc.MaxRecordBytes = 6000 // one record to a batch
	p, err := kafka.NewProducer(kafka.Config{Brokers: []string{b.Addr()}}, pc)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	var rs []*kafka.Record
	for i := from; i < to; i++ {
		rs = append(rs, &kafka.Record{Topic: "a.b_c", Value: fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", 4500))})
	}
	if err := p.Produce(t.Context(), rs); err != nil {
		t.Fatal(err)
	}
}

// checkNumbers reads everything, in its order, and returns how many there are.
func checkNumbers(t *testing.T, b *broker.Broker) int {
	t.Helper()
	n := 0
	err := admin(t, b.Addr()).ReadRange(t.Context(), "a.b_c", 0, -1, -1, func(rs []*kafka.Record) error {
		for _, r := range rs {
			if r.Offset != int64(n) || !strings.HasPrefix(string(r.Value), fmt.Sprint(n, " ")) {
				return fmt.Errorf("offset %d is %.20q, want %d", r.Offset, r.Value, n)
			}
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
