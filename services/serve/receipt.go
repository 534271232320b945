package serve

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/measure"
	"github.com/throughline/throughline/services/clickhouse"
)

// Receipt is what one cell of a report is made of.
type Receipt struct {
	From       string            `json:"from"` // included
	To         string            `json:"to"`   // not included
	TZ         string            `json:"tz"`
	Cell       string            `json:"cell"`
	At         map[string]string `json:"at"` // values of dimensions; those that are not there are not grouped by
	Value      any               `json:"value"`
	Unit       measure.Unit      `json:"unit"`
	Definition string            `json:"definition"`
	Version    int               `json:"version"`
	Total      uint64            `json:"total"` // rows on all pages
	Rows       []ReceiptRow      `json:"rows"`
	Next       string            `json:"next,omitempty"`
	AsOf       Time              `json:"as_of"`
	Freshness  Freshness         `json:"freshness"`
}

// ReceiptRow is one conversation, touchpoint or person that a cell is made of.
type ReceiptRow struct {
	Kind         string          `json:"kind"` // conversation, touchpoint or person
	ID           identity.Anchor `json:"id"`   // of a touchpoint, its key
	Value        *float64        `json:"value"`
	Nth          *uint32         `json:"nth,omitempty"`         // which of the conversation's values, from 1, where each counts
	Touchpoints  *uint64         `json:"touchpoints,omitempty"` // in the cell, of a person or conversation of the report of touchpoints
	Conversation *Conversation   `json:"conversation,omitempty"`
	Touchpoint   *Touchpoint     `json:"touchpoint,omitempty"`

	order  int64
	anchor identity.Anchor // of a conversation: where it lies
}

// receiptList says how the rows of a receipt are read: from what, which of them, and in which order.
type receiptList struct {
	from, where string
	columns     string // of a row
	group       string // GROUP BY clause; "" when each row is one
	order, id   string // expressions: a number that grows along the list, and what tells rows of one number apart
	narrow      string // columns that find a row of the page again, where the others are too wide to be sorted with
	scan        func(r *clickhouse.Rows, row *ReceiptRow, more ...any) error
}

// readAt reads the values of dimensions that a cell is at, as conditions.
func (r *reportQuery) readAt(q *query) map[string]string {
	at := map[string]string{}
	for i, pair := range q.list("at") {
		name, label, ok := strings.Cut(pair, ":")
		d := r.kind.dimension(name)
		if !ok || d == nil {
			q.fail("at", "want dimension:value, with any of "+strings.Join(r.kind.dimensionNames(), ", "))
			return at
		}
		if _, twice := at[name]; twice {
			q.fail("at", name+" is there twice")
		}
		at[name] = label
		value, err := d.value(label, r.loc)
		if err != nil {
			q.fail("at", "want a time as the report writes it, such as "+name+":2026-01-31T00:00:00Z (a + in a query string is written %2B)")
			return at
		}
		parameter := "at" + strconv.Itoa(i)
		r.params[parameter] = value
		switch {
		case name == tag.name && value == "":
			r.where = append(r.where, "empty(tags)")
		case name == tag.name:
			r.where = append(r.where, "has(tags, {"+parameter+":String})")
		default:
			r.where = append(r.where, "toString("+d.sql+") = {"+parameter+":String}")
		}
	}
	return at
}

func (k *kind) dimension(name string) *dimension {
	for i := range k.dimensions {
		if d := &k.dimensions[i]; d.name == name {
			return d
		}
	}
	return nil
}

func (k *kind) dimensionNames() (names []string) {
	for _, d := range k.dimensions {
		names = append(names, d.name)
	}
	return names
}

// value is the dimension's value of which label is how it is shown.
func (d *dimension) value(label string, loc *time.Location) (string, error) {
	if !d.time {
		return label, nil
	}
	t, err := time.Parse(time.RFC3339, label)
	if err != nil {
		return "", err
	}
	if d.name == "hour" {
		return strconv.FormatInt(t.Unix(), 10), nil
	}
	return t.In(loc).Format(time.DateOnly), nil
}

