// Package segment answers the calls of Segment's HTTP API, so that Segment's libraries send here unmodified: the long paths of its
// documentation, and the short ones of its browser and mobile libraries.
//
// # What is not obvious
//
//   - The answers are Segment's where its libraries depend on them. 200 says that the log has the call; 400 makes them drop it;
//     429 and 5xx make them try again, with the same message ids.
//   - A message that is refused inside a batch is a dead letter, and the batch is answered with 200: at a 400 the libraries
//     would drop its neighbours too.
//   - Browsers send from pages of other servers, and ask first whether they may (CORS). Any page may: the write key says whose the
//     calls are, and a page can do nothing here that its write key does not allow.
package segment

import (
	"errors"
	"net/http"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/streams/segment"
)

// Limits of Segment's HTTP API: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
const (
	MaxCall     = 32 << 10  // bytes of one message
	MaxBody     = 500 << 10 // bytes of a batch
	MaxMessages = 2500      // of a batch
)

// Config configures a Door.
type Config struct {
	Collector *collect.Collector
	Directory api.Directory
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Collector == nil || c.Directory == nil {
		return errors.New("segment: no collector or no directory of keys")
	}
	return nil
}

// Door answers the calls. It is safe for use by several goroutines.
type Door struct{ config Config }

// New makes a Door.
func New(c Config) (*Door, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Door{c}, nil
}

// Mount adds the calls, long and short, and the settings that the browser's library asks for.
func (d *Door) Mount(routes *api.Routes) {
	for _, call := range segment.Calls() {
		d.post(routes, string(call), d.one(call))
	}
	d.post(routes, "batch", d.batch)
	const settings = "/v1/projects/{key}/settings"
	routes.Handle(http.MethodGet, settings, api.Shared(http.HandlerFunc(d.settings)))
	routes.Handle(http.MethodOptions, settings, api.Shared(http.HandlerFunc(api.Preflight)))
}

// post adds a call under its name and under the first letter of it.
func (d *Door) post(routes *api.Routes, name string, answer answer) {
	for _, path := range []string{"/v1/" + name, "/v1/" + name[:1]} {
		routes.Handle(http.MethodPost, path, api.Shared(d.call(answer)))
		routes.Handle(http.MethodOptions, path, api.Shared(http.HandlerFunc(api.Preflight)))
	}
}

// answer takes the messages of a body in. An error is a *refusal, or one for Collector.Fail.
type answer func(in *collect.Intake, body []byte) error

// refusal is a body that is refused whole.
type refusal struct {
	field, detail string
}

func (r *refusal) Error() string { return r.detail }

var errTooLarge = &refusal{detail: "too large: a call has at most 32 KB, a batch 500 KB and 2,500 messages"}

// call answers one of the calls.
func (d *Door) call(take answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := d.config.Collector
		key, given := keyOf(r)
		if given && !d.known(w, r, key) {
			return // before anything is read
		}
		body, err := c.Body(w, r)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		defer body.Release()
		if !given {
			if key = segment.WriteKeyOf(body.Bytes); !d.known(w, r, key) {
				return
			}
		}
		name, _ := d.config.Directory.Authenticate(key)
		if !c.Admit(w, r, name) {
			return
		}
		if len(body.Bytes) > MaxBody {
			d.fail(w, r, errTooLarge)
			return
		}
		in := c.Intake(name, touchpoint.SourceSegment)
		refused := take(in, body.Bytes)
		if refused == error(errTooLarge) {
			d.fail(w, r, refused) // nothing of it is kept
			return
		}
		if _, err = in.Append(r.Context()); err == nil {
			err = refused
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true}`))
	})
}

// keyOf reads the write key as the user of basic authentication, or a key as the other calls take it; given is false when the
// request has no such header.
func keyOf(r *http.Request) (key string, given bool) {
	if user, _, ok := r.BasicAuth(); ok {
		return user, true
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token), true
	}
	return "", r.Header.Get("Authorization") != ""
}

// known tells whether the key may send, and otherwise answers.
func (d *Door) known(w http.ResponseWriter, r *http.Request, key string) bool {
	if _, ok := d.config.Directory.Authenticate(key); !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="throughline"`)
		api.Problem(w, r, http.StatusUnauthorized, "Authorization", "this write key is not known or was revoked; send it as the user name of basic authentication, without a password")
		return false
	}
	if !d.config.Directory.May(key, workspace.Send) {
		api.Problem(w, r, http.StatusForbidden, "Authorization", "this key lacks the scope "+string(workspace.Send))
		return false
	}
	return true
}

func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, api.ErrBodyTooLarge) {
		err = errTooLarge
	}
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		api.Problem(w, r, http.StatusBadRequest, refused.field, refused.detail)
		return
	}
	d.config.Collector.Fail(w, r, err)
}

// settings answers what the browser's library asks its CDN for: to send here, by the address it came by, and nothing else.
// Whether the key is good is said when something is sent.
func (d *Door) settings(w http.ResponseWriter, r *http.Request) {
	protocol := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		protocol = "https"
	}
	type integration struct {
		APIKey   string `json:"apiKey"`
		APIHost  string `json:"apiHost"`
		Protocol string `json:"protocol"`
	}
	var s struct {
		Integrations map[string]integration `json:"integrations"`
		Plan         struct {
			Track map[string]any `json:"track"`
		} `json:"plan"`
		Metrics struct {
			SampleRate int `json:"sampleRate"`
		} `json:"metrics"`
	}
	s.Integrations = map[string]integration{"Segment.io": {r.PathValue("key"), r.Host + "/v1", protocol}}
	s.Plan.Track = map[string]any{}
	body, err := json.Marshal(s)
	if err != nil {
		d.config.Collector.Fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}
