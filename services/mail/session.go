package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/throughline/throughline/streams/mail"
)

// The answers, by RFC 5321 and RFC 3463.
var (
	errNobody    = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no mail is taken for this address, and none is relayed"}
	errClosing   = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "shutting down; try again"}
	errFull      = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "too many large mails at once; try again"}
	errTooLarge  = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "the mail is over the limit of size"}
	errNoMail    = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "there is no head: this is no mail"}
	errBrokenOff = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "the mail broke off"}
	errAway      = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "the log does not answer; try again, nothing is stored twice"}
	errUnable    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 5}, Message: "not set up to store this mail; try again"}
)

// session is one connection. go-smtp calls it from one goroutine.
type session struct {
	server  *Server
	work    context.Context // ends when nothing is delivered any more
	closing context.Context // ends when no new mail is taken
	conn    *smtp.Conn

	from       string
	workspaces []*mail.Workspace // of the recipients
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.from, s.workspaces = "", s.workspaces[:0] }

// Logout is called when the connection ends.
func (s *session) Logout() error {
	s.server.metrics.connections.Dec()
	return nil
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.closing.Err() != nil {
		return errClosing
	}
	s.from = from
	return nil
}

// Rcpt takes a recipient that is of a workspace, and no other.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	w := s.server.config.Rules.Receives(to)
	if w == nil {
		s.server.metrics.refuse("recipient")
		return errNobody
	}
	if !slices.Contains(s.workspaces, w) {
		s.workspaces = append(s.workspaces, w)
	}
	return nil
}

// Data reads the mail and returns nil once the log has it for every workspace.
func (s *session) Data(r io.Reader) error {
	m := s.server.metrics
	m.begin()
	defer m.end()
	data, free, err := s.server.read(s.closing, r)
	defer free()
	if err == nil {
		err = s.take(data)
	}
	if err == nil {
		m.accepted.Inc()
		return nil
	}
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) {
		answer = errBrokenOff
	}
	if answer.Temporary() {
		m.deferred.Inc()
	} else {
		m.refuse("mail")
	}
	return answer
}

// read takes the mail into memory. free must be called once it is not needed any more.
func (s *Server) read(ctx context.Context, r io.Reader) (data []byte, free func(), err error) {
	var b bytes.Buffer
	free = func() {}
	small := int64(s.config.SmallMail)
	n, err := io.Copy(&b, io.LimitReader(r, small))
	if err == nil && n == small {
		patience := time.NewTimer(s.config.Idle / 10)
		defer patience.Stop()
		select {
		case s.large <- struct{}{}:
			free = func() { <-s.large }
		case <-ctx.Done():
			return nil, free, errClosing
		case <-patience.C:
			return nil, free, errFull
		}
		_, err = io.Copy(&b, r)
	}
	if errors.Is(err, smtp.ErrDataTooLarge) {
		return nil, free, errTooLarge
	}
	return b.Bytes(), free, err
}

// take posts the mail for every workspace that receives it.
func (s *session) take(data []byte) error {
	if s.from == "" && !bytes.HasPrefix(data, []byte("Return-Path:")) {
		// Nobody is to hear of it if it cannot be delivered: so machines write.
		data = append([]byte("Return-Path: <>\r\n"), data...)
	}
	c := s.server.config
	parsed, err := mail.Parse(data, c.Rules.Limits)
	switch {
	case errors.Is(err, mail.ErrTooLarge):
		return errTooLarge
	case err != nil:
		return errNoMail
	}
	for _, w := range s.workspaces {
		if err := s.server.post(s.work, w, parsed); err != nil {
			return err
		}
	}
	return nil
}
