package broker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ghosts lets go of members that died while they waited for a rebalance. kfake begins to count a member's session when it
// has answered its join; for a connection that is gone there is no answer, and a member that nobody can hear would keep
// its partitions until the next rebalance, which may never come.
//
// It notes who joins and has not been heard of since. Everybody else has a session that kfake counts.
type ghosts struct {
	cluster *kfake.Cluster

	mu      sync.Mutex
	waiting map[member]*wait
}

type member struct{ group, id string }

// wait is that of a member for the answer to its last request.
type wait struct {
	session time.Duration
	syncs   bool      // it has its generation and asks for its partitions
	since   time.Time // of the request, or when it was last known that the group, and not the member, is late
	seen    bool
	epoch   int32 // of the group when the wait was first seen: a join is answered by the next
}

// ghostsEvery is how often members are looked at that wait.
const ghostsEvery = 500 * time.Millisecond

// watch begins to listen.
func watch(c *kfake.Cluster) *ghosts {
	g := &ghosts{cluster: c, waiting: map[member]*wait{}}
	listen := func(key kmsg.Key, hear func(kmsg.Request)) {
		c.ControlKey(key.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			g.mu.Lock()
			defer g.mu.Unlock()
			hear(r)
			return nil, nil, false
		})
	}
	listen(kmsg.JoinGroup, func(r kmsg.Request) {
		if join := r.(*kmsg.JoinGroupRequest); join.MemberID != "" {
			session := time.Duration(join.SessionTimeoutMillis) * time.Millisecond
			g.waiting[member{join.Group, join.MemberID}] = &wait{session: session, since: time.Now()}
		}
	})
	listen(kmsg.SyncGroup, func(r kmsg.Request) {
		sync := r.(*kmsg.SyncGroupRequest)
		if w := g.waiting[member{sync.Group, sync.MemberID}]; w != nil {
			w.syncs, w.since = true, time.Now()
		}
	})
	listen(kmsg.Heartbeat, func(r kmsg.Request) {
		beat := r.(*kmsg.HeartbeatRequest)
		delete(g.waiting, member{beat.Group, beat.MemberID})
	})
	return g
}

// run looks for ghosts until ctx ends.
func (g *ghosts) run(ctx context.Context, addr string, log *slog.Logger) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		log.Error("broker: members that die in a rebalance are not let go", "err", err)
		return
	}
	defer client.Close()
	t := time.NewTicker(ghostsEvery)
	defer t.Stop()
	for {
		for _, m := range g.find() {
			log.Warn("broker: a member died while it joined and is let go", "group", m.group, "member", m.id)
			leave := kmsg.NewPtrLeaveGroupRequest()
			leave.Group, leave.MemberID = m.group, m.id
			one := kmsg.NewLeaveGroupRequestMember()
			one.MemberID = m.id
			leave.Members = append(leave.Members, one)
			if _, err := leave.RequestWith(ctx, client); err != nil && ctx.Err() == nil {
				log.Warn("broker: letting a member go failed", "group", m.group, "member", m.id, "err", err)
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// find returns the members whose answer came longer than a session ago, and who said nothing to it.
func (g *ghosts) find() (found []member) {
	now := time.Now()
	groups := map[string]*kfake.GroupInfo{}
	for _, name := range g.groups() {
		groups[name] = g.cluster.GroupInfo(name)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for m, w := range g.waiting {
		group, asked := groups[m.group]
		switch {
		case !asked, w.since.After(now):
		case !has(group, m.id):
			delete(g.waiting, m)
		case !w.answered(group):
			w.since = now
		case now.Sub(w.since) > w.session:
			delete(g.waiting, m)
			found = append(found, m)
		}
	}
	return found
}

// answered tells whether it is the member's turn to say something.
func (w *wait) answered(group *kfake.GroupInfo) bool {
	if !w.seen {
		w.seen, w.epoch = true, group.Epoch
	}
	switch group.State {
	case "PreparingRebalance": // others have not asked to join yet
		return w.syncs || group.Epoch != w.epoch
	case "CompletingRebalance": // the leader has not said yet who gets what
		return !w.syncs
	default:
		return true
	}
}

// groups are those with members that wait.
func (g *ghosts) groups() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for m := range g.waiting {
		if !slices.Contains(names, m.group) {
			names = append(names, m.group)
		}
	}
	return names
}

func has(group *kfake.GroupInfo, id string) bool {
	if group == nil {
		return false
	}
	for i := range group.Members {
		if group.Members[i].MemberID == id {
			return true
		}
	}
	return false
}
