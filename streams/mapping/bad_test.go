package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mapping"
)

const least = `name: x
format: ndjson
touchpoint:
  time: {column: at}
  channel: chat
  direction: inbound
  kind: message
  actor: {type: customer}
  thread: [{scheme: session, value: {column: s}}]
`

func TestBadMappingsAreRefusedWithTheirPlace(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(least, old, new, 1) }
	if _, err := mapping.Parse([]byte(least)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ yaml, want string }{
		{"", "empty"},
		{"name: x\nformat: [", "line 2"},
		{replace("format: ndjson", "format: toml"), `format: "toml"`},
		{replace("kind: message", "kindd: message"), "line 7, column 3"},
		{replace("  kind: message\n", ""), "touchpoint.kind: every touchpoint needs one"},
		{replace("{column: at}", "{colum: at}"), "line 4, column 10"},
		{replace("{column: at}", "{column: at, expr: at}"), "exactly one of"},
		{replace("{column: at}", "{expr: 'at +'}"), "line 4, column 10"},
		{replace("{column: at}", "{expr: 'now()'}"), "line 4"},
		{replace("{column: at}", "{expr: 'frist_of(at)'}"), "there is no function frist_of"},
		{replace("{column: at}", "{expr: '$env.at'}"), "$env"},
		{replace("channel: chat", "channel: {column: c, table: nope}"), `no table "nope"`},
		{replace("touchpoint:", "tables: {t: {values: {a: b}}}\ntouchpoint:"), "no field looks into it"},
		{replace("touchpoint:", "times: {formats: ['%Q']}\ntouchpoint:"), "no directive %Q"},
		{replace("touchpoint:", "times: {formats: ['2006-01-02']}\ntouchpoint:"), "no strftime pattern"},
		{replace("touchpoint:", "times: {zone: Local}\ntouchpoint:"), "IANA"},
		{replace("touchpoint:", "times: {zone: Mars/Base}\ntouchpoint:"), "IANA"},
		{replace("touchpoint:", "state: {limit: -1}\ntouchpoint:"), "state.limit"},
		{replace("touchpoint:", "csv: {delimiter: ','}\ntouchpoint:"), "no meaning"},
		{strings.Replace(least, "format: ndjson", "format: csv\ncsv: {delimiter: '::'}", 1), "csv.delimiter"},
		{replace("  thread: [{scheme: session, value: {column: s}}]\n", ""), "belongs to nobody"},
		{replace("value: {column: s}", "valeu: {column: s}"), "line 9"},
		{least + "  properties: {columns: some}\n", `"some" is none of`},
		{least + "  properties: {columns: [a], except: [b]}\n", "only with columns all or rest"},
		{least + "  properties: {columns: [a], add: {a: 1}}\n", "in columns already"},
		{least + "  rating: {scale: csat}\n", "rating.value"},
		{least + least, "already defined"},
	} {
		_, err := mapping.Parse([]byte(c.yaml))
		if !errors.Is(err, mapping.ErrBadMapping) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v\n%s", c.want, err, c.yaml)
		}
	}
}

func TestCheckNamesTheMissingColumn(t *testing.T) {
	m, err := mapping.Parse([]byte(strings.Replace(least, "ndjson", "csv", 1)))
	if err != nil {
		t.Fatal(err)
	}
	err = m.Check([]string{"at", "t"})
	if err == nil || !strings.Contains(err.Error(), `line 9, column`) || !strings.Contains(err.Error(), `no column "s"`) {
		t.Errorf("got %v", err)
	}
}

// FuzzParse: whatever is in the file, Parse answers with a mapping or an error that says so.
func FuzzParse(f *testing.F) {
	f.Add([]byte(least))
	f.Add([]byte(helpdesk))
	f.Add([]byte("name: [&a *a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := mapping.Parse(data)
		if (m == nil) == (err == nil) || err != nil && !errors.Is(err, mapping.ErrBadMapping) {
			t.Errorf("got %v, %v", m, err)
		}
	})
}

// A record that is none is told in the words of the doors, and not in those of a library.
func TestNoObjectIsToldPlainly(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,}`: "want one JSON object: not JSON: want a member's name in double quotes (at byte 7)",
		`hello`:    "want one JSON object: not JSON: 'h' begins no value; want an object, an array, a text in double quotes, a number, true, false or null (at byte 0)",
		`{"a":1`:   "want one JSON object: not JSON: the text ends too early: want , or } (at byte 6)",
		`[]`:       "want one JSON object", `null`: "want one JSON object", `{} {}`: "want one JSON object",
	} {
		if _, err := mapping.ParseObject([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// FuzzParseObject: a record is an object or an error, and what is read twice is the same touchpoint.
func FuzzParseObject(f *testing.F) {
	f.Add([]byte(`{"at":"2016-01-02T03:04:05Z","s":1,"x":[{"y":"\u0000"}]}`))
	f.Add([]byte(`[]`))
	m, err := mapping.Parse([]byte(least + "  properties: {columns: all}\n  id: {expr: row_hash()}\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := mapping.ParseObject(data)
		if err != nil {
			if !errors.Is(err, mapping.ErrNotObject) {
				t.Error(err)
			}
			return
		}
		a, errA := m.NewRun(nil).Append(nil, rec)
		b, errB := m.NewRun(nil).Append(nil, rec)
		if string(a) != string(b) || (errA == nil) != (errB == nil) {
			t.Errorf("%s and %s, %v and %v", a, b, errA, errB)
		}
	})
}
