package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/streams/mapping"
	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source"
)

// failures is the one table of what can be wrong with a request, and what is answered. What is not in it goes to the dead letters.
var failures = []struct {
	err     error
	status  int
	outcome outcome
	retry   string
	detail  string
}{
	{signature.ErrMissing, http.StatusUnauthorized, missing, "", "the request carries no signature; see docs/sources for what this source wants"},
	{signature.ErrForged, http.StatusUnauthorized, forged, "", "the signature does not match; is the secret that of this webhook?"},
	{signature.ErrStale, http.StatusUnauthorized, stale, "", "the request was signed too long ago, or in the future"},
	{source.ErrEncrypted, http.StatusUnauthorized, forged, "", "the body does not decrypt with the keys of this source"},
	{signature.ErrNoSecret, http.StatusServiceUnavailable, noSecret, "60", "no secret is set for this source, so that nobody can prove anything"},
	{signature.ErrBadSecret, http.StatusServiceUnavailable, noSecret, "60", "the secret of this source is not written as it should be"},
	{errNoCertificate, http.StatusServiceUnavailable, noCertificate, "60", "the certificate that the request is signed with cannot be fetched"},
	{source.ErrHandshake, http.StatusBadRequest, refused, "", "this handshake has no answer"},
	{source.ErrMethod, http.StatusMethodNotAllowed, refused, "", "this source has no answer to such a request; want POST"},
}

// take answers a provider.
func (d *Door) take(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	key := r.PathValue("key")
	r = withoutKey(r)
	k, ok := d.config.Directory.SourceKey(key)
	if !ok || k.Source != name {
		d.metrics.request("", unknownKey)
		w.Header().Set("WWW-Authenticate", `Throughline-Source realm="throughline"`)
		api.Problem(w, r, http.StatusUnauthorized, "key", "this source key is not known or was revoked")
		return
	}
	s := d.config.Sources.of(k.Workspace, name)
	if s == nil {
		d.metrics.request("", refused)
		api.Problem(w, r, http.StatusNotFound, "name", "there is no source of this name any more")
		return
	}
	if !d.config.Collector.Admit(w, r, k.Workspace) {
		return
	}
	body, err := d.config.Collector.Body(w, r)
	if err != nil {
		d.metrics.request(name, refused)
		d.config.Collector.Fail(w, r, err)
		return
	}
	defer body.Release()
	request := &source.Request{
		Method: r.Method, URL: d.address(r), Query: r.URL.Query(), Headers: textproto.MIMEHeader(r.Header), Body: body.Bytes, Key: key,
	}
	if r.Method == http.MethodHead {
		request.Method = http.MethodGet
	}
	reader := s.readers.Get().(*source.Reader)
	result, err := d.read(r.Context(), s, reader, request, d.config.Secrets.of(k.Workspace, name))
	switch {
	case err != nil && !placeable(err):
		d.fail(w, r, name, err)
	case result.Handshake != nil:
		d.metrics.request(name, handshake)
		answer(w, *result.Handshake)
	default:
		d.append(w, r, s, k.Workspace, body.Bytes, result.Items, err)
	}
	s.readers.Put(reader) // the items are its memory
}

// read is Read, with the certificates that the request turns out to want.
func (d *Door) read(ctx context.Context, s *served, reader *source.Reader, request *source.Request, secrets source.Secrets) (source.Result, error) {
	result, err := reader.Read(request, secrets, d.config.Now())
	if wanted := (*signature.WantedError)(nil); errors.As(err, &wanted) {
		if request.Certificates, err = d.certificates.get(ctx, wanted.URL, s.Proof.Certificate.Name); err != nil {
			return source.Result{}, err
		}
		return reader.Read(request, secrets, d.config.Now())
	}
	return result, err
}

// placeable tells whether what is wrong concerns the body of a provider that proved itself: it can be kept.
func placeable(err error) bool {
	return errors.Is(err, mapping.ErrBadBody) || errors.Is(err, mapping.ErrTooManyItems)
}

