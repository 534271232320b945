package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/topic"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// Act is what came of a user's word.
type Act struct {
	Version  uint64            `json:"version"` // of everything that came of it
	Decision identity.Decision `json:"decision"`
	Persons  []PersonNow       `json:"persons"` // those concerned, as they are now
	Evidence []Evidence        `json:"evidence"`
}

// PersonNow is a person with what it is known by.
type PersonNow struct {
	ID          identity.PersonID `json:"id"`
	Identifiers []Node            `json:"identifiers"`
}

// Pending is the answer to a word that is on the log, while what comes of it is not stored yet.
type Pending struct {
	Version uint64 `json:"version"`
}

// refusedAct is an act that a rule does not allow.
type refusedAct struct{ rule, detail string }

func (e *refusedAct) Error() string { return strings.TrimSuffix(e.rule+": "+e.detail, ": ") }

// said is what every act has in its body.
type said struct {
	Reason  string `json:"reason"`
	User    string `json:"user"`
	Preview bool   `json:"preview"`
}

// Bounds of what a user says, in characters.
const (
	minReason = 3
	maxReason = 500
)

// check completes who says it, and reports what is missing.
func (v *said) check(s *Server, r *http.Request) error {
	spoken := strings.Join(strings.Fields(v.Reason), "")
	if utf8.RuneCountInString(spoken) < minReason || utf8.RuneCountInString(v.Reason) > maxReason {
		return &fieldError{"reason", fmt.Sprintf("want %d to %d characters: whoever meets it later has to understand it", minReason, maxReason)}
	}
	if !plain(v.Reason) {
		return &fieldError{"reason", "want UTF-8 text without NUL"}
	}
	user, err := s.speaker(r, v.User)
	v.User = user
	return err
}

// readBody reads the JSON object of a request. A field that is not known is an error: a misspelt preview must not be an act.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := s.bodies.Read(w, r)
	if err != nil {
		return err
	}
	defer body.Release()
	return strictly("", body.Bytes, into)
}

// readYAML reads the YAML document of a request and hands it to set, which puts it in force. What set says with the error bad is wrong
// with the document is what the client did wrong.
func (s *Server) readYAML(w http.ResponseWriter, r *http.Request, c *call, bad error, set func(yaml string) error) error {
	if err := c.query.done(); err != nil {
		return err
	}
	body, err := s.bodies.Read(w, r)
	if err != nil {
		return err
	}
	defer body.Release()
	text := string(body.Bytes)
	if !plain(text) {
		return &fieldError{"body", "want UTF-8 text without NUL"}
	}
	switch err := set(text); {
	case errors.Is(err, bad):
		return &fieldError{"body", strings.TrimPrefix(err.Error(), bad.Error()+": ")}
	case err != nil:
		return fmt.Errorf("serve: %s: %w", r.Pattern, err)
	}
	return nil
}

