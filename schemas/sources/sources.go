// Package sources holds the files of the providers whose webhooks are understood; package source of streams is their
// language. Beside each lies a folder with requests as the provider sends them and what they must become.
package sources

import (
	"embed"

	"github.com/throughline/throughline/schemas/shelf"
)

//go:embed *.yaml
var files embed.FS

// Get returns the file of that name, such as zendesk.
func Get(name string) ([]byte, bool) { return shelf.Get(files, name) }

// Names lists them, sorted.
func Names() []string { return shelf.Names(files) }
