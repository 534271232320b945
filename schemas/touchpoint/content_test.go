package touchpoint

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func contentOfText(t *testing.T, text string, o *Options) Content {
	t.Helper()
	_, c, err := Decode([]byte(text), o)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

const plainOne = `{"channel":"email","direction":"inbound","kind":"message","actor":{"type":"customer"},"identifiers":[{"type":"email","value":"A@b.de"}]}`

func TestContentIsWhatWasSaid(t *testing.T) {
	base := contentOfText(t, plainOne, testOptions())
	reordered := `{"identifiers":[{"value":"A\u0040b.de","type":"email"}], "actor":{"type":"customer"},"kind":"message","direction":"inbound","channel":"email"}`
	later := testOptions()
	later.Now += 1e9
	later.Verified = func(string, string, string) bool { return true }
	later.Normalise = func(id Identifier) (Identifier, error) { id.Value = strings.ToLower(id.Value); return id, nil }
	if contentOfText(t, reordered, later) != base {
		t.Error("the order of keys, the clock or the rules are in the content")
	}
	if contentOfText(t, `{"id":"x",`+plainOne[1:], testOptions()) != base {
		t.Error("the id is in the content")
	}
	seen := map[Content]string{base: plainOne}
	for _, extra := range []string{`"time":1`, `"time":2`, `"subject":"a"`, `"text":"a"`, `"topic":"a"`, `"team":"a"`, `"account":"a"`, `"source":"a"`,
		`"language":"de"`, `"tags":["a"]`, `"tags":["a","b"]`, `"tags":["ab"]`, `"thread":["a:b"]`, `"rating":{"scale":"a","value":0}`, `"properties":{}`, `"properties":{ }`} {
		text := plainOne[:len(plainOne)-1] + "," + extra + "}"
		c := contentOfText(t, text, testOptions())
		if other, twice := seen[c]; twice {
			t.Errorf("%s and %s have one content", text, other)
		}
		seen[c] = text
	}
	for _, verified := range []string{"true", "false"} {
		c := contentOfText(t, strings.Replace(plainOne, `"A@b.de"`, `"A@b.de","verified":`+verified, 1), testOptions())
		if other, twice := seen[c]; twice {
			t.Errorf("verified %s and %s have one content", verified, other)
		}
		seen[c] = verified
	}
}

func TestIDs(t *testing.T) {
	decode := func(text string, o *Options) (Touchpoint, Content) {
		t.Helper()
		tp, c, err := Decode([]byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		return tp, c
	}
	timed := `{"time":7,` + plainOne[1:]
	a, c := decode(timed, testOptions())
	later := testOptions()
	later.Now += 1e6
	if b, _ := decode(timed, later); a.ID != b.ID || !IsDerived(a.ID, c) {
		t.Errorf("with a time, the id is %q and then %q", a.ID, b.ID)
	}
	if b, _ := decode(`{"id":"`+a.ID+`",`+timed[1:], testOptions()); b.ID != a.ID {
		t.Error("a derived id cannot be given back")
	}
	if b, _ := decode(plainOne, testOptions()); b.ID != "new" || b.Time != testNow {
		t.Errorf("%+v", b)
	}
	carried := testOptions()
	carried.Carrier = Carrier{ID: "c1", Time: "2025-12-31T00:00:00Z", Source: "s"}
	if b, _ := decode(plainOne, carried); b.ID != "c1" || b.Time != testNow-86_400_000 || b.Source != "s" {
		t.Errorf("%+v", b)
	}
	if b, _ := decode(`{"id":"own","time":1,"source":"mine",`+plainOne[1:], carried); b.ID != "own" || b.Time != 1 || b.Source != "mine" {
		t.Errorf("%+v", b)
	}
}

func TestRules(t *testing.T) {
	o := testOptions()
	o.Verified = func(typ, channel, source string) bool { return typ == "email" && channel == "email" && source == "" }
	o.Normalise = func(id Identifier) (Identifier, error) {
		if id.Value == "bad" {
			return id, errors.New("want something else")
		}
		id.Value = strings.ToLower(id.Value)
		return id, nil
	}
	got, _, err := Decode([]byte(plainOne), o)
	if want := []Identifier{{"email", "a@b.de", true}}; err != nil || !reflect.DeepEqual(got.Identifiers, want) {
		t.Errorf("%+v, %v", got.Identifiers, err)
	}
	_, _, err = Decode([]byte(strings.Replace(plainOne, "A@b.de", "bad", 1)), o)
	if err == nil || err.Error() != "identifiers[0].value: want something else" {
		t.Errorf("%v", err)
	}
}

func TestRejectedIsCutToWhatTheLogTakes(t *testing.T) {
	r := NewRejected("default", SourceHTTP, "p", 1, make([]byte, 8<<20), &FieldError{Reason: "too large"})
	value, err := r.Append(nil)
	if err != nil || len(value) > 900_000 || !strings.Contains(r.Reason, "of 8388608 bytes are kept") {
		t.Errorf("%d bytes, %q, %v", len(value), r.Reason, err)
	}
	back, err := DecodeRejected(value)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%v", err)
	}
}
