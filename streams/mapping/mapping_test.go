package mapping_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mapping"
)

const helpdesk = `
name: helpdesk
format: csv
csv: {delimiter: ";"}
missing: ["?", "n/a"]
times: {formats: ["%d/%m/%Y %H:%M", rfc3339, epoch_ms], zone: Europe/Berlin}
when: status != "draft"
tables:
  channels: {values: {Phone: phone, Mail: email}}
  kinds: {values: {New: ticket.created}, default: ticket.updated}
touchpoint:
  id: {expr: 'number + "." + row_hash() + (occurrence() > 0 ? "#" + string(occurrence()) : "")'}
  time: {column: updated}
  channel: {column: contact, table: channels}
  direction: {expr: 'first_of(number) ? "inbound" : "internal"'}
  kind: {column: status, table: kinds}
  actor: {type: customer, id: {column: caller}}
  identifiers:
    - {type: customer_id, value: {column: caller}, verified: true}
    - {type: phone, value: {column: phone}, when: 'contact == "Phone"'}
  thread: [{scheme: ticket, value: {column: number}}]
  subject: {column: title, default: (none)}
  topic: {column: "category#2"}
  tags: [{const: vip, when: 'caller == "7"'}, {expr: 'labels == nil ? [] : split(labels, " ")'}]
  rating: {scale: csat, value: {column: stars}}
  properties: {columns: rest, add: {origin: {const: export}}}
`

var header = mapping.Unique([]string{"number", "status", "updated", "contact", "caller", "phone", "title", "category", "category", "labels", "stars", "site"})

