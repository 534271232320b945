package webhook

import (
	"errors"
	"net/http"
	"slices"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/workspaces"
	"github.com/throughline/throughline/streams/signature"
)

// Key is a source key as it is listed.
type Key struct {
	ID      string `json:"id"`
	Source  string `json:"source"`
	Name    string `json:"name,omitempty"`
	Created int64  `json:"created"` // ms since 1970
	Revoked int64  `json:"revoked,omitempty"`
}

// NewKey is the answer to who makes a source key: the only time that it is shown.
type NewKey struct {
	Key
	SourceKey string `json:"key"`
	URL       string `json:"url"` // to be pasted into the provider's settings
	// Secrets are the environment variables that the source's secrets are read from.
	Secrets []string `json:"secrets"`
}

// Listed is a source as it is listed.
type Listed struct {
	Name          string   `json:"name"`
	Label         string   `json:"label"`
	Family        string   `json:"family"`
	Proof         string   `json:"proof"` // method
	Documentation []string `json:"documentation"`
	Secrets       []string `json:"secrets"`
	Ready         bool     `json:"ready"` // all its secrets are set
}

func (d *Door) listSources(w http.ResponseWriter, r *http.Request) {
	if !noQuery(w, r) {
		return
	}
	name := api.WorkspaceOf(r.Context())
	out := []Listed{}
	for _, s := range d.config.Sources.List(name) {
		l := Listed{Name: s.Name, Label: s.Label, Family: s.Family, Proof: string(s.Proof.Method), Ready: true,
			Documentation: append([]string{}, s.Documentation...), Secrets: []string{}}
		known := d.config.Secrets.of(name, s.Name)
		for _, secret := range s.Secrets() {
			l.Secrets = append(l.Secrets, EnvName(s.Name, secret))
			l.Ready = l.Ready && (len(known(secret)) > 0 || s.Proof.Method == signature.Certificate) // which needs none
		}
		out = append(out, l)
	}
	send(w, http.StatusOK, map[string]any{"sources": out})
}

func (d *Door) listKeys(w http.ResponseWriter, r *http.Request) {
	if !noQuery(w, r) {
		return
	}
	out := []Key{}
	for _, k := range d.config.Directory.SourceKeys(api.WorkspaceOf(r.Context())) {
		out = append(out, keyOf(k.ID, k.SourceKey))
	}
	send(w, http.StatusOK, map[string]any{"keys": out})
}

func keyOf(id string, k workspace.SourceKey) Key {
	return Key{ID: id, Source: k.Source, Name: k.Name, Created: k.Created, Revoked: k.Revoked}
}

const maxKeyName = 200 // characters

func (d *Door) createKey(w http.ResponseWriter, r *http.Request) {
	body, err := d.config.Collector.Body(w, r)
	if err != nil {
		d.config.Collector.Fail(w, r, err)
		return
	}
	defer body.Release()
	asked, ok := askedFor(body.Bytes)
	if !ok {
		api.Problem(w, r, http.StatusBadRequest, "", `want {"source": "zendesk", "name": "what it is for"}`)
		return
	}
	name := api.WorkspaceOf(r.Context())
	s := d.config.Sources.of(name, asked["source"])
	if s == nil {
		api.Problem(w, r, http.StatusBadRequest, "source", "there is no source of this name; GET /v1/sources lists them")
		return
	}
	if len([]rune(asked["name"])) > maxKeyName {
		api.Problem(w, r, http.StatusBadRequest, "name", "at most 200 characters")
		return
	}
	key := workspaces.NewKey()
	k := workspace.SourceKey{Workspace: name, Source: s.Name, Name: asked["name"], Created: d.config.Now().UnixMilli()}
	id, err := d.config.Directory.AddSourceKey(r.Context(), key, k)
	if err != nil {
		d.failWrite(w, r, err)
		return
	}
	out := NewKey{Key: keyOf(id, k), SourceKey: key, URL: d.origin(r) + "/v1/sources/" + s.Name + "/" + key, Secrets: []string{}}
	for _, secret := range s.Secrets() {
		out.Secrets = append(out.Secrets, EnvName(s.Name, secret))
	}
	slices.Sort(out.Secrets)
	w.Header().Set("Cache-Control", "no-store")
	send(w, http.StatusCreated, out)
}

// askedFor reads an object of texts with the members source and name; ok is false for anything else.
func askedFor(body []byte) (asked map[string]string, ok bool) {
	var values map[string]any
	if err := json.Unmarshal(body, &values); err != nil || values == nil {
		return nil, false
	}
	asked = map[string]string{}
	for member, v := range values {
		if asked[member], ok = v.(string); !ok || member != "source" && member != "name" {
			return nil, false
		}
	}
	return asked, asked["source"] != ""
}

func (d *Door) revokeKey(w http.ResponseWriter, r *http.Request) {
	err := d.config.Directory.RevokeSourceKey(r.Context(), api.WorkspaceOf(r.Context()), r.PathValue("id"), d.config.Now().UnixMilli())
	switch {
	case errors.Is(err, workspaces.ErrUnknownSourceKey):
		api.Problem(w, r, http.StatusNotFound, "id", "this workspace has no such source key")
	case err != nil:
		d.failWrite(w, r, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// failWrite answers what the log did not take.
func (d *Door) failWrite(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, kafka.ErrTooLarge) {
		api.Problem(w, r, http.StatusBadRequest, "name", "it is too long")
		return
	}
	d.config.Collector.Fail(w, r, err)
}

func noQuery(w http.ResponseWriter, r *http.Request) bool {
	for name := range r.URL.Query() {
		api.Problem(w, r, http.StatusBadRequest, name, "there is no such parameter here")
		return false
	}
	return true
}

func send(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
