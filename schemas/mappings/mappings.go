// Package mappings holds the mapping files that ship with the product.
package mappings

import (
	"embed"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Get returns the mapping file of that name, such as servicenow-incidents.
func Get(name string) ([]byte, bool) {
	b, err := files.ReadFile(name + ".yaml")
	return b, err == nil
}

// Names lists them, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return out
}
