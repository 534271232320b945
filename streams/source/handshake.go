package source

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/throughline/throughline/streams/mapping"
	"github.com/throughline/throughline/streams/signature"
)

// handshake is a request that wants an answer and carries no touchpoint.
type handshake struct {
	method string
	when   *mapping.Expression // nil: always
	token  signature.Place     // where the source key is; not given: the request proves itself as all do
	// unproven is for pings that carry no proof: they are answered to whoever has the source key, and nothing is stored. Where the
	// answer signs something, when must not hold for what a body could be, or anybody could have one signed.
	unproven bool
	media    string
	answer   *mapping.Expression
}

// sign is the function by which an answer proves that we know the secret.
const sign = "sign"

var methods = []string{get, post}

// Methods of HTTP, without the package that would serve them.
const (
	get  = "GET"
	head = "HEAD"
	post = "POST"
)

func compileHandshake(m *mapping.Mapping, from *handshakeSpec) (h handshake, err error) {
	h = handshake{method: from.Method.String(), token: from.Token, unproven: from.Unproven, media: from.Type}
	if !slices.Contains(methods, h.method) {
		return h, from.Method.Errorf("method: %q is none of %q", h.method, methods)
	}
	if h.unproven && h.token.Given() {
		return h, from.Method.Errorf("unproven: a handshake with a token is not")
	}
	if h.media == "" {
		h.media = "text/plain; charset=utf-8"
	}
	if from.When.Given() {
		if h.when, err = m.Expression(from.When); err != nil {
			return h, fmt.Errorf("%w (when)", err)
		}
	}
	if !from.Answer.Given() {
		return h, from.Method.Errorf("answer: say what the provider wants to hear")
	}
	if h.answer, err = m.Expression(from.Answer, sign); err != nil {
		return h, fmt.Errorf("%w (answer)", err)
	}
	return h, nil
}

// handshake finds which one a request is; nil: none.
func (r *Reader) handshake(req *Request, body mapping.Body) (*handshake, error) {
	for i := range r.source.handshakes {
		h := &r.source.handshakes[i]
		if h.method != req.Method {
			continue
		}
		if h.when == nil {
			return h, nil
		}
		if ok, err := r.run.Holds(h.when, body); err == nil && ok { // what cannot be asked of a body is not its handshake
			return h, nil
		}
	}
	return nil, nil
}

// answerByToken answers who brings the source key a second time, as the token that the provider was told: it is as secret as
// the URL.
func (r *Reader) answerByToken(h *handshake, req *Request, body mapping.Body) (*Answer, error) {
	token := h.token.Value(&signature.Request{Query: req.Query, Headers: req.Headers, Body: req.Body,
		Field: func(path string) string { return mapping.Text(body, path) }})
	switch {
	case token == "":
		return nil, signature.ErrMissing
	case subtle.ConstantTimeCompare([]byte(token), []byte(req.Key)) != 1:
		return nil, signature.ErrForged
	}
	return r.answer(h, body, nil)
}

func (r *Reader) answer(h *handshake, body mapping.Body, secrets Secrets) (*Answer, error) {
	out, err := r.run.Eval(h.answer, body, map[string]mapping.Function{sign: func(args ...any) (any, error) {
		if len(args) != 1 || secrets == nil {
			return nil, errors.New("sign takes one text")
		}
		text, ok := args[0].(string)
		if !ok {
			return nil, errors.New("there is nothing to sign")
		}
		known := secrets(r.source.Proof.Secret)
		if len(known) == 0 {
			return nil, signature.ErrNoSecret
		}
		return r.source.Proof.Sign([]byte(text), known[0])
	}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	text, ok := out.(string)
	if !ok {
		return nil, fmt.Errorf("%w: there is nothing to answer", ErrHandshake)
	}
	return &Answer{h.media, text}, nil
}
