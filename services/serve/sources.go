package serve

import (
	"context"
	"net/http"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

// Source is what a workspace has from one source.
type Source struct {
	Source      string   `json:"source"` // as its touchpoints name it; "" of those that name none
	Channels    []string `json:"channels"`
	Touchpoints uint64   `json:"touchpoints"`
	Day         uint64   `json:"last_day"` // of them received in the last 24 hours
	Newest      Time     `json:"newest"`   // time of the newest
	Received    Time     `json:"received"` // when the last came in
}

// Sources is the answer of GET /v1/status/sources.
type Sources struct {
	Sources   []Source `json:"sources"`   // who was heard of last comes first
	Truncated bool     `json:"truncated"` // there are more
	AsOf      Time     `json:"as_of"`
}

// mostSources are listed.
const mostSources = 500

type sourcesKey struct{ workspace, table string }

// getSources answers GET /v1/status/sources. It is a few seconds old at most: it takes a pass over the columns of the facts.
func (s *Server) getSources(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	out, err := s.sources.get(r.Context(), sourcesKey{c.workspace, c.tables.Touchpoints}, func(ctx context.Context) (Sources, error) {
		now := s.config.Now()
		out := Sources{Sources: []Source{}, AsOf: Time(now)}
		sql := `SELECT source, arraySort(groupUniqArray(100)(toString(channel))), count(), countIf(received >= {since:DateTime64(3, 'UTC')}) AS last_day, max(time) AS newest, max(received) AS heard
FROM ` + c.tables.Touchpoints + ` WHERE workspace = {workspace:String} GROUP BY source ORDER BY heard DESC, source LIMIT {most:UInt32}`
		params := clickhouse.Params{"workspace": c.workspace, "since": moment(now.Add(-24 * time.Hour)), "most": mostSources + 1}
		err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
			var one Source
			var newest, heard time.Time
			if err := r.Scan(&one.Source, &one.Channels, &one.Touchpoints, &one.Day, &newest, &heard); err != nil {
				return err
			}
			one.Newest, one.Received = Time(newest), Time(heard)
			out.Sources = append(out.Sources, one)
			return nil
		})
		if len(out.Sources) > mostSources {
			out.Sources, out.Truncated = out.Sources[:mostSources], true
		}
		return out, err
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}
