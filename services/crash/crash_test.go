package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

func setting(tb testing.TB, name string, otherwise uint64) uint64 {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return n
}

func newRand(tb testing.TB) (*rand.Rand, uint64) {
	tb.Helper()
	seed := setting(tb, "THROUGHLINE_SEED", uint64(time.Now().UnixNano()))
	tb.Logf("seed %d: THROUGHLINE_SEED=%d go test -run '^%s$' repeats the choices of this run", seed, seed, tb.Name())
	return rand.New(rand.NewPCG(seed, 1)), seed
}

// Everything in one process is killed at random moments.
func TestKillUp(t *testing.T) {
	rng, seed := newRand(t)
	kills := int(setting(t, "THROUGHLINE_KILLS", 50)) / 2
	data, listen := t.TempDir(), program.FreeAddress(t)
	up := func() *program.Process {
		p := program.Start(t, "up", "up", "--data", data, "--listen", listen, "--key", key)
		p.Ready(t, "http://"+listen+"/readyz")
		return p
	}
	l := &load{url: "http://" + listen, people: "http://" + listen, seed: seed, clients: 4}
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan struct{})
	go func() { defer close(loaded); l.run(ctx) }()

	p := up()
	for range kills {
		pause(t, rng, 1200*time.Millisecond)
		p.Kill()
		p = up()
	}
	pause(t, rng, time.Second)
	l.heard(t)
	cancel()
	<-loaded
	t.Logf("%d touchpoints acknowledged, %d batches sent again, %d words of users, %d kills", l.count.Load(), l.resent.Load(), l.said.Load(), kills)
	verify(t, nil, "--url", l.url, "--key", key)

	// New rules decide everything again, and are killed in the middle of it, twice.
	l.newRules(t)
	for range 2 {
		p.Kill()
		p = up()
		pause(t, rng, 500*time.Millisecond)
	}
	verify(t, nil, "--url", l.url, "--key", key)
	p.Stop(t)
	verify(t, l, "--data", data)
}

// The roles run as processes of their own; one of them, or the engines, is killed each time.
func TestKillRoles(t *testing.T) {
	rng, seed := newRand(t)
	kills := int(setting(t, "THROUGHLINE_KILLS", 50)) / 2
	data := t.TempDir()
	kafka, store := program.FreeAddress(t), program.FreeAddress(t)
	c := newCluster(t, []string{kafka}, "http://"+store)
	c.add("engines", "", "engines", "--data", data, "--kafka-listen", kafka, "--clickhouse-listen", store)
	c.prepare("--partitions", "4")
	c.run(rng, seed, kills)
}

// pause lets the load run for a random time up to limit: the moment of a kill must not depend on what the program does.
func pause(tb testing.TB, rng *rand.Rand, limit time.Duration) {
	tb.Helper()
	select {
	case <-time.After(time.Duration(rng.Int64N(int64(limit)))):
	case <-tb.Context().Done():
	}
}

// verify waits until everything accepted is stored and derived, recomputes all of it from the log, and looks for every
// acknowledged id, which must be stored once. where says which audit: of a server, of engines or of a stopped folder.
func verify(tb testing.TB, l *load, where ...string) {
	tb.Helper()
	args := append([]string{"audit"}, where...)
	if l != nil {
		args = append(args, "--ids", l.writeAcknowledged(tb))
	}
	if r := program.Command(tb, args...); r.Code != 0 {
		tb.Fatalf("audit %v: %s", where, r)
	}
}
