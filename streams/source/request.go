package source

import (
	"errors"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/throughline/throughline/streams/mapping"
	"github.com/throughline/throughline/streams/signature"
)

// Request is one request of a provider.
type Request struct {
	Method  string
	URL     string // as the provider wrote it: scheme, host, path and query
	Query   url.Values
	Headers textproto.MIMEHeader
	Body    []byte
	Key     string // the source key in the path
	// Certificates are those that a request is signed with, once Read has asked for them with a *signature.WantedError.
	Certificates *signature.Certificates
}

// Secrets finds a source's secrets by their names: the one in force, and the one before while it is replaced.
type Secrets func(name string) []string

// Result is what a request becomes.
type Result struct {
	// Handshake is the answer to a request that carries no touchpoint; the other fields are empty then.
	Handshake *Answer
	Items     []Item
}

// Item is one of the things in a body: exactly one of its fields is set.
type Item struct {
	Touchpoint []byte           // JSON
	Skipped    string           // why it is no touchpoint
	Refused    *mapping.Refused // what is wrong with it
}

// Reader reads requests of a source. It is not for use by several goroutines.
type Reader struct {
	source  *Source
	run     *mapping.Run
	written []byte // the touchpoints of the request at hand
	items   []Item // likewise
}

// keep is up to how many bytes a reader keeps memory for between requests.
const keep = 64 << 10

// NewReader makes a reader; a zone other than nil takes the place of the source's own.
func (s *Source) NewReader(zone *time.Location) *Reader {
	return &Reader{source: s, run: s.Mapping.NewRun(zone)}
}

// Read checks that the request is the provider's and says what it becomes, which is good until the reader reads the next. The
// error is ErrMethod, ErrEncrypted, one of package signature, mapping.ErrBadBody or mapping.ErrTooManyItems. Only after the last
// two is it sure who sent the request.
func (r *Reader) Read(req *Request, secrets Secrets, now time.Time) (Result, error) {
	body := r.source.bodyOf(req)
	parsed := r.parse(req, &body)
	h, err := r.handshake(req, body)
	if err != nil {
		return Result{}, err
	}
	if h == nil && req.Method != post {
		return Result{}, ErrMethod
	}
	if h != nil && h.token.Given() {
		answer, err := r.answerByToken(h, req, body)
		return Result{Handshake: answer}, err
	}
	if h != nil && h.unproven {
		answer, err := r.answer(h, body, secrets)
		return Result{Handshake: answer}, err
	}
	if err := r.source.verify(req, body, secrets, now); err != nil {
		return Result{}, err
	}
	if h != nil {
		answer, err := r.answer(h, body, secrets)
		return Result{Handshake: answer}, err
	}
	if parsed != nil {
		return Result{}, parsed
	}
	if r.source.encrypted {
		if err := decrypt(&body, secrets); err != nil {
			return Result{}, err
		}
	}
	items, err := r.touchpoints(body, len(req.Body))
	return Result{Items: items}, err
}

// Preview is Read of a request that need not prove itself.
func (r *Reader) Preview(req *Request) (Result, error) {
	body := r.source.bodyOf(req)
	parsed := r.parse(req, &body)
	h, err := r.handshake(req, body)
	if err != nil {
		return Result{}, err
	}
	if h != nil {
		answer, err := r.answer(h, body, func(string) []string { return []string{"secret"} })
		return Result{Handshake: answer}, err
	}
	if parsed != nil {
		return Result{}, parsed
	}
	items, err := r.touchpoints(body, len(req.Body))
	return Result{Items: items}, err
}

// parse reads the body into body.Value. That comes before the proof, because some providers put their signature there.
func (r *Reader) parse(req *Request, body *mapping.Body) (err error) {
	if req.Method == get || req.Method == head {
		return nil
	}
	body.Value, err = r.run.Parse(req.Headers.Get("Content-Type"), req.Body)
	return err
}

func (s *Source) verify(req *Request, body mapping.Body, secrets Secrets, now time.Time) error {
	var known []string
	if s.Proof.Secret != "" {
		known = secrets(s.Proof.Secret)
	}
	return s.Proof.Verify(&signature.Request{
		Method: req.Method, URL: req.URL, Query: req.Query, Headers: req.Headers, Body: req.Body, Certificates: req.Certificates,
		Field: func(path string) string { return mapping.Text(body, path) },
	}, known, now)
}

func (r *Reader) touchpoints(body mapping.Body, size int) ([]Item, error) {
	records, err := r.run.Items(body)
	if err != nil {
		if refused := (*mapping.Refused)(nil); errors.As(err, &refused) {
			return []Item{{Refused: refused}}, nil
		}
		return nil, err
	}
	if r.written = r.written[:0]; cap(r.written) < size || cap(r.written) > keep {
		r.written = make([]byte, 0, size+512) // about what comes out
	}
	if r.items = r.items[:0]; cap(r.items) > keep/64 {
		r.items = nil
	}
	buffer, out := r.written, slices.Grow(r.items, len(records))[:len(records)]
	defer func() { r.written, r.items = buffer, out }()
	clear(out)
	for i, rec := range records {
		from := len(buffer)
		next, err := r.run.Append(buffer, rec)
		if err != nil {
			if !errors.As(err, &out[i].Refused) {
				return nil, err
			}
			continue
		}
		if buffer = next; len(buffer) == from {
			out[i].Skipped = r.run.Skipped()
			continue
		}
		out[i].Touchpoint = buffer[from:len(buffer):len(buffer)]
	}
	return out, nil
}

func (s *Source) bodyOf(req *Request) mapping.Body {
	if !s.usesRequest {
		return mapping.Body{}
	}
	b := mapping.Body{Headers: map[string]any{}, Query: map[string]any{}}
	for name, values := range req.Headers {
		if len(values) > 0 {
			b.Headers[strings.ToLower(name)] = values[0]
		}
	}
	for name, values := range req.Query {
		if len(values) > 0 {
			b.Query[name] = values[0]
		}
	}
	return b
}
