package serve

import (
	"net/http"
	"strings"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
)

// Session says who is signed in.
type Session struct {
	Workspace string            `json:"workspace"`
	Name      string            `json:"name"` // of the key
	Scopes    []workspace.Scope `json:"scopes"`
}

// rehearsalRoutes put rules in force: a POST to them is more than a correction.
const rehearsalRoutes = "/v1/identity/rehearsals"

// scopeOf is what a key must have for a route.
func scopeOf(method, path string) workspace.Scope {
	switch {
	case method == http.MethodGet:
		return workspace.Read
	case strings.HasPrefix(path, rehearsalRoutes), path == "/v1/promises", path == "/v1/privacy", strings.HasPrefix(path, "/v1/schemas"), path == channelPath:
		return workspace.Admin
	}
	return workspace.Write
}

// signIn answers POST /v1/session.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if err := s.startSession(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s *Server) startSession(w http.ResponseWriter, r *http.Request) error {
	if api.FromElsewhere(r) { // nobody is signed in by the page of somebody else
		api.Problem(w, r, http.StatusForbidden, "Origin", "a session starts only from pages of this server")
		return nil
	}
	if err := newQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	var given struct {
		Key string `json:"key"`
	}
	if err := s.readBody(w, r, &given); err != nil {
		return err
	}
	session, ok := s.sessionOf(given.Key)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="throughline", error="invalid_token"`)
		api.Problem(w, r, http.StatusUnauthorized, "key", "this key is not known or was revoked")
		return nil
	}
	api.StartSession(w, r, given.Key)
	return answer(w, http.StatusOK, session)
}

// getSession answers GET /v1/session: 204 to those who are not signed in, because asking is no mistake.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) {
	if err := newQuery(r.URL.RawQuery).done(); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	key, _ := api.KeyOf(r)
	session, ok := s.sessionOf(key)
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := answer(w, http.StatusOK, session); err != nil {
		s.fail(w, r, err)
	}
}

// signOut answers DELETE /v1/session.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if api.FromElsewhere(r) {
		api.Problem(w, r, http.StatusForbidden, "Origin", "a session ends only from pages of this server")
		return
	}
	if err := newQuery(r.URL.RawQuery).done(); err != nil {
		s.fail(w, r, err)
		return
	}
	api.EndSession(w, r)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) sessionOf(key string) (Session, bool) {
	name, ok := s.config.Directory.Authenticate(key)
	if !ok || key == "" {
		return Session{}, false
	}
	session := Session{Workspace: name, Name: s.config.Directory.KeyName(key), Scopes: []workspace.Scope{}}
	for _, scope := range workspace.Scopes() {
		if s.config.Directory.May(key, scope) {
			session.Scopes = append(session.Scopes, scope)
		}
	}
	return session, true
}
