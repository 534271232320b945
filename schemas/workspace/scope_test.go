package workspace

import "testing"

func TestAKeyMayWhatItsScopesSay(t *testing.T) {
	for _, s := range Scopes() {
		if !(Key{}).May(s) {
			t.Errorf("a key without scopes may not %s", s)
		}
		for _, other := range Scopes() {
			if got := (Key{Scopes: []Scope{other}}).May(s); got != (s == other || s == Send && other == Write) {
				t.Errorf("a key with %s may %s: %t", other, s, got)
			}
		}
		if err := ValidScope(s); err != nil {
			t.Error(err)
		}
	}
	if ValidScope("root") == nil || (Key{Scopes: []Scope{"root"}}).May(Read) {
		t.Error("a scope that there is not must allow nothing")
	}
}
