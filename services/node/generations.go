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

// generationer knows which generations are read and built; *workspaces.Directory does.
type generationer interface {
	Generations() (current topic.Generations, building *topic.Generations)
}

// follow runs a stage once for each generation of it that is read or being built, starts it when one appears and stops
// it when it goes. of cuts from the generations what the stage depends on, so that a rebuild of a later stage leaves it
// alone. An error of the stage ends all.
func follow(ctx context.Context, d generationer, of func(topic.Generations) topic.Generations, run func(context.Context, topic.Generations) error) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[topic.Generations]context.CancelFunc{}
	tick := time.NewTicker(generationsEvery)
	defer tick.Stop()
	for {
		current, building := d.Generations()
		wanted := map[topic.Generations]bool{of(current): true}
		if building != nil {
			wanted[of(*building)] = true
		}
		for g := range wanted {
			if running[g] != nil {
				continue
			}
			stage, cancel := context.WithCancel(ctx)
			running[g] = cancel
			group.Go(func() error {
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
