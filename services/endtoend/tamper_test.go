package endtoend

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/program"
)

// engines are the embedded engines of a stopped folder, open with all rights.
type engines struct {
	*program.Process
	kafka, clickhouse string
}

func startEngines(tb testing.TB, data string) *engines {
	tb.Helper()
	e := &engines{kafka: program.FreeAddress(tb), clickhouse: program.FreeAddress(tb)}
	e.Process = program.Start(tb, "engines", "engines", "--data", data, "--kafka-listen", e.kafka, "--clickhouse-listen", e.clickhouse)
	e.Ready(tb, "http://"+e.clickhouse+"/ping")
	return e
}

// query runs a statement as somebody who has all rights does.
func (e *engines) query(tb testing.TB, sql string) string {
	tb.Helper()
	res, err := http.Post("http://"+e.clickhouse+"/?database=throughline", "text/plain", strings.NewReader(sql))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		tb.Fatalf("%s: %d %s %v", sql, res.StatusCode, body, err)
	}
	return strings.TrimSpace(string(body))
}

// Whatever is changed in the store behind its back, the audit fails and says what.
func TestAuditFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	u.send(crowd(5, "crowd-", 600)...)
	u.send(message("rated", "rated@example.com", m{"kind": "survey.answered", "rating": m{"scale": "csat", "value": 4}, "language": "de", "thread": []string{"ticket:shared"}}))
	clean := u.settle()
	u.Stop(t)
	e := startEngines(t, u.data)
	where := []string{"--kafka", e.kafka, "--clickhouse", "http://" + e.clickhouse}
	if report, r := audit(t, where...); r.Code != 0 || report.Touchpoints != clean.Touchpoints || report.People != clean.People {
		t.Fatalf("untouched: %s", r)
	}
	const now = " SETTINGS mutations_sync = 2"
	one := func(sql string) string { return e.query(t, sql+" LIMIT 1") }
	conversation := func(where string) string {
		return one("SELECT lower(leftPad(hex(id), 32, '0')) FROM conversations FINAL WHERE state NOT IN ('superseded', 'gone') AND " + where)
	}
	update := func(table, change, where string) string {
		return "ALTER TABLE " + table + " UPDATE " + change + " WHERE " + where + now
	}
	ofID := func(id string) string { return "lower(leftPad(hex(id), 32, '0')) = '" + id + "'" }
	moved := one("SELECT lower(leftPad(hex(anchor), 32, '0')) FROM identities FINAL WHERE thread = 0")
	decided := one("SELECT max(version) FROM identity_edges WHERE decision = 'joined'")
	judged := one("SELECT min(version) FROM identity_edges WHERE decision = 'joined'")
	for _, c := range []struct {
		name, sql string
		names     string // what the audit must name
	}{
		{"a fact deleted", "ALTER TABLE touchpoints DELETE WHERE id = 'crowd-10'" + now, "default/crowd-10 "},
		{"a fact changed", update("touchpoints", "payload = replaceOne(payload, '\"text\":\"', '\"text\":\"forged ')", "id = 'crowd-11'"), "default/crowd-11 "},
		{"a rating changed", update("touchpoints", "rating_value = 1", "id = 'rated'"), "default/rated "},
		{"an actor renamed", update("touchpoints", "payload = replaceOne(payload, actor_name, 'Eve')", "id = '"+one("SELECT id FROM touchpoints WHERE actor_name != ''")+"'"), "Eve"},
		{"a fact doubled", "INSERT INTO touchpoints SELECT * FROM touchpoints WHERE id = 'crowd-12'", "600 touchpoints"},
		{"an identity deleted", "ALTER TABLE identities DELETE WHERE lower(leftPad(hex(anchor), 32, '0')) = '" + moved + "'" + now, "person"},
		{"a decision deleted", "ALTER TABLE identity_edges DELETE WHERE decision = 'joined' AND version = " + decided + now, "at version " + decided + " by"},
		{"a decision made up", "INSERT INTO identity_edges (workspace, node, other, version, decision, rule) VALUES ('default', 7, 8, 1, 'joined', 'forged')", "by \"forged\""},
		{"a decision's evidence changed", update("identity_edges", "touchpoint = 'forged'", "decision = 'joined' AND version = "+judged), "touchpoint:forged"},
		{"a conversation changed", update("conversations_by_anchor", "payload = replaceRegexpOne(payload, '\"hand_overs\":[0-9]+', '\"hand_overs\":77')", ofID(conversation("hand_overs > 0"))), "77 handed over"},
		{"a conversation deleted", "ALTER TABLE conversations_by_anchor DELETE WHERE " + ofID(conversation("touchpoints > 3")) + now, "is not stored"},
		{"a conversation's tags changed", update("conversations_by_anchor", "payload = replaceRegexpOne(payload, '\"tags\":\\\\[[^]]*]', '\"tags\":[\"forged\"]')", ofID(conversation("notEmpty(tags)"))), "forged"},
		{"a conversation given away", update("conversations_by_anchor", "person = 77", ofID(conversation("touchpoints = 2 AND hand_overs = 0 AND person = anchor AND empty(participants)"))), "0000004d"},
		{"a conversation changed for reports", update("conversations", "hand_overs = 79", ofID(conversation("touchpoints > 2"))), "for reports"},
		{"a member moved", update("conversation_touchpoints", "conversation = 78", "key IN (SELECT key FROM touchpoints WHERE id = 'rated')"), "0000004e"},
		{"a member relabelled", update("conversation_touchpoints", "team = 'forged'", "key IN (SELECT key FROM touchpoints WHERE id = 'crowd-13')"), "crowd-13 is counted"},
	} {
		e.query(t, c.sql)
		report, r := audit(t, where...)
		found := strings.Contains(strings.Join(report.Differences, "\n"), c.names)
		if r.Code != 1 || !found || !strings.Contains(r.Stderr, "differs from the log") {
			t.Errorf("%s: exit %d, %q is not named: %s", c.name, r.Code, c.names, strings.Join(report.Differences, "\n"))
		}
	}
	e.Stop(t)
	if report, r := audit(t, "--data", u.data); r.Code != 1 || report.Count == 0 {
		t.Errorf("of the folder: %s", r)
	}
	// What is derived can be made anew from the log: then all is as it should be.
	u.start()
	run(t, append([]string{"rebuild", "store"}, u.server()...)...)
	if report := u.settle(); fmt.Sprint(report) != fmt.Sprint(clean) {
		t.Errorf("rebuilt: %+v, want %+v", report, clean)
	}
}

