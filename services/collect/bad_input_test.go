package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
)

// with is a good touchpoint with one field more, or with the given one in place of its own.
func with(field, value string) string {
	base := []string{`"id":"a"`, `"time":"2026-03-01T10:00:00Z"`, `"channel":"email"`, `"direction":"inbound"`, `"kind":"message"`,
		`"actor":{"type":"customer"}`, `"identifiers":[{"type":"email","value":"anna@example.com"}]`}
	out := make([]string, 0, len(base)+1)
	for _, b := range base {
		if !strings.HasPrefix(b, `"`+field+`":`) {
			out = append(out, b)
		}
	}
	if value != "" {
		out = append(out, `"`+field+`":`+value)
	}
	return "{" + strings.Join(out, ",") + "}"
}

// TestBadTouchpointsAreRejected is the table of what a touchpoint may not be: each is answered with field and reason,
// and kept in the dead letters with its bytes.
func TestBadTouchpointsAreRejected(t *testing.T) {
	many := func(n int, element string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	d := openDoor(t)
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	for _, tc := range []struct{ name, body, field, reason string }{
		{"not an object", `[1]`, "", "want a touchpoint, which is an object"},
		{"null", `null`, "", "want a touchpoint, which is an object, got null"},
		{"unknown channel, unlike any", with("channel", `"fax"`), "channel", `unknown channel "fax". Known are`},
		{"wrong type: channel", with("channel", `5`), "channel", "want a string, got a number"},
		{"wrong type: identifiers", with("identifiers", `"anna"`), "identifiers", "want an array"},
		{"wrong type: identifier", with("identifiers", `["anna"]`), "identifiers[0]", "want an object"},
		{"wrong type: value", with("identifiers", `[{"type":"email","value":1}]`), "identifiers[0].value", "want a string"},
		{"wrong type: verified", with("identifiers", `[{"type":"email","value":"a@b.de","verified":"yes"}]`), "identifiers[0].verified", "true or false"},
		{"wrong type: actor", with("actor", `"customer"`), "actor", "want an object"},
		{"wrong type: thread", with("thread", `"ticket:1"`), "thread", "want an array of strings"},
		{"wrong type: rating", with("rating", `5`), "rating", "want an object"},
		{"wrong type: properties", with("properties", `[]`), "properties", "want an object"},
		{"wrong type: text null", with("text", `null`), "text", "null; leave the field out"},
		{"unknown channel", with("channel", `"e-mail"`), "channel", "did you mean email?"},
		{"no channel", with("channel", ""), "channel", "missing"},
		{"unknown direction", with("direction", `"incoming"`), "direction", "inbound, outbound, internal"},
		{"no direction", with("direction", ""), "direction", "missing"},
		{"no kind", with("kind", ""), "kind", "missing"},
		{"bad kind", with("kind", `"Message"`), "kind", "dotted lower case"},
		{"no actor", with("actor", ""), "actor.type", "missing"},
		{"unknown actor", with("actor", `{"type":"human"}`), "actor.type", "customer, agent, bot, system"},
		{"unknown field", with("chanel", `"email"`), "chanel", "did you mean channel?"},
		{"bad time: text", with("time", `"yesterday"`), "time", "want RFC 3339"},
		{"bad time: no zone", with("time", `"2026-03-01T10:00:00"`), "time", "zone"},
		{"bad time: no such day", with("time", `"2026-02-29T10:00:00Z"`), "time", "want RFC 3339"},
		{"bad time: before 1970", with("time", `-1`), "time", "before 1970"},
		{"bad time: before 1970 in text", with("time", `"1969-12-31T23:59:59Z"`), "time", "before 1970"},
		{"bad time: 24 h ahead", with("time", `"2026-03-02T12:00:01Z"`), "time", "more than 24 hours ahead"},
		{"bad time: fraction", with("time", `1.5`), "time", "milliseconds"},
		{"bad time: huge", with("time", `99999999999999999999`), "time", "milliseconds"},
		{"no identifier and no thread", with("identifiers", `[]`), "identifiers", "neither an identifier nor a thread"},
		{"reserved type", with("identifiers", `[{"type":"thread","value":"ticket:1"}]`), "identifiers[0].type", "reserved"},
		{"empty value", with("identifiers", `[{"type":"email","value":" "}]`), "identifiers[0].value", "empty"},
		{"a value that does not normalise", with("identifiers", `[{"type":"email","value":"nobody"}]`), "identifiers[0].value", ""},
		{"bad thread", with("thread", `["INC0001"]`), "thread[0]", "scheme:value"},
		{"over its limit: id", with("id", text(129)), "id", "at most 128"},
		{"over its limit: kind", with("kind", text(129)), "kind", "at most 128"},
		{"over its limit: identifiers", with("identifiers", many(33, `{"type":"email","value":"a@b.de"}`)), "identifiers", "more than 32"},
		{"over its limit: value", with("identifiers", `[{"type":"email","value":`+text(513)+`}]`), "identifiers[0].value", "at most 512"},
		{"over its limit: threads", with("thread", many(17, `"ticket:1"`)), "thread", "more than 16"},
		{"over its limit: tags", with("tags", many(65, `"a"`)), "tags", "more than 64"},
		{"over its limit: subject", with("subject", text(2049)), "subject", "at most 2048"},
		{"over its limit: properties", with("properties", `{"a":`+text(64<<10)+`}`), "properties", "at most 65536"},
		{"over its limit: all", with("text", text(256<<10)), "", "at most 262144"},
		{"unprintable id", with("id", `"a\tb"`), "id", "cannot be printed"},
		{"empty id", with("id", `""`), "id", "leave it out"},
		{"invalid UTF-8", with("text", "\"a\xffb\""), "text", "invalid UTF-8"},
		{"invalid UTF-8: half a surrogate pair", with("text", `"\ud83d"`), "text", "surrogate"},
		{"invalid UTF-8 in a key", with("properties", "{\"\xff\":1}"), "properties", "invalid UTF-8"},
		{"NUL", with("text", "\"a\x00b\""), "text", "NUL"},
		{"NUL escaped", with("text", `"a\u0000b"`), "text", "NUL"},
		{"NUL in properties", with("properties", `{"a":["\u0000"]}`), "properties", "NUL"},
		{"10,000-deep nesting", strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "", "want a touchpoint"},
		{"10,000-deep nesting in properties", with("properties", strings.Repeat(`{"a":`, 10_000)+"1"+strings.Repeat("}", 10_000)), "properties", "nested deeper than 64"},
		{"duplicate JSON keys", with("text", `"a","text":"b"`), "text", "there twice"},
		{"duplicate JSON keys in actor", with("actor", `{"type":"customer","type":"agent"}`), "actor.type", "there twice"},
		{"duplicate JSON keys in an identifier", with("identifiers", `[{"type":"email","value":"a@b.de","value":"c@d.de"}]`), "identifiers[0].value", "there twice"},
		{"duplicate JSON keys in properties", with("properties", `{"a":{"b":1,"\u0062":2}}`), "properties", `"b" is there twice`},
		{"rating without value", with("rating", `{"scale":"csat"}`), "rating", "both scale"},
		{"rating beyond numbers", with("rating", `{"scale":"csat","value":1e999}`), "rating.value", "64-bit"},
		{"bad language", with("language", `"german language"`), "language", "BCP 47"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := tc.body
			if strings.HasPrefix(body, "[") {
				body = "[" + body + "]" // else its elements would be judged
			}
			a := d.sendOK(body)
			if a.Accepted != 0 || len(a.Rejected) != 1 {
				t.Fatalf("%+v", a)
			}
			if a.Rejected[0].Reason == "want a touchpoint, which is an object, got null; leave the field out" {
				t.Error("there is no field")
			}
			if r := a.Rejected[0]; r.Field != tc.field || !strings.Contains(r.Reason, tc.reason) || r.Reason == "" {
				t.Errorf("rejected with field %q, reason %q; want %q, %q", r.Field, r.Reason, tc.field, tc.reason)
			}
			l := d.letters()[touchpoint.RejectedID("default", "http/"+hashOf(tc.body))]
			if string(l.Bytes) != tc.body || l.Field != tc.field || l.Reason != a.Rejected[0].Reason || l.Status != touchpoint.Kept ||
				l.Source != touchpoint.SourceHTTP || l.Time != testTime.UnixMilli() || l.Workspace != "default" {
				t.Errorf("dead letter %+.300v", l)
			}
		})
	}
	if len(d.stored()) != 0 {
		t.Error("some are stored all the same")
	}
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// TestNotJSON: the answer says where it breaks, as a problem that also carries `rejected`, and the bytes are kept.
func TestNotJSON(t *testing.T) {
	for _, body := range []string{`hello`, `{`, `{"id":}`, `{"id":"a"`, `{"id" "a"}`, `[`, `[}`, good("a") + "x", `[{"id":tru`, `{"id":"a\q"}`, `-`, `[1 2]`} {
		d := openDoor(t)
		status, h, answer := d.send(body)
		if body == `[1 2]` {
			// The first element is JSON, and judged; the rest is one refusal.
			if status != http.StatusBadRequest || len(d.letters()) != 2 {
				t.Errorf("%s: %d %s, %d dead letters", body, status, answer, len(d.letters()))
			}
			continue
		}
		if status != http.StatusBadRequest || h.Get("Content-Type") != api.ProblemType || !strings.Contains(answer, "not JSON") ||
			!strings.Contains(answer, "at byte") || !strings.Contains(answer, `"accepted":0`) || !strings.Contains(answer, `"index":0`) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
		if l := d.only(); string(l.Bytes) != body {
			t.Errorf("%s: dead letter has bytes %s", body, l.Bytes)
		}
	}
}

func TestAnArrayThatBreaksInTheMiddle(t *testing.T) {
	d := openDoor(t)
	rest := `{"id":"c","channel`
	a := d.sendOK("[" + good("a") + "," + good("b") + "," + rest)
	if a.Accepted != 2 || len(a.Rejected) != 1 || a.Rejected[0].Index != 2 {
		t.Fatalf("%+v", a)
	}
	if l := d.only(); string(l.Bytes) != rest {
		t.Fatalf("%s", l.Bytes)
	}
}

func TestBadRequests(t *testing.T) {
	for _, tc := range []struct {
		name    string
		body    string
		headers []string
		status  int
		field   string
	}{
		{"body over 8 MiB", strings.Repeat(" ", 8<<20+1), nil, http.StatusRequestEntityTooLarge, ""},
		{"empty body", " \n", nil, http.StatusBadRequest, ""},
		{"unknown media type", good("a"), []string{"Content-Type", "text/csv"}, http.StatusUnsupportedMediaType, "Content-Type"},
		{"no media type", good("a"), []string{"Content-Type", ""}, http.StatusUnsupportedMediaType, "Content-Type"},
		{"not UTF-8", good("a"), []string{"Content-Type", "application/json; charset=latin1"}, http.StatusUnsupportedMediaType, "Content-Type"},
		{"unknown encoding", good("a"), []string{"Content-Encoding", "br"}, http.StatusUnsupportedMediaType, "Content-Encoding"},
		{"no key", good("a"), []string{"Authorization", ""}, http.StatusUnauthorized, "Authorization"},
		{"wrong key", good("a"), []string{"Authorization", "Bearer k3"}, http.StatusUnauthorized, "Authorization"},
		{"another scheme", good("a"), []string{"Authorization", "Basic azE6"}, http.StatusUnauthorized, "Authorization"},
		{"gzip that is none", good("a"), []string{"Content-Encoding", "gzip"}, http.StatusBadRequest, "Content-Encoding"},
		{"zstd that is none", good("a"), []string{"Content-Encoding", "zstd"}, http.StatusBadRequest, "Content-Encoding"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := openDoor(t)
			status, h, answer := d.send(tc.body, tc.headers...)
			if status != tc.status || h.Get("Content-Type") != api.ProblemType || !strings.Contains(answer, `"instance":"/v1/touchpoints"`) {
				t.Errorf("%d %s", status, answer)
			}
			if tc.field != "" && !strings.Contains(answer, `"field":"`+tc.field+`"`) {
				t.Errorf("the problem does not name %s: %s", tc.field, answer)
			}
			if status == http.StatusUnauthorized && !strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate: %q", h.Get("WWW-Authenticate"))
			}
			if len(d.stored())+len(d.letters()) != 0 {
				t.Error("something was stored")
			}
		})
	}
}

