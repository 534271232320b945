package serve

import (
	"time"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/services/clickhouse"
)

// timelineQuery is a page of a list of touchpoints, newest first, as it was asked for.
type timelineQuery struct {
	where  []string
	params clickhouse.Params
	limit  int
}

// readTimeline reads the parameters that every such list has.
func readTimeline(c *call, r *registry.Registry, list byte) timelineQuery {
	q := c.query
	t := timelineQuery{where: []string{"workspace = {workspace:String}"}, params: clickhouse.Params{"workspace": c.workspace}}
	t.limit = q.number("limit", 50, 1, 200)
	t.params["limit"] = t.limit + 1
	after := q.cursor(list)
	t.where = anyOf(t.where, t.params, "channel", q.channels(r))
	t.where = anyOf(t.where, t.params, "kind", q.words("kind"))
	t.where = anyOf(t.where, t.params, "direction", q.listOf("direction", directions...))
	if from, given := q.instant("from", time.UTC); given {
		t.where = append(t.where, "time >= {from:DateTime64(3, 'UTC')}")
		t.params["from"] = moment(from)
	}
	if to, given := q.instant("to", time.UTC); given {
		t.where = append(t.where, "time < {to:DateTime64(3, 'UTC')}")
		t.params["to"] = moment(to)
	}
	if text := q.text("q"); text != "" {
		t.where = append(t.where, "(positionCaseInsensitiveUTF8(subject, {q:String}) > 0 OR positionCaseInsensitiveUTF8(text, {q:String}) > 0 OR positionCaseInsensitiveUTF8(properties, {q:String}) > 0)")
		t.params["q"] = text
	}
	if after != nil {
		t.where = append(t.where, "(time, key) < ({time:DateTime64(3, 'UTC')}, {key:UInt128})", "time <= {time:DateTime64(3, 'UTC')}")
		t.params["time"], t.params["key"] = moment(time.UnixMilli(after.order)), number(after.id)
	}
	return t
}

// cut leaves a page of what was read, and says where the next begins.
func (t *timelineQuery) cut(all []Touchpoint, list byte) (page []Touchpoint, next string) {
	if len(all) <= t.limit {
		return all, ""
	}
	last := all[t.limit-1]
	return all[:t.limit], cursor{list, last.time.UnixMilli(), last.Key}.String()
}
