package api

import (
	"context"
	"net/http"
	"strings"
)

// Directory knows which workspace a key belongs to.
type Directory interface {
	// Authenticate returns the workspace of a key; ok is false when there is none or it was revoked.
	Authenticate(key string) (workspace string, ok bool)
}

type workspaceKey struct{}

// Authenticated lets requests with a good key through to next, with the key's workspace in their context, and answers
// all others with 401. The key comes as `Authorization: Bearer KEY` and appears in no answer, log or metric.
func Authenticated(dir Directory, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, ok := KeyOf(r)
		if !ok {
			unauthorised(w, r, `Bearer realm="throughline"`, "no key; send the header Authorization: Bearer KEY")
			return
		}
		workspace, ok := dir.Authenticate(key)
		if !ok {
			unauthorised(w, r, `Bearer realm="throughline", error="invalid_token"`, "this key is not known or was revoked")
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), workspaceKey{}, workspace)))
	})
}

// WorkspaceOf is the workspace that Authenticated found; empty in a request that did not pass it.
func WorkspaceOf(ctx context.Context) string {
	workspace, _ := ctx.Value(workspaceKey{}).(string)
	return workspace
}

// KeyOf reads the key that a request brings; ok is false when it brings none.
func KeyOf(r *http.Request) (key string, ok bool) {
	scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}

func unauthorised(w http.ResponseWriter, r *http.Request, challenge, detail string) {
	w.Header().Set("WWW-Authenticate", challenge)
	Problem(w, r, http.StatusUnauthorized, "Authorization", detail)
}
