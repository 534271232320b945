package kafka

import "time"

// commits commits what was processed, at most once per CommitEvery, and the rest when the work has ended.
func (w *session) commits() {
	for ended := false; !ended; {
		select {
		case <-w.dirty:
		case <-w.worked:
			ended = true
		}
		err := w.commit()
		switch {
		case err == nil, w.ctx.Err() != nil:
		case ended:
			w.s.log.Warn("kafka stage: last commit failed, its work will be done again", "partition", w.a.Partition, "err", err)
		default:
			// Also when it was fenced: what this member goes on to write until it is told of its loss says the same as
			// what the new owner writes.
			w.s.metrics.retries.Inc()
			w.s.log.Warn("kafka stage: commit failed, trying again", "partition", w.a.Partition, "err", err)
			signal(w.dirty)
		}
		pause := time.NewTimer(w.s.cfg.CommitEvery)
		select {
		case <-pause.C:
		case <-w.worked:
		}
		pause.Stop()
	}
}

func (w *session) commit() error {
	w.mu.Lock()
	to := w.next
	w.mu.Unlock()
	if to <= w.committed || w.ctx.Err() != nil {
		return nil
	}
	if err := w.s.reader.Commit(w.ctx, Commit{TopicPartition: w.a.TopicPartition, Offset: to}); err != nil {
		return err
	}
	w.committed = to
	return nil
}
