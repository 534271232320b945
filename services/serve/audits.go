package serve

import (
	"net/http"
	"time"

	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/api"
)

// Audits know what the last audit found; *workspaces.Directory does.
type Audits interface {
	Audit() *workspace.Audit // nil before the first
}

// LastAudit is what the last audit found.
type LastAudit struct {
	At            Time     `json:"at"` // when it was done
	Took          int64    `json:"took_ms"`
	Touchpoints   int      `json:"touchpoints"`
	People        int      `json:"people"`
	Conversations int      `json:"conversations"`
	Count         int      `json:"difference_count"`
	Differences   []string `json:"differences"` // the first; none for those who may not run an audit
	Error         string   `json:"error,omitempty"`
}

// runsInstallation tells whether a request comes from those who may run an audit: it concerns all workspaces.
func (s *Server) runsInstallation(r *http.Request, c *call) bool {
	key, _ := api.KeyOf(r)
	return c.workspace == workspace.Default && s.config.Directory.May(key, workspace.Admin)
}

// getAudit answers GET /v1/audit. That and when it was clean concerns everybody; the differences name what other workspaces hold.
func (s *Server) getAudit(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	var out struct {
		Last *LastAudit `json:"last"`
	}
	if s.config.Audits != nil {
		if a := s.config.Audits.Audit(); a != nil {
			out.Last = &LastAudit{
				At: Time(time.UnixMilli(a.At)), Took: a.Took, Touchpoints: a.Touchpoints, People: a.People, Conversations: a.Conversations,
				Count: a.Count, Differences: []string{},
			}
			if s.runsInstallation(r, c) {
				out.Last.Differences, out.Last.Error = append(out.Last.Differences, a.Differences...), a.Error
			} else if a.Error != "" {
				out.Last.Error = "it came to no result"
			}
		}
	}
	return answer(w, http.StatusOK, out)
}
