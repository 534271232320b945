package node

import (
	"context"
	"fmt"
	"net/http"
	"strings"
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
			detail := "the keys are not read yet; try again"
			if err := n.brokerAnswers(r.Context()); err != nil {
				detail = "not ready: " + err.Error()
			}
			api.Problem(w, r, http.StatusServiceUnavailable, "", detail)
			return
		}
		known.Store(true)
		next.ServeHTTP(w, r)
	})
}

// pingPatience is how long a broker may take to say that it is there.
const pingPatience = time.Second

// brokerAnswers says which brokers do not.
func (n *Node) brokerAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	if err := n.admin.Ping(ctx); err != nil {
		return fmt.Errorf("no broker answers at %s: %w", strings.Join(n.config.Kafka.Brokers, ", "), err)
	}
	return nil
}

// sayWhenAlone says in the log that no broker answers, until one does: the Kafka client tries again without a word.
func (n *Node) sayWhenAlone(ctx context.Context) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := n.brokerAnswers(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		n.config.Logger.Warn("waiting for Kafka", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
