package node

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/throughline/throughline/services/api"
)

// keysPatience is how long a request waits for the keys to be read, right after the start.
const keysPatience = 2 * time.Second

// whenKeysAreKnown keeps requests back until the directory has read the keys: before that a good key would be answered
// with 401, which no client tries again. The process is alive meanwhile, and not ready.
func (n *Node) whenKeysAreKnown(next http.Handler) http.Handler {
	var known atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if known.Load() || r.URL.Path == "/healthz" || r.URL.Path == "/metrics" {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), keysPatience)
		defer cancel()
		if err := n.directory.Wait(ctx); err != nil {
			w.Header().Set("Retry-After", "1")
			api.Problem(w, r, http.StatusServiceUnavailable, "", "the keys are not read yet; try again")
			return
		}
		known.Store(true)
		next.ServeHTTP(w, r)
	})
}
