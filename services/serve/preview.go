package serve

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/clickhouse"
	streams "github.com/throughline/throughline/streams/identity"
)

// Preview is what a merge or split would change.
type Preview struct {
	Refused       *Refusal      `json:"refused"` // null: it would be done
	Before        []PersonNow   `json:"before"`
	After         []PersonNow   `json:"after"`
	Moves         []PreviewMove `json:"moves"`
	Touchpoints   uint64        `json:"touchpoints"`   // that would be somebody else's
	Conversations Moving        `json:"conversations"` // with such touchpoints
	Report        ReportChange  `json:"report"`
}

// Refusal says which rule does not allow it.
type Refusal struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
}

// PreviewMove is an identifier or thread that would go from one person to another.
type PreviewMove struct {
	Identifier Node              `json:"identifier"`
	From       identity.PersonID `json:"from"`
	Person     identity.PersonID `json:"person"`
}

// Moving are conversations: how many, and the first of them.
type Moving struct {
	Count uint64            `json:"count"`
	IDs   []identity.Anchor `json:"ids"`
}

// ReportChange are the cells of this month's report of touchpoints by channel that would say something else.
type ReportChange struct {
	From  Time         `json:"from"` // start of the month, UTC
	Cells []CellChange `json:"cells"`
	Total Change       `json:"people"` // over all channels
}

// CellChange is one channel's.
type CellChange struct {
	Channel string `json:"channel"`
	People  Change `json:"people"`
}

// Change is a figure before and after.
type Change struct {
	Before uint64 `json:"before"`
	After  uint64 `json:"after"`
}

// Bounds of what a preview looks at and lists.
const (
	maxMovingIDs   = 100
	maxThreadLinks = 5000
)

// errTooMuchToForesee is returned for persons whose evidence cannot be read as a whole.
var errTooMuchToForesee = errors.New("serve: too much evidence to foresee what would come of it")