// strictly reads a JSON object into a struct; prefix is where in the body it stands. Names count as they are written: Go would take
// "Preview" for preview.
func strictly(prefix string, data []byte, into any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return &fieldError{strings.TrimSuffix(cmp.Or(prefix, "body"), "."), "want a JSON object"}
	}
	known := fieldsOf(reflect.TypeOf(into).Elem())
	for name, value := range fields {
		switch {
		case !slices.Contains(known, name):
			return &fieldError{prefix + name, "no such field here; there are " + strings.Join(known, ", ")}
		case string(value) == "null":
			return &fieldError{prefix + name, "want a value; leave it out when there is none"}
		}
	}
	if err := json.Unmarshal(data, into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return &fieldError{prefix + wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:], fmt.Sprintf("want %s, got %s", wrong.Type, wrong.Value)}
		}
		return &fieldError{cmp.Or(prefix, "body"), strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

// fieldsOf names the fields of a struct in JSON, those of embedded ones among them.
func fieldsOf(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			names = append(names, fieldsOf(f.Type)...)
		} else if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// word makes the link that a user's word is.
func (s *Server) word(c *call, kind identity.LinkKind, rule string, v *said, a, b identity.Node) *identity.Link {
	return &identity.Link{
		Workspace: c.workspace, Kind: kind, A: a, B: b, Time: s.config.Now().UnixMilli(), Source: "api", Rule: rule,
		User: v.User, Reason: strings.TrimSpace(v.Reason),
	}
}

// act puts a user's word on the log and waits until what comes of it is stored; concerned are all anchors of the persons that it
// is about. It answers the request.
func (s *Server) act(w http.ResponseWriter, r *http.Request, c *call, l *identity.Link, concerned []identity.Anchor) error {
	record := &kafka.Record{Topic: topic.Links.In(c.generations), Key: []byte(c.workspace), Value: identity.AppendLink(nil, l)}
	if err := s.config.Producer.Produce(r.Context(), []*kafka.Record{record}); err != nil {
		return fmt.Errorf("serve: %s: %w", l.Kind, err)
	}
	version := uint64(record.Offset) + 1
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Patience)
	defer cancel()
	out, err := s.await(ctx, c, l, version, concerned)
	var refused *refusedAct
	switch {
	case err == nil:
		return answer(w, http.StatusOK, out)
	case errors.As(err, &refused), r.Context().Err() != nil:
		return err
	}
	// It is on the log, and nothing can take it back, whatever keeps us from seeing what comes of it.
	s.config.Logger.Warn("what became of a user's word is not known yet", "kind", l.Kind, "version", version, "error", err)
	return answer(w, http.StatusAccepted, Pending{version})
}