func parse(t *testing.T, yaml string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func appendRow(t *testing.T, r *mapping.Run, cells string) (string, error) {
	t.Helper()
	out, err := r.Append(nil, mapping.Row{Table: mapping.NewTable(header), Cells: strings.Split(cells, ";")})
	if err == nil && len(out) > 0 && !json.Valid(out) {
		t.Fatalf("not JSON: %s", out)
	}
	return string(out), err
}

func TestRowBecomesTouchpoint(t *testing.T) {
	m := parse(t, helpdesk)
	if err := m.Check(header); err != nil {
		t.Fatal(err)
	}
	r := m.NewRun(nil)
	got, err := appendRow(t, r, `T1;New;3/7/2016 09:05;Phone;7;+49 30 1;Broken "thing";a;b;red blue;4;?`)
	if err != nil {
		t.Fatal(err)
	}
	id := got[len(`{"id":"T1.`) : len(`{"id":"T1.`)+24]
	want := `{"id":"T1.` + id + `","time":1467529500000,"channel":"phone","direction":"inbound","kind":"ticket.created",` +
		`"actor":{"type":"customer","id":"7"},"identifiers":[{"type":"customer_id","value":"7","verified":true},{"type":"phone","value":"+49 30 1"}],` +
		`"thread":["ticket:T1"],"subject":"Broken \"thing\"","topic":"b","tags":["vip","red","blue"],"rating":{"scale":"csat","value":4},` +
		`"properties":{"category":"a","origin":"export"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err = appendRow(t, r, `T1;Busy;2016-07-03T09:05:00+02:00;Mail;8;+49 30 1;;;?;?;n/a;HQ`)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(got, `","time"`)
	want = `:1467529500000,"channel":"email","direction":"internal","kind":"ticket.updated","actor":{"type":"customer","id":"8"},` +
		`"identifiers":[{"type":"customer_id","value":"8","verified":true}],"thread":["ticket:T1"],"subject":"(none)","properties":{"site":"HQ","origin":"export"}}`
	if rest != want {
		t.Errorf("got  %s\nwant %s", rest, want)
	}
}

func TestRowsOfOneMinuteStandInTheirOrder(t *testing.T) {
	const clock = `{expr: 'updated + ":00." + string(1000 + occurrence(number, updated) + 0 * occurrence(number, updated))[1:]'}`
	yaml := strings.Replace(helpdesk, "{column: updated}", clock, 1)
	r := parse(t, strings.Replace(yaml, "%H:%M", "%H:%M:%S", 1)).NewRun(nil)
	for _, row := range []struct{ cells, time string }{
		{`T1;New;3/7/2016 09:05;Phone;7;;;;;;;`, "1467529500000"},
		{`T2;New;3/7/2016 09:05;Phone;7;;;;;;;`, "1467529500000"},
		{`T1;Busy;3/7/2016 09:05;Phone;7;;;;;;;`, "1467529500001"},
		{`T1;Busy;3/7/2016 09:06;Phone;7;;;;;;;`, "1467529560000"},
		{`T1;Done;3/7/2016 09:05;Phone;7;;;;;;;`, "1467529500002"},
	} {
		if got, err := appendRow(t, r, row.cells); err != nil || !strings.Contains(got, `"time":`+row.time+`,`) {
			t.Errorf("%s: got %s, %v; want time %s", row.cells, got, err, row.time)
		}
	}
}

func TestEqualRowsHaveTheirOwnIDs(t *testing.T) {
	const row = `T1;New;3/7/2016 09:05;Phone;7;;;;;;;`
	m := parse(t, helpdesk)
	var runs [2][]string
	for i := range runs {
		r := m.NewRun(nil)
		for range 3 {
			out, err := appendRow(t, r, row)
			if err != nil {
				t.Fatal(err)
			}
			id, _, _ := strings.Cut(out, `","time"`)
			runs[i] = append(runs[i], id)
		}
	}
	if runs[0][0] == runs[0][1] || runs[0][1] == runs[0][2] || !strings.HasSuffix(runs[0][2], "#2") {
		t.Errorf("ids of equal rows: %q", runs[0])
	}
	for i := range runs[0] {
		if runs[0][i] != runs[1][i] {
			t.Errorf("a second run gives %q instead of %q", runs[1][i], runs[0][i])
		}
	}
}

func TestRowLeftOut(t *testing.T) {
	out, err := appendRow(t, parse(t, helpdesk).NewRun(nil), `T1;draft;3/7/2016 09:05;Phone;7;;;;;;;`)
	if err != nil || out != "" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestRefusedRows(t *testing.T) {
	for _, c := range []struct{ row, field, reason string }{
		{`T1;New;yesterday;Phone;7;;;;;;;`, "time", `"yesterday" is not a time in any of the formats %d/%m/%Y %H:%M, rfc3339, epoch_ms`},
		{`T1;New;?;Phone;7;;;;;;;`, "time", "is missing"},
		{`T1;New;3/7/2016 09:05;Fax;7;;;;;;;`, "channel", `"Fax" is not in table channels, which has no default`},
		{`T1;New;3/7/2016 09:05;Phone;7;;;;;;many;`, "rating.value", `"many" is not a number`},
		{"T1;New;3/7/2016 09:05;Phone;7;;\xff;;;;;", "subject", "is not UTF-8"},
		{`;New;3/7/2016 09:05;Phone;7;;;;;;;`, "id", ""}, // nil + text
	} {
		out, err := appendRow(t, parse(t, helpdesk).NewRun(nil), c.row)
		var refused *mapping.Refused
		if !errors.As(err, &refused) || refused.Field != c.field || c.reason != "" && refused.Reason != c.reason || out != "" {
			t.Errorf("%s: got %q, %v, want %s: %s", c.row, out, err, c.field, c.reason)
		}
	}
}

func TestZoneFromOutside(t *testing.T) {
	zone, err := mapping.LoadZone("UTC")
	if err != nil {
		t.Fatal(err)
	}
	out, err := appendRow(t, parse(t, helpdesk).NewRun(zone), `T1;New;3/7/2016 09:05;Phone;7;;;;;;;`)
	if err != nil || !strings.Contains(out, `"time":1467536700000`) {
		t.Errorf("got %s, %v", out, err)
	}
}

func TestStateIsBounded(t *testing.T) {
	m := parse(t, strings.Replace(helpdesk, "name: helpdesk", "name: helpdesk\nstate: {limit: 2}", 1))
	r := m.NewRun(nil)
	var err error
	for _, n := range []string{"A", "B", "A", "C"} {
		if err != nil {
			t.Fatal(err)
		}
		_, err = appendRow(t, r, n+`;New;3/7/2016 09:05;Phone;7;;;;;;;`)
	}
	if !errors.Is(err, mapping.ErrStateFull) {
		t.Errorf("got %v", err)
	}
}

func TestJSONRecords(t *testing.T) {
	m := parse(t, `
name: hook
format: ndjson
times: {formats: [epoch_s]}
touchpoint:
  id: {column: event.id}
  time: {column: at}
  channel: chat
  direction: {expr: 'amount > 1.5 ? "inbound" : "outbound"'}
  kind: message
  actor: {type: {column: "people.0.role"}}
  identifiers: [{type: email, value: {expr: 'lower(customer?.email ?? "")'}}]
  thread: [{scheme: session, value: {column: session}}]
  tags: [{column: labels}]
  properties: {columns: rest}
`)
	rec, err := mapping.ParseObject([]byte(`{"event":{"id":17},"at":1500000000.5,"amount":2,"customer":{"email":"A@B.de"},"people":[{"role":"bot"}],"session":"s","labels":["x","y"],"z":{"b":1.50,"a":null},"n":null}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.NewRun(nil).Append(nil, rec)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"17","time":1500000000500,"channel":"chat","direction":"inbound","kind":"message","actor":{"type":"bot"},` +
		`"identifiers":[{"type":"email","value":"a@b.de"}],"thread":["session:s"],"tags":["x","y"],"properties":{"z":{"a":null,"b":1.50}}}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}
