package serve

import (
	"cmp"
	"context"
	"slices"
	"time"

	words "github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/streams/promise"
)

// answerDue is the promise about the answer that a customer waits for now: a first one or a next one. What was missed before in the conversation does not
// make this one late. False when nothing is promised, or nobody waits for a human.
func answerDue(policy *promise.Policy, about *words.Conversation, now time.Time) (promise.Promise, bool) {
	i := slices.IndexFunc(about.Waits, func(w words.Wait) bool { return w.To == 0 })
	if i < 0 {
		return promise.Promise{}, false
	}
	alone := *about
	alone.Waits = about.Waits[i : i+1]
	for _, p := range policy.Of(&alone, now.UnixMilli()) {
		if p.Metric != promise.Resolution {
			return p, true
		}
	}
	return promise.Promise{}, false
}

// attachPromises says of those who wait what answer is promised, and by when.
func (s *Server) attachPromises(c *call, list []Conversation) {
	policy, now := s.config.Promises.Promises(c.workspace), s.config.Now()
	for i := range list {
		if list[i].WaitingSince == nil {
			continue
		}
		if p, promised := answerDue(policy, &list[i].row, now); promised {
			list[i].Promise = &promisesOf([]promise.Promise{p})[0]
		}
	}
}

// conversationsPromised reads a page of those who wait, of whom the answer is promised and stands so, or sorted by when it is due. What is promised is
// decided here and not in the store, so that of those who wait the mostOpen that come first in the order of the store are looked at.
func (s *Server) conversationsPromised(ctx context.Context, c *call, from string, where []string, params clickhouse.Params, by order, statuses []string, limit int, after *cursor) (Conversations, error) {
	params["most"] = mostOpen
	sql := `SELECT ` + by.number + `, anchor, ` + intervalColumns + ` FROM ` + from
	for _, condition := range where {
		sql += " AND " + condition
	}
	sql += ` ORDER BY ` + by.number + `, id LIMIT {most:UInt32}` + reportSettings
	policy, now := s.config.Promises.Promises(c.workspace), s.config.Now()
	var found []candidate
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var one candidate
		var anchor wide
		var v intervals
		if err := r.Scan(append([]any{&one.order, &anchor}, v.targets()...)...); err != nil {
			return err
		}
		about := v.conversation()
		one.id, one.anchor = about.ID, asAnchor(&anchor)
		p, promised := answerDue(policy, &about, now)
		if len(statuses) > 0 && !(promised && slices.Contains(statuses, string(p.Status))) {
			return nil
		}
		if by.list == dueList {
			one.order = dueFirst(p, one.order)
		}
		if after == nil || cmp.Or(cmp.Compare(one.order, after.order), slices.Compare(one.id[:], after.id[:])) > 0 {
			found = append(found, one)
		}
		return nil
	})
	if err != nil {
		return Conversations{}, err
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.order, b.order), slices.Compare(a.id[:], b.id[:]))
	})
	return s.pageOf(ctx, c, by, found, limit)
}

// dueFirst is the place of a promise among others, by when it is due. What cannot be said, or is not promised, comes after all others.
func dueFirst(p promise.Promise, waiting int64) int64 {
	if p.Due == 0 {
		return notWaiting + waiting
	}
	return p.Due
}
