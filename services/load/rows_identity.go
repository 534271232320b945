package load

import (
	"github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/identity"
	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// moveRows are moves: where anchors belong now, and the log of how they came there.
type moveRows struct {
	workspace, kind, rule, source store.DictionaryColumn
	anchor, person, home, thread  store.UInt128Column
	from                          store.UInt128Column
	version                       store.UInt64Column
	value, touchpoint, user       store.StringColumn
	time                          store.Int64Column
	current, log                  table
}

func newMoveRows(names clickhouse.Tables) *moveRows {
	t := &moveRows{}
	t.current = table{names.Identities, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "anchor", Data: &t.anchor}, {Name: "person", Data: &t.person},
		{Name: "version", Data: &t.version}, {Name: "home", Data: &t.home}, {Name: "thread", Data: &t.thread},
	}}
	t.log = table{names.IdentityLog, append([]store.Column{
		{Name: "from", Data: &t.from}, {Name: "type", Data: &t.kind}, {Name: "value", Data: &t.value}, {Name: "rule", Data: &t.rule},
		{Name: "touchpoint", Data: &t.touchpoint}, {Name: "source", Data: &t.source}, {Name: "user", Data: &t.user}, {Name: "time", Data: &t.time},
	}, t.current.columns...)}
	return t
}

func (t *moveRows) add(r *kafka.Record) error {
	v, err := identity.Decode[identity.Move](r.Value)
	if err != nil {
		return err
	}
	t.workspace.Append(v.Workspace)
	t.anchor.Append(uint128(v.Anchor))
	t.person.Append(uint128(v.Person))
	t.version.Append(v.Version)
	t.home.Append(uint128(v.Home))
	t.thread.Append(uint128(v.Thread))
	t.from.Append(uint128(v.From))
	t.kind.Append(v.Type)
	t.value.Append(v.Value)
	t.rule.Append(v.Evidence.Rule)
	t.touchpoint.Append(v.Evidence.Touchpoint)
	t.source.Append(v.Evidence.Source)
	t.user.Append(v.Evidence.User)
	t.time.Append(min(max(v.Evidence.Time, 0), maxTime))
	return nil
}

// The log comes first: whoever sees where an anchor belongs can then also see why.
func (t *moveRows) tables() []table { return []table{t.log, t.current} }
func (t *moveRows) reset()          { resetAll(t.log.columns) }

// refusalRows are links that did not join.
type refusalRows struct {
	workspace, kind, aType, bType, rule, source store.DictionaryColumn
	a, b                                        store.UInt128Column
	aValue, bValue, reason, touchpoint          store.StringColumn
	version                                     store.UInt64Column
	time                                        store.Int64Column
	table                                       table
}

func newRefusalRows(names clickhouse.Tables) *refusalRows {
	t := &refusalRows{}
	t.table = table{names.Refusals, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "version", Data: &t.version}, {Name: "kind", Data: &t.kind},
		{Name: "a", Data: &t.a}, {Name: "a_type", Data: &t.aType}, {Name: "a_value", Data: &t.aValue},
		{Name: "b", Data: &t.b}, {Name: "b_type", Data: &t.bType}, {Name: "b_value", Data: &t.bValue},
		{Name: "rule", Data: &t.rule}, {Name: "reason", Data: &t.reason}, {Name: "touchpoint", Data: &t.touchpoint},
		{Name: "source", Data: &t.source}, {Name: "time", Data: &t.time},
	}}
	return t
}

func (t *refusalRows) add(r *kafka.Record) error {
	v, err := identity.Decode[identity.Refusal](r.Value)
	if err != nil {
		return err
	}
	t.workspace.Append(v.Workspace)
	t.version.Append(v.Version)
	t.kind.Append(string(v.Kind))
	t.a.Append(uint128(v.A.Anchor))
	t.aType.Append(v.A.Type)
	t.aValue.Append(v.A.Value)
	t.b.Append(uint128(v.B.Anchor))
	t.bType.Append(v.B.Type)
	t.bValue.Append(v.B.Value)
	t.rule.Append(v.Rule)
	t.reason.Append(v.Reason)
	t.touchpoint.Append(v.Evidence.Touchpoint)
	t.source.Append(v.Evidence.Source)
	t.time.Append(min(max(v.Evidence.Time, 0), maxTime))
	return nil
}

func (t *refusalRows) tables() []table { return []table{t.table} }
func (t *refusalRows) reset()          { resetAll(t.table.columns) }
