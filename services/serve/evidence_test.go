package serve

import (
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	streams "github.com/throughline/throughline/streams/identity"
)

// nodeOf is the node of an identifier, or of a thread such as ticket:1, of our workspace.
func nodeOf(text string) identity.Node {
	typ, value, _ := strings.Cut(text, ":")
	if typ == "ticket" || typ == "session" {
		return streams.ThreadNode("ours", text)
	}
	return identity.Node{Anchor: identity.AnchorOf("ours", typ, value), Type: typ, Value: value}
}

// decision is an edge between a and b, as the log of edges has it.
func decision(version uint64, kind identity.LinkKind, what identity.Decision, a, b, rule string) identity.Edge {
	e := identity.Edge{
		Workspace: "ours", Kind: kind, A: nodeOf(a), Decision: what, Rule: rule, Version: version, At: now.UnixMilli() + int64(version),
		Evidence: identity.Evidence{Rule: rule, Time: now.UnixMilli(), Source: "shop"},
	}
	if b != "" {
		e.B = nodeOf(b)
	}
	if kind.Manual() {
		e.Evidence.User, e.Evidence.Reason = "eva", "she said so"
	} else {
		e.Evidence.Touchpoint = "t" + strings.Repeat("i", int(version%5))
		e.Evidence.Key = keyOf(e.Evidence.Touchpoint)
	}
	return e
}

func millis(ms int64) time.Time { return time.UnixMilli(ms) }

// decided stores edges as the loader does, once from either end.
func (f *fixture) decided(edges ...identity.Edge) {
	f.tb.Helper()
	var rows []row
	for i := range edges {
		e := &edges[i]
		one := func(node, other identity.Node, turned bool) {
			rows = append(rows, row{
				"workspace": e.Workspace, "node": node.Anchor, "other": other.Anchor, "version": e.Version, "kind": string(e.Kind), "decision": string(e.Decision),
				"turned": turned, "node_type": node.Type, "node_value": node.Value, "other_type": other.Type, "other_value": other.Value,
				"rule": e.Rule, "detail": e.Detail, "touchpoint": e.Evidence.Touchpoint, "key": e.Evidence.Key, "source": e.Evidence.Source,
				"user": e.Evidence.User, "reason": e.Evidence.Reason, "time": millis(e.Evidence.Time), "at": millis(e.At),
			})
		}
		if one(e.A, e.B, false); !e.B.Anchor.IsZero() {
			one(e.B, e.A, true)
		}
	}
	f.insert("identity_edges", rows...)
}

// moved stores moves as the loader does, and shows them to reports.
func (f *fixture) moved(moves ...identity.Move) {
	f.tb.Helper()
	var current, log, persons []row
	for _, m := range moves {
		if m.Thread.IsZero() {
			persons = append(persons,
				row{"workspace": m.Workspace, "person": m.From, "anchor": m.Anchor, "version": m.Version, "came": false, "other": m.Person},
				row{"workspace": m.Workspace, "person": m.Person, "anchor": m.Anchor, "version": m.Version, "came": true, "other": m.From})
		}
		c := row{"workspace": m.Workspace, "anchor": m.Anchor, "person": m.Person, "version": m.Version, "home": m.Home, "thread": m.Thread}
		l := row{"from": m.From, "type": m.Type, "value": m.Value, "rule": m.Evidence.Rule, "touchpoint": m.Evidence.Touchpoint, "source": m.Evidence.Source,
			"user": m.Evidence.User, "time": millis(m.Evidence.Time), "at": millis(m.At)}
		for k, v := range c {
			l[k] = v
		}
		current, log = append(current, c), append(log, l)
	}
	f.insert("identity_log", log...)
	if len(persons) > 0 {
		f.insert("identity_anchors", persons...)
	}
	f.insert("identities", current...)
	if err := f.db.Exec(f.tb.Context(), "SYSTEM RELOAD DICTIONARY moved", nil); err != nil {
		f.tb.Fatal(err)
	}
}

// moveOf is the move of an identifier to the person named after another.
func moveOf(version uint64, of, from, to string) identity.Move {
	n := nodeOf(of)
	return identity.Move{
		Workspace: "ours", Anchor: n.Anchor, Home: n.Anchor, From: nodeOf(from).Anchor, Person: nodeOf(to).Anchor, Version: version, Type: n.Type, Value: n.Value,
		At: now.UnixMilli() + int64(version), Evidence: identity.Evidence{Rule: "verified by one touchpoint", Touchpoint: "t1", Time: now.UnixMilli()},
	}
}

type nodeAnswer struct{ Type, Value string }

func (n nodeAnswer) String() string { return n.Type + ":" + n.Value }

