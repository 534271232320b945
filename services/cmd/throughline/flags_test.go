package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A start with bad data fails, and says in which file, line and field.
func TestBadDataNamesFileLineAndField(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	bad := write("identity.yaml", "regions: [DE]\nmax_identifiers: 10\nmax_thread: 10\ntypes:\n  - name: email\n    normalise: soundex\n")
	kinds := write("registry.yaml", "kinds:\n  - {name: message, effect: magic}\n")
	_, _, err := ruleFlags{Rules: bad, Registry: kinds}.load()
	if err == nil {
		t.Fatal("bad data is taken")
	}
	for _, want := range []string{bad + ": ", "line 6: types[0].normalise", kinds + ": ", "kinds[0].effect"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestDataThatIsBuiltIn(t *testing.T) {
	rules, registered, err := ruleFlags{}.load()
	if err != nil || len(rules.Types) == 0 || len(registered.Channels) == 0 {
		t.Fatalf("%v, %v, %v", rules, registered, err)
	}
}
