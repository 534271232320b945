package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/throughline/throughline/schemas/conversation"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/live"
)

// Live hands out changes of conversations as they happen. *live.Hub does.
type Live interface {
	Watch(workspace string) (*live.Watcher, error)
}

// ConversationEvent says that a conversation changed. The store has it some hundred milliseconds later.
type ConversationEvent struct {
	ID           identity.Anchor `json:"id"`
	Person       identity.Anchor `json:"person"` // whose it is, as of this change
	State        string          `json:"state"`  // also superseded and gone, of what is not a conversation any more
	First        Time            `json:"first"`
	Last         Time            `json:"last"`
	Touchpoints  uint32          `json:"touchpoints"`
	Channels     []string        `json:"channels"`
	Team         string          `json:"team,omitempty"`
	Agent        string          `json:"agent,omitempty"`
	Topic        string          `json:"topic,omitempty"`
	Account      string          `json:"account,omitempty"`
	WaitingSince *Time           `json:"waiting_since"`
}

func eventOf(c *conversation.Conversation) ConversationEvent {
	e := ConversationEvent{
		ID: c.ID, Person: c.Person, State: string(c.State), First: Time(time.UnixMilli(c.First)), Last: Time(time.UnixMilli(c.Last)), Touchpoints: c.Touchpoints,
		Channels: c.Channels, Team: c.Team, Agent: c.Agent, Topic: c.Topic, Account: c.Account,
	}
	if e.Channels == nil {
		e.Channels = []string{}
	}
	if c.WaitingSince > 0 {
		t := Time(time.UnixMilli(c.WaitingSince))
		e.WaitingSince = &t
	}
	return e
}

const (
	heartbeat     = 15 * time.Second // proxies close what is silent
	writePatience = 10 * time.Second // with a client that does not read
)

// stream answers GET /v1/stream with server-sent events until the client goes.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if s.config.Live == nil {
		return &notFound{"", "this process does not follow conversations"}
	}
	watcher, err := s.config.Live.Watch(c.workspace)
	if errors.Is(err, live.ErrFull) {
		return errBusy
	}
	if err != nil {
		return fmt.Errorf("serve: watch: %w", err)
	}
	defer watcher.Close()
	out := events{w: w, control: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	out.write("retry: 2000\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case change := <-watcher.Changes:
			out.event("conversation", eventOf(&change))
		case <-watcher.Lost:
			out.event("resync", struct{}{})
		case <-beat.C:
			out.write(": still here\n\n")
		case <-watcher.Ended():
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
	return nil // the client is gone, or does not read
}

// events writes server-sent events; the first error is kept.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (e *events) event(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	e.write("event: " + name + "\ndata: " + string(data) + "\n\n")
}

func (e *events) write(text string) {
	if e.err != nil {
		return
	}
	e.control.SetWriteDeadline(time.Now().Add(writePatience)) // not supported only by test recorders
	if _, e.err = e.w.Write([]byte(text)); e.err == nil {
		e.err = e.control.Flush()
	}
}
