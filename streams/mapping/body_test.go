package mapping_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/throughline/throughline/streams/mapping"
)

const inbox = `
name: inbox
format: json
times: {formats: [epoch_s]}
items:
  - {as: entry, in: entries}
  - {as: item, in: [entry.messages, entry.receipts]}
skip:
  - {when: item.kind == "typing", because: somebody types}
touchpoint:
  id: {expr: '"inbox:" + item.id'}
  time: {column: item.at}
  channel: chat
  direction: inbound
  kind: message
  actor: {type: customer}
  identifiers: [{type: customer_id, value: {column: item.from.id}}]
cases:
  - when: item.receipt == true
    touchpoint: {kind: message.read, direction: outbound, actor: {type: system}}
  - when: item.from.id != nil
    touchpoint: {text: {expr: item.text.body ?? item.caption}}
`

// outcome is what a body becomes, line by line.
func outcomes(t *testing.T, yaml, contentType, body string) (out []string) {
	t.Helper()
	m := parse(t, yaml)
	v, err := mapping.ParseBody(m.Format, contentType, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r := m.NewRun(nil)
	records, err := r.Items(mapping.Body{Value: v, Headers: map[string]any{"x-topic": "a"}, Query: map[string]any{"hub.mode": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		line, err := r.Append(nil, rec)
		switch {
		case err != nil:
			out = append(out, "refused "+err.Error())
		case line == nil:
			out = append(out, "skipped "+r.Skipped())
		default:
			out = append(out, string(line))
		}
	}
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestABodyHoldsSeveralTouchpoints(t *testing.T) {
	same(t, outcomes(t, inbox, "", `{"v":1.50,"entries":[
		{"id":9007199254740993,"messages":[{"id":"a","at":1,"from":{"id":"7","name":"Anna"},"text":{"body":"hi"}},{"id":"b","kind":"typing"}]},
		{"messages":[],"receipts":[{"id":"c","at":2,"receipt":true,"from":{"id":"7"}}]},
		{"templates":[1]}]}`),
		`{"id":"inbox:a","time":1000,"channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"customer_id","value":"7"}],"text":"hi",`+
			`"properties":{"entry":{"id":9007199254740993},"item":{"id":"a","from":{"name":"Anna"},"text":{"body":"hi"}},"v":1.50}}`,
		"skipped somebody types",
		`{"id":"inbox:c","time":2000,"channel":"chat","direction":"outbound","kind":"message.read","actor":{"type":"system"},"identifiers":[{"type":"customer_id","value":"7"}],`+
			`"properties":{"item":{"id":"c","receipt":true},"v":1.50}}`,
		"refused cases: it is none of the cases that the mapping knows")
	same(t, outcomes(t, inbox, "", `{"entries": []}`))
	same(t, outcomes(t, inbox, "", `{}`), "refused cases: it is none of the cases that the mapping knows")
}

const flat = `
name: flat
format: %s
touchpoint:
  id: {expr: id}
  channel: chat
  direction: inbound
  kind: message
  actor: {type: customer}
  identifiers: [{type: customer_id, value: {column: from}}]
  properties: {columns: untaken, except: [secret], add: {topic: {expr: 'request.headers["x-topic"] + request.query["hub.mode"]'}}}
`

func TestFormsAndXML(t *testing.T) {
	const head = `{"id":"1","channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"customer_id","value":"7"}],"properties":`
	form := strings.Replace(flat, "%s", "form", 1)
	same(t, outcomes(t, form, "application/x-www-form-urlencoded", "id=1&from=7&tag=a&tag=b&secret=x&sent.by=me"), head+`{"sent.by":"me","tag":["a","b"],"topic":"ab"}}`)
	multipart := "--B\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\n7\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n"
	same(t, outcomes(t, form, `multipart/form-data; boundary="B"`, multipart),
		head+`{"file":{"content_type":"text/plain","filename":"a.txt","sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size":5},"topic":"ab"}}`)
	same(t, outcomes(t, strings.Replace(flat, "%s", "xml", 1), "", `<?xml version="1.0"?><xml><id>1</id><from><![CDATA[7]]></from><place unit="m"><lat>1.5</lat></place><secret>x</secret></xml>`),
		head+`{"place":{"@unit":"m","lat":"1.5"},"topic":"ab"}}`)
}

func TestBadBodies(t *testing.T) {
	for _, c := range []struct {
		format mapping.Format
		typ    string
		body   string
	}{
		{mapping.JSON, "", ""}, {mapping.JSON, "", "{"}, {mapping.JSON, "", "{} {}"}, {mapping.JSON, "", `{"a":"` + "\xff" + `"}`}, {mapping.JSON, "", strings.Repeat("[", 100) + strings.Repeat("]", 100)},
		{mapping.XML, "", ""}, {mapping.XML, "", "<xml>"}, {mapping.XML, "", "<xml>text</xml>"}, {mapping.XML, "", strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)},
		{mapping.Form, "", "a=%zz"}, {mapping.Form, `multipart/form-data; boundary="B"`, "--B\r\nContent-"}, {mapping.CSV, "", "a"},
	} {
		if v, err := mapping.ParseBody(c.format, c.typ, []byte(c.body)); !errors.Is(err, mapping.ErrBadBody) {
			t.Errorf("%s %q is %v, %v", c.format, c.body, v, err)
		}
	}
}

func TestBadBodyMappingsAreRefusedWithTheirPlace(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"in: entries}", "in: 'entries +'}", "line 6"},
		{"as: entry,", "as: body,", `"body" is taken`},
		{"{as: entry, in: entries}", "{as: entry}", "items[0]"},
		{"because: somebody types", "because: ''", "skip[0]"},
		{"item.kind == ", "first_of(item.kind) == ", "is for files"},
		{"item.receipt == true", "item.receipt ==", "cases[0].when"},
		{"touchpoint: {kind: message.read,", "touchpoint: {kindd: message.read,", "line 20"},
		{"  id: {expr: '\"inbox:\" + item.id'}\n", "", "touchpoint.id"},
	} {
		if !strings.Contains(inbox, c.old) {
			t.Fatalf("%q is not in the mapping", c.old)
		}
		_, err := mapping.Parse([]byte(strings.Replace(inbox, c.old, c.new, 1)))
		if !errors.Is(err, mapping.ErrBadMapping) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

// A column may have the name of a function, and a part that is missing is nil and no error.
func TestPaths(t *testing.T) {
	yaml := strings.Replace(strings.Replace(flat, "%s", "json", 1), "{expr: id}", `{expr: 'string(len) + (type.first[1].last ?? "?") + (nothing.at.all ?? "!") + (let head = list; string(head[0]))'}`, 1)
	got := outcomes(t, yaml, "", `{"len": 4, "type": {"first": [{}, {"last": "z"}]}, "list": [7], "from": "x"}`)
	if len(got) != 1 || !strings.HasPrefix(got[0], `{"id":"4z!7",`) {
		t.Errorf("got %s", got)
	}
}

// Whatever a JSON body holds, what no field takes is in the properties, as a plain walk over the decoded body finds it.
func TestNothingOfABodyIsLost(t *testing.T) {
	m := parse(t, strings.Replace(strings.Replace(flat, "%s", "json", 1), ", except: [secret], add: {topic: {expr: 'request.headers[\"x-topic\"] + request.query[\"hub.mode\"]'}}", "", 1))
	leaf := rapid.OneOf(rapid.Just[any](true), rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { return f }), rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "") + "." }))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(value(depth-1), 1, 3), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), value(depth-1), 1, 3), func(o map[string]any) any { return o }))
	}
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.MapOf(rapid.StringMatching(`[a-z]{1,4}`), value(3)).Draw(rt, "body")
		body["id"], body["from"] = "1", "7"
		text, err := json.Marshal(body)
		if err != nil {
			rt.Fatal(err)
		}
		v, err := mapping.ParseBody(mapping.JSON, "", text)
		if err != nil {
			rt.Fatal(err)
		}
		r := m.NewRun(nil)
		records, err := r.Items(mapping.Body{Value: v})
		if err != nil || len(records) != 1 {
			rt.Fatal(records, err)
		}
		line, err := r.Append(nil, records[0])
		if err != nil {
			rt.Fatal(err)
		}
		var got struct{ Properties map[string]any }
		if err := json.Unmarshal(line, &got); err != nil {
			rt.Fatal(err)
		}
		want := map[string]any{}
		if err := json.Unmarshal(text, &want); err != nil {
			rt.Fatal(err)
		}
		delete(want, "from")
		delete(want, "id")
		if len(want) == 0 {
			want = nil
		}
		if !reflect.DeepEqual(got.Properties, want) {
			rt.Fatalf("%s\nkept %v\nwant %v", text, got.Properties, want)
		}
	})
}

