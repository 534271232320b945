package mail

import (
	"context"
	"errors"

	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mail"
)

// post returns nil when the log has the mail, as a touchpoint or as a dead letter.
func (s *Server) post(ctx context.Context, w *mail.Workspace, m *mail.Mail) error {
	t, err := s.config.Rules.Touchpoint(m, w, s.config.Now())
	var line []byte
	if err == nil {
		line, err = t.AppendJSON(nil)
	}
	if err != nil {
		s.log.Error("a mail cannot be written as a touchpoint", "workspace", w.Name, "id", t.ID, "error", err)
		return errUnable
	}
	answer, err := s.doors[w.Name].Send(ctx, append(line, '\n'))
	var problem *client.Problem
	switch {
	case errors.As(err, &problem) && !errors.Is(err, client.ErrUnavailable):
		s.log.Error("the door does not take mail", "workspace", w.Name, "status", problem.Status, "error", err)
		return errUnable
	case err != nil:
		s.log.Warn("the log does not answer", "workspace", w.Name, "error", err)
		return errAway
	}
	for _, r := range answer.Rejected {
		s.metrics.dead.Inc()
		s.log.Warn("a mail went to the dead letters", "workspace", w.Name, "id", r.ID, "field", r.Field, "reason", r.Reason)
	}
	return nil
}
