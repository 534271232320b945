package serve

import (
	"context"
	"errors"

	"github.com/throughline/throughline/schemas/identity"
)

// subject is somebody who was named in a question or an act, by an identifier or by the id of a person.
type subject struct {
	text   string          // as it was named
	anchor identity.Anchor // of the identifier, or the person's id
	who    who
	known  bool // there is a touchpoint or a move of the person
}

// named are the anchors that type:value, or 32 hexadecimal digits of a person, may mean, and what that is after normalising.
func (s *Server) named(c *call, field, text string) ([]identity.Anchor, string, error) {
	if id, err := identity.ParseAnchor(text); err == nil {
		return []identity.Anchor{id}, text, nil
	}
	anchors, tried, err := s.anchorsFor(c.workspace, text)
	var wrong *fieldError
	if errors.As(err, &wrong) {
		err = &fieldError{field, wrong.detail}
	}
	return anchors, tried, err
}

// subject finds who is meant by type:value or by the id of a person. One that nobody knows has the anchor for a person.
func (s *Server) subject(ctx context.Context, c *call, field, text string) (out subject, err error) {
	anchors, tried, err := s.named(c, field, text)
	if err != nil {
		return out, err
	}
	for i, a := range anchors {
		p, err := s.resolve(ctx, c, a)
		if err != nil {
			return out, err
		}
		known := p.recorded
		if !known {
			if known, err = s.seen(ctx, c, p); err != nil {
				return out, err
			}
		}
		if i == 0 || known {
			out = subject{tried, a, p, known}
		}
		if known {
			break
		}
	}
	return out, nil
}

// unknown is the answer for a subject that nobody is.
func (s *subject) unknown(field string) error {
	return &notFound{field, "nobody is known by " + s.text}
}
