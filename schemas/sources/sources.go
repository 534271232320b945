// Package sources holds the files of the providers whose webhooks are understood; package source of streams is their
// language. Beside each lies a folder with requests as the provider sends them and what they must become.
package sources

import (
	"embed"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Get returns the file of that name, such as zendesk.
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
