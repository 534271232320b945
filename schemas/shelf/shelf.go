// Package shelf looks into a folder of YAML files that is compiled in.
package shelf

import (
	"embed"
	"strings"
)

// Get returns the file of that name, given without its .yaml.
func Get(files embed.FS, name string) ([]byte, bool) {
	b, err := files.ReadFile(name + ".yaml")
	return b, err == nil
}

// Names lists the files without their .yaml, sorted.
func Names(files embed.FS) []string {
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
