package touchpoint

import (
	"reflect"
	"strings"
	"testing"
)

func TestNotesAreTheDoorsAlone(t *testing.T) {
	if _, _, err := Decode([]byte(plainOne[:len(plainOne)-1]+`,"notes":[]}`), testOptions()); err == nil || err.Field != "notes" {
		t.Fatalf("a client may send notes: %v", err)
	}
	plain := contentOfText(t, plainOne, testOptions())
	o := testOptions()
	o.Guard = func(t *Touchpoint) *FieldError {
		for range 2 {
			t.Annotate(Note{About: AboutContract, Rule: "message@1", Field: `properties."x"`, Detail: "want a number"})
		}
		t.Annotate(Note{About: AboutPrivacy, Rule: "card", Field: "text"})
		return nil
	}
	got, content, err := Decode([]byte(plainOne), o)
	if err != nil || content != plain {
		t.Fatalf("notes are in the content: %v", err)
	}
	payload, _ := got.AppendJSON(nil)
	var back Touchpoint
	if err := DecodePayload(payload, &back); err != nil || len(back.Notes) != 2 || !reflect.DeepEqual(back.Notes, got.Notes) {
		t.Fatalf("%+v of %s, %v", back.Notes, payload, err)
	}
	newer := strings.Replace(string(payload), `{"about"`, `{"since":{"v":[1]},"about"`, 1)
	if err := DecodePayload([]byte(newer), &back); err != nil || !reflect.DeepEqual(back.Notes, got.Notes) {
		t.Fatalf("a newer note: %+v, %v", back.Notes, err)
	}
	many := Touchpoint{}
	for i := range 2 * MaxNotes {
		many.Annotate(Note{Field: strings.Repeat("x", i)})
	}
	if len(many.Notes) != MaxNotes {
		t.Errorf("%d notes", len(many.Notes))
	}
}

// What a guard takes out is in nothing that is kept, and those that stay keep what was said of them.
func TestWhatAGuardTakesOut(t *testing.T) {
	say := func(identifiers string) string {
		return strings.Replace(plainOne, `{"type":"email","value":"A@b.de"}`, identifiers, 1)
	}
	guarded := func(text string) (Touchpoint, Content) {
		o := testOptions()
		o.Verified = func(string, string, string) bool { return true }
		o.Guard = func(t *Touchpoint) *FieldError {
			for i := range t.Identifiers {
				if t.Identifiers[i].Type == "passport" {
					t.Identifiers[i].Value = ""
				}
			}
			return nil
		}
		got, content, err := Decode([]byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		return got, content
	}
	const rest = `{"type":"phone","value":"1","verified":false},{"type":"email","value":"A@b.de"}`
	with, content := guarded(say(`{"type":"passport","value":"P1","verified":true},` + rest))
	without, want := guarded(say(rest))
	if content != want || !reflect.DeepEqual(with.Identifiers, without.Identifiers) || with.Identifiers[0].Verified || !with.Identifiers[1].Verified {
		t.Errorf("%+v, want %+v", with.Identifiers, without.Identifiers)
	}
	refused := testOptions()
	refused.Guard = func(*Touchpoint) *FieldError { return &FieldError{Field: "properties.x"} }
	if _, _, err := Decode([]byte(plainOne), refused); err == nil || err.Field != "properties.x" {
		t.Errorf("%v", err)
	}
}
