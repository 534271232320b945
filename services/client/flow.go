package client

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Batch is some lines and what their maker wants to remember of them.
type Batch[T any] struct {
	Lines []byte
	Count int
	Tag   T
}

// Flow sends the batches that next makes, at most width at a time, and reports each to done in the order they were
// made, from one goroutine. So done may keep a mark behind which everything is acknowledged. next returns false when
// there are no more. A batch belongs to Flow until done has returned. Flow ends with the first error of any part.
func Flow[T any](ctx context.Context, c *Client, width int, next func(context.Context) (*Batch[T], bool, error), done func(*Batch[T], Answer) error) error {
	type sent struct {
		batch  *Batch[T]
		answer Answer
		err    error
	}
	order := make(chan chan sent, width)
	slots := make(chan struct{}, width)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(order)
		for {
			b, more, err := next(ctx)
			if err != nil {
				return err
			}
			if !more {
				return nil
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			result := make(chan sent, 1)
			order <- result // never blocks: there are as many places as slots
			go func() {
				a, err := c.Send(ctx, b.Lines)
				result <- sent{b, a, err}
			}()
		}
	})
	g.Go(func() error {
		for result := range order {
			s := <-result
			<-slots
			if s.err != nil {
				return s.err
			}
			if err := done(s.batch, s.answer); err != nil {
				return err
			}
		}
		return nil
	})
	return g.Wait()
}
