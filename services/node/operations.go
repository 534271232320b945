package node

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/audit"
	"github.com/throughline/throughline/services/rebuild"
)

// OperationLine is one line of the answer to a long operation (application/x-ndjson): progress, and at last a result or
// an error.
type OperationLine struct {
	Progress string          `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// operations makes the handlers of what those do who run the installation: only keys of workspace default may, since it
// concerns all workspaces. One runs at a time. The caller is authenticated.
func (n *Node) operations() (audit, rebuilding http.Handler) {
	var one sync.Mutex
	operation := func(run func(r *http.Request, progress func(string)) (any, error)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if api.WorkspaceOf(r.Context()) != workspace.Default {
				api.Problem(w, r, http.StatusForbidden, "Authorization", "this concerns the whole installation: use a key of workspace "+workspace.Default)
				return
			}
			if what := r.PathValue("what"); what != "" {
				if _, err := rebuild.Next(topic.First, rebuild.What(what)); err != nil {
					api.Problem(w, r, http.StatusBadRequest, "what", err.Error())
					return
				}
			}
			if !one.TryLock() {
				w.Header().Set("Retry-After", "10")
				api.Problem(w, r, http.StatusServiceUnavailable, "", "another audit or rebuild is running; try again when it is done")
				return
			}
			defer one.Unlock()
			stream(w, r, run)
		})
	}
	audit = operation(func(r *http.Request, progress func(string)) (any, error) {
		return n.keptAudit(r.Context(), progress)
	})
	rebuilding = operation(func(r *http.Request, progress func(string)) (any, error) {
		return struct{}{}, n.rebuild(r.Context(), rebuild.What(r.PathValue("what")), progress)
	})
	return audit, rebuilding
}

// stream answers with progress as it comes: a line that repeats the last is left out for a while.
func stream(w http.ResponseWriter, r *http.Request, run func(*http.Request, func(string)) (any, error)) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // it takes as long as the log is
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	last := time.Time{}
	result, err := run(r, func(what string) {
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		_ = lines.Encode(OperationLine{Progress: what})
		_ = control.Flush()
	})
	if err != nil {
		_ = lines.Encode(OperationLine{Error: err.Error()})
		return
	}
	text, err := json.Marshal(result)
	if err != nil {
		_ = lines.Encode(OperationLine{Error: err.Error()})
		return
	}
	_ = lines.Encode(OperationLine{Result: text})
}

func (n *Node) audit(ctx context.Context, progress func(string)) (*audit.Report, error) {
	c := audit.DefaultConfig()
	c.Admin, c.Store, c.Rules, c.Registry = n.admin, n.store, n.config.Rules, n.config.Registry
	c.Generations, _ = n.directory.Generations()
	c.Progress, c.Logger = progress, n.config.Logger
	return audit.Run(ctx, c)
}

// mostKept are the differences of an audit that are kept; the answer to who ran it has all of them.
const mostKept = 20

// keptAudit runs an audit, and keeps what it found where everybody can look at it.
func (n *Node) keptAudit(ctx context.Context, progress func(string)) (*audit.Report, error) {
	began := time.Now()
	report, err := n.audit(ctx, progress)
	kept := workspace.Audit{At: time.Now().UnixMilli(), Took: time.Since(began).Milliseconds()}
	switch {
	case ctx.Err() != nil: // whoever asked is gone, and nothing was found out
		return report, err
	case err != nil:
		kept.Error = err.Error()
	default:
		kept.Touchpoints, kept.People, kept.Conversations = report.Touchpoints, report.People, report.Conversations
		kept.Count, kept.Differences = report.Count, report.Differences[:min(len(report.Differences), mostKept)]
	}
	return report, errors.Join(err, n.directory.SetAudit(ctx, kept))
}

func (n *Node) rebuild(ctx context.Context, what rebuild.What, progress func(string)) error {
	return rebuild.Run(ctx, rebuild.Config{
		Admin: n.admin, Store: n.store, Layout: n.config.Layout, Directory: n.directory, Patience: 2 * time.Minute, Progress: progress,
	}, what)
}