// FuzzBody: whatever is in a body, it becomes touchpoints that are JSON, or an error, and the same ones when it comes again.
func FuzzBody(f *testing.F) {
	f.Add(byte(0), "", []byte(`{"entries":[{"messages":[{"id":"a","at":1,"from":{"id":"7"}}]}]}`))
	f.Add(byte(1), "application/x-www-form-urlencoded", []byte(`id=1&from=7`))
	f.Add(byte(1), `multipart/form-data; boundary="B"`, []byte("--B\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1\r\n--B--\r\n"))
	f.Add(byte(2), "", []byte(`<xml><id>1</id><from>7</from></xml>`))
	all := []string{inbox, strings.Replace(flat, "%s", "form", 1), strings.Replace(flat, "%s", "xml", 1)}
	f.Fuzz(func(t *testing.T, which byte, contentType string, body []byte) {
		m := parse(t, all[int(which)%len(all)])
		var before string
		for i := range 2 {
			v, err := mapping.ParseBody(m.Format, contentType, body)
			if err != nil {
				if !errors.Is(err, mapping.ErrBadBody) {
					t.Error(err)
				}
				return
			}
			r := m.NewRun(nil)
			records, err := r.Items(mapping.Body{Value: v})
			if err != nil {
				if !errors.Is(err, mapping.ErrTooManyItems) && !mapping.IsRefused(err) {
					t.Error(err)
				}
				return
			}
			var now []byte
			for _, rec := range records {
				from := len(now)
				next, err := r.Append(now, rec)
				if err != nil {
					if !mapping.IsRefused(err) {
						t.Error(err)
					}
					continue
				}
				if now = next; len(now) > from && !json.Valid(now[from:]) {
					t.Errorf("%s becomes %s", body, now[from:])
				}
			}
			if i == 1 && string(now) != before {
				t.Errorf("once %s, then %s", before, now)
			}
			before = string(now)
		}
	})
}
