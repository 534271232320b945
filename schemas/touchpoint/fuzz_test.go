package touchpoint

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/throughline/throughline/schemas/identity"
)

// FuzzDecode: what is taken is JSON, comes back from its payload as it was, and gives the same again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(some500))
	for _, seed := range []string{`{}`, `[]`, `{"id":"a","id":"b"}`, `{"time":1}`, `{"identifiers":[{"type":"email"}]}`, `{"properties":{"a":{"a":[[]]}}}`, "{\"text\":\"\\u0000\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		got, content, why := Decode(data, testOptions())
		next, nextContent, n, nextWhy := DecodeNext(append(bytes.Clone(data), `,{"more"`...), testOptions())
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if why != nil {
			if why.Reason == "" || got.ID != "" {
				t.Fatalf("%+v with %+v", why, got)
			}
			IDOf(data)
			return
		}
		if nextWhy != nil || nextContent != content || !reflect.DeepEqual(next, got) || len(bytes.TrimSpace(data[n:])) > 0 {
			t.Fatalf("one alone is %+v, with more behind it %+v, %v, %d bytes", got, next, nextWhy, n)
		}
		if !json.Valid(data) {
			t.Fatalf("%q is taken and no JSON", data)
		}
		payload, err := got.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var back Touchpoint
		if err := DecodePayload(payload, &back); err != nil {
			t.Fatalf("%v in %s", err, payload)
		}
		var slow Touchpoint
		if err := json.Unmarshal(payload, &slow); err != nil {
			t.Fatalf("%v in %s", err, payload)
		}
		for _, other := range []*Touchpoint{&back, &slow} {
			again, err := other.AppendJSON(nil)
			if err != nil || !bytes.Equal(again, payload) {
				t.Fatalf("payload %s came back as %s, %v", payload, again, err)
			}
		}
		if !reflect.DeepEqual(back.Identifiers, got.Identifiers) || !bytes.Equal(back.Properties, got.Properties) || back.Text != got.Text {
			t.Fatalf("%+v came back as %+v", got, back)
		}
		if again, c, why := Decode(payload, testOptions()); why != nil || again.ID != got.ID || c == (Content{}) {
			t.Fatalf("the payload %s is not a touchpoint: %v", payload, why)
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	t, _, _ := Decode([]byte(full), testOptions())
	payload, _ := t.AppendJSON(nil)
	f.Add(payload)
	f.Add([]byte(`{"id":"a","newer":{"a":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var tp Touchpoint
		if err := DecodePayload(data, &tp); err != nil {
			return
		}
		once, err := tp.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := DecodePayload(once, &tp); err != nil {
			t.Fatalf("%v in %s", err, once)
		}
		if twice, _ := tp.AppendJSON(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	e := Envelope{Workspace: "default", ID: "a", Anchor: identity.Anchor{1}, Content: Content{2}, Time: 3, Received: 4, Payload: []byte(`{}`)}
	f.Add(e.Append(nil))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEnvelope(data)
		if err != nil {
			return
		}
		back, err := DecodeEnvelope(e.Append(nil))
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%+v came back as %+v, %v", e, back, err)
		}
	})
}

func FuzzDecodeRejected(f *testing.F) {
	r := NewRejected("default", SourceHTTP, "http/1", 5, []byte("\xff\x00"), &FieldError{Field: "a", Reason: "b"})
	seed, _ := r.Append(nil)
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeRejected(data)
		if err != nil {
			return
		}
		if _, err := r.Append(nil); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzParseRFC3339 compares with package time, which knows the calendar by other code.
func FuzzParseRFC3339(f *testing.F) {
	for _, seed := range []string{"2026-03-01T09:30:00+01:00", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59.999999-23:59", "1900-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms, ok := parseRFC3339(s)
		want, err := time.Parse(time.RFC3339Nano, s)
		if ok && err == nil && floor(want) != ms {
			t.Fatalf("%q is %d, want %d", s, ms, floor(want))
		}
		// The other way it is looser: it takes a comma for the point and an hour of one digit.
		if err == nil && !ok && len(s) >= 20 && !bytes.ContainsAny([]byte(s), ",") && s[13] == ':' {
			t.Fatalf("%q is a time", s)
		}
		if ok && err != nil && s[10] == 'T' && s[len(s)-1] != 'z' {
			t.Fatalf("%q is no time: %v", s, err)
		}
	})
}

// floor is the millisecond a time lies in: UnixMilli rounds towards 1970 instead.
func floor(t time.Time) int64 {
	return t.Unix()*1000 + int64(t.Nanosecond())/1e6
}
