package serve

import (
	"context"
	"maps"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/clickhouse"
)

// Quality is the answer of GET /v1/data-quality: what the doors found at the touchpoints that came in.
type Quality struct {
	Since      Time        `json:"since"`
	AsOf       Time        `json:"as_of"`
	Violations []Violation `json:"violations"` // most first
	Privacy    []Redaction `json:"privacy"`    // likewise
	Truncated  bool        `json:"truncated"`  // there is more of either than limit
}

// Violation is a field that was not what the contract of its kind says.
type Violation struct {
	Source   string `json:"source"`
	Kind     string `json:"kind"`
	Contract string `json:"contract"` // kind@version
	Field    string `json:"field"`
	Flagged  uint64 `json:"flagged"` // touchpoints that are stored and say so
	Refused  uint64 `json:"refused"` // dead letters
	Last     Time   `json:"last"`

	last time.Time
}

// Redaction is a field out of which a privacy rule took something.
type Redaction struct {
	Source      string `json:"source"`
	Rule        string `json:"rule"` // card, iban, drop, hash or mask
	Field       string `json:"field"`
	Touchpoints uint64 `json:"touchpoints"`
	Last        Time   `json:"last"`
}

// getQuality answers GET /v1/data-quality.
func (s *Server) getQuality(w http.ResponseWriter, r *http.Request, c *call) error {
	days := c.query.number("days", 30, 1, 366)
	limit := c.query.number("limit", 200, 1, 1000)
	if err := c.query.done(); err != nil {
		return err
	}
	now := s.config.Now()
	since := now.AddDate(0, 0, -days)
	out := Quality{Since: Time(since), AsOf: Time(now), Violations: []Violation{}, Privacy: []Redaction{}}
	params := clickhouse.Params{"workspace": c.workspace, "since": moment(since), "limit": limit + 1}
	g, ctx := errgroup.WithContext(r.Context())
	g.Go(func() error { return s.violations(ctx, c, params, &out) })
	g.Go(func() error { return s.redactions(ctx, c, params, &out) })
	if err := g.Wait(); err != nil {
		return err
	}
	if len(out.Violations) > limit || len(out.Privacy) > limit {
		out.Truncated = true
		out.Violations, out.Privacy = out.Violations[:min(limit, len(out.Violations))], out.Privacy[:min(limit, len(out.Privacy))]
	}
	return answer(w, http.StatusOK, out)
}

// noted are the notes of touchpoints that came in since, one a row.
func noted(c *call) string {
	return `(SELECT toString(source) AS source, toString(kind) AS kind, received, splitByChar(':', toString(arrayJoin(notes))) AS note,
		arrayStringConcat(arraySlice(note, 3), ':') AS field FROM ` + c.tables.Touchpoints + `
	WHERE workspace = {workspace:String} AND notEmpty(notes) AND received >= {since:DateTime64(3, 'UTC')})`
}

// violations are those of stored touchpoints and of dead letters. What a dead letter's source and kind are is only in its bytes, be it a
// touchpoint or a CloudEvent around one.
func (s *Server) violations(ctx context.Context, c *call, params clickhouse.Params, out *Quality) error {
	of := func(field string) string {
		return "if(JSONHas(bytes, 'specversion'), coalesce(nullIf(JSONExtractString(bytes, 'data', '" + field + "'), ''), JSONExtractString(bytes, '" + field + "')), JSONExtractString(bytes, '" + field + "'))"
	}
	sql := `SELECT source, kind, contract, field, countIf(flagged), countIf(NOT flagged), max(at) FROM (
	SELECT source, kind, note[2] AS contract, field, true AS flagged, received AS at
	FROM ` + noted(c) + ` WHERE note[1] = {about:String}
	UNION ALL
	SELECT ` + of("source") + `, splitByChar('@', extract(reason, '^contract ([^:]+):'))[1], extract(reason, '^contract ([^:]+):'), field, false, time
	FROM ` + c.tables.Rejected + ` FINAL WHERE workspace = {workspace:String} AND time >= {since:DateTime64(3, 'UTC')} AND startsWith(reason, 'contract ')
) GROUP BY source, kind, contract, field ORDER BY count() DESC, source, kind, contract, field LIMIT {limit:UInt32}` + reportSettings
	with := maps.Clone(params)
	with["about"] = touchpoint.AboutContract
	return s.store.each(ctx, s.store.report, sql, with, func(r *clickhouse.Rows) error {
		var v Violation
		err := r.Scan(&v.Source, &v.Kind, &v.Contract, &v.Field, &v.Flagged, &v.Refused, &v.last)
		v.Last = Time(v.last)
		out.Violations = append(out.Violations, v)
		return err
	})
}

func (s *Server) redactions(ctx context.Context, c *call, params clickhouse.Params, out *Quality) error {
	sql := `SELECT source, note[2], field, count(), max(received) FROM ` + noted(c) + ` WHERE note[1] = {about:String}
GROUP BY source, note, field ORDER BY count() DESC, source, note LIMIT {limit:UInt32}` + reportSettings
	with := maps.Clone(params)
	with["about"] = touchpoint.AboutPrivacy
	return s.store.each(ctx, s.store.report, sql, with, func(r *clickhouse.Rows) error {
		var p Redaction
		var last time.Time
		err := r.Scan(&p.Source, &p.Rule, &p.Field, &p.Touchpoints, &last)
		p.Last = Time(last)
		out.Privacy = append(out.Privacy, p)
		return err
	})
}