// await looks for what came of the word until it is all there or ctx ends.
func (s *Server) await(ctx context.Context, c *call, l *identity.Link, version uint64, concerned []identity.Anchor) (Act, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		decided, err := s.decided(ctx, c, l, version)
		if err != nil {
			return Act{}, err
		}
		if len(decided) > 0 {
			out, settled, err := s.settled(ctx, c, l, version, decided, concerned)
			if err != nil || settled {
				return out, err
			}
		}
		select {
		case <-ctx.Done():
			return Act{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// decided are the decisions of the version about those that the word names.
func (s *Server) decided(ctx context.Context, c *call, l *identity.Link, version uint64) (out []Evidence, err error) {
	nodes := []identity.Anchor{l.A.Anchor}
	if !l.B.Anchor.IsZero() {
		nodes = append(nodes, l.B.Anchor)
	}
	for i := range l.Nodes {
		nodes = append(nodes, l.Nodes[i].Anchor)
	}
	sql := `SELECT ` + evidenceColumns + ` FROM ` + c.tables.Edges + `
WHERE workspace = {workspace:String} AND node IN {nodes:Array(UInt128)} AND version = {version:UInt64}
ORDER BY turned, node, other LIMIT 1 BY least(node, other), greatest(node, other), decision LIMIT {limit:UInt32}`
	err = s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{
		"workspace": c.workspace, "nodes": numbers(nodes), "version": version, "limit": maxEvidence,
	}, func(r *clickhouse.Rows) error {
		e, err := scanEvidence(r)
		e.InForce = true
		out = append(out, e)
		return err
	})
	if err == nil {
		err = s.nameEnds(ctx, c, out)
	}
	return out, err
}

// settled tells whether the moves are stored that the decisions bring about: identities that the evidence joins are one
// person, and those it does not join are not. A refusal moves nobody.
func (s *Server) settled(ctx context.Context, c *call, l *identity.Link, version uint64, decided []Evidence, concerned []identity.Anchor) (out Act, settled bool, err error) {
	out = Act{Version: version, Evidence: decided}
	for _, e := range decided {
		if e.Decision == identity.Refused {
			return out, true, &refusedAct{e.Rule, e.Detail}
		}
	}
	out.Decision = decided[0].Decision
	list, err := s.evidence(ctx, c, concerned)
	if err != nil {
		return out, false, err
	}
	now, err := s.personsOf(ctx, c, concerned)
	if err != nil {
		return out, false, err
	}
	if len(list) < maxEvidence && !agree(list, now) || !spoken(l, now) {
		return out, false, nil
	}
	out.Persons, err = s.personsNow(ctx, c, now, list)
	return out, true, err
}

// spoken tells whether the persons are as the word has it. Decisions of one version may be stored one after the other, so that what is
// stored of them need not be all.
func spoken(l *identity.Link, now map[identity.Anchor]identity.PersonID) bool {
	person := func(n *identity.Node) identity.PersonID { return now[n.Anchor] }
	switch l.Kind {
	case identity.LinkMerge, identity.LinkAccept:
		return l.A.Type == identity.ThreadType || person(&l.A) == person(&l.B)
	case identity.LinkSplit:
		leaves := map[identity.Anchor]bool{}
		for i := range l.Nodes {
			if leaves[l.Nodes[i].Anchor] = true; person(&l.Nodes[i]) != person(&l.Nodes[0]) {
				return false
			}
		}
		return leaves[l.A.Anchor] || person(&l.A) != person(&l.Nodes[0])
	}
	return true
}

// agree tells whether the persons are the parts that the evidence holds together. Threads follow somebody without evidence, and
// are not asked.
func agree(list []Evidence, now map[identity.Anchor]identity.PersonID) bool {
	up := map[identity.Anchor]identity.Anchor{}
	root := func(a identity.Anchor) identity.Anchor {
		for up[a] != a {
			up[a] = up[up[a]]
			a = up[a]
		}
		return a
	}
	for i := range list {
		e := &list[i]
		ends := []*Node{&e.A, e.B}
		for _, n := range ends {
			if n == nil || n.Type == identity.ThreadType {
				continue
			}
			if _, asked := now[n.anchor]; asked && up[n.anchor].IsZero() {
				up[n.anchor] = n.anchor
			}
		}
		if e.joins() && !up[e.A.anchor].IsZero() && !up[e.B.anchor].IsZero() {
			up[root(e.A.anchor)] = root(e.B.anchor)
		}
	}
	person, part := map[identity.Anchor]identity.PersonID{}, map[identity.PersonID]identity.Anchor{}
	for a := range up {
		top, p := root(a), now[a]
		if known, ok := person[top]; ok && known != p {
			return false
		}
		if known, ok := part[p]; ok && known != top {
			return false
		}
		person[top], part[p] = p, top
	}
	return true
}

// personsOf says whose each of the anchors is now.
func (s *Server) personsOf(ctx context.Context, c *call, anchors []identity.Anchor) (map[identity.Anchor]identity.PersonID, error) {
	out := make(map[identity.Anchor]identity.PersonID, len(anchors))
	for _, a := range anchors {
		out[a] = a
	}
	sql := `SELECT anchor, argMax(person, version) FROM ` + c.tables.Identities + `
WHERE workspace = {workspace:String} AND thread = 0 AND anchor IN {anchors:Array(UInt128)} GROUP BY anchor`
	err := s.store.each(ctx, s.store.lookup, sql, clickhouse.Params{"workspace": c.workspace, "anchors": numbers(anchors)}, func(r *clickhouse.Rows) error {
		var anchor, person wide
		err := r.Scan(&anchor, &person)
		out[asAnchor(&anchor)] = asAnchor(&person)
		return err
	})
	return out, err
}

// personsNow groups anchors by person.
func (s *Server) personsNow(ctx context.Context, c *call, now map[identity.Anchor]identity.PersonID, list []Evidence) ([]PersonNow, error) {
	called, err := s.namesOf(ctx, c, keysOf(now), list, nil)
	if err != nil {
		return nil, err
	}
	return called.group(now), nil
}
