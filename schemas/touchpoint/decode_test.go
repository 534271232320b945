package touchpoint

import (
	"reflect"
	"testing"

	"github.com/throughline/throughline/schemas/registry"
)

var testRegistry = registry.Default()

const testNow = 1_767_225_600_000 // 2026-01-01T00:00:00Z

func testOptions() *Options {
	return &Options{Now: testNow, Registry: testRegistry, NewID: func() string { return "new" }}
}

const full = `{"id":"msg-1","time":"2025-12-31T23:30:00.123+01:00","channel":"email","direction":"inbound","kind":"message",
"actor":{"type":"customer","id":"c1","name":"Anna Schäfer"},
"identifiers":[{"type":"email","value":"anna@example.com","verified":true},{"type":"phone","value":"+49 30 1234567"}],
"thread":["ticket:INC0001","message-id:<a@b>"],"subject":"Wo ist mein \"Paket\"?","text":"Hallo,\nich warte 📦.","language":"de",
"topic":"delivery","team":"first level","tags":["vip","late"],"account":"acme","source":"zendesk",
"rating":{"scale":"csat","value":4.5},"properties":{"a": [1, {"b":"c\u00e4"}], "n":null}}`

func TestDecodeKeepsEverything(t *testing.T) {
	got, _, err := Decode([]byte(full), testOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := Touchpoint{ID: "msg-1", Time: 1767220200123, Channel: "email", Direction: Inbound, Kind: "message",
		Actor:       Actor{Type: Customer, ID: "c1", Name: "Anna Schäfer"},
		Identifiers: []Identifier{{"email", "anna@example.com", true}, {"phone", "+49 30 1234567", false}},
		Thread:      []string{"ticket:INC0001", "message-id:<a@b>"}, Subject: `Wo ist mein "Paket"?`, Text: "Hallo,\nich warte 📦.",
		Language: "de", Topic: "delivery", Team: "first level", Tags: []string{"vip", "late"}, Account: "acme", Source: "zendesk",
		Rating: &Rating{"csat", 4.5}, Properties: []byte(`{"a": [1, {"b":"c\u00e4"}], "n":null}`)}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	payload, perr := got.AppendJSON(nil)
	if perr != nil {
		t.Fatal(perr)
	}
	var back Touchpoint
	if err := DecodePayload(payload, &back); err != nil {
		t.Fatalf("%v in %s", err, payload)
	}
	if !reflect.DeepEqual(back, want) {
		t.Fatalf("payload %s\ngot  %+v\nwant %+v", payload, back, want)
	}
}
