package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/streams/promise"
)

// Promises are what workspaces promise; *workspaces.Directory knows.
type Promises interface {
	Promises(workspace string) *promise.Policy
	SetPromises(ctx context.Context, workspace string, p workspace.Promises) error
}

// Promise is one promise about a conversation.
type Promise struct {
	Metric   promise.Metric `json:"metric"`
	Status   promise.Status `json:"status"`
	Target   int64          `json:"target_ms"`
	Elapsed  int64          `json:"elapsed_ms"`
	Left     *int64         `json:"left_ms"` // of what runs; negative when it is missed
	Due      *Time          `json:"due"`     // when it will be, or was, missed
	Calendar string         `json:"calendar"`
}

func promisesOf(list []promise.Promise) []Promise {
	out := make([]Promise, len(list))
	for i, p := range list {
		out[i] = Promise{Metric: p.Metric, Status: p.Status, Target: p.Target, Elapsed: p.Elapsed, Calendar: p.Calendar}
		if p.Open {
			out[i].Left = &list[i].Left
		}
		if p.Due != 0 {
			due := Time(time.UnixMilli(p.Due))
			out[i].Due = &due
		}
	}
	return out
}

// getPromises answers GET /v1/promises.
func (s *Server) getPromises(w http.ResponseWriter, _ *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	send(w, http.StatusOK, "application/yaml", s.config.Promises.Promises(c.workspace).YAML())
	return nil
}

// setPromises answers PUT /v1/promises.
func (s *Server) setPromises(w http.ResponseWriter, r *http.Request, c *call) error {
	err := s.readYAML(w, r, c, promise.ErrBadPolicy, func(yaml string) error {
		return s.config.Promises.SetPromises(r.Context(), c.workspace, workspace.Promises{YAML: yaml, At: s.config.Now().UnixMilli()})
	})
	if err != nil {
		return err
	}
	return s.getPromises(w, r, c)
}

// intervalColumns are those that promises are read from.
const intervalColumns = `id, state, toUnixTimestamp64Milli(begun), contacts, channels, account, topic, tags, wait_from, wait_to, wait_kind, pause_from, pause_to, turn_at, turn_team`

// intervals receives intervalColumns.
type intervals struct {
	row                                                    conversation.Conversation
	id                                                     wide
	state                                                  string
	waitFrom, waitTo, waitKind, pauseFrom, pauseTo, turnAt []int64
	teams                                                  []string
}

func (v *intervals) targets() []any {
	c := &v.row
	return []any{&v.id, &v.state, &c.Begun, &c.Contacts, &c.Channels, &c.Account, &c.Topic, &c.Tags, &v.waitFrom, &v.waitTo, &v.waitKind, &v.pauseFrom, &v.pauseTo, &v.turnAt, &v.teams}
}

// conversation is what was received, as far as promises look at it.
func (v *intervals) conversation() conversation.Conversation {
	c := v.row
	c.ID, c.State = asAnchor(&v.id), conversation.State(v.state)
	for i := range v.waitFrom {
		c.Waits = append(c.Waits, conversation.Wait{From: v.waitFrom[i], To: v.waitTo[i], Kind: conversation.WaitKind(v.waitKind[i])})
	}
	for i := range v.pauseFrom {
		c.Pauses = append(c.Pauses, conversation.Pause{From: v.pauseFrom[i], To: v.pauseTo[i]})
	}
	for i := range v.turnAt {
		c.Turns = append(c.Turns, conversation.Turn{At: v.turnAt[i], Team: v.teams[i]})
	}
	return c
}

// promisesAbout are those about one conversation now.
func (s *Server) promisesAbout(c *call, of *Conversation) []Promise {
	return promisesOf(s.config.Promises.Promises(c.workspace).Of(&of.row, s.config.Now().UnixMilli()))
}

// fixedPromises are those of the registry, which nobody changes.
type fixedPromises struct{ policy *promise.Policy }

func (p fixedPromises) Promises(string) *promise.Policy { return p.policy }

func (fixedPromises) SetPromises(context.Context, string, workspace.Promises) error {
	return &notFound{"", "this process does not keep promises"}
}
