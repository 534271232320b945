package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	schema "github.com/throughline/throughline/schemas/clickhouse"
	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/schemas/workspace"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/kafka/kafkatest"
	"github.com/throughline/throughline/services/segment"
	streams "github.com/throughline/throughline/streams/identity"
)

// rules are read once: thousands of events ask for them.
var rules = sync.OnceValue(streams.DefaultRules)

// now is when every test takes place.
var now = at("2026-11-20T12:00:00Z")

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

// keys are those of the test's two workspaces, and of who runs the installation.
var keys = map[string]string{"default-key": workspace.Default, "ours-key": "ours", "theirs-key": "theirs", "reader-key": "ours", "writer-key": "ours"}

// limited are the keys that have one scope alone.
var limited = map[string]workspace.Scope{"reader-key": workspace.Read, "writer-key": workspace.Write}

type directory struct {
	mu          sync.Mutex
	generations topic.Generations
}

func (d *directory) Authenticate(key string) (string, bool) {
	w, ok := keys[key]
	return w, ok
}

func (d *directory) May(key string, s workspace.Scope) bool {
	if only, limited := limited[key]; limited {
		return workspace.Key{Scopes: []workspace.Scope{only}}.May(s)
	}
	return keys[key] != ""
}

func (d *directory) KeyName(key string) string { return map[string]string{"ours-key": "eva"}[key] }

func (d *directory) Generations() (topic.Generations, *topic.Generations) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.generations, nil
}

// fixture is a server over an empty store and an empty log.
type fixture struct {
	tb      testing.TB
	db      *clickhouse.DB
	cluster *kafkatest.Cluster
	dir     *directory
	server  *Server
	handler http.Handler
	receive string // when what is stored is received; "" is a second after it happened
}

func start(tb testing.TB, change ...func(*Config)) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, db: clickhousetest.Start(tb), dir: &directory{generations: topic.First}}
	if err := f.db.Migrate(tb.Context(), schema.Migrations, clickhouse.Layout{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// First, because the engine trips over a dictionary that is loaded while its database is dropped.
		for _, name := range []string{"moved_lately", "moved"} {
			if err := f.db.Exec(context.Background(), "DROP DICTIONARY IF EXISTS "+name+" SYNC", nil); err != nil {
				tb.Error(err)
			}
		}
	})
	var specs []kafka.TopicSpec
	for _, t := range topic.Table {
		spec := kafka.TopicSpec{Name: string(t.Name), Partitions: 2}
		if t.Single {
			spec.Partitions = 1
		}
		specs = append(specs, spec)
	}
	f.cluster = kafkatest.Start(tb, specs...)
	c := DefaultConfig()
	c.DB, c.Log, c.Directory, c.Collect, c.Producer = f.db, f.cluster.Admin(tb), f.dir, f.collector(), f.cluster.Producer(tb)
	c.Doors = []Door{f.calls(c.Collect), f.providers(c.Collect)}
	c.Gatherer = prometheus.NewRegistry()
	c.Logger = slog.New(slog.NewTextHandler(tb.Output(), nil))
	c.Now = func() time.Time { return now }
	for _, change := range change {
		change(&c)
	}
	var err error
	if f.server, err = New(c); err != nil {
		tb.Fatal(err)
	}
	f.handler = f.server.Handler()
	return f
}

// calls is the door of Segment's calls.
func (f *fixture) calls(c *collect.Collector) Door {
	f.tb.Helper()
	out, err := segment.New(segment.Config{Collector: c, Directory: f.dir})
	if err != nil {
		f.tb.Fatal(err)
	}
	return out
}

// collector is the door, onto the test's log.
func (f *fixture) collector() *collect.Collector {
	f.tb.Helper()
	c := collect.DefaultConfig()
	c.Producer, c.Directory = f.cluster.Producer(f.tb), f.dir
	c.Now = func() time.Time { return now }
	out, err := collect.New(c)
	if err != nil {
		f.tb.Fatal(err)
	}
	return out
}

// row is a row to insert; what a column may hold is what text says.
type row map[string]any

func cell(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return moment(v)
	case identity.Anchor:
		return number(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
		}
		return "[" + strings.Join(quoted, ",") + "]"
	case []identity.Anchor:
		return numbers(v)
	case []bool:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ",")
	case []int:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ",")
	case []float64:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ",")
	}
	panic(fmt.Sprintf("cell of %T", v))
}

