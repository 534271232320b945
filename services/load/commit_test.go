package load

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// A lane is ended when its partition goes. What it had still to commit, in the queue or amid a rebalance, must not be committed when the
// partition has come back: somebody else may have loaded beyond the plan meanwhile.
func TestACommitThatIsGivenUpIsNotMade(t *testing.T) {
	c := newCommitter()
	rebalance, over := make(chan struct{}), make(chan struct{})
	var made []kafka.Commit
	c.make = func(ctx context.Context, commits ...kafka.Commit) error {
		if len(made) == 0 && commits[0].Partition == 0 {
			close(rebalance)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-over:
			}
		}
		made = append(made, commits...)
		return nil
	}
	of := func(partition int32) kafka.Commit {
		return kafka.Commit{TopicPartition: kafka.TopicPartition{Topic: "touchpoints", Partition: partition}}
	}
	gone, leave := context.WithCancel(t.Context())
	amid := c.submit(gone, of(0))
	go c.run(t.Context())
	<-rebalance
	queued := c.submit(gone, of(1))
	leave()
	select {
	case err := <-amid:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up amid a rebalance hears %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the rebalance is waited for")
	}
	close(over)
	if err := <-queued; !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up in the queue hears %v", err)
	}
	if err := c.until(t.Context(), of(2), func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	if len(made) != 1 || made[0] != of(2) {
		t.Errorf("committed: %v", made)
	}
}
