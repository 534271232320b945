package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	decide "github.com/throughline/throughline/streams/transfer"
)

// secrets are fixed.
type secrets struct{}

func (secrets) Secret(_ context.Context, workspace string, _ int64) ([]byte, error) {
	return []byte("secret of " + workspace), nil
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func open(t *testing.T, cluster *kafkatest.Cluster, now func() time.Time) *Desk {
	t.Helper()
	c := DefaultConfig()
	c.Log, c.Producer, c.Secrets, c.Now = cluster.Admin(t), cluster.Producer(t), secrets{}, now
	d, err := NewDesk(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func start(t *testing.T) (*kafkatest.Cluster, *clock) {
	return kafkatest.Start(t, kafka.TopicSpec{Name: string(topic.Transfers), Partitions: 1}), &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// Of many processes that open one link at the same moment one is let in, and one that starts later knows it.
func TestOneOpens(t *testing.T) {
	cluster, c := start(t)
	given, err := open(t, cluster, c.Now).Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	in, used := 0, 0
	for range 4 {
		d := open(t, cluster, c.Now)
		all.Go(func() {
			for range 3 {
				l, err := d.ByToken(t.Context(), "ours", given.Token)
				if err != nil {
					t.Error(err)
					return
				}
				attempt, _ := d.Attempt(t.Context(), l, "", "app", nil)
				_, err = d.Open(t.Context(), l, "app", attempt)
				mu.Lock()
				switch {
				case err == nil:
					in++
				case errors.Is(err, decide.ErrUsed):
					used++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if in != 1 || used != 11 {
		t.Errorf("%d were let in, %d not", in, used)
	}
	late := open(t, cluster, c.Now)
	if l, err := late.ByToken(t.Context(), "ours", given.Token); err != nil || !l.Opened || late.May(t.Context(), l, "app", "new") == nil {
		t.Errorf("%+v %v", l, err)
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	cluster, c := start(t)
	d := open(t, cluster, c.Now)
	given, err := d.Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ByToken(t.Context(), "theirs", given.Token); !errors.Is(err, decide.ErrForged) {
		t.Errorf("another workspace: %v", err)
	}
	if _, err := d.ByCode(t.Context(), "theirs", given.Code); !errors.Is(err, decide.ErrForged) {
		t.Errorf("the code in another workspace: %v", err)
	}
	l, err := d.ByCode(t.Context(), "ours", given.Code[:4]+" "+given.Code[4:])
	if err != nil || l.ID != given.ID || l.Offer.Channel != "app" {
		t.Fatalf("%+v %v", l, err)
	}
	if _, err := d.Open(t.Context(), l, "chat", "x"); !errors.Is(err, decide.ErrChannel) {
		t.Errorf("another channel: %v", err)
	}
	// The same try again is the same; another is not.
	first, _ := d.Attempt(t.Context(), l, "try-1", "app", []string{"device:d"})
	again, _ := open(t, cluster, c.Now).Attempt(t.Context(), l, "try-1", "app", []string{"device:d"})
	stranger, _ := d.Attempt(t.Context(), l, "try-1", "app", []string{"device:e"})
	at, err := d.Open(t.Context(), l, "app", first)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Second)
	if since, err := open(t, cluster, c.Now).Open(t.Context(), l, "app", again); err != nil || since != at {
		t.Errorf("the same try: %d %v", since, err)
	}
	if _, err := d.Open(t.Context(), l, "app", stranger); !errors.Is(err, decide.ErrUsed) {
		t.Errorf("a stranger with the same name of a try: %v", err)
	}
	given, _ = d.Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour)
	c.pass(20 * time.Minute)
	if l, err := d.ByCode(t.Context(), "ours", given.Code); !errors.Is(err, decide.ErrExpired) || l.ID != given.ID {
		t.Errorf("a code that is too old: %v", err)
	}
	c.pass(time.Hour)
	if l, err := d.ByToken(t.Context(), "ours", given.Token); !errors.Is(err, decide.ErrExpired) || l.Offer.Channel != "app" {
		t.Errorf("a link that is too old: %+v %v", l, err)
	}
	c.pass(2 * time.Hour)
	if l, err := d.ByToken(t.Context(), "ours", given.Token); !errors.Is(err, decide.ErrExpired) || l.Offer.Channel != "" {
		t.Errorf("a link that is forgotten: %+v %v", l, err)
	}
}

func TestGuessing(t *testing.T) {
	cluster, c := start(t)
	d := open(t, cluster, c.Now)
	given, err := d.Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range d.config.Tries {
		if _, err := d.ByCode(t.Context(), "ours", "0000000x"); !errors.Is(err, decide.ErrForged) {
			t.Fatal(err)
		}
	}
	if _, err := d.ByCode(t.Context(), "ours", given.Code); !errors.Is(err, ErrTooManyTries) {
		t.Errorf("who guesses may go on: %v", err)
	}
	if _, err := d.ByCode(t.Context(), "theirs", "00000000"); !errors.Is(err, decide.ErrForged) {
		t.Errorf("others must wait, too: %v", err)
	}
	c.pass(time.Minute)
	if _, err := d.ByCode(t.Context(), "ours", given.Code); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

// While the log is away, nobody waits for ever, or behind who waits already; and no try to say a code is counted.
func TestTheLogIsAway(t *testing.T) {
	cluster, clock := start(t)
	admin, err := kafka.NewAdmin(kafka.Config{Brokers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	c := DefaultConfig()
	c.Log, c.Producer, c.Secrets, c.Now, c.Patience = admin, cluster.Producer(t), secrets{}, clock.Now, 300*time.Millisecond
	d, err := NewDesk(c)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var all sync.WaitGroup
	for range 2 * c.Tries {
		all.Go(func() {
			if _, err := d.ByCode(t.Context(), "ours", "00000000"); !errors.Is(err, kafka.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if waited := time.Since(begin); waited > 4*time.Second {
		t.Errorf("waited %v, of whom each may 300 ms", waited)
	}
}

// A desk that slept while the log let go of what it had yet to read goes on with what there is.
func TestADeskThatFellBehindTheLog(t *testing.T) {
	cluster, clock := start(t)
	d, other := open(t, cluster, clock.Now), open(t, cluster, clock.Now)
	if _, err := d.Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour); err != nil {
		t.Fatal(err)
	}
	var given Given
	for range 3 {
		var err error
		if given, err = other.Offer(t.Context(), "ours", identity.Anchor{1}, "app", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.Admin(t).DeleteRecords(t.Context(), string(topic.Transfers), 0, 3); err != nil {
		t.Fatal(err)
	}
	if l, err := d.ByToken(t.Context(), "ours", given.Token); err != nil || l.ID != given.ID {
		t.Errorf("%+v %v", l, err)
	}
}

// Those who guess at the same moment have no more tries together than one after the other.
func TestGuessingAtOnce(t *testing.T) {
	cluster, c := start(t)
	d := open(t, cluster, c.Now)
	var all sync.WaitGroup
	var wrong atomic.Int32
	for range 10 * d.config.Tries {
		all.Go(func() {
			switch _, err := d.ByCode(t.Context(), "ours", "00000000"); {
			case errors.Is(err, decide.ErrForged):
				wrong.Add(1)
			case !errors.Is(err, ErrTooManyTries):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if int(wrong.Load()) != d.config.Tries {
		t.Errorf("%d guesses were answered, want %d", wrong.Load(), d.config.Tries)
	}
}
