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
	time, at                      store.Int64Column
	current, log                  table
	persons                       anchorRows
	recent                        recentRows
}

func newMoveRows(names clickhouse.Tables) *moveRows {
	t := &moveRows{}
	t.current = table{names.Identities, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "anchor", Data: &t.anchor}, {Name: "person", Data: &t.person},
		{Name: "version", Data: &t.version}, {Name: "home", Data: &t.home}, {Name: "thread", Data: &t.thread},
	}}
	t.log = table{names.IdentityLog, append([]store.Column{
		{Name: "from", Data: &t.from}, {Name: "type", Data: &t.kind}, {Name: "value", Data: &t.value}, {Name: "rule", Data: &t.rule},
		{Name: "touchpoint", Data: &t.touchpoint}, {Name: "source", Data: &t.source}, {Name: "user", Data: &t.user}, {Name: "time", Data: &t.time}, {Name: "at", Data: &t.at},
	}, t.current.columns...)}
	p := &t.persons
	p.table = table{names.Anchors, []store.Column{
		{Name: "workspace", Data: &p.workspace}, {Name: "person", Data: &p.person}, {Name: "anchor", Data: &p.anchor},
		{Name: "version", Data: &p.version}, {Name: "came", Data: &p.came}, {Name: "other", Data: &p.other},
	}}
	r := &t.recent
	r.table = table{names.Recent, []store.Column{{Name: "anchor", Data: &r.anchor}, {Name: "person", Data: &r.person}, {Name: "version", Data: &r.version}}}
	return t
}

// recentRows are the anchors of facts that moved.
type recentRows struct {
	anchor, person store.UInt128Column
	version        store.UInt64Column
	table          table
}

// anchorRows are where moves take anchors from, and where they bring them.
type anchorRows struct {
	workspace             store.DictionaryColumn
	person, anchor, other store.UInt128Column
	version               store.UInt64Column
	came                  store.BoolColumn
	table                 table
}

func (t *anchorRows) row(v *identity.Move, person, other identity.PersonID, came bool) {
	t.workspace.Append(v.Workspace)
	t.person.Append(uint128(person))
	t.anchor.Append(uint128(v.Anchor))
	t.version.Append(v.Version)
	t.came.Append(came)
	t.other.Append(uint128(other))
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
	t.at.Append(min(max(v.At, 0), maxTime))
	if !v.Thread.IsZero() {
		return nil // a participation moves no facts
	}
	t.recent.anchor.Append(uint128(v.Anchor))
	t.recent.person.Append(uint128(v.Person))
	t.recent.version.Append(v.Version)
	if v.From != v.Person {
		t.persons.row(&v, v.From, v.Person, false)
		t.persons.row(&v, v.Person, v.From, true)
	}
	return nil
}

// The log comes first: whoever sees where an anchor belongs can then also see why.
func (t *moveRows) tables() []table {
	return []table{t.log, t.persons.table, t.current, t.recent.table}
}

func (t *moveRows) reset() {
	for _, all := range []table{t.log, t.persons.table, t.recent.table} {
		resetAll(all.columns)
	}
}

// edgeRows are what was decided about links, once from either end.
type edgeRows struct {
	workspace, kind, decision, nodeType, otherType, rule, source, user store.DictionaryColumn
	node, other, key                                                   store.UInt128Column
	nodeValue, otherValue, detail, touchpoint, reason                  store.StringColumn
	version                                                            store.UInt64Column
	turned                                                             store.BoolColumn
	time, at                                                           store.Int64Column
	table                                                              table
}

func newEdgeRows(names clickhouse.Tables) *edgeRows {
	t := &edgeRows{}
	t.table = table{names.Edges, []store.Column{
		{Name: "workspace", Data: &t.workspace}, {Name: "node", Data: &t.node}, {Name: "other", Data: &t.other}, {Name: "version", Data: &t.version},
		{Name: "kind", Data: &t.kind}, {Name: "decision", Data: &t.decision}, {Name: "turned", Data: &t.turned},
		{Name: "node_type", Data: &t.nodeType}, {Name: "node_value", Data: &t.nodeValue},
		{Name: "other_type", Data: &t.otherType}, {Name: "other_value", Data: &t.otherValue},
		{Name: "rule", Data: &t.rule}, {Name: "detail", Data: &t.detail}, {Name: "touchpoint", Data: &t.touchpoint}, {Name: "key", Data: &t.key},
		{Name: "source", Data: &t.source}, {Name: "user", Data: &t.user}, {Name: "reason", Data: &t.reason},
		{Name: "time", Data: &t.time}, {Name: "at", Data: &t.at},
	}}
	return t
}

func (t *edgeRows) add(r *kafka.Record) error {
	v, err := identity.Decode[identity.Edge](r.Value)
	if err != nil {
		return err
	}
	t.row(&v, &v.A, &v.B, false)
	if v.B != (identity.Node{}) && v.B.Anchor != v.A.Anchor {
		t.row(&v, &v.B, &v.A, true)
	}
	return nil
}

func (t *edgeRows) row(v *identity.Edge, node, other *identity.Node, turned bool) {
	t.workspace.Append(v.Workspace)
	t.node.Append(uint128(node.Anchor))
	t.other.Append(uint128(other.Anchor))
	t.version.Append(v.Version)
	t.kind.Append(string(v.Kind))
	t.decision.Append(string(v.Decision))
	t.turned.Append(turned)
	t.nodeType.Append(node.Type)
	t.nodeValue.Append(node.Value)
	t.otherType.Append(other.Type)
	t.otherValue.Append(other.Value)
	t.rule.Append(v.Rule)
	t.detail.Append(v.Detail)
	t.touchpoint.Append(v.Evidence.Touchpoint)
	t.key.Append(uint128(v.Evidence.Key))
	t.source.Append(v.Evidence.Source)
	t.user.Append(v.Evidence.User)
	t.reason.Append(v.Evidence.Reason)
	t.time.Append(min(max(v.Evidence.Time, 0), maxTime))
	t.at.Append(min(max(v.At, 0), maxTime))
}

func (t *edgeRows) tables() []table { return []table{t.table} }
func (t *edgeRows) reset()          { resetAll(t.table.columns) }
