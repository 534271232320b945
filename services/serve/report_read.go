package serve

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/throughline/throughline/services/clickhouse"
)

const (
	maxDimensions = 6
	maxReportRows = 10_000
)

// readScope reads the parameters that reports and their receipts have: of what they are.
func (s *Server) readScope(c *call, r *http.Request, k *kind) (*reportQuery, error) {
	q := c.query
	out := &reportQuery{kind: k, params: clickhouse.Params{"workspace": c.workspace}}
	loc, err := s.zone(r.Context(), q.text("tz"))
	if err != nil {
		return nil, err
	}
	out.loc = loc
	out.params["tz"] = loc.String()
	now := s.config.Now()
	var given bool
	if out.to, given = q.instant("to", loc); !given {
		out.to = now
	}
	if out.from, given = q.instant("from", loc); !given {
		out.from = out.to.In(loc).AddDate(0, 0, -30)
	}
	if !out.from.Before(out.to) {
		q.fail("from", "want a time before to")
	}
	out.params["from"], out.params["to"] = moment(ceilMilli(out.from)), moment(ceilMilli(out.to))
	for _, name := range slices.Sorted(maps.Keys(k.filters)) {
		var values []string
		switch name {
		case "direction":
			values = q.listOf(name, directions...)
		case "state":
			values = q.listOf(name, states...)
		case "channel":
			values = q.channels(s.config.Registry)
		case "kind", "tag":
			values = q.words(name)
		default:
			values = q.list(name)
		}
		if len(values) > 0 {
			out.params[name] = values
			out.where = append(out.where, k.filters[name])
		}
	}
	out.language, out.labelled = q.oneOf("lang", "en", "de"), len(q.values["lang"]) > 0
	if k.numbers != nil {
		k.numbers(q, out)
	}
	out.grace = time.Duration(q.number("grace", 24, 0, 8760)) * time.Hour
	out.params["closed"] = moment(ceilMilli(out.closing()))
	return out, nil
}

// readReport reads the parameters that all reports have.
func (s *Server) readReport(c *call, r *http.Request, k *kind) (*reportQuery, error) {
	out, err := s.readScope(c, r, k)
	if err != nil {
		return nil, err
	}
	q := c.query
	out.by = readBy(q, k)
	out.order = q.oneOf("order", append([]string{"by"}, k.shownFigures()...)...)
	names, more := readFigures(q, k), ""
	if out.restated = q.flag("restated"); out.restated {
		more = k.late
	}
	out.kind = k.only(names, out.order, more)
	out.compare = q.oneOf("compare", "none", "previous") == "previous"
	switch q.text("format") {
	case "csv":
		out.csv = true
	case "json":
	case "":
		out.csv = strings.Contains(r.Header.Get("Accept"), "text/csv")
	default:
		q.fail("format", "want json or csv")
	}
	all := s.readableGroups()
	out.most = 1000
	if out.csv {
		out.most = all // who downloads wants everything
	}
	out.most = q.number("limit", out.most, 1, maxReportRows)
	if out.limit = out.most; out.compare {
		out.limit = all
	}
	out.params["limit"] = out.limit
	return out, q.done()
}

// readableGroups is how many groups a statement may give, the totals beside them.
func (s *Server) readableGroups() int {
	if most := s.config.Report.MaxRows; most > 0 {
		return max(1, int(most)-1)
	}
	return math.MaxInt32
}

// prepare completes a report that was read.
func (s *Server) prepare(c *call, r *reportQuery, now time.Time) error {
	if r.kind.prepare == nil {
		return nil
	}
	return r.kind.prepare(s, c, r, now)
}

// readFigures reads which figures are wanted; none is all of them.
func readFigures(q *query, k *kind) (names []string) {
	shown := k.shownFigures()
	for _, part := range q.list("figures") {
		for name := range strings.SplitSeq(part, ",") {
			switch {
			case name == "" && part == "":
			case !slices.Contains(shown, name):
				q.fail("figures", "want any of "+strings.Join(shown, ", "))
				return nil
			default:
				names = append(names, name)
			}
		}
	}
	return names
}

// ceilMilli rounds up to the millisecond, so that comparing stored milliseconds with it is comparing with t.
func ceilMilli(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

func readBy(q *query, k *kind) (by []dimension) {
	for _, part := range q.list("by") {
		for name := range strings.SplitSeq(part, ",") {
			if name == "" && part == "" {
				continue
			}
			one := k.dimension(name)
			if one == nil {
				q.fail("by", "want any of "+strings.Join(k.dimensionNames(), ", "))
				return nil
			}
			if slices.ContainsFunc(by, func(d dimension) bool { return d.name == name }) {
				q.fail("by", name+" is there twice")
			}
			by = append(by, *one)
		}
	}
	if len(by) > maxDimensions {
		q.fail("by", fmt.Sprintf("at most %d dimensions", maxDimensions))
	}
	return by
}