type evidenceAnswer struct {
	ID                             string
	A                              nodeAnswer
	B                              *nodeAnswer
	Decision, By, Rule, Detail     string
	Touchpoint, User, Reason, Time string
	InForce                        bool `json:"in_force"`
	Version                        int
}

func (e evidenceAnswer) String() string {
	out := e.A.String()
	if e.B != nil {
		out += "-" + e.B.String()
	}
	if out += " " + e.Decision + " by " + e.By; !e.InForce {
		out += " (not any more)"
	}
	return out
}

func texts[T interface{ String() string }](list []T) string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return strings.Join(out, ", ")
}

type whyAnswer struct {
	Person      string
	Identifiers []struct {
		nodeAnswer
		Joins  int
		Shared bool
	}
	Evidence []evidenceAnswer
	Moves    []struct {
		Identifier   nodeAnswer
		From, Person string
		Reason       string
		Version      int
	}
}

func TestWhyAPerson(t *testing.T) {
	f := start(t)
	anna := "customer_id:C1"
	f.store(
		event{id: "t1", time: "2026-11-01T09:00:00Z", identifiers: ids(anna)},
		event{id: "t2", time: "2026-11-02T09:00:00Z", channel: "chat", identifiers: ids("cookie:k")},
	)
	f.decided(
		decision(1, identity.LinkVerified, identity.Joined, anna, "email:anna@example.com", "verified by one touchpoint"),
		decision(2, identity.LinkVerified, identity.Joined, "email:anna@example.com", "phone:+4930123456", "verified by one touchpoint"),
		decision(3, identity.LinkVerified, identity.Refused, anna, "customer_id:C2", "customer_id: max 1"),
		decision(4, identity.LinkClaimed, identity.Suggested, anna, "email:claimed@example.com", "claimed by one touchpoint"),
		decision(5, identity.LinkMerge, identity.Joined, anna, "cookie:k", "merged by hand"),
		decision(6, identity.LinkRetract, identity.Undone, "email:anna@example.com", "phone:+4930123456", "retracted by hand"),
		// Somebody else who claims to be Anna, or was said not to be, is not on her card.
		decision(7, identity.LinkClaimed, identity.Suggested, "session:s", "email:anna@example.com", "claimed by one touchpoint"),
		decision(8, identity.LinkDecline, identity.Declined, "session:s2", "email:anna@example.com", "declined by hand"),
	)
	f.moved(moveOf(1, "email:anna@example.com", "email:anna@example.com", anna), moveOf(2, "phone:+4930123456", "phone:+4930123456", anna), moveOf(5, "cookie:k", "cookie:k", anna),
		moveOf(6, "phone:+4930123456", anna, "phone:+4930123456"))
	id := anchorOf(anna).String()
	why := decode[whyAnswer](t, f.get(200, "/v1/people/"+id+"/why"))
	want := "customer_id:C1-cookie:k joined by hand, customer_id:C1-email:claimed@example.com suggested by claimed, customer_id:C1-customer_id:C2 refused by verified, " +
		"customer_id:C1-email:anna@example.com joined by verified"
	if got := texts(why.Evidence); got != "email:anna@example.com-phone:+4930123456 undone by hand, "+strings.Replace(want, "customer_id:C1-email:anna", "email:anna@example.com-phone:+4930123456 joined by verified (not any more), customer_id:C1-email:anna", 1) {
		t.Errorf("evidence %s", got)
	}
	var names []string
	for _, i := range why.Identifiers {
		names = append(names, i.String())
	}
	if strings.Join(names, " ") != "cookie:k customer_id:C1 email:anna@example.com" || why.Identifiers[1].Joins != 2 {
		t.Errorf("identifiers %+v", why.Identifiers)
	}
	if len(why.Moves) != 3 || why.Moves[0].Version != 5 || why.Moves[0].Identifier.String() != "cookie:k" || why.Moves[0].Reason != "she said so" || why.Moves[2].From != anchorOf("email:anna@example.com").String() {
		t.Errorf("moves %+v", why.Moves)
	}
	if e := why.Evidence[0]; e.User != "eva" || e.Reason != "she said so" || e.ID != identity.PairID(nodeOf("phone:+4930123456").Anchor, nodeOf("email:anna@example.com").Anchor).String() {
		t.Errorf("%+v", e)
	}
	// One that was merged away leads to the survivor; one that nobody knows is none.
	if answer := f.do("GET", "ours-key", "/v1/people/"+anchorOf("cookie:k").String()+"/why", nil); answer.StatusCode != 308 || answer.Header.Get("Location") != "/v1/people/"+id+"/why" {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	f.get(404, "/v1/people/"+strings.Repeat("0", 32)+"/why")
}

type whyTwoAnswer struct {
	A, B struct {
		nodeAnswer
		Person string
	}
	Verdict, Detail string
	Path            []nodeAnswer
	Chain           []evidenceAnswer
	Moves           []struct{ Identifier nodeAnswer }
	Evidence        []evidenceAnswer
}

func TestWhyTwo(t *testing.T) {
	f := start(t)
	f.store(
		event{id: "t1", time: "2026-11-01T09:00:00Z", identifiers: ids("customer_id:C1")}, event{id: "t2", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C2")},
		event{id: "t3", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C3")}, event{id: "t4", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C4")},
		event{id: "t5", time: "2026-11-02T09:00:00Z", identifiers: ids("customer_id:C5")},
	)
	verified, refused := identity.LinkVerified, identity.Refused
	f.decided(
		// C1 = email = phone, and = cookie = phone: over the e-mail rather than over the cookie.
		decision(1, verified, identity.Joined, "customer_id:C1", "cookie:k", "verified"),
		decision(2, verified, identity.Joined, "cookie:k", "phone:+4930123456", "verified"),
		decision(3, verified, identity.Joined, "customer_id:C1", "email:a@example.com", "verified"),
		decision(4, verified, identity.Joined, "email:a@example.com", "phone:+4930123456", "verified"),
		decision(5, verified, refused, "customer_id:C1", "customer_id:C2", "customer_id: max 1"),
		decision(6, identity.LinkSplit, identity.Undone, "customer_id:C3", "email:a@example.com", "split by hand"),
		decision(7, verified, identity.Refused, "customer_id:C3", "email:a@example.com", "split"),
		decision(8, identity.LinkClaimed, identity.Suggested, "customer_id:C4", "email:a@example.com", "claimed by one touchpoint"),
		decision(9, verified, identity.Shared, "phone:+4930987654", "", "shared: phone"),
		decision(9, verified, identity.Undone, "customer_id:C5", "phone:+4930987654", "shared: phone"),
		decision(9, verified, refused, "email:a@example.com", "phone:+4930987654", "shared: phone"),
	)
	f.moved(moveOf(1, "cookie:k", "cookie:k", "customer_id:C1"), moveOf(2, "phone:+4930123456", "phone:+4930123456", "customer_id:C1"), moveOf(3, "email:a@example.com", "email:a@example.com", "customer_id:C1"),
		moveOf(4, "ticket:T1", "ticket:T1", "customer_id:C1"))
	ask := func(a, b string) whyTwoAnswer {
		return decode[whyTwoAnswer](t, f.get(200, "/v1/people/why?a="+strings.ReplaceAll(a, "+", "%2B")+"&b="+strings.ReplaceAll(b, "+", "%2B")))
	}
	got := ask("customer_id:C1", "phone:+4930123456")
	if got.Verdict != "one_person" || texts(got.Path) != "customer_id:C1, email:a@example.com, phone:+4930123456" || len(got.Chain) != 2 {
		t.Errorf("%+v", got)
	}
	if back := ask("phone:+4930123456", anchorOf("customer_id:C1").String()); texts(back.Path) != "phone:+4930123456, email:a@example.com, customer_id:C1" {
		t.Errorf("%+v", back)
	}
	if got := ask("ticket:T1", "customer_id:C1"); got.Verdict != "one_person" || len(got.Chain) != 0 || len(got.Moves) != 1 {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct{ a, b, verdict, detail string }{
		{"customer_id:C1", "customer_id:C2", "refused", "max 1"},
		{"phone:+4930123456", "customer_id:C2", "refused", "max 1"},
		{"customer_id:C3", "customer_id:C1", "split", "same evidence"},
		{"customer_id:C4", "email:a@example.com", "suggested", identity.PairID(anchorOf("customer_id:C4"), anchorOf("email:a@example.com")).String()},
		{"customer_id:C1", "customer_id:C5", "shared", "30987654 is used by several"},
		{"customer_id:C2", "customer_id:C5", "none", "no evidence"},
		{"phone:+4930987654", "customer_id:C5", "shared", "30987654 is used by several"},
	} {
		got := ask(c.a, c.b)
		if got.Verdict != c.verdict || !strings.Contains(got.Detail, c.detail) || len(got.Path) != 0 || (c.verdict != "none") != (len(got.Evidence) > 0) {
			t.Errorf("%s and %s: %+v", c.a, c.b, got)
		}
	}
	f.get(404, "/v1/people/why?a=customer_id:C1&b=customer_id:nobody")
	f.get(400, "/v1/people/why?a=customer_id:C1&b=nobody")
	f.get(400, "/v1/people/why?a=customer_id:C1")
}
