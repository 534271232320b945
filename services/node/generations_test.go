package node

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/topic"
)

type switchable struct {
	mu      sync.Mutex
	running []topic.Generations
}

func (s *switchable) Running(time.Time) []topic.Generations {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

func (s *switchable) set(running ...topic.Generations) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
}

func TestFollowRunsWhatIsReadAndBuilt(t *testing.T) {
	second := topic.Generations{Identity: 1, Conversation: 2, Store: 2}
	d := &switchable{running: []topic.Generations{topic.First}}
	events := make(chan string, 16)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- follow(ctx, d, ofConverse, func(ctx context.Context, g topic.Generations) error {
			events <- "start " + topic.Suffix("g", g.Conversation)
			<-ctx.Done()
			events <- "stop " + topic.Suffix("g", g.Conversation)
			return ctx.Err()
		})
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-events:
			if got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing happened, want %s", want)
		}
	}
	expect("start ")
	d.set(topic.First, topic.Generations{Identity: 1, Conversation: 1, Store: 2}) // of no concern to converse
	d.set(topic.First, second)
	expect("start g2")
	d.set(second)
	expect("stop ")
	d.set(topic.First, second) // the halt is over without a switch
	expect("start ")
	d.set(second)
	expect("stop ")
	cancel()
	expect("stop g2")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestFollowEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	err := follow(t.Context(), &switchable{running: []topic.Generations{topic.First}}, ofLoad, func(context.Context, topic.Generations) error { return broken })
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
}
