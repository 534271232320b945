package load

import (
	"context"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// TestLoaderProcess is not a test: it is the loader that the tests below run as a process of its own, to stop it as a
// paused machine would.
func TestLoaderProcess(t *testing.T) {
	brokers, dsn, database := os.Getenv("LOAD_TEST_BROKERS"), os.Getenv("LOAD_TEST_DSN"), os.Getenv("LOAD_TEST_DATABASE")
	if brokers == "" {
		t.Skip("only run by other tests")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // should its parent die
	defer cancel()
	c := store.DefaultConfig(dsn)
	c.Database = database
	db, err := store.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	debug.SetMemoryLimit(400 << 20) // as the program does for the role
	cfg := DefaultConfig()
	cfg.Kafka = kafka.Config{Brokers: strings.Split(brokers, ",")}
	cfg.Store = db
	cfg.BlockAge, cfg.RetryWait, cfg.PlanAge = 5*time.Millisecond, 5*time.Millisecond, 200*time.Millisecond
	cfg.SessionTimeout = time.Second
	if err := Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
}

// process is a loader that can be frozen.
type process struct {
	w   *world
	cmd *exec.Cmd
}

func (w *world) startProcess(through *proxy) *process {
	w.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoaderProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "LOAD_TEST_BROKERS="+strings.Join(w.kafka.Brokers, ","), "LOAD_TEST_DSN="+through.URL(), "LOAD_TEST_DATABASE="+w.db.Database())
	if os.Getenv("LOAD_LOG") != "" {
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	}
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	p := &process{w, cmd}
	w.Cleanup(p.kill)
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.w.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.w.Fatal(err)
	}
}

func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// A loader that is stopped in front of its insert, or behind it, is declared dead; another takes over; then it wakes.
func TestAZombieWritesNothingTwice(t *testing.T) {
	for name, when := range map[string]fault{"between plan and insert": holdBefore, "between insert and commit": holdAfter} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			path := newProxy(t, w.proxy.URL())
			path.asleep, path.wake = make(chan struct{}), make(chan struct{})
			var once sync.Once
			path.on(func(token string) (f fault) {
				if token != "" {
					once.Do(func() { f = when })
				}
				return f
			})
			w.produce(records(0, 0, 100)...)
			zombie := w.startProcess(path)
			<-path.asleep
			zombie.signal(syscall.SIGSTOP)
			w.start(func(c *Config) { c.SessionTimeout = time.Second })
			w.produce(records(0, 50, 200)...)
			w.eventually("the other to load all", func() bool { return w.count("SELECT uniqExact(key) FROM touchpoints") == 200 })
			w.lagFree()
			close(path.wake) // the held insert goes through, long after
			zombie.signal(syscall.SIGCONT)
			w.produce(records(0, 200, 300)...)
			w.lagFree()
			w.exactly(300)
		})
	}
}

// One that slept for so long that the table has forgotten its token must not try at all.
func TestAZombieDoesNotTrustAnOldPlan(t *testing.T) {
	w := newWorld(t, 1)
	path := newProxy(t, w.proxy.URL())
	path.asleep, path.wake = make(chan struct{}), make(chan struct{})
	tries := 0
	path.on(func(token string) fault {
		if token == "" {
			return none
		}
		if tries++; tries == 3 {
			return holdRefuse // it waits for an answer when it falls asleep: no insert of its is on the way, which nothing would tell from a first one
		}
		return refuse
	})
	w.produce(records(0, 0, 100)...)
	zombie := w.startProcess(path)
	<-path.asleep
	zombie.signal(syscall.SIGSTOP)
	path.on(nil)
	close(path.wake)
	w.exec("ALTER TABLE touchpoints MODIFY SETTING non_replicated_deduplication_window = 0")
	stop := w.start(func(c *Config) { c.SessionTimeout = time.Second })
	w.eventually("the other to load all", func() bool { return w.count("SELECT count() FROM touchpoints") == 100 })
	w.lagFree()
	zombie.signal(syscall.SIGCONT)
	stop()
	w.produce(records(0, 100, 200)...) // which only the woken one can load
	w.lagFree()
	const rows = "SELECT count() FROM touchpoints WHERE _offset "
	if old, fresh := w.count(rows+"< 100"), w.count(rows+">= 100"); old != 100 || fresh != 100 {
		path.mu.Lock()
		t.Errorf("%d rows of before and %d of after; the one that slept sent %v", old, fresh, path.tokens)
		path.mu.Unlock()
	}
	w.exactly(200)
}

// The loader is killed at any moment, with and without the answer of its last insert.
func TestKilledLoadersLeaveEveryTouchpointOnce(t *testing.T) {
	w := newWorld(t, 2)
	n := 0
	for i := range 6 {
		path := newProxy(t, w.proxy.URL())
		path.asleep, path.wake = make(chan struct{}), make(chan struct{})
		var once sync.Once
		after, inserts := i/2+1, 0
		path.on(func(token string) (f fault) {
			if token != "" {
				if inserts++; inserts == after {
					once.Do(func() { f = []fault{holdBefore, holdAfter}[i%2] })
				}
			}
			return f
		})
		p := w.startProcess(path)
		for awake := true; awake; n += 20 {
			w.produce(append(records(0, n, n+20), records(1, n, n+20)...)...)
			select {
			case <-path.asleep:
				awake = false
			case <-time.After(20 * time.Millisecond):
			}
		}
		p.kill()
		close(path.wake)
	}
	w.start()
	w.lagFree()
	all, err := w.admin.LogOffsets(context.Background(), string(topic.Touchpoints))
	if err != nil {
		t.Fatal(err)
	}
	w.exactly(uint64(all[0].End + all[1].End))
}