// made is the condition of the rows that a cell is made of, and what each adds to it. A ratio is made of those of all its parts, and
// a row adds what it adds to the numerator.
func (k *kind) made(f *figure) (condition, value string) {
	switch f.sort {
	case summed:
		return "(" + f.condition() + ") AND " + f.value + " != 0", "toNullable(toFloat64(" + f.value + "))"
	case statistics:
		return f.measured(), "toNullable(toFloat64(" + f.value + "))"
	case ratio:
		adds := func(name string) string {
			p := k.figure(name)
			if p.sort == summed {
				return "if(" + p.condition() + ", toFloat64(" + p.value + "), 0.)"
			}
			return "toFloat64(" + p.condition() + ")"
		}
		part, whole := k.figure(f.part), k.figure(f.whole)
		condition = "(" + part.condition() + ") OR (" + whole.condition() + ")"
		if part.sort == summed {
			condition = whole.condition()
		}
		value = adds(f.part)
		if f.minus != "" {
			value += " - " + adds(f.minus)
		}
		return condition, "toNullable(" + value + ")"
	}
	return f.condition(), "CAST(NULL, 'Nullable(Float64)')"
}

// receipt answers with what a cell of the report is made of.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request, c *call, k *kind) error {
	asOf := s.config.Now()
	query, err := s.readScope(c, r, k)
	if err != nil {
		return err
	}
	q := c.query
	name := q.text("cell")
	f := k.figure(name)
	if f == nil || f.hidden {
		q.fail("cell", "want any of "+strings.Join(k.shownFigures(), ", "))
	}
	at := query.readAt(q)
	limit := q.number("limit", 50, 1, 200)
	after := q.cursor(receiptPages)
	if err := q.done(); err != nil {
		return err
	}
	query.order, query.limit = "by", 1
	query.params["limit"] = 1
	query.kind = k.only([]string{name}, query.order)
	if err := s.prepare(c, query, asOf); err != nil {
		return err
	}
	m, _ := measure.Of(name)
	out := Receipt{
		From: query.from.In(query.loc).Format(time.RFC3339Nano), To: query.to.In(query.loc).Format(time.RFC3339Nano), TZ: query.loc.String(),
		Cell: name, At: at, Unit: m.Unit, Version: m.Version, Definition: m.Meaning.In(query.language), Rows: []ReceiptRow{}, AsOf: Time(asOf),
	}
	list := k.receipt(c, query, f)
	g, ctx := errgroup.WithContext(r.Context())
	g.Go(func() error {
		answer, err := s.run(ctx, c, query)
		if err == nil {
			values := map[string]any{}
			answer.totals.figures.row(values)
			out.Value = values[name]
		}
		return err
	})
	g.Go(func() error {
		sql := `SELECT count() FROM (SELECT ` + list.id + ` FROM ` + list.from + ` WHERE ` + list.where + ` ` + list.group + `)` + reportSettings
		return s.store.each(ctx, s.store.report, sql, query.params, func(r *clickhouse.Rows) error { return r.Scan(&out.Total) })
	})
	g.Go(func() (err error) {
		if out.Rows, out.Next, err = s.receiptPage(ctx, query, list, limit, after); err == nil {
			err = s.showConversations(ctx, c, out.Rows)
		}
		return err
	})
	g.Go(func() (err error) {
		out.Freshness, err = s.freshness(ctx, c, asOf)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// receiptPage reads one page of the list.
func (s *Server) receiptPage(ctx context.Context, query *reportQuery, list *receiptList, limit int, after *cursor) (rows []ReceiptRow, next string, err error) {
	params := maps.Clone(query.params)
	params["limit"] = limit + 1
	page := " ORDER BY row_order, row_id LIMIT {limit:UInt32}"
	if after != nil {
		page = " WHERE (row_order, row_id) > ({after_order:Int64}, {after_id:UInt128})" + page
		params["after_order"], params["after_id"] = after.order, number(after.id)
	}
	place := `toInt64(` + list.order + `) AS row_order, toUInt128(` + list.id + `) AS row_id`
	where := list.where
	if list.narrow != "" {
		where += ` AND (` + list.narrow + `) IN (SELECT ` + list.narrow + ` FROM (
	SELECT ` + list.narrow + `, ` + place + ` FROM ` + list.from + ` WHERE ` + list.where + `
)` + page + `)`
	}
	sql := `SELECT * FROM (
	SELECT ` + list.columns + `, ` + place + ` FROM ` + list.from + ` WHERE ` + where + ` ` + list.group + `
)` + page + reportSettings
	rows = []ReceiptRow{}
	err = s.store.each(ctx, s.store.report, sql, params, func(r *clickhouse.Rows) error {
		var row ReceiptRow
		var id wide
		err := list.scan(r, &row, &row.order, &id)
		row.ID = asAnchor(&id)
		rows = append(rows, row)
		return err
	})
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		next = cursor{receiptPages, last.order, last.ID}.String()
	}
	return rows, next, err
}

// conversationReceipt are the conversations that a cell is made of, once for each of their values that it counts.
func conversationReceipt(_ *call, r *reportQuery, f *figure) *receiptList {
	list := &receiptList{
		from: r.rows, order: "toUnixTimestamp64Milli(first)", id: "id",
		scan: func(r *clickhouse.Rows, row *ReceiptRow, more ...any) error {
			var anchor wide
			to := []any{&anchor, &row.Value}
			if f.each {
				row.Nth = new(uint32)
				to = append(to, row.Nth)
			}
			err := r.Scan(append(to, more...)...)
			row.Kind, row.anchor = "conversation", asAnchor(&anchor)
			return err
		},
	}
	condition, value := r.kind.made(f)
	list.where, list.columns = condition, "anchor, "+value+" AS row_value"
	if f.each { // a row for each element, in their order; a conversation has less than 4,096
		list.from = "(SELECT anchor, id, first, nth, one FROM " + r.rows + " ARRAY JOIN " + f.value + " AS one, arrayEnumerate(" + f.value + ") AS nth WHERE " + f.condition() + ")"
		list.where, list.order, list.columns = "1", list.order+" * 4096 + nth", "anchor, toNullable(toFloat64(one)) AS row_value, nth"
	}
	return list
}

// showConversations adds the conversations that rows stand for, with whose they are and how they began.
func (s *Server) showConversations(ctx context.Context, c *call, rows []ReceiptRow) error {
	var places []place
	for _, row := range rows {
		if !row.anchor.IsZero() {
			places = append(places, place{row.anchor, row.ID})
		}
	}
	whole, err := s.at(ctx, c, places)
	list := slices.Collect(maps.Values(whole))
	if err == nil {
		err = s.attachOpenings(ctx, c, list)
	}
	for i := range list {
		whole[list[i].ID] = list[i]
	}
	for i := range rows {
		if one, ok := whole[rows[i].ID]; ok {
			rows[i].Conversation = &one
		}
	}
	return err
}

// touchpointReceipt are the touchpoints that a cell is made of, or the persons or conversations that it counts.
func touchpointReceipt(c *call, r *reportQuery, f *figure) *receiptList {
	if f.sort == distinct {
		list := &receiptList{
			from: facts(c, r), where: f.condition(), order: "0", id: f.value, group: "GROUP BY " + f.value,
			columns: "count() AS row_touchpoints",
			scan:    counting("person"),
		}
		if f.source == membership {
			list.from, list.scan = memberships(c, r), counting("conversation")
		}
		return list
	}
	condition, value := r.kind.made(f)
	return &receiptList{
		from: facts(c, r), where: "(" + condition + ")", order: "toUnixTimestamp64Milli(time)", id: "key",
		columns: touchpointColumns + ", " + value + " AS row_value", narrow: "time, key",
		scan: func(r *clickhouse.Rows, row *ReceiptRow, more ...any) error {
			one, err := scanTouchpoint(r, append([]any{&row.Value}, more...)...)
			row.Kind, row.Touchpoint = "touchpoint", &one
			return err
		},
	}
}

// counting reads a row that says how many touchpoints of the cell a person or conversation has.
func counting(kind string) func(r *clickhouse.Rows, row *ReceiptRow, more ...any) error {
	return func(r *clickhouse.Rows, row *ReceiptRow, more ...any) error {
		row.Kind, row.Touchpoints = kind, new(uint64)
		return r.Scan(append([]any{row.Touchpoints}, more...)...)
	}
}

// getConversationReceipt answers GET /v1/reports/conversations/receipt.
func (s *Server) getConversationReceipt(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.receipt(w, r, c, conversationReport)
}

// getTouchpointReceipt answers GET /v1/reports/touchpoints/receipt.
func (s *Server) getTouchpointReceipt(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.receipt(w, r, c, touchpointReport)
}