func (d *Door) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	for _, f := range failures {
		if !errors.Is(err, f.err) {
			continue
		}
		d.metrics.request(name, f.outcome)
		h := w.Header()
		switch f.status {
		case http.StatusUnauthorized:
			h.Set("WWW-Authenticate", `Throughline-Source realm="throughline"`)
		case http.StatusMethodNotAllowed:
			h.Set("Allow", http.MethodPost)
		}
		if f.retry != "" {
			h.Set("Retry-After", f.retry)
			d.log.Warn("webhook: a request cannot be checked", "source", name, "error", err)
		}
		api.Problem(w, r, f.status, "", f.detail)
		return
	}
	d.metrics.request(name, refused)
	d.config.Collector.Fail(w, r, err)
}

// append brings what the request becomes onto the log, and answers when it is there. bad is what is wrong with the body as a whole.
func (d *Door) append(w http.ResponseWriter, r *http.Request, s *served, workspace string, body []byte, items []source.Item, bad error) {
	in := d.config.Collector.Intake(workspace, touchpoint.SourceWebhook)
	skipped := map[string]int{}
	good, unplaced := 0, 0
	var first *touchpoint.FieldError
	for i, item := range items {
		switch {
		case item.Skipped != "":
			skipped[item.Skipped]++
		case item.Refused != nil:
			if unplaced++; first == nil {
				first = &touchpoint.FieldError{Field: item.Refused.Field, Reason: fmt.Sprintf("source %s, item %d: %s", s.Name, i, item.Refused.Reason)}
			}
		default:
			if why := in.Touchpoint(item.Touchpoint, touchpoint.Carrier{}); why != nil {
				in.Refuse(item.Touchpoint, why)
				continue
			}
			good++
		}
	}
	if bad != nil {
		first = &touchpoint.FieldError{Reason: fmt.Sprintf("source %s: %v", s.Name, bad)}
	}
	if first != nil {
		if unplaced > 1 {
			first.Reason += fmt.Sprintf(" (and %d more in this body)", unplaced-1)
		}
		in.Refuse(body, first) // once for all of them, with the whole body
	}
	said, err := in.Append(r.Context())
	if err != nil {
		d.metrics.request(s.Name, undone)
		d.config.Collector.Fail(w, r, err)
		return
	}
	d.metrics.request(s.Name, taken)
	d.metrics.item(s.Name, "touchpoint", good)
	d.metrics.item(s.Name, "rejected", len(items)-good-total(skipped))
	d.metrics.item(s.Name, "skipped", total(skipped))
	if s.Answer != nil {
		answer(w, *s.Answer)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(Answer{said, skipped}); err != nil {
		d.log.Debug("webhook: answer", "error", err)
	}
}

// Answer is what a provider is told once the log has everything, unless its source wants to hear something else.
type Answer struct {
	collect.Answer
	Skipped map[string]int `json:"skipped,omitempty"` // how many were no touchpoints, by the reason
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func answer(w http.ResponseWriter, a source.Answer) {
	if a.Type != "" {
		w.Header().Set("Content-Type", a.Type)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff") // a handshake gives back what somebody wrote into a URL
	_, _ = w.Write([]byte(a.Body))
}

// address is the request's URL as the provider wrote it.
func (d *Door) address(r *http.Request) string { return d.origin(r) + r.RequestURI }

// origin is scheme and host as the sender sees them.
func (d *Door) origin(r *http.Request) string {
	if d.config.PublicURL != "" {
		return strings.TrimSuffix(d.config.PublicURL, "/")
	}
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	// A proxy says what it was asked. Whoever makes this up still cannot sign it.
	if s := r.Header.Get("X-Forwarded-Proto"); s == "https" || s == "http" {
		scheme = s
	}
	if h := r.Header.Get("X-Forwarded-Host"); h != "" {
		host = h
	}
	return scheme + "://" + host
}

// withoutKey is the request for those who log its path or give it back.
func withoutKey(r *http.Request) *http.Request {
	out := *r
	u := *r.URL
	u.Path = "/v1/sources/" + r.PathValue("name") + "/..."
	out.URL = &u
	return &out
}