// The audit of an installation that is used finds nothing: what comes in meanwhile is left out.
func TestAuditWhileItIsUsed(t *testing.T) {
	t.Parallel()
	u := startUp(t)
	var quiet []m // of people whom nothing concerns later
	for i := range 50 {
		quiet = append(quiet, message(fmt.Sprint("quiet-", i), fmt.Sprintf("quiet%d@example.com", i/2), nil))
	}
	u.send(quiet...)
	done := make(chan struct{})
	stop := time.Now().Add(8 * time.Second)
	go func() {
		defer close(done)
		for i := 0; time.Now().Before(stop); i++ {
			batch := crowd(uint64(i), fmt.Sprintf("wave-%d-", i), 200)
			if a, err := u.request(http.MethodPost, "/v1/touchpoints", asJSON, encode(batch)); err != nil || a.status != http.StatusAccepted {
				t.Errorf("send: %d %s %v", a.status, a.body, err)
				return
			}
			pause(t.Context(), 30*time.Millisecond)
		}
	}()
	for n := 1; ; n++ {
		report := u.settle()
		t.Logf("audit %d: %+v", n, report)
		if report.People < 25 {
			t.Errorf("of people whom nothing concerned, %d were compared", report.People)
		}
		if time.Now().After(stop) {
			break
		}
	}
	<-done
	if report := u.settle(); report.Moving > 0 || report.People <= 25 {
		t.Errorf("afterwards: %+v", report)
	}
}
