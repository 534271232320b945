package collect

import (
	"bytes"
	"errors"

	"github.com/throughline/throughline/schemas/strictjson"
	"github.com/throughline/throughline/schemas/touchpoint"
)

// errTooMany is returned when a request carries more touchpoints than MaxBatch. Nothing of it is kept.
var errTooMany = errors.New("collect: too many touchpoints in one request")

func (b *batch) full() bool { return b.next >= b.c.config.MaxBatch }

// object judges a body that is one touchpoint. broken is set when it is no JSON at all.
func (b *batch) object(body []byte) (broken *touchpoint.FieldError) {
	if why := b.one(body); why != nil && why.Syntax {
		return why
	}
	return nil
}

// array judges a body that is an array of touchpoints, one by one. Where it breaks, the rest is one refusal; broken is
// set when nothing before that was good.
func (b *batch) array(body []byte) (broken *touchpoint.FieldError, err error) {
	return b.elements(body, func(rest []byte) (int, bool) {
		b.made = false
		t, content, n, why := touchpoint.DecodeNext(rest, &b.options)
		if why == nil {
			why = b.accept(&t, content)
		}
		if why == nil {
			return n, true
		}
		n, ok := strictjson.Extent(rest)
		if ok {
			b.refuse(bytes.TrimSpace(rest[:n]), why)
		}
		return n, ok
	})
}

// elements walks over an array. next judges the element at the front of rest and returns its length; ok is false when
// the element has no end.
func (b *batch) elements(body []byte, next func(rest []byte) (n int, ok bool)) (broken *touchpoint.FieldError, err error) {
	pos := skipSpace(body, 0) + 1 // behind [
	for first := true; ; first = false {
		pos = skipSpace(body, pos)
		if pos == len(body) {
			return b.rest(body, pos, "the array ends too early: want , or ]"), nil
		}
		if body[pos] == ']' && first {
			break
		}
		if b.full() {
			return nil, errTooMany
		}
		n, ok := next(body[pos:])
		if !ok {
			c := strictjson.NewCursor(body[pos:])
			if c.Skip(); c.Err() != nil {
				why := *c.Err()
				why.Offset += pos
				return b.letter(body, pos, &touchpoint.FieldError{Reason: why.Error(), Syntax: true}), nil
			}
			return b.rest(body, pos, "the array breaks off here"), nil
		}
		pos = skipSpace(body, pos+n)
		if pos < len(body) && body[pos] == ']' {
			break
		}
		if pos == len(body) || body[pos] != ',' {
			return b.rest(body, pos, "want , or ] in the array"), nil
		}
		pos++
	}
	if pos = skipSpace(body, pos+1); pos < len(body) {
		return b.rest(body, pos, "want nothing behind the array"), nil
	}
	return nil, nil
}

// rest refuses what cannot be told apart any more.
func (b *batch) rest(body []byte, pos int, reason string) (broken *touchpoint.FieldError) {
	return b.letter(body, pos, notJSON(pos, reason))
}

// letter refuses all from there on.
func (b *batch) letter(body []byte, pos int, why *touchpoint.FieldError) (broken *touchpoint.FieldError) {
	data := body[pos:]
	if b.answer.Accepted == 0 {
		data = body
	}
	b.refuse(data, why)
	if b.answer.Accepted > 0 {
		return nil
	}
	return why
}

func notJSON(pos int, reason string) *touchpoint.FieldError {
	e := strictjson.Error{Offset: pos, Reason: "not JSON: " + reason}
	return &touchpoint.FieldError{Reason: e.Error(), Syntax: true}
}

// lines judges a body that has one touchpoint a line, each alone. Empty lines do not count.
func (b *batch) lines(body []byte) error {
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, newline)
		body = rest
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if b.full() {
			return errTooMany
		}
		b.one(line)
	}
	return nil
}

var newline = []byte("\n")

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}
