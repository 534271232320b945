package node

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/topic"
)

// generationsEvery is how often the directory, which follows its topic by itself, is asked.
const generationsEvery = 100 * time.Millisecond

// runner knows which generations are to run; *workspaces.Directory does.
type runner interface {
	Running(now time.Time) []topic.Generations
}

// follow runs a stage once for each generation of it that is read or being built, starts it when one appears and stops
// it when it goes. of cuts from the generations what the stage depends on, so that a rebuild of a later stage leaves it
// alone. An error of the stage ends all.
func follow(ctx context.Context, d runner, of func(topic.Generations) topic.Generations, run func(context.Context, topic.Generations) error) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[topic.Generations]context.CancelFunc{}
	stopped := map[topic.Generations]chan struct{}{} // closed when the stage has ended
	tick := time.NewTicker(generationsEvery)
	defer tick.Stop()
	for {
		wanted := map[topic.Generations]bool{}
		for _, g := range d.Running(time.Now()) {
			wanted[of(g)] = true
		}
		for g := range wanted {
			if running[g] != nil {
				continue
			}
			if done := stopped[g]; done != nil {
				select {
				case <-done: // it was halted, and is wanted again
				default:
					continue
				}
			}
			stage, cancel := context.WithCancel(ctx)
			done := make(chan struct{})
			running[g], stopped[g] = cancel, done
			group.Go(func() error {
				defer close(done)
				if err := run(stage, g); err != nil && stage.Err() == nil {
					return fmt.Errorf("generation %+v: %w", g, err)
				}
				return nil
			})
		}
		for g, cancel := range running {
			if !wanted[g] {
				cancel()
				delete(running, g)
			}
		}
		select {
		case <-ctx.Done():
			for _, cancel := range running {
				cancel()
			}
			return group.Wait()
		case <-tick.C:
		}
	}
}

// What each stage depends on.
func ofIdentify(g topic.Generations) topic.Generations {
	return topic.Generations{Identity: g.Identity, Conversation: 1, Store: 1}
}

func ofConverse(g topic.Generations) topic.Generations {
	return topic.Generations{Identity: g.Identity, Conversation: g.Conversation, Store: 1}
}

func ofLoad(g topic.Generations) topic.Generations { return g }
