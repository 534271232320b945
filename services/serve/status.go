package serve

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/converse"
	"github.com/throughline/throughline/services/identify"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/load"
)

// Status says how the installation does. To keys of workspace default, which those have who run it, the counts are of all workspaces
// together; to all others they are the workspace's own, without those that only the log has, which does not count by
// workspace. How far the roles are behind is everybody's: it says how old reports are. NewestVisible is the workspace's own.
type Status struct {
	AsOf          Time         `json:"as_of"`
	Roles         []RoleStatus `json:"roles"`
	Accepted      *int64       `json:"accepted"`   // touchpoints on the log; null to others than default
	Refused       int64        `json:"refused"`    // dead letters, conflicts among them
	Stored        int64        `json:"stored"`     // touchpoints in the store
	Duplicates    *int64       `json:"duplicates"` // on the log a second time; exact when load has no lag; null to others than default
	Conflicts     int64        `json:"conflicts"`  // on the log a second time with another content
	NewestVisible *Time        `json:"newest_visible"`
	AgeSeconds    *float64     `json:"age_seconds"` // of NewestVisible
}

// RoleStatus is one consumer of the log.
type RoleStatus struct {
	Role  string   `json:"role"`
	Group string   `json:"group"`
	Lag   int64    `json:"lag"`  // records it has yet to read
	Rate  *float64 `json:"rate"` // records a second since the status before; null at the first, and to others than default
}

// role is one consumer of the log: its group and what that reads.
type role struct {
	name   string
	group  func(topic.Generations) string
	topics []topic.Name
}

const loadRole = "load"

// roles are all consumers, in the order of the flow.
var roles = []role{
	{"collect", func(topic.Generations) string { return collect.Group }, []topic.Name{topic.Raw}},
	{"identify.stitch", identify.StitchGroup, []topic.Name{topic.Touchpoints}},
	{"identify.resolve", identify.ResolveGroup, []topic.Name{topic.Links}},
	{"converse", converse.Group, []topic.Name{topic.ByPerson}},
	{loadRole, load.Group,
		[]topic.Name{topic.Touchpoints, topic.Rejected, topic.Moves, topic.Edges, topic.Conversations, topic.Members}},
}

// offsets are those of all roles at one time.
type offsets struct {
	at    time.Time
	roles map[string][]kafka.Offsets
}

func (o offsets) lag(role string) (lag int64) {
	for _, p := range o.roles[role] {
		lag += p.Lag()
	}
	return lag
}

// read is how many records the role has read of a topic, or of all when the topic is empty.
func (o offsets) read(role, topic string) (n int64) {
	for _, p := range o.roles[role] {
		if topic == "" || p.Topic == topic {
			n += max(p.Committed, 0)
		}
	}
	return n
}

// logPatience is how long the log has for a question that a report only wants to know its freshness by.
const logPatience = 2 * time.Second

// offsets asks the log, once a second at most.
func (s *Server) offsets(ctx context.Context, g topic.Generations) (offsets, error) {
	return s.status.get(ctx, g, func(ctx context.Context) (offsets, error) {
		ctx, cancel := context.WithTimeout(ctx, logPatience)
		defer cancel()
		out := offsets{at: s.config.Now(), roles: map[string][]kafka.Offsets{}}
		found := make([][]kafka.Offsets, len(roles))
		asked, ctx := errgroup.WithContext(ctx)
		for i, role := range roles {
			var topics []string
			for _, t := range role.topics {
				topics = append(topics, t.In(g))
			}
			asked.Go(func() (err error) {
				found[i], err = s.config.Log.GroupOffsets(ctx, role.group(g), topics...)
				return err
			})
		}
		if err := asked.Wait(); err != nil {
			return out, fmt.Errorf("%w: %w", kafka.ErrUnavailable, err)
		}
		for i, role := range roles {
			out.roles[role.name] = found[i]
		}
		return out, nil
	})
}

// rates turns two statuses into what happened in between.
type rates struct {
	mu   sync.Mutex
	last offsets
	rate map[string]*float64
}

// of returns the rate of each role at the offsets, against those before.
func (r *rates) of(now offsets) map[string]*float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.at.Equal(now.at) {
		return r.rate
	}
	rate := map[string]*float64{}
	if seconds := now.at.Sub(r.last.at).Seconds(); !r.last.at.IsZero() && seconds > 0 {
		for name := range now.roles {
			v := max(0, float64(now.read(name, "")-r.last.read(name, ""))/seconds)
			rate[name] = &v
		}
	}
	r.last, r.rate = now, rate
	return rate
}

// getStatus answers GET /v1/status.
func (s *Server) getStatus(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	now := s.config.Now()
	all, err := s.offsets(r.Context(), c.generations)
	if err != nil {
		return err
	}
	out := Status{AsOf: Time(now), Roles: []RoleStatus{}}
	rate := s.before.of(all)
	operates := c.workspace == workspace.Default
	if !operates {
		rate = nil
	}
	for _, role := range roles {
		out.Roles = append(out.Roles, RoleStatus{role.name, role.group(c.generations), all.lag(role.name), rate[role.name]})
	}
	touchpoints := topic.Touchpoints.In(c.generations)
	var accepted int64
	for _, p := range all.roles[loadRole] {
		if p.Topic == touchpoints {
			accepted += p.End
		}
	}
	own := ""
	if !operates {
		own = " WHERE workspace = {workspace:String}"
	}
	// unreadable are records of the topic that are neither touchpoints nor second uses of an id.
	var stored, refused, conflicts, unreadable uint64
	err = s.store.each(r.Context(), s.store.lookup, `SELECT (SELECT count() FROM `+c.tables.Touchpoints+own+`), count(), countIf(source = 'conflict'),
	countIf(source = 'log' AND startsWith(position, {prefix:String}))
FROM `+c.tables.Rejected+` FINAL`+own, clickhouse.Params{"prefix": touchpoints + "/", "workspace": c.workspace}, func(r *clickhouse.Rows) error {
		return r.Scan(&stored, &refused, &conflicts, &unreadable)
	})
	if err != nil {
		return err
	}
	out.Stored, out.Refused, out.Conflicts = int64(stored), int64(refused), int64(conflicts)
	// What load has read and neither stored nor refused it had seen before. A block that is stored and not committed yet
	// makes the difference too small for a moment.
	if operates {
		duplicates := max(0, all.read(loadRole, touchpoints)-out.Stored-out.Conflicts-int64(unreadable))
		out.Accepted, out.Duplicates = &accepted, &duplicates
	}
	newest, err := s.newestVisible(r.Context(), c)
	if err != nil {
		return err
	}
	if !newest.IsZero() {
		t, age := Time(newest), max(0, now.Sub(newest).Seconds())
		out.NewestVisible, out.AgeSeconds = &t, &age
	}
	return answer(w, http.StatusOK, out)
}