// insert writes rows that have the same columns.
func (f *fixture) insert(table string, rows ...row) {
	f.tb.Helper()
	var columns []clickhouse.Column
	for name := range rows[0] {
		data := new(clickhouse.StringColumn)
		for _, r := range rows {
			data.Append(cell(r[name]))
		}
		columns = append(columns, clickhouse.Column{Name: name, Data: data})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f.db.Insert(ctx, table, "", columns); err != nil {
		f.tb.Fatal(err)
	}
}

// event is a touchpoint to be stored, with the conversation it belongs to.
type event struct {
	workspace    string // "ours" when empty
	id           string
	time         string
	channel      string
	direction    string // inbound when empty
	kind         string // message when empty
	actor        string // customer when empty
	agent        string
	identifiers  []touchpoint.Identifier
	thread       []string
	subject      string
	text         string
	team         string
	topic        string
	source       string
	account      string
	tags         []string
	properties   string
	rating       *touchpoint.Rating
	notes        []touchpoint.Note
	conversation string // id of the touchpoint it is named after
}

func verified(s string) touchpoint.Identifier { return identifier(s, true) }
func claimed(s string) touchpoint.Identifier  { return identifier(s, false) }

func identifier(s string, verified bool) touchpoint.Identifier {
	typ, value, err := streams.ParseIdentifier(s)
	if err != nil {
		panic(err)
	}
	return touchpoint.Identifier{Type: typ, Value: value, Verified: verified}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (e event) workspaceOf() string { return or(e.workspace, "ours") }

func (e event) anchor() identity.Anchor {
	t := touchpoint.Touchpoint{ID: e.id, Identifiers: e.identifiers, Thread: e.thread}
	return rules().AnchorOf(e.workspaceOf(), touchpoint.KeyOf(e.workspaceOf(), e.id), &t).Anchor
}

// touchpoint is the event as it came.
func (e event) touchpoint() *touchpoint.Touchpoint {
	return &touchpoint.Touchpoint{
		ID: e.id, Time: at(e.time).UnixMilli(), Channel: or(e.channel, "email"), Direction: touchpoint.Direction(or(e.direction, "inbound")), Kind: or(e.kind, "message"),
		Actor: touchpoint.Actor{Type: touchpoint.ActorType(or(e.actor, "customer")), ID: e.agent}, Identifiers: e.identifiers, Thread: e.thread,
		Subject: e.subject, Text: e.text, Team: e.team, Topic: e.topic, Source: e.source, Account: e.account, Tags: e.tags, Properties: []byte(e.properties), Rating: e.rating, Notes: e.notes,
	}
}

// store puts touchpoints and their memberships into the store.
func (f *fixture) store(events ...event) {
	f.tb.Helper()
	var facts, members []row
	for i, e := range events {
		ws := e.workspaceOf()
		var names []string
		for _, id := range e.identifiers {
			names = append(names, id.String())
		}
		payload, err := e.touchpoint().AppendJSON(nil)
		if err != nil {
			f.tb.Fatal(err)
		}
		common := row{
			"workspace": ws, "key": touchpoint.KeyOf(ws, e.id), "anchor": e.anchor(), "time": at(e.time), "channel": or(e.channel, "email"),
			"direction": or(e.direction, "inbound"), "kind": or(e.kind, "message"), "team": e.team, "agent": e.agent, "topic": e.topic,
			"source": e.source, "account": e.account, "tags": e.tags,
		}
		fact := row{
			"received": at(e.time).Add(time.Second), "actor_type": or(e.actor, "customer"), "thread": e.thread,
			"identifiers": names, "payload": string(payload), "_partition": 0, "_offset": i,
		}
		if f.receive != "" {
			fact["received"] = at(f.receive)
		}
		fact["rating_scale"], fact["rating_value"] = "", 0
		if e.rating != nil {
			fact["rating_scale"], fact["rating_value"] = e.rating.Scale, e.rating.Value
		}
		for k, v := range common {
			fact[k] = v
		}
		facts = append(facts, fact)
		if e.conversation != "" {
			common["conversation"] = touchpoint.KeyOf(ws, e.conversation)
			common["person"], common["version"] = e.anchor(), 1
			members = append(members, common)
		}
	}
	f.insert("touchpoints", facts...)
	if len(members) > 0 {
		f.insert("conversation_touchpoints", members...)
	}
}

// move assigns an anchor to a person, as the loader stores it, and shows it to reports.
func (f *fixture) move(workspace string, a identity.Anchor, from, to identity.Anchor, version int) {
	f.tb.Helper()
	r := row{"workspace": workspace, "anchor": a, "person": to, "version": version, "home": a, "thread": "0"}
	f.insert("identities", r)
	r["from"], r["rule"], r["time"], r["at"] = from, "verified", now, now
	f.insert("identity_log", r)
	f.insert("identity_anchors", row{"workspace": workspace, "person": from, "anchor": a, "version": version, "came": false, "other": to},
		row{"workspace": workspace, "person": to, "anchor": a, "version": version, "came": true, "other": from})
	if err := f.db.Exec(f.tb.Context(), "SYSTEM RELOAD DICTIONARY moved", nil); err != nil {
		f.tb.Fatal(err)
	}
}

// anchorOf is the anchor of a verified identifier of our workspace.
func anchorOf(id string) identity.Anchor {
	i := verified(id)
	return identity.AnchorOf("ours", i.Type, i.Value)
}

func idOf(touchpointID string) string { return touchpoint.KeyOf("ours", touchpointID).String() }

// do asks the API with a key.
func (f *fixture) do(method, key, target string, body io.Reader, header ...string) *http.Response {
	f.tb.Helper()
	r := httptest.NewRequest(method, target, body)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	answer := w.Result()
	checkAnswer(f.tb, method, r.URL.Path, answer, w.Body.Bytes())
	return answer
}

// get asks for a path of our workspace and wants the status.
func (f *fixture) get(status int, target string) []byte {
	f.tb.Helper()
	answer := f.do(http.MethodGet, "ours-key", target, nil)
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != status {
		f.tb.Fatalf("GET %s: %d, want %d: %s", target, answer.StatusCode, status, body)
	}
	return body
}

func ids(all ...string) (out []touchpoint.Identifier) {
	for _, id := range all {
		out = append(out, verified(id))
	}
	return out
}

func keyOf(touchpointID string) touchpoint.Key { return touchpoint.KeyOf("ours", touchpointID) }
