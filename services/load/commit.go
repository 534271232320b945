package load

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/throughline/throughline/services/kafka"
)

// committer makes the commits of all lanes, those that wait at the same time in one request.
//
// A commit that its lane has given up is not made any more: the partition may have been somebody else's since, and ours again,
// and then the broker would take a plan that the other has gone beyond.
type committer struct {
	make     func(context.Context, ...kafka.Commit) error
	requests chan commitRequest
}

type commitRequest struct {
	kafka.Commit
	ctx  context.Context // done: nobody waits for it
	done chan error      // with room for the answer
}

const (
	commitsAtOnce = 256
	commitTimeout = 10 * time.Second
	commitRetry   = 50 * time.Millisecond
)

func newCommitter() *committer {
	return &committer{requests: make(chan commitRequest, commitsAtOnce)}
}

// run makes commits until ctx ends.
func (c *committer) run(ctx context.Context) {
	for {
		var waiting []commitRequest
		select {
		case r := <-c.requests:
			waiting = append(waiting, r)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(waiting) < commitsAtOnce; {
			select {
			case r := <-c.requests:
				waiting = append(waiting, r)
			default:
				more = false
			}
		}
		c.commit(ctx, waiting)
	}
}

func (c *committer) commit(ctx context.Context, waiting []commitRequest) {
	waiting = slices.DeleteFunc(waiting, func(w commitRequest) bool {
		err := w.ctx.Err()
		if err != nil {
			w.done <- err
		}
		return err != nil
	})
	if len(waiting) == 0 {
		return
	}
	err := c.try(ctx, waiting)
	if errors.Is(err, kafka.ErrFenced) && len(waiting) > 1 {
		// One partition that is gone must not hold up the others.
		for i := range waiting {
			c.commit(ctx, waiting[i:i+1])
		}
		return
	}
	for _, w := range waiting {
		w.done <- err
	}
}

// try makes commits in one request. It breaks off when one of them is given up, since it may be waiting for a rebalance to end: the
// lanes of the others ask again.
func (c *committer) try(ctx context.Context, waiting []commitRequest) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	commits := make([]kafka.Commit, len(waiting))
	for i, w := range waiting {
		commits[i] = w.Commit
		defer context.AfterFunc(w.ctx, cancel)()
	}
	return c.make(ctx, commits...)
}

// submit hands in a commit; its answer comes from the channel.
func (c *committer) submit(ctx context.Context, commit kafka.Commit) <-chan error {
	r := commitRequest{commit, ctx, make(chan error, 1)}
	select {
	case c.requests <- r:
	case <-ctx.Done():
		r.done <- ctx.Err()
	}
	return r.done
}

// until commits an offset and tries until it is made, ctx ends, or owned says that the partition is somebody else's:
// then it returns ErrFenced. That the broker calls the commit fenced is not enough to give up: it also does so while a
// rebalance that leaves the partition here changes the generation.
func (c *committer) until(ctx context.Context, commit kafka.Commit, owned func() bool) error {
	for {
		if !owned() {
			return kafka.ErrFenced
		}
		var err error
		select {
		case err = <-c.submit(ctx, commit):
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, kafka.ErrMetadataTooLarge) {
			return err
		}
		if !sleep(ctx, commitRetry) {
			return ctx.Err()
		}
	}
}
