package serve

import (
	"context"
	"maps"
	"slices"

	"github.com/throughline/throughline/services/clickhouse"
)

// samples are the properties of the latest touchpoints of each kind; source and kind may be empty. Which these are is found without their
// payloads, most of which nobody needs.
func (s *Server) samples(ctx context.Context, c *call, source, kind string, limit int) (map[string][][]byte, error) {
	params := clickhouse.Params{"workspace": c.workspace, "since": moment(s.config.Now().AddDate(0, 0, -sampleDays)), "limit": limit}
	where := "workspace = {workspace:String} AND received >= {since:DateTime64(3, 'UTC')}"
	if source != "" {
		where += " AND source = {source:String}"
		params["source"] = source
	}
	if kind != "" {
		where += " AND kind = {kind:String}"
		params["kind"] = kind
	}
	sql := `SELECT toString(kind), JSONExtractRaw(payload, 'properties') FROM ` + c.tables.Touchpoints + `
WHERE ` + where + ` AND key IN (
	SELECT key FROM ` + c.tables.Touchpoints + ` WHERE ` + where + ` ORDER BY received DESC, key LIMIT {limit:UInt32} BY kind LIMIT 20000
) LIMIT 20000` + reportSettings
	out := map[string][][]byte{}
	err := s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var kind, properties string
		err := r.Scan(&kind, &properties)
		if properties == "" {
			properties = "{}"
		}
		out[kind] = append(out[kind], []byte(properties))
		return err
	})
	return out, err
}

func sortedKinds(samples map[string][][]byte) []string { return slices.Sorted(maps.Keys(samples)) }
