package api

import "net/http"

// Shared lets pages of other servers see the answers of next (CORS, as the Fetch standard has it). It is for what is let in by a key
// that the page brings, so that a page can do nothing that its key does not allow: a session's cookie goes to no other site's pages, writes only from
// those of this server (see Authenticated), and for "*" a browser shows nobody the answer to a request with cookies.
func Shared(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Retry-After")
		next.ServeHTTP(w, r)
	})
}

// Preflight tells a browser what pages of other servers may send; it belongs behind Shared.
func Preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Content-Encoding, X-Retry-Count")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