// threadLinks are what the persons' touchpoints say of threads: who wrote in them first, and which belong together.
func (s *Server) threadLinks(ctx context.Context, c *call, k *correction) (out []identity.Link, err error) {
	sql := `SELECT anchor, thread, min(time) AS first, argMin(key, (time, key)) FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND notEmpty(thread)
GROUP BY anchor, thread ORDER BY first, anchor, thread LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{
		"workspace": c.workspace, "anchors": numbers(keysOf(k.persons)), "limit": maxThreadLinks,
	}, func(r *clickhouse.Rows) error {
		var (
			anchor, key wide
			threads     []string
			first       time.Time
		)
		if err := r.Scan(&anchor, &threads, &first, &key); err != nil {
			return err
		}
		of := k.called.of(asAnchor(&anchor))
		out = append(out, streams.ThreadLinks(c.workspace, of.node(), threads, asAnchor(&key), first.UnixMilli())...)
		return nil
	})
	return out, err
}

// byAge are the persons' identifiers in the order in which links named them first. What was only claimed or blocked named nobody.
func (s *Server) byAge(ctx context.Context, c *call, k *correction) (out []identity.Node, err error) {
	sql := `SELECT node, min(version) AS first, argMin(turned, version) AS second FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {anchors:Array(UInt128)} AND kind NOT IN ('claimed', 'decline') AND NOT startsWith(rule, 'blocked')
GROUP BY node ORDER BY first, second, node`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchors": numbers(keysOf(k.persons))}, func(r *clickhouse.Rows) error {
		var (
			anchor wide
			first  uint64
			second bool
		)
		err := r.Scan(&anchor, &first, &second)
		if n := k.called.of(asAnchor(&anchor)); n.Type != identity.ThreadType {
			out = append(out, n.node())
		}
		return err
	})
	return out, err
}

func (s *Server) preview(ctx context.Context, c *call, k *correction, f *streams.Foreseen) (out Preview, err error) {
	out = Preview{Before: k.called.group(k.persons), After: k.called.group(f.Persons), Moves: []PreviewMove{}}
	for _, e := range f.Edges {
		if e.Decision == identity.Refused {
			out.Refused = &Refusal{e.Rule, e.Detail}
		}
	}
	var moving []identity.Anchor
	for _, m := range f.Moves {
		if m.Thread.IsZero() {
			moving = append(moving, m.Anchor)
			out.Moves = append(out.Moves, PreviewMove{k.called.of(m.Anchor), m.From, m.Person})
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out.Touchpoints, out.Conversations, err = s.moving(ctx, c, moving)
		return err
	})
	g.Go(func() (err error) {
		out.Report, err = s.reportChange(ctx, c, k, f)
		return err
	})
	err = g.Wait()
	return out, err
}

// moving counts the touchpoints of anchors and the conversations they are in.
func (s *Server) moving(ctx context.Context, c *call, anchors []identity.Anchor) (touchpoints uint64, in Moving, err error) {
	in.IDs = []identity.Anchor{}
	if len(anchors) == 0 {
		return 0, in, nil
	}
	params := clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors), "limit": maxMovingIDs}
	const of = ` WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)}`
	err = s.store.each(ctx, s.store.lookup, `SELECT count() FROM `+c.tables.Touchpoints+of, params, func(r *clickhouse.Rows) error {
		return r.Scan(&touchpoints)
	})
	if err != nil {
		return 0, in, err
	}
	sql := `SELECT uniqExact(now), arraySlice(arraySort(groupUniqArray(now)), 1, {limit:UInt32}) FROM (
	SELECT argMax(conversation, version) AS now FROM ` + c.tables.Members + of + ` GROUP BY key HAVING now != 0)`
	err = s.store.each(ctx, s.store.lookup, sql, params, func(r *clickhouse.Rows) error {
		var ids []*big.Int
		if err := r.Scan(&in.Count, &ids); err != nil {
			return err
		}
		in.IDs = anchorsOf(ids)
		return nil
	})
	return touchpoints, in, err
}

// reportChange compares how many people each channel has this month with how many it would have. All that can differ are the
// persons concerned: the others count as they do in the report.
func (s *Server) reportChange(ctx context.Context, c *call, k *correction, f *streams.Foreseen) (out ReportChange, err error) {
	now := s.config.Now().UTC()
	from := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	out = ReportChange{From: Time(from), Cells: []CellChange{}}
	channel := touchpointReport.dimensions[slices.IndexFunc(touchpointReport.dimensions, func(d dimension) bool { return d.name == "channel" })]
	report := &reportQuery{
		kind: touchpointReport.only([]string{"people"}, "by"), from: from, to: ceilMilli(now), loc: time.UTC, by: []dimension{channel}, order: "by", limit: maxReportRows,
		params: clickhouse.Params{"workspace": c.workspace, "tz": "UTC", "from": moment(from), "to": moment(ceilMilli(now)), "limit": maxReportRows},
	}
	month, err := s.run(ctx, c, report)
	if err != nil {
		return out, err
	}
	out.Total.Before = month.totals.figures.count("people")
	used := map[string][]identity.Anchor{} // by channel
	var all []identity.Anchor
	sql := `SELECT channel, groupUniqArray(anchor) FROM ` + c.tables.Touchpoints + `
WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} AND time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
GROUP BY channel`
	report.params["anchors"] = numbers(keysOf(k.persons))
	err = s.store.each(ctx, s.store.lookup, sql, report.params, func(r *clickhouse.Rows) error {
		var name string
		var anchors []*big.Int
		if err := r.Scan(&name, &anchors); err != nil {
			return err
		}
		used[name] = anchorsOf(anchors)
		all = append(all, used[name]...)
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Total.After = out.Total.Before + uint64(different(all, f.Persons)-different(all, k.persons))
	for _, row := range month.rows {
		name, people := row.by[0], row.figures.count("people")
		if change := different(used[name], f.Persons) - different(used[name], k.persons); change != 0 {
			out.Cells = append(out.Cells, CellChange{name, Change{people, people + uint64(change)}})
		}
	}
	return out, nil
}

// different counts the persons that anchors are.
func different(anchors []identity.Anchor, persons map[identity.Anchor]identity.PersonID) int {
	seen := map[identity.PersonID]bool{}
	for _, a := range anchors {
		seen[persons[a]] = true
	}
	return len(seen)
}