func TestWhereThereIsNothing(t *testing.T) {
	d := openDoor(t)
	for _, tc := range []struct {
		method, path string
		status       int
	}{{"GET", "/v1/touchpoints", http.StatusMethodNotAllowed}, {"DELETE", "/v1/registry", http.StatusMethodNotAllowed}, {"GET", "/v2", http.StatusNotFound}} {
		r, err := http.NewRequest(tc.method, strings.Replace(d.url, "/v1/touchpoints", tc.path, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.status || resp.Header.Get("Content-Type") != api.ProblemType || (tc.status == http.StatusMethodNotAllowed) != (resp.Header.Get("Allow") != "") {
			t.Errorf("%s %s: %d %v", tc.method, tc.path, resp.StatusCode, resp.Header)
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	d := openDoor(t, func(c *Config, _ *api.Config) { c.Rate = RateConfig{PerSecond: 2, Burst: 3} })
	d.sendOK("[" + good("a") + "," + good("b") + "," + good("c") + "," + good("d") + "]") // one in debt
	status, h, answer := d.send(good("e"))
	if status != http.StatusTooManyRequests || h.Get("Retry-After") != "1" || h.Get("Content-Type") != api.ProblemType {
		t.Fatalf("%d, Retry-After %s, %s", status, h.Get("Retry-After"), answer)
	}
	d.sendOK(good("f"), "Authorization", "Bearer k2") // another workspace has its own
	d.now = d.now.Add(time.Second)
	d.sendOK(good("e"))
}

func TestTooManyTouchpointsInOneRequest(t *testing.T) {
	d := openDoor(t, func(c *Config, _ *api.Config) { c.MaxBatch = 3 })
	d.sendOK("[1,2,3]")
	d.sendOK("1\n2\n3\n", "Content-Type", "application/x-ndjson")
	if status, _, answer := d.send("[1,2,3,4]"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, answer)
	}
	if status, _, answer := d.send("1\n2\n3\n4", "Content-Type", "application/x-ndjson"); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, answer)
	}
}

// What is no JSON is told in words that say what stands there.
func TestNotJSONIsToldPlainly(t *testing.T) {
	for body, want := range map[string]string{
		`hello`: `'h' begins no value`, `[hello]`: `'h' begins no value; want an object, an array, a text in double quotes, a number, true, false or null`,
		"\ufeff" + good("a"): "byte order mark", `[` + good("a") + `,]`: "want a value before ], and no comma behind the last one",
	} {
		_, _, answer := openDoor(t).send(body)
		if !strings.Contains(answer, want) {
			t.Errorf("%s: %s, want %q", body, answer, want)
		}
	}
}
