package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/throughline/throughline/schemas/sources"
)

// Every source has a page that says how its address is made, and the README leads to every page.
func TestSourcesHavePages(t *testing.T) {
	paths, err := filepath.Glob("../../docs/sources/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var pages strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
		if link := "(docs/sources/" + filepath.Base(path) + ")"; !strings.Contains(string(readme), link) {
			t.Errorf("the README does not lead to %s", path)
		}
	}
	for _, name := range sources.Names() {
		if !strings.Contains(pages.String(), "sources keys create "+name+"`") && !strings.Contains(pages.String(), "sources keys create "+name+" ") {
			t.Errorf("no page says how %s is connected", name)
		}
	}
}
