package broker_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/services/embedded/broker"
	"github.com/throughline/throughline/services/kafka"
)

// serveEnv makes the test binary a broker on the folder it names, until it is killed.
const serveEnv = "THROUGHLINE_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveEnv); dir != "" {
		b, err := broker.Start(context.Background(), config(dir))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(b.Addr())
		bufio.NewReader(os.Stdin).ReadByte() // the parent is gone
		return
	}
	os.Exit(m.Run())
}

func config(dir string) broker.Config {
	c := broker.DefaultConfig()
	c.Dir = dir
	c.SegmentBytes = 1 << 20
	c.MinSession = 100 * time.Millisecond
	return c
}

// child is a broker in a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string
}

func serve(t *testing.T, dir string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd}
	t.Cleanup(c.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	c.addr = strings.TrimSpace(line)
	return c
}

func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

func (c *child) config() kafka.Config { return kafka.Config{Brokers: []string{c.addr}} }

func admin(t *testing.T, addr string) *kafka.Admin {
	t.Helper()
	a, err := kafka.NewAdmin(kafka.Config{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// produceUntilKilled appends numbered records one after the other and tells which were acknowledged.
func produceUntilKilled(ctx context.Context, c kafka.Config, from int, acked func(int)) error {
	pc := kafka.DefaultProducerConfig()
	pc.DeliveryTimeout = time.Second
	p, err := kafka.NewProducer(c, pc)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	pad := strings.Repeat("x", 1500)
	for i := from; ; i++ {
		r := &kafka.Record{Topic: "t", Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%d %s", i, pad)}
		if err := p.Produce(ctx, []*kafka.Record{r}); err != nil {
			return nil
		}
		acked(i)
	}
}

type nothing struct{}

func (nothing) Assigned(_ context.Context, a kafka.Assignment) (int64, error) { return a.From(), nil }
func (nothing) Revoked(context.Context, []kafka.TopicPartition)               {}
func (nothing) Lost([]kafka.TopicPartition)                                   {}

func TestAcknowledgedRecordsAndCommitsAreThereAfterKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	acked := map[int]bool{}
	for round := range 3 {
		c := serve(t, dir)
		a := admin(t, c.addr)
		specs := []kafka.TopicSpec{{Name: "t", Partitions: 4}, {Name: "g", Partitions: 1}}
		if err := a.EnsureTopics(ctx, specs); err != nil {
			t.Fatal(err)
		}
		// What was acknowledged and committed before the kill is there.
		have := map[int]bool{}
		for p := range int32(4) {
			err := a.ReadRange(ctx, "t", p, -1, -1, func(rs []*kafka.Record) error {
				for _, r := range rs {
					var i int
					fmt.Sscanf(string(r.Value), "%d ", &i)
					have[i] = true
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range acked {
			if !have[i] {
				t.Fatalf("round %d: record %d was acknowledged and is gone", round, i)
			}
		}
		if round > 0 {
			os, err := a.GroupOffsets(ctx, "plans", "g")
			if err != nil || os[0].Committed != 1 || !strings.HasPrefix(os[0].Metadata, "plan 200 ") {
				t.Fatalf("round %d: committed %+v; %v", round, os, err)
			}
		}

		// Both go on while the broker is killed.
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := produceUntilKilled(ctx, c.config(), len(acked), func(i int) { acked[i] = true }); err != nil {
				t.Error(err)
			}
		})
		p, err := kafka.NewProducer(c.config(), kafka.DefaultProducerConfig())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Produce(ctx, []*kafka.Record{{Topic: "g", Value: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		rc := kafka.DefaultReaderConfig()
		rc.Group, rc.Topics, rc.SessionTimeout = "plans", []string{"g"}, 500*time.Millisecond
		r, err := kafka.NewReader(c.config(), rc, nothing{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Poll(ctx); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			commitCtx, stop := context.WithCancel(ctx)
			defer stop()
			pad := strings.Repeat("m", 3000)
			for n := 1; n <= 200; n++ {
				if r.Commit(commitCtx, kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: "g"}, Offset: 1, Metadata: fmt.Sprintf("plan %d %s", n, pad)}) != nil {
					return
				}
			}
			c.kill()
		})
		wg.Wait()
		go r.Close()
	}
	if len(acked) < 100 {
		t.Fatalf("only %d records were acknowledged: nothing was tested", len(acked))
	}
}

func TestTornGroupLogIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	commit := func(metadata string) {
		b, err := broker.Start(t.Context(), config(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		a := admin(t, b.Addr())
		if err := a.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "g", Partitions: 1}}); err != nil {
			t.Fatal(err)
		}
		os, err := a.GroupOffsets(t.Context(), "plans", "g")
		if err != nil {
			t.Fatal(err)
		}
		if metadata == "" {
			if os[0].Metadata != "second" {
				t.Fatalf("committed %+v", os)
			}
			return
		}
		c := kafka.Config{Brokers: []string{b.Addr()}}
		p, err := kafka.NewProducer(c, kafka.DefaultProducerConfig())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(t.Context())
		if err := p.Produce(t.Context(), []*kafka.Record{{Topic: "g", Value: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		rc := kafka.DefaultReaderConfig()
		rc.Group, rc.Topics = "plans", []string{"g"}
		r, err := kafka.NewReader(c, rc, nothing{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Commit(t.Context(), kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: "g"}, Offset: os[0].End, Metadata: metadata}); err != nil {
			t.Fatal(err)
		}
		if metadata == "second" {
			// As a kill leaves it: no shutdown that writes the log anew.
			snapshot, err := readFile(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { writeFile(t, dir, snapshot) }()
		}
	}
	commit("first")
	log, err := readFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, append(log, 200, 0, 0, 0, 1, 2, 3, 4, 1, 0, '{', '"'))
	commit("second")
	commit("")
}

func readFile(dir string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, "groups.log")) }

func writeFile(t *testing.T, dir string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "groups.log"), b, 0o644); err != nil {
		t.Error(err)
	}
}

func TestAppendsAreRefusedWhileTheDiskIsNearlyFull(t *testing.T) {
	t.Parallel()
	c := config(t.TempDir())
	c.MinFree = 1 << 60
	b, err := broker.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := admin(t, b.Addr()).EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "t", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	pc := kafka.DefaultProducerConfig()
	pc.DeliveryTimeout = time.Second
	p, err := kafka.NewProducer(kafka.Config{Brokers: []string{b.Addr()}}, pc)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(t.Context())
	err = p.Produce(t.Context(), []*kafka.Record{{Topic: "t", Value: []byte("x")}})
	if !errors.Is(err, kafka.ErrUnavailable) {
		t.Fatalf("append to a full disk: %v", err)
	}
	offsets, err := admin(t, b.Addr()).LogOffsets(t.Context(), "t")
	if err != nil || offsets[0].End != 0 {
		t.Fatalf("the log has %+v, %v", offsets, err)
	}
}

func TestStartRefusesWhatClientsCannotReach(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:9092", "9092"} {
		c := config(t.TempDir())
		c.Listen = listen
		if b, err := broker.Start(t.Context(), c); err == nil {
			b.Close()
			t.Errorf("%s: no error", listen)
		}
	}
	c := config(t.TempDir())
	b, err := broker.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c.Listen, c.Dir = b.Addr(), t.TempDir()
	if b, err := broker.Start(t.Context(), c); err == nil {
		b.Close()
		t.Error("the address is taken and there is no error")
	}
}
