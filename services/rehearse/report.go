package rehearse

import (
	"cmp"
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	tables "github.com/throughline/throughline/schemas/clickhouse"
	schema "github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/rehearsal"
	"github.com/throughline/throughline/services/clickhouse"
)

// use is what the store has of the persons that change, and of all this month.
type use struct {
	month map[string]map[*member]uint64 // channel -> whose touchpoints of the month
	all   []rehearsal.Cell              // of the month: Touchpoints and PeopleBefore
}

// anchorsAtOnce bounds the text of a query.
const anchorsAtOnce = 2000

// queryLimits are those of one piece.
var queryLimits = clickhouse.Limits{MaxTime: time.Minute, MaxMemory: 1 << 30}

// ask fills in what the anchors of the groups did.
func (c *Config) ask(ctx context.Context, of *changes, month time.Time) (*use, error) {
	u := &use{month: map[string]map[*member]uint64{}}
	t := tables.TablesOf(c.Generations)
	params := clickhouse.Params{"workspace": c.Workspace, "from": month.UnixMilli(), "to": month.AddDate(0, 1, 0).UnixMilli(), "since": c.Since}
	anchors := make([]schema.Anchor, 0, len(of.members))
	for a := range of.members {
		anchors = append(anchors, a)
	}
	slices.SortFunc(anchors, compareAnchors) // as the table is: a piece then touches few granules
	done := int64(0)
	for some := range slices.Chunk(anchors, anchorsAtOnce) {
		params["anchors"] = numbers(some)
		err := c.each(ctx, `SELECT anchor, channel, count(),
	countIf(time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})), countIf(time >= fromUnixTimestamp64Milli({since:Int64}))
FROM `+t.Touchpoints+` WHERE workspace = {workspace:String} AND anchor IN {anchors:Array(UInt128)} GROUP BY anchor, channel`, params, func(rows *clickhouse.Rows) error {
			var (
				anchor              big.Int
				channel             string
				all, inMonth, since uint64
			)
			if err := rows.Scan(&anchor, &channel, &all, &inMonth, &since); err != nil {
				return err
			}
			u.add(of.members[asAnchor(&anchor)], channel, all, inMonth, since)
			return nil
		})
		if err != nil {
			return nil, err
		}
		done += int64(len(some))
		c.Progress(rehearsal.Progress{Step: "asking the store", Done: done, Total: int64(len(anchors))})
	}
	delete(params, "anchors")
	delete(params, "since")
	return u, c.each(ctx, `SELECT channel, count(), toInt64(uniqExact(`+t.PersonOf("anchor")+`))
FROM `+t.Touchpoints+` WHERE workspace = {workspace:String} AND time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64})
GROUP BY channel`, params, func(rows *clickhouse.Rows) error {
		var cell rehearsal.Cell
		err := rows.Scan(&cell.Channel, &cell.Touchpoints, &cell.PeopleBefore)
		u.all = append(u.all, cell)
		return err
	})
}

func (u *use) add(m *member, channel string, all, inMonth, since uint64) {
	if m.moves() {
		m.group.touchpoints += all
	}
	m.group.recent += since
	if inMonth == 0 {
		return
	}
	if u.month[channel] == nil {
		u.month[channel] = map[*member]uint64{}
	}
	u.month[channel][m] = inMonth
}

// report is the lines that change. Touchpoints stay what they are; whose they are, and how many people they are of, changes.
func (u *use) report(of *changes) []rehearsal.Cell {
	out := []rehearsal.Cell{}
	for _, cell := range u.all {
		before, after := map[schema.PersonID]bool{}, map[schema.PersonID]bool{}
		for m, n := range u.month[cell.Channel] {
			if of.members[m.anchor] == nil {
				continue // its group does not count
			}
			before[m.before], after[m.after] = true, true
			if m.moves() {
				cell.Moved += n
			}
		}
		cell.PeopleAfter = cell.PeopleBefore + int64(len(after)-len(before))
		if cell.Moved > 0 || cell.PeopleAfter != cell.PeopleBefore {
			out = append(out, cell)
		}
	}
	slices.SortFunc(out, func(a, b rehearsal.Cell) int {
		return cmp.Or(cmp.Compare(b.Moved, a.Moved), cmp.Compare(a.Channel, b.Channel))
	})
	return out
}

func (c *Config) each(ctx context.Context, sql string, params clickhouse.Params, scan func(*clickhouse.Rows) error) (err error) {
	rows, err := c.Store.Query(ctx, sql, params, queryLimits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// numbers is a list of anchors as the text of an Array(UInt128) parameter.
func numbers(anchors []schema.Anchor) string {
	b := append(make([]byte, 0, 2+40*len(anchors)), '[')
	for i, a := range anchors {
		if i > 0 {
			b = append(b, ',')
		}
		b = new(big.Int).SetBytes(a[:]).Append(b, 10)
	}
	return string(append(b, ']'))
}

func asAnchor(n *big.Int) (a schema.Anchor) {
	n.FillBytes(a[:])
	return a
}

func sortNodes(nodes []schema.Node) {
	slices.SortFunc(nodes, func(a, b schema.Node) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
	})
}
