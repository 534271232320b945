package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/throughline/throughline/schemas/workspace"
)

// Directory knows which workspace a key belongs to, and what it may.
type Directory interface {
	// Authenticate returns the workspace of a key; ok is false when there is none or it was revoked.
	Authenticate(key string) (name string, ok bool)
	// May tells whether a key has a scope.
	May(key string, s workspace.Scope) bool
}

type workspaceKey struct{}

// Authenticated lets requests with a good key through to next, with the key's workspace in their context, and answers
// all others: 401 without a good key, 403 when the key lacks the scope. The key comes as `Authorization: Bearer KEY` or in the
// cookie of a session, and appears in no answer, log or metric.
func Authenticated(dir Directory, scope workspace.Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := bearer(r)
		if !ok {
			if key, ok = sessionKey(r); ok && !harmless(r.Method) && !sameOrigin(r) {
				// The browser sends the cookie, whoever made the page that asks.
				Problem(w, r, http.StatusForbidden, "Origin", "a session writes only from pages of this server; send the key as Authorization: Bearer KEY instead")
				return
			}
		}
		if !ok {
			unauthorised(w, r, `Bearer realm="throughline"`, "no key; send the header Authorization: Bearer KEY")
			return
		}
		name, ok := dir.Authenticate(key)
		if !ok {
			unauthorised(w, r, `Bearer realm="throughline", error="invalid_token"`, "this key is not known or was revoked")
			return
		}
		if !dir.May(key, scope) {
			Problem(w, r, http.StatusForbidden, "Authorization", "this key lacks the scope "+string(scope))
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), workspaceKey{}, name)))
	})
}

// WorkspaceOf is the workspace that Authenticated found; empty in a request that did not pass it.
func WorkspaceOf(ctx context.Context) string {
	workspace, _ := ctx.Value(workspaceKey{}).(string)
	return workspace
}

// KeyOf reads the key that a request brings; ok is false when it brings none.
func KeyOf(r *http.Request) (key string, ok bool) {
	if key, ok = bearer(r); ok {
		return key, true
	}
	return sessionKey(r)
}

func bearer(r *http.Request) (key string, ok bool) {
	scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}

func unauthorised(w http.ResponseWriter, r *http.Request, challenge, detail string) {
	w.Header().Set("WWW-Authenticate", challenge)
	Problem(w, r, http.StatusUnauthorized, "Authorization", detail)
}
