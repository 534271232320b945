package mapping_test

import (
	"strings"
	"testing"

	"github.com/throughline/throughline/streams/mapping"
)

const calls = `
name: calls
format: csv
times: {formats: [epoch_s]}
items: [{as: phase, in: 'talked == "0" ? ["missed"] : ["started", "ended"]'}]
skip: [{when: talked == "-1", because: it was a test}]
touchpoint:
  id: {expr: id + ":" + phase}
  time: {expr: 'phase == "ended" ? string(int(at) + int(talked)) : at'}
  channel: phone
  direction: inbound
  kind: {expr: '"call." + phase'}
  actor: {type: customer}
  thread: [{scheme: call, value: {column: id}}]
  properties: {columns: rest}
`

func TestRowIsSeveralTouchpoints(t *testing.T) {
	m := parse(t, calls)
	header := []string{"id", "at", "talked", "desk"}
	if err := m.Check(header); err != nil {
		t.Fatal(err)
	}
	if err := m.Check(header[1:]); err == nil {
		t.Error("a column is missing, and nobody says so")
	}
	if !m.Splits() {
		t.Fatal("it does not split")
	}
	r := m.NewRun(nil)
	var got []string
	for _, cells := range []string{"7;1000;60;A", "8;2000;0;B", "9;3000;-1;B"} {
		records, err := r.Split(mapping.Row{Table: mapping.NewTable(header), Cells: strings.Split(cells, ";")})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			line, err := r.Append(nil, rec)
			if err != nil {
				t.Fatal(err)
			}
			if len(line) > 0 {
				got = append(got, string(line))
			}
		}
	}
	want := []string{
		`{"id":"7:started","time":1000000,"channel":"phone","direction":"inbound","kind":"call.started","actor":{"type":"customer"},"thread":["call:7"],"properties":{"desk":"A"}}`,
		`{"id":"7:ended","time":1060000,"channel":"phone","direction":"inbound","kind":"call.ended","actor":{"type":"customer"},"thread":["call:7"],"properties":{"desk":"A"}}`,
		`{"id":"8:missed","time":2000000,"channel":"phone","direction":"inbound","kind":"call.missed","actor":{"type":"customer"},"thread":["call:8"],"properties":{"desk":"B"}}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
